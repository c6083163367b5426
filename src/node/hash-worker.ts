import { parentPort, workerData } from 'node:worker_threads';
import {
  hashSlices,
  sliceSearcher,
  type HashEvent,
  type HashSlice,
  type HashUnit,
} from '../roles/miner/hasher.js';

/** Which worker this is, from 0, and how many share the nonces. */
export interface HashWorkerData {
  readonly worker: number;
  readonly workers: number;
}

/** What a worker is told: a unit to hash beside the others, or null to leave the one of that order. */
export interface HashOrder {
  /** Comes back with everything found. */
  readonly order: number;
  readonly unit: HashUnit | null;
}

/** What a worker says: what an order led to so far, or that there is nothing left to try. */
export interface HashReport {
  readonly order: number;
  readonly event: HashEvent | 'exhausted';
}

/**
 * In so many milliseconds all units have their turn: new work waits no longer. A single turn is no shorter than 1 ms,
 * so that what comes between costs next to nothing.
 */
const roundDuration = 50;

const port = parentPort;
if (port === null) throw new Error('hash-worker runs in a worker thread only: use hashWorkers()');
const { worker, workers } = workerData as HashWorkerData;
/** Hashes a slice; follows the measured hash rate. */
let sliceSize = 10_000;

interface Task {
  readonly slices: Iterator<HashSlice>;
  search(slice: HashSlice): readonly number[];
}

/** By order; the first has waited longest. */
const tasks = new Map<number, Task>();
let scheduled = false;

const report = (order: number, event: HashReport['event']): void =>
  port.postMessage({ order, event } satisfies HashReport);

/** Puts the next slice behind the orders that have arrived meanwhile. */
const schedule = (): void => {
  if (scheduled) return;
  scheduled = true;
  setImmediate(step);
};

const step = (): void => {
  scheduled = false;
  const [first] = tasks;
  if (first === undefined) return;
  const [order, task] = first;
  const { slices, search } = task;
  const next = slices.next();
  tasks.delete(order);
  if (next.done === true) {
    report(order, 'exhausted');
    schedule();
    return;
  }
  tasks.set(order, task);
  const { version, count } = next.value;
  const before = performance.now();
  for (const nonce of search(next.value)) report(order, { type: 'found', nonce, version });
  const elapsed = performance.now() - before;
  report(order, { type: 'hashed', hashes: count });
  const turn = Math.max(1, roundDuration / tasks.size);
  sliceSize = Math.ceil(Math.min(4 * sliceSize, (count * turn) / Math.max(elapsed, 0.25)));
  schedule();
};

port.on('message', ({ order, unit }: HashOrder) => {
  if (unit === null) {
    tasks.delete(order);
    return;
  }
  tasks.set(order, {
    slices: hashSlices(unit, () => sliceSize, worker, workers),
    search: sliceSearcher(unit),
  });
  schedule();
});
