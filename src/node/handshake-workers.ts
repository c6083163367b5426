import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Observable, type Subscriber } from 'rxjs';
import type { ResponderKeys } from '../noise/handshake.js';
import type { StaticKeyOptions } from '../noise/static-key.js';
import { TransportError } from '../transport/errors.js';
import { positive } from '../transport/limits.js';
import { responderHere, type CreateResponder, type Responder } from '../transport/security.js';
import { nodeCrypto } from './crypto.js';
import type { HandshakeAnswer, HandshakeOrder } from './handshake-worker.js';

/** Handshakes that a thread has at a time: enough that it never waits for the next, few enough that those given up cost little. */
const ahead = 3;

interface Waiting {
  readonly act1: Uint8Array;
  readonly now: number;
  readonly subscriber: Subscriber<ResponderKeys>;
}

interface Thread {
  readonly worker: Worker;
  readonly answering: Map<number, Waiting>;
}

/**
 * Answers handshakes in worker threads with `wasmCrypto`, so that those who are served do not notice how many come:
 * `listen({ …, responder: handshakeWorkers() })`. They start with the first handshakes and run while it listens. When more come than the
 * threads can answer, the newest go first, since the oldest are the likeliest to have given up.
 *
 * A handshake whose thread ends errors with TransportError `handshake-worker-failed`; another thread takes its place. Where threads
 * cannot work at all (a bundler that left their file out, a policy against WebAssembly), this one does their work with `nodeCrypto`.
 * @param threads how many, 1 or more; unless given, one for every processor but one, 4 at most
 * @throws TransportError `invalid-option`
 */
export function handshakeWorkers(
  threads = Math.min(Math.max(availableParallelism() - 1, 1), 4),
): CreateResponder {
  positive('threads', threads);
  return (options) => {
    const running = new Set<Thread>();
    const waiting: Waiting[] = [];
    let order = 0;
    let cleared = false;
    let hasAnswered = false;
    let here: Responder | undefined;

    const begin = (): void => {
      const thread: Thread = { worker: startWorker(options), answering: new Map() };
      running.add(thread);
      thread.worker
        .on('message', ({ order, ...keys }: HandshakeAnswer) => {
          hasAnswered = true;
          const answered = thread.answering.get(order);
          thread.answering.delete(order);
          if (answered === undefined) clearKeys(keys);
          else {
            answered.subscriber.next(keys);
            answered.subscriber.complete();
          }
          work();
        })
        .on('error', (error) => end(thread, error.message, error))
        .on('exit', (code) => end(thread, `with code ${code}`));
    };

    const end = (thread: Thread, why: string, cause?: unknown): void => {
      if (!running.delete(thread) || cleared) return;
      void thread.worker.terminate();
      const unanswered = [...thread.answering.values()];
      if (hasAnswered) for (const { subscriber } of unanswered) subscriber.error(workerFailed(why, cause));
      else {
        here ??= responderHere(nodeCrypto)(options);
        waiting.unshift(...unanswered);
      }
      work();
    };

    const work = (): void => {
      while (waiting.length > 0) {
        if (here !== undefined) {
          const { act1, now, subscriber } = waiting.pop() as Waiting;
          subscriber.add(here.respond(act1, now).subscribe(subscriber));
          continue;
        }
        if (running.size < threads) begin(); // the first ones, and one that ended
        const thread = [...running].reduce((a, b) => (b.answering.size < a.answering.size ? b : a));
        if (thread.answering.size >= ahead) return;
        const next = waiting.pop() as Waiting;
        const { act1, now } = next;
        order += 1;
        thread.answering.set(order, next);
        thread.worker.postMessage({ order, act1: act1.slice(), now } satisfies HandshakeOrder);
      }
    };

    return {
      atOnce: threads * ahead,
      respond: (act1, now) =>
        new Observable((subscriber) => {
          const mine = { act1, now, subscriber };
          waiting.push(mine);
          work();
          return () => {
            const place = waiting.lastIndexOf(mine);
            if (place >= 0) waiting.splice(place, 1);
            for (const { answering } of running) {
              for (const [order, other] of answering) if (other === mine) answering.delete(order);
            }
          };
        }),
      clear() {
        cleared = true;
        here?.clear();
        for (const { worker } of running) void worker.terminate();
        running.clear();
      },
    };
  };
}

/** The thread has a copy of the authority's key, to renew its certificate, and keeps it to itself. */
function startWorker({ authoritySecretKey, certValiditySeconds }: StaticKeyOptions): Worker {
  return new Worker(new URL('./handshake-worker.js', import.meta.url), {
    workerData: {
      authoritySecretKey: authoritySecretKey.slice(),
      certValiditySeconds,
    } satisfies StaticKeyOptions,
  });
}

function clearKeys({ sendKey, receiveKey }: ResponderKeys): void {
  sendKey.fill(0);
  receiveKey.fill(0);
}

function workerFailed(why: string, cause: unknown): TransportError {
  return new TransportError(
    'handshake-worker-failed',
    `the thread that was to answer this handshake ended: ${why}`,
    {},
    cause,
  );
}
