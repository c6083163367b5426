/** A server inside this process as something that can be dialled. */
import { Observable, Subscription } from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { Connection, Connector } from '../../transport/connection.js';
import { isOfSide } from '../sides.js';
import { directPair } from './direct-pair.js';

/** What is dialled. */
export interface InProcessServer<O extends { readonly type: string }> {
  /** What clients call it. */
  readonly name: string;
  /** Serves one connection, with a server of its own, while subscribed. */
  serve(connection: Connection): Observable<O>;
  /** Whether an outcome says that it is of use; undefined if it is from the beginning. */
  isReady?(outcome: O): boolean;
  /** Why an outcome makes it useless; undefined for others. */
  faultOf?(outcome: O): Error | undefined;
}

/**
 * Dials a server inside this process: each connection has one of its own, which is started with it and ends with it. The
 * connection is there when the server says that it is of use.
 */
export function inProcess<O extends { readonly type: string }>(server: InProcessServer<O>): Connector {
  const { name, isReady, faultOf } = server;
  return new Observable<Connection>((subscriber) => {
    const { near, far, fail } = directPair('this process', name);
    const run = new Subscription();
    let isEmitted = false;
    const emit = () => {
      if (isEmitted) return;
      isEmitted = true;
      subscriber.next(near);
      subscriber.complete();
    };
    const end = (error: Error) => {
      if (isEmitted) fail(error);
      else subscriber.error(error);
      run.unsubscribe();
    };
    run.add(
      server.serve(far).subscribe({
        next(outcome) {
          const fault = faultOf?.(outcome);
          if (fault !== undefined) end(fault);
          // the only client that it has
          else if (outcome.type === 'disconnected' && isOfSide('server', outcome)) run.unsubscribe();
          else if (isReady?.(outcome) === true) emit();
        },
        error: (error: unknown) => end(error instanceof Error ? error : new Error(String(error))),
        complete: () => end(new Sv2Error('server-ended', `${name} has ended`)),
      }),
    );
    if (isReady === undefined) emit();
    return () => {
      if (!isEmitted) run.unsubscribe();
    };
  });
}
