/** What a declaring client has asked, and until when it is to be answered. */
import type { ClientJob } from './client-job.js';

/** What a request is about: there is one of a kind and id at a time. */
export type RequestKind = 'token' | 'data' | 'declaration' | 'job';

/** What was asked and not answered yet. */
export interface Asked {
  readonly kind: RequestKind;
  /** The message's name. */
  readonly what: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly job?: ClientJob;
}

/** See {@link clientRequests}. */
export interface ClientRequests {
  /** A request id that was not used for long. */
  nextId(): number;
  /** Something is asked, or its time begins anew. */
  ask(kind: RequestKind, id: number | bigint, what: string, now: number, job?: ClientJob): void;
  find(kind: RequestKind, id: number | bigint): Asked | undefined;
  /** What was asked that is answered now; undefined for what nobody asked. */
  answered(kind: RequestKind, id: number | bigint): Asked | undefined;
  /** Nobody waits for what was asked about a job any more, but for what is of kinds that are still of use. */
  forget(job: ClientJob, butFor?: readonly RequestKind[]): void;
  /** Nobody answers what was asked of a kind any more. @returns what that was */
  forgetAll(kind: RequestKind): readonly Asked[];
  /** How many of a kind wait. */
  count(kind: RequestKind): number;
  /** Those whose time is up. */
  late(now: number): readonly Asked[];
}

/** @param timeout milliseconds that each may take */
export const clientRequests = (timeout: number): ClientRequests => {
  const asked = new Map<string, Asked>();
  const keyOf = (kind: RequestKind, id: number | bigint): string => `${kind} ${id}`;
  let lastId = 0;
  return {
    nextId: () => (lastId = (lastId % 0xffff_ffff) + 1),
    ask(kind, id, what, now, job) {
      const deadline = now + timeout;
      asked.set(keyOf(kind, id), { kind, what, deadline, ...(job === undefined ? {} : { job }) });
    },
    find: (kind, id) => asked.get(keyOf(kind, id)),
    answered(kind, id) {
      const key = keyOf(kind, id);
      const request = asked.get(key);
      asked.delete(key);
      return request;
    },
    forget(job, butFor = []) {
      for (const [key, request] of asked)
        if (request.job === job && !butFor.includes(request.kind)) asked.delete(key);
    },
    forgetAll(kind) {
      const forgotten = [...asked].filter(([, request]) => request.kind === kind);
      for (const [key] of forgotten) asked.delete(key);
      return forgotten.map(([, request]) => request);
    },
    count: (kind) => [...asked.values()].filter((request) => request.kind === kind).length,
    late: (now) => [...asked.values()].filter(({ deadline }) => deadline <= now),
  };
};
