/** Ports over the IPC of processes: a front's to its core, and the core's to a front. */
import type { Worker } from 'node:cluster';
import { defer, EMPTY, fromEvent, share, takeUntil } from 'rxjs';
import type { Port } from '../../roles/cluster/port.js';

/** What both a worker and the process of one have. */
interface Channel {
  isConnected(): boolean;
  send(value: object, done: (error: Error | null) => void): void;
  readonly events: Parameters<typeof fromEvent>[0];
}

/** Values are cloned as `serialization: 'advanced'` does: bytes and bigints pass. */
const portOf = ({ isConnected, send, events }: Channel): Port => ({
  message$: defer(() =>
    isConnected()
      ? fromEvent(events, 'message', (message: unknown) => message).pipe(
          takeUntil(fromEvent(events, 'disconnect')),
        )
      : EMPTY,
  ).pipe(share()),
  send(value) {
    // that it could not be sent is known by the end of `message$`
    if (isConnected()) send(value, () => undefined);
  },
});

/** The core's port to a front. */
export const frontPort = (worker: Worker): Port =>
  portOf({
    isConnected: () => worker.isConnected(),
    send: (value, done) => void worker.send(value, undefined, undefined, done),
    events: worker,
  });

/** A front's port to its core: of this process, which the core has started. */
export const corePort = (): Port =>
  portOf({
    isConnected: () => process.connected,
    send: (value, done) => void process.send?.(value, undefined, undefined, done),
    events: process,
  });

/** In the environment of a front's process. */
export const frontMark = 'SV2_POOL_FRONT';

/** Whether this process was started as a front: it gets its settings by {@link corePort}. */
export const isFront = (): boolean => process.env[frontMark] === '1' && process.send !== undefined;
