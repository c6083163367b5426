/** Ports in memory: what a pool's fronts and its core hand each other, in one thread. */
import { asapScheduler, observeOn, Subject } from 'rxjs';
import type { Port } from '../roles/cluster/port.js';

/** Both ends of a way that values take. */
export interface MemoryPorts {
  readonly ends: readonly [Port, Port];
  /** Cuts it: what is under way is lost, and both ends complete. */
  readonly cut: () => void;
}

/**
 * Two ends of a way that values take, in one thread: what one sends arrives at the other a moment later, as a structured
 * clone, so that neither sees the other's objects.
 */
export function memoryPorts(): MemoryPorts {
  const [first$, second$] = [new Subject<unknown>(), new Subject<unknown>()];
  const endOf = (incoming$: Subject<unknown>, outgoing$: Subject<unknown>): Port => ({
    message$: incoming$.pipe(observeOn(asapScheduler)),
    send: (value) => outgoing$.next(structuredClone(value)),
  });
  return {
    ends: [endOf(first$, second$), endOf(second$, first$)],
    cut() {
      first$.complete();
      second$.complete();
    },
  };
}
