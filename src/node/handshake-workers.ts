import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Observable, type Observer, type Subscriber } from 'rxjs';
import type { ResponderKeys } from '../noise/handshake.js';
import type { StaticKeyOptions } from '../noise/static-key.js';
import { TransportError } from '../transport/errors.js';
import { concatBytes } from '../transport/frame-channel.js';
import { positive } from '../transport/limits.js';
import { responderHere, type CreateResponder, type Responder } from '../transport/security.js';
import { nodeCrypto } from './crypto.js';
import { answerLength, keysAt, type HandshakeAnswers, type HandshakeOrders } from './handshake-orders.js';

/** Handshakes that a thread is given in one message. */
const batchSize = 8;
/** Messages that a thread has at a time: enough that it never waits for the next, few enough that handshakes given up cost little. */
const ahead = 2;

interface Waiting {
  readonly act1: Uint8Array;
  readonly now: number;
  readonly subscriber: Subscriber<ResponderKeys>;
}

interface Thread {
  readonly worker: Worker;
  readonly answering: Map<number, Waiting>;
  /** Messages it has not answered. */
  messages: number;
}

/**
 * Answers handshakes in worker threads with `wasmCrypto`, so that those who are served do not notice how many come:
 * `listen({ …, responder: handshakeWorkers() })`. One starts when it begins to listen and makes keys ahead, others when there is
 * more to do than one can; they run while it listens. When more come than the
 * threads can answer, the newest go first, since the oldest are the likeliest to have given up.
 *
 * A handshake whose thread ends errors with TransportError `handshake-worker-failed`; another thread takes its place. Where threads
 * cannot work at all (a bundler that left their file out, a policy against threads or WebAssembly), this one does their work with
 * `nodeCrypto`, and `noThreadsObserver` is told.
 * @param threads how many, 1 or more; unless given, one for every processor but one, 4 at most
 * @param noThreadsObserver told why no thread can work, once whenever listening began: TransportError `handshake-worker-failed`
 * @throws TransportError `invalid-option`
 */
export function handshakeWorkers(
  threads = Math.min(Math.max(availableParallelism() - 1, 1), 4),
  noThreadsObserver: Partial<Observer<TransportError>> = {},
): CreateResponder {
  positive('threads', threads);
  return (options) => {
    const running = new Set<Thread>();
    const waiting: Waiting[] = [];
    let order = 0;
    let cleared = false;
    let hasAnswered = false;
    /** Threads that may run: `threads`, unless the system has no more. */
    let most = threads;
    let here: Responder | undefined;

    const begin = (): void => {
      let worker: Worker;
      try {
        worker = startWorker(options);
      } catch (error) {
        noMore(error instanceof Error ? error.message : String(error), error); // such as ERR_ACCESS_DENIED
        return;
      }
      const thread: Thread = { worker, answering: new Map(), messages: 0 };
      running.add(thread);
      thread.worker
        .on('message', ({ first, answers }: HandshakeAnswers) => {
          hasAnswered = true;
          thread.messages -= 1;
          for (let start = 0; start < answers.length; start += answerLength) {
            const order = first + start / answerLength;
            const answered = thread.answering.get(order);
            thread.answering.delete(order);
            const keys = keysAt(answers, start);
            if (answered === undefined) clearKeys(keys);
            else {
              answered.subscriber.next(keys);
              answered.subscriber.complete();
            }
          }
          work();
        })
        .on('error', (error) => end(thread, error.message, error))
        .on('exit', (code) => end(thread, `with code ${code}`));
    };

    /** The threads that run go on without others; if there are none, this one does their work. */
    const noMore = (why: string, cause: unknown): void => {
      most = running.size;
      if (most > 0 || here !== undefined) return;
      here = responderHere(nodeCrypto)(options);
      noThreadsObserver.next?.(noThreads(why, cause));
    };

    const end = (thread: Thread, why: string, cause?: unknown): void => {
      if (!running.delete(thread) || cleared) return;
      void thread.worker.terminate();
      const unanswered = [...thread.answering.values()];
      if (hasAnswered) for (const { subscriber } of unanswered) subscriber.error(workerFailed(why, cause));
      else {
        noMore(why, cause);
        waiting.unshift(...unanswered);
      }
      work();
    };

    const idlest = (): Thread | undefined =>
      [...running].reduce<Thread | undefined>(
        (best, thread) => (best === undefined || thread.messages < best.messages ? thread : best),
        undefined,
      );

    /** @param batch the newest last */
    const give = (thread: Thread, batch: readonly Waiting[]): void => {
      const first = order;
      for (const one of batch) thread.answering.set(order++, one);
      const act1s = concatBytes(batch.map(({ act1 }) => act1));
      const now = Math.max(...batch.map((one) => one.now));
      thread.messages += 1;
      thread.worker.postMessage({ first, count: batch.length, act1s, now } satisfies HandshakeOrders);
    };

    const work = (): void => {
      while (waiting.length > 0) {
        if (here !== undefined) {
          const { act1, now, subscriber } = waiting.pop() as Waiting;
          subscriber.add(here.respond(act1, now).subscribe(subscriber));
          continue;
        }
        let thread = idlest();
        if ((thread === undefined || thread.messages > 0) && running.size < most) {
          begin(); // another one, or in the place of one that ended
          thread = idlest();
        }
        if (here !== undefined) continue;
        if (thread === undefined || thread.messages >= ahead) return;
        give(thread, waiting.splice(-batchSize));
      }
    };

    begin();
    return {
      atOnce: threads * ahead * batchSize,
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

function noThreads(why: string, cause: unknown): TransportError {
  return new TransportError(
    'handshake-worker-failed',
    `no thread can answer handshakes (${why}): the one that serves everyone does, and all wait while many come at once`,
    {},
    cause,
  );
}
