import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Observable, type Subscriber } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import type { Hasher, HashEvent } from '../roles/miner/hasher.js';
import type { HashOrder, HashReport, HashWorkerData } from './hash-worker.js';

/**
 * Hashes in worker threads, each of which tries its own share of the nonces. Subscribing starts the threads and
 * emits one hasher. Unsubscribing ends them.
 * @param threads how many, 1 or more; as many as the machine has processors unless given
 * @returns errors with Sv2Error `hash-worker-failed` when a thread ends that should not
 * @throws Sv2Error `out-of-range`
 */
export function hashWorkers(threads = availableParallelism()): Observable<Hasher> {
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new Sv2Error('out-of-range', `threads must be a whole number above 0, got ${threads}`, { threads });
  }
  return new Observable((subscriber) => {
    let orders = 0;
    const running = new Map<number, { readonly subscriber: Subscriber<HashEvent>; working: number }>();

    const workers = Array.from({ length: threads }, (_, worker) => {
      const thread = new Worker(new URL('./hash-worker.js', import.meta.url), {
        workerData: { worker, workers: threads } satisfies HashWorkerData,
      });
      const fail = (why: string, cause?: unknown): void =>
        subscriber.error(
          new Sv2Error('hash-worker-failed', `worker thread ${worker + 1} of ${threads} ${why}`, {}, cause),
        );
      return thread
        .on('message', (report: HashReport) => receive(report))
        .on('error', (error) => fail(`failed: ${error.message}`, error))
        .on('exit', (code) => fail(`ended, with code ${code}`));
    });

    const command = (order: number, unit: HashOrder['unit']): void => {
      for (const worker of workers) worker.postMessage({ order, unit } satisfies HashOrder);
    };

    const receive = ({ order, event }: HashReport): void => {
      const current = running.get(order);
      if (current === undefined) return; // it was left meanwhile
      if (event !== 'exhausted') current.subscriber.next(event);
      else if (--current.working === 0) current.subscriber.complete();
    };

    const hasher: Hasher = {
      hash(unit) {
        return new Observable((hashing) => {
          const order = (orders += 1);
          running.set(order, { subscriber: hashing, working: threads });
          command(order, unit);
          return () => {
            running.delete(order);
            command(order, null);
          };
        });
      },
    };

    subscriber.add(() => {
      for (const worker of workers) void worker.terminate();
    });
    subscriber.next(hasher);
  });
}
