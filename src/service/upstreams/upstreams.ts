/** Which of several servers is next, and when: what is known of each, as a state without I/O. */
import { backoff, defaultMaxDelay, type ReconnectPolicy } from './backoff.js';

/** What is known of one server. Times are milliseconds since 1970. */
interface Upstream {
  /** Failures in a row. */
  readonly failures: number;
  /** Not to be dialled before. */
  readonly retryAt: number;
}

/** What is known of the servers, in order of preference; see {@link startUpstreams}. */
export type Upstreams = readonly Upstream[];

/** How a connection, or an attempt at one, ended. */
export interface UpstreamEnd {
  /** Which server it was to, from 0 on. */
  readonly index: number;
  readonly now: number;
  /** Milliseconds that it was set up for; 0 if it never was. */
  readonly lasted: number;
  /** Milliseconds for which the server is to be left alone, if it was found to be bad. */
  readonly banFor?: number;
  /** A number from 0 up to but not including 1. */
  readonly random: number;
}

/** Who is dialled next. */
export interface NextUpstream {
  readonly index: number;
  /** In how many milliseconds; 0 for at once. */
  readonly delay: number;
  /** Which attempt in a row it is, from 1 on. */
  readonly attempt: number;
}

/** The state in which all servers are untried. @param count 1 or more */
export const startUpstreams = (count: number): Upstreams =>
  Array.from({ length: count }, () => ({ failures: 0, retryAt: -Infinity }));

/** Takes note of the end of a connection: one that lasted for `maxDelay` makes up for the failures before it. */
export function upstreamEnded(upstreams: Upstreams, end: UpstreamEnd, policy: ReconnectPolicy): Upstreams {
  const { index, now, lasted, banFor = 0, random } = end;
  return upstreams.map((upstream, at) => {
    if (at !== index) return upstream;
    const failures = (lasted >= (policy.maxDelay ?? defaultMaxDelay) ? 0 : upstream.failures) + 1;
    return { failures, retryAt: now + Math.max(banFor, backoff(policy, failures, random)) };
  });
}

/**
 * The server to dial: the first one that need not be waited for, or else the one whose wait ends first.
 * @param maxAttempts servers with more failures in a row than this are not tried again
 * @param before only servers that come before this one, if given
 * @returns undefined if there is none left
 */
export function nextUpstream(
  upstreams: Upstreams,
  now: number,
  maxAttempts: number,
  before = upstreams.length,
): NextUpstream | undefined {
  const left = upstreams
    .slice(0, before)
    .map(({ failures, retryAt }, index) => ({ index, failures, delay: Math.max(0, retryAt - now) }))
    .filter(({ failures }) => failures <= maxAttempts);
  const delay = Math.min(...left.map((upstream) => upstream.delay));
  const next = left.find((upstream) => upstream.delay === delay);
  return next && { index: next.index, delay, attempt: Math.max(1, next.failures) };
}
