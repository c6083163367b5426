/** One connection to an upstream: its channels, and whether it is of any use. */
import { miningClient, type MiningClient } from '../mining-client.js';
import type { Aggregate } from './aggregate.js';
import type { UpstreamFaultCode, UpstreamInfo } from './mining-proxy-types.js';
import type { ProxyOutput } from './output.js';
import type { UpstreamRoute } from './upstream-route.js';

/** Limits of what an upstream may do. */
export interface UpstreamLimits {
  readonly silenceLimit: number;
  readonly maxRejectedInARow: number;
}

/** Milliseconds in which a request for a channel is to be answered, and the first job to come after it. */
const answerLimit = 60_000;

/**
 * Messages that every channel here may have to be told of: so many at once, then so many a second, and as much for each channel there.
 * Pools send a job every few seconds.
 */
const changes = { burst: 100, perSecond: 5 };

/** Bytes of a coinbase that count as a message: what every channel here has to hash of a job. Those of large pools have some thousand. */
const coinbaseBytesPerChange = 8_192;

/** Messages that made no sense, until an upstream is left. */
const maxNonsense = 16;

/** One connection to an upstream. See {@link upstreamSession}. Times are milliseconds since 1970. */
export interface UpstreamSession {
  readonly upstream: number;
  /** When it was set up. */
  readonly since: number;
  readonly core: MiningClient;
  info: UpstreamInfo;
  /** By the ids of their upstream channels: those that are there, and those whose shares are still to be answered. */
  readonly routes: Map<number, UpstreamRoute>;
  /** By the ids of their upstream channels. */
  readonly aggregates: Map<number, Aggregate>;
  /** By the ids of their requests. */
  readonly requests: Map<number, Aggregate>;
  /** Whether it was found to be of no use. */
  readonly isFaulty: boolean;
  nextRequestId(): number;
  /**
   * Counts a job, another change, or a verdict on nothing; whether it is one too many.
   *
   * @param coinbaseBytes of the job, or those of what is handed on unread; 0 for others
   */
  change(coinbaseBytes: number, now: number, out: ProxyOutput): boolean;
  /** A channel has work. */
  job(now: number): void;
  /** A verdict on shares: some were accepted, or one was rejected. */
  verdict(areAccepted: boolean, out: ProxyOutput): void;
  /** A message made no sense. */
  nonsense(code: string, message: string, out: ProxyOutput): void;
  fault(code: UpstreamFaultCode, message: string, out: ProxyOutput): void;
  /** Looks whether it is silent. */
  tick(now: number, out: ProxyOutput): void;
}

/** A connection to an upstream that was just set up. */
export const upstreamSession = (
  upstream: number,
  info: UpstreamInfo,
  { silenceLimit, maxRejectedInARow }: UpstreamLimits,
  now: number,
): UpstreamSession => {
  let requests = 0;
  let rejectedInARow = 0;
  let nonsense = 0;
  let lastJobAt: number | null = null;
  let allowance = changes.burst;
  let allowedAt = now;
  let allowedFor = 1;
  let isFaulty = false;

  return {
    upstream,
    since: now,
    core: miningClient(info),
    info,
    routes: new Map(),
    aggregates: new Map(),
    requests: new Map(),
    get isFaulty() {
      return isFaulty;
    },
    nextRequestId: () => (requests = (requests + 1) >>> 0),
    change(coinbaseBytes, at, out) {
      const channels = 1 + this.routes.size;
      const earned = (Math.max(0, at - allowedAt) / 1_000) * changes.perSecond * channels;
      // each channel that opens comes with jobs of its own
      const opened = Math.max(0, channels - allowedFor) * changes.burst;
      allowance = Math.min(changes.burst * channels, allowance + earned + opened);
      allowedAt = at;
      allowedFor = channels;
      allowance -= 1 + Math.floor(coinbaseBytes / coinbaseBytesPerChange);
      if (allowance >= 0) return false;
      this.fault(
        'too-many-jobs',
        'it sends jobs, changes or verdicts on nothing faster than anybody could mine',
        out,
      );
      return true;
    },
    job(at) {
      lastJobAt = at;
    },
    verdict(areAccepted, out) {
      if (areAccepted) {
        rejectedInARow = 0;
        return;
      }
      rejectedInARow += 1;
      if (rejectedInARow < maxRejectedInARow) return;
      this.fault('shares-rejected', `it has rejected ${rejectedInARow} shares in a row`, out);
    },
    nonsense(code, message, out) {
      nonsense += 1;
      if (nonsense > maxNonsense) this.fault('nonsense', message, out);
      else out.tell({ type: 'UpstreamNonsense', upstream, code, message });
    },
    fault(code, message, out) {
      if (isFaulty) return;
      isFaulty = true;
      out.tell({ type: 'UpstreamFault', upstream, code, message });
    },
    tick(at, out) {
      for (const [channelId, { isOpen, unanswered }] of this.routes)
        if (!isOpen && unanswered === 0) this.routes.delete(channelId);
      for (const { asked } of this.requests.values()) {
        if (asked === null || at - asked.at < answerLimit) continue;
        this.fault(
          'no-answer',
          `it has not answered a request for a channel within ${answerLimit / 1_000} s`,
          out,
        );
        return;
      }
      if (this.aggregates.size === 0) {
        lastJobAt = null;
        return;
      }
      lastJobAt ??= at - silenceLimit + Math.min(silenceLimit, answerLimit); // the first is due sooner
      if (at - lastJobAt < silenceLimit) return;
      this.fault('no-jobs', `it has sent no job for too long`, out);
    },
  };
};
