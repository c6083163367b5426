/** An upstream channel and the channels here that share it: which work they are given, and what of theirs it is told. */
import { compareTargets, targetFromNbits } from '../../bitcoin/target.js';
import { SetNewPrevHashTemplate } from '../../messages/template-distribution.js';
import type { ChannelServer } from '../channel-server-types.js';
import { gather, NOTHING } from '../mining-server-output.js';
import type { MiningServerOutput } from '../mining-server-types.js';
import type { OpenMiningChannel } from '../mining-client.js';
import { samePrevHash, type ChainTip } from '../work/chain-tip.js';
import type { ChannelJob, ExtendedJob } from '../work/job.js';
import type { ChannelRates } from './channel-rates.js';
import type { TalkingChannel } from './unknown-messages.js';
import type { UpstreamJob } from './upstream-jobs.js';
import type { UpstreamRoute } from './upstream-route.js';

/** What an upstream was last told of hash rates. */
interface Told {
  /** Hashes per second. */
  readonly hashRate: number;
  readonly at: number;
}

/** An upstream channel and the channels that share it. See {@link aggregate}. Times are milliseconds since 1970. */
export interface Aggregate {
  /** The number of the upstream whose work it has. */
  readonly upstream: number;
  /** The server of the channels. */
  readonly server: ChannelServer<UpstreamJob>;
  /** How many channels there are. */
  members: number;
  /** Since when there are none; null while there are. */
  emptySince: number | null;
  /** To the upstream channel; null while there is none. */
  route: UpstreamRoute | null;
  /** The request for the upstream channel that was sent, and when. */
  asked: { readonly requestId: number; readonly at: number } | null;
  /** The upstream that its channels are for by the user's will; null for those that go where they are needed. */
  readonly pinnedTo: number | null;
  /** Whether it has an upstream channel though there are no channels that share it. */
  isKept: boolean;
  /** In pass-through mode: what its only channel was, or is to be, opened with. */
  request: OpenMiningChannel | null;
  /** In pass-through mode: those that its channel can move between, by their upstreams; null where it was refused. */
  homes: Map<number, Aggregate | null>;
  /** In pass-through mode: who waits for the upstream's answer. */
  waiting: number | null;
  told: Told;
  /** Its channels that have exchanged messages of unknown extensions with the upstream; see `unknown-messages`. */
  readonly talking: Map<string, TalkingChannel>;
  /** The upstream has given its channel a job, future or not. */
  takeJob(job: ChannelJob<ExtendedJob>, now: number): MiningServerOutput;
  /** The upstream has made a job the active one by another previous hash; null if none is active. */
  takeTip(job: ChannelJob<ExtendedJob> | null, now: number): MiningServerOutput;
  /** The upstream's targets may have changed: no channel's is to be harder. */
  takeTarget(now: number): MiningServerOutput;
  /** Whether there is a job, of the upstream channel that there is. */
  readonly hasWork: boolean;
  /** Hashes per second of each client's channels, as they are known. */
  hashRates(now: number): ReadonlyMap<number, number>;
}

/** Whether work on one tip goes on on the other. */
const continues = (before: ChainTip | null, tip: ChainTip): boolean =>
  samePrevHash(before, tip) && before?.nbits === tip.nbits && before.minNtime <= tip.minNtime;

/**
 * The channels that share a channel of an upstream.
 *
 * @param pinnedTo see {@link Aggregate.pinnedTo}
 * @param rates the hash rates of channels
 * @param nextSourceId numbers upstream jobs, over all aggregates
 */
export const aggregate = (
  upstream: number,
  pinnedTo: number | null,
  server: ChannelServer<UpstreamJob>,
  rates: ChannelRates,
  nextSourceId: () => bigint,
): Aggregate => {
  /** Of upstream jobs for the next tip, by their ids there; as many as the upstream channel keeps. */
  let future = new Map<number, UpstreamJob>();
  let tip: ChainTip | null = null;
  /** Where the work that is done comes from. */
  let worked: UpstreamRoute | null = null;
  let hardest: Uint8Array | null = null;

  const sourceOf = (route: UpstreamRoute, job: ChannelJob<ExtendedJob>, isFuture: boolean): UpstreamJob => ({
    templateId: nextSourceId(),
    futureTemplate: isFuture,
    ...(job.tip === null || isFuture
      ? {}
      : { begins: { minNtime: job.tip.minNtime, receivedAt: job.tip.receivedAt } }),
    route,
    job,
  });

  /** Has a job mined on its tip: all others end, as that was not known, or late shares for them still count. */
  const mine = (
    route: UpstreamRoute,
    job: ChannelJob<ExtendedJob>,
    on: ChainTip,
    now: number,
  ): MiningServerOutput => {
    worked = route;
    if (continues(tip, on)) {
      tip = on;
      return server.newTemplate(sourceOf(route, job, false));
    }
    const source = future.get(job.jobId) ?? sourceOf(route, job, true);
    const isTold = future.get(job.jobId) === source;
    return gather([isTold ? NOTHING : server.newTemplate(source), moveTo(on, source, now)]);
  };

  const moveTo = (on: ChainTip, { templateId }: UpstreamJob, now: number): MiningServerOutput => {
    tip = on;
    future = new Map();
    const { prevHash, minNtime: headerTimestamp, nbits: nBits } = on;
    const target = targetFromNbits(nBits);
    return server.setNewPrevHash(
      SetNewPrevHashTemplate({ templateId, prevHash, headerTimestamp, nBits, target }),
      now,
    );
  };

  return {
    upstream,
    server,
    members: 0,
    emptySince: null,
    route: null,
    asked: null,
    pinnedTo,
    isKept: false,
    request: null,
    homes: new Map(),
    waiting: null,
    told: { hashRate: 0, at: -Infinity },
    talking: new Map(),
    takeJob(job, now) {
      const { route } = this;
      if (route === null) return NOTHING;
      if (job.tip !== null) return mine(route, job, job.tip, now);
      if (worked !== route) future = new Map();
      const source = sourceOf(route, job, true);
      const output = server.newTemplate(source);
      future.set(job.jobId, source);
      for (const jobId of future.keys()) if (!route.channel.jobs.future.has(jobId)) future.delete(jobId);
      return output;
    },
    takeTip(job, now) {
      const { route } = this;
      if (route === null || job?.tip == null) {
        tip = null;
        future = new Map();
        return server.endWork();
      }
      // a tip is another's only if it comes from the same upstream; from another one it may be where one is already
      if (worked !== route) return mine(route, job, job.tip, now);
      const source = future.get(job.jobId);
      return source === undefined ? mine(route, job, job.tip, now) : moveTo(job.tip, source, now);
    },
    takeTarget(now) {
      const { route } = this;
      if (route === null) return NOTHING;
      const { target, jobs } = route.channel;
      const current = jobs.active?.target ?? target;
      hardest = compareTargets(target, current) > 0 ? target : current;
      return server.setHardestTarget(hardest, now);
    },
    get hasWork() {
      return tip !== null && this.route?.isOpen === true && worked === this.route;
    },
    hashRates(now) {
      const ofClients = new Map<number, number>();
      for (const [clientId, channel] of server.channels())
        ofClients.set(clientId, (ofClients.get(clientId) ?? 0) + rates.of(channel, hardest, now));
      return ofClients;
    },
  };
};
