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

/** What a worker is told: what to hash from now on, or null to rest. */
export interface HashOrder {
  /** Comes back with everything found, so that the results of an order before can be told apart. */
  readonly order: number;
  readonly unit: HashUnit | null;
}

/** What a worker says: what an order led to so far, or that there is nothing left to try. */
export interface HashReport {
  readonly order: number;
  readonly event: HashEvent | 'exhausted';
}

/** For so many milliseconds it hashes at a stretch: new work waits no longer, and the rest costs next to nothing. */
const sliceDuration = 50;

const port = parentPort;
if (port === null) throw new Error('hash-worker runs in a worker thread only: use hashWorkers()');
const { worker, workers } = workerData as HashWorkerData;
/** Hashes a slice; follows the measured hash rate. */
let sliceSize = 10_000;

interface Task {
  readonly order: number;
  readonly slices: Iterator<HashSlice>;
  search(slice: HashSlice): readonly number[];
}

let task: Task | undefined;
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
  if (task === undefined) return;
  const { order, slices, search } = task;
  const next = slices.next();
  if (next.done === true) {
    task = undefined;
    report(order, 'exhausted');
    return;
  }
  const { version, count } = next.value;
  const before = performance.now();
  for (const nonce of search(next.value)) report(order, { type: 'found', nonce, version });
  const elapsed = performance.now() - before;
  report(order, { type: 'hashed', hashes: count });
  sliceSize = Math.round(Math.min(4 * sliceSize, (count * sliceDuration) / Math.max(elapsed, 1)));
  schedule();
};

port.on('message', ({ order, unit }: HashOrder) => {
  task =
    unit === null
      ? undefined
      : { order, slices: hashSlices(unit, () => sliceSize, worker, workers), search: sliceSearcher(unit) };
  if (task !== undefined) schedule();
});
