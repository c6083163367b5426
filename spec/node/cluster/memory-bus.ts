/** A broker of subjects in memory, with connections that can be cut. */
import { queueScheduler, filter, map, observeOn, Subject } from 'rxjs';
import type { Bus } from '../../../src/node/cluster/bus.js';

/** A connection to it. */
export interface MemoryBus extends Bus {
  /** While it is cut nothing goes in or out, and nobody is told. */
  isCut: boolean;
  /** Messages that it published. */
  readonly published: readonly { readonly subject: string; readonly bytes: Uint8Array }[];
}

/** A broker; each call makes a connection to it. */
export const memoryBroker = (maxBytes = 1024 * 1024): (() => MemoryBus) => {
  const message$ = new Subject<{ readonly subject: string; readonly bytes: Uint8Array }>();
  return () => {
    const published: { readonly subject: string; readonly bytes: Uint8Array }[] = [];
    const bus: MemoryBus = {
      isCut: false,
      maxBytes,
      published,
      publish(subject, payload) {
        if (payload.length > maxBytes) throw new Error(`${payload.length} bytes are too many for the broker`);
        if (bus.isCut) return;
        const message = { subject, bytes: payload.slice() };
        published.push(message);
        message$.next(message);
      },
      message$: (subject) =>
        message$.pipe(
          filter((message) => message.subject === subject && !bus.isCut),
          observeOn(queueScheduler),
          map(({ bytes }) => bytes),
        ),
    };
    return bus;
  };
};
