/** What carries a cluster's messages from machine to machine, and under which names. */
import type { Observable } from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';

/**
 * A broker of subjects: what is published reaches all who listen to the subject then, in the order of its publisher, or is
 * lost with the connection. `natsBus` is one.
 */
export interface Bus {
  /** Bytes that a message may have. */
  readonly maxBytes: number;
  /** Publishes, or does nothing while there is no connection. */
  publish(subject: string, payload: Uint8Array): void;
  /** What is published on a subject while subscribed. */
  message$(subject: string): Observable<Uint8Array>;
}

/** The subjects of a cluster. */
export interface ClusterSubjects {
  /** From the core, to all fronts: a template for a hundred of them is published once. */
  readonly all: string;
  /** From fronts, to the core. */
  readonly core: string;
  /** From the core, to one session of a front. */
  front(session: string): string;
}

/**
 * The subjects of a cluster.
 * @param cluster its name, which tells it from others on the same broker
 * @throws Sv2Error `invalid-cluster-name` for what is not 1 to 32 letters, digits, `-` and `_`
 */
export function clusterSubjects(cluster: string): ClusterSubjects {
  if (!/^[\w-]{1,32}$/.test(cluster))
    throw new Sv2Error(
      'invalid-cluster-name',
      `a cluster's name must be 1 to 32 letters, digits, - and _, got ${JSON.stringify(cluster.slice(0, 40))}`,
      { cluster },
    );
  return {
    all: `${cluster}.all`,
    core: `${cluster}.core`,
    front: (session) => `${cluster}.front.${session}`,
  };
}
