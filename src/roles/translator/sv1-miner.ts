/** A Stratum V1 miner as the client of a Stratum V2 mining server, as a state without I/O. */
import { quoted } from '../../codec/printable.js';
import { RequestExtensions } from '../../messages/extensions.js';
import { CloseChannel, OpenExtendedMiningChannel, UpdateChannel } from '../../messages/mining.js';
import type { Message } from '../../messages/registry.js';
import { miningSuccessFlags } from '../../messages/setup-flags.js';
import { userIdentityTlv, workerHashrateTracking } from '../../messages/user-identity.js';
import type { ClientChannel } from '../../mining/channels/client-channel.js';
import { submission } from '../../mining/channels/client-work.js';
import {
  isMiningServerMessage,
  miningClient,
  type MiningClient,
  type MiningClientChange,
} from '../../mining/mining-client.js';
import { workerNameOf } from '../../mining/worker-name.js';
import type { ChannelJob } from '../../mining/work/job.js';
import { jobStore } from '../../mining/work/job-lifetime.js';
import type { Sv1Received } from '../../sv1/messages.js';
import { ClientReconnect, type Submit } from '../../sv1/methods.js';
import { sv1ServerSession } from '../../sv1/server-session.js';
import type { Sv1SessionOutcome, Sv1SessionOutput } from '../../sv1/session-output.js';
import { channelWish } from './channel-wish.js';
import { minerClass, type MinerClass } from './miner-classes.js';
import type { Sv1Extranonce } from './sv1-extranonces.js';
import { sv1Jobs, type ExtranonceLayout } from './sv1-jobs.js';
import { end, gather, nothing, tell, toMiner, toServer, type Sv1MinerOutput } from './sv1-miner-output.js';
import { setupConnection } from './sv1-setup.js';

/** What all miners of a listener have in common. */
export interface Sv1MinerOptions {
  /** Bytes that a miner rolls, 1 to 16, if its kind does not need another number of them. */
  readonly extranonce2Size: number;
  /** Hashes per second that a miner is taken to have until it shows or says otherwise. */
  readonly nominalHashRate: number;
  /** Shares a minute that a difficulty which a miner suggests is taken to be meant for. */
  readonly sharesPerMinute: number;
  /** Whose channel it is; the miner's own user unless given. */
  readonly userIdentity?: string;
  /**
   * Whether users of several accounts (what stands before the first dot) may share a connection. Their shares count for
   * the first of them.
   */
  readonly mixesAccounts: boolean;
  /** Whether a user may mine here; everybody unless given. */
  readonly isKnownUser?: (user: string) => boolean;
}

/** See {@link sv1Miner}. Times are milliseconds since 1970. */
export interface Sv1Miner {
  /** Takes what the miner sent. */
  receive(message: Sv1Received, now: number): Sv1MinerOutput;
  /** Takes what the server sent. */
  fromServer(message: Message, now: number): Sv1MinerOutput;
  /** Tells the present job once more, with a later time: there are miners that leave a server which is silent. */
  keepAlive(now: number): Sv1MinerOutput;
}

/** Before there is a channel. */
const noJobs = jobStore();

/**
 * A miner that speaks Stratum V1 as a client of a mining server: one extended channel, whose extranonce is divided as
 *
 * ```text
 * channel:   prefix of the server | zeros | extranonce1 | extranonce2
 * told as:   end of coinbase1             | extranonce1 | rolled by the miner
 * ```
 *
 * The prefix is in the coinbase, not in the extranonce1: a miner is subscribed at once, before there is a channel, and
 * its extranonce stays what it is when the server gives the channel another prefix; few miners would understand that.
 * A channel is opened when the first user is authorised, so that whoever only knocks costs none.
 *
 * Shares are judged before they are answered, by the target of their own job, and only those that count are passed on.
 * @param extranonce what its extranonce1 is
 * @param nextJobId as `sv1JobIds` makes them
 */
export function sv1Miner(
  options: Sv1MinerOptions,
  extranonce: Sv1Extranonce,
  nextJobId: () => string,
): Sv1Miner {
  const jobs = sv1Jobs(nextJobId);
  let account: string | undefined;
  const session = sv1ServerSession({
    isKnownUser: (user) =>
      (options.isKnownUser?.(user) ?? true) &&
      // a channel has one owner
      (options.mixesAccounts || account === undefined || accountOf(user) === account),
  });
  let userAgent: string | null = null;
  let kind: MinerClass | undefined;
  let extranonce2Size = options.extranonce2Size;
  let owner: string | undefined;
  const wish = channelWish(options);
  let core: MiningClient | undefined;
  let extensions: readonly number[] = [];
  let channel: ClientChannel | undefined;
  let isSetUp = false;

  const layout = (extranonceSize: number): ExtranonceLayout => ({
    extranonce1: extranonce.bytes,
    extranonce2Size,
    extranonceSize,
  });

  const setUp = (): Sv1MinerOutput => {
    if (isSetUp || owner === undefined || kind === undefined) return nothing;
    isSetUp = true;
    return toServer(setupConnection(userAgent));
  };

  const open = (): Sv1MinerOutput => {
    if (core === undefined || owner === undefined) return nothing;
    const request = OpenExtendedMiningChannel({
      requestId: 1,
      userIdentity: options.userIdentity ?? owner,
      ...wish.asked(),
      minExtranonceSize: extranonce.bytes.length + extranonce2Size,
    });
    core.request(request);
    return toServer(request);
  };

  /** A channel that is open is told what the miner wants; what it says again and again is told once. */
  const update = (): Sv1MinerOutput => {
    if (channel === undefined) return nothing;
    const news = wish.news();
    if (news === null) return nothing;
    const { nominalHashRate, maxTarget: maximumTarget } = news;
    const { channelId } = channel;
    return toServer(UpdateChannel({ channelId, nominalHashRate, maximumTarget }));
  };

  const mine = (job: ChannelJob, now: number): Sv1MinerOutput => {
    if (channel === undefined) return nothing;
    const { coinbase: most } = kind ?? minerClass(userAgent);
    const length = coinbaseLength(job, channel.extranonceSize);
    if (length > most) {
      // it would hash something else, and no share of it would count; its own list of pools is what helps it
      const reason = `its firmware cannot hash a coinbase of ${length} bytes, at most ${most}`;
      return gather(tell({ type: 'Sv1CoinbaseTooLong', length, most }), end('coinbase-too-long', reason));
    }
    const work = jobs.tell(job, layout(channel.extranonceSize), channel.jobs, now);
    const { difficulty, cleanJobs: isClean } = work;
    return gather(said(session.work(work), now), tell({ type: 'Sv1JobSent', difficulty, isClean }));
  };

  const judge = (submit: Submit, now: number): Sv1MinerOutput => {
    const { user } = submit;
    const extranonces = layout(channel?.extranonceSize ?? 0);
    const judged = jobs.judge(submit, session.versionMask, extranonces, channel?.jobs ?? noJobs, now);
    if (judged.type === 'refused') {
      const { error, reason } = judged;
      return gather(
        said(session.answer(submit, error), now),
        tell({ type: 'Sv1ShareRejected', user, error, reason }),
      );
    }
    const { share } = judged;
    const forwarded =
      share === null || channel === undefined
        ? nothing
        : toServer(submission(channel, share, workerTlvs(user)));
    return gather(
      said(session.answer(submit, null), now),
      forwarded,
      tell({ type: 'Sv1ShareAccepted', user, isForwarded: share !== null }),
    );
  };

  const workerTlvs = (user: string) => {
    if (!extensions.includes(workerHashrateTracking)) return [];
    // where accounts do not matter, a name without a dot is a worker's, too
    const name = workerNameOf(user) ?? (options.mixesAccounts ? workerNameOf(`.${user}`) : null);
    return name === null ? [] : [userIdentityTlv(name)];
  };

  const wanted = (outcome: Sv1SessionOutcome, now: number): Sv1MinerOutput => {
    switch (outcome.type) {
      case 'Subscribing':
        ({ userAgent } = outcome);
        kind = minerClass(userAgent);
        wish.least('firmware', kind.difficulty);
        if (outcome.sessionId !== null) extranonce.resume(outcome.sessionId);
        extranonce2Size = Math.min(kind.most, Math.max(kind.least, options.extranonce2Size));
        return gather(
          said(session.grant(extranonce.bytes, extranonce2Size), now),
          tell({ type: 'Sv1Subscribed', userAgent, extranonce1: extranonce.bytes, extranonce2Size }),
          setUp(),
        );
      case 'Authorized':
        owner ??= outcome.user;
        account ??= accountOf(outcome.user);
        return gather(tell({ type: 'Sv1Authorized', user: outcome.user }), setUp());
      case 'Unauthorized':
        return tell({ type: 'Sv1Unauthorized', user: outcome.user });
      case 'DifficultySuggested':
        wish.suggested(outcome.difficulty);
        return update();
      case 'LeastDifficulty':
        wish.least('miner', outcome.difficulty);
        return update();
      case 'ShareSubmitted':
        return judge(outcome.share, now);
      case 'Nonsense':
        return tell({ type: 'Sv1Nonsense', reason: outcome.reason });
      case 'Stranded':
        return end('extranonce-changed', outcome.reason);
      case 'TooManyRequests':
        return end('too-many-requests', 'it goes on asking without waiting for an answer');
    }
  };

  function said({ messages, outcomes }: Sv1SessionOutput, now: number): Sv1MinerOutput {
    return gather(toMiner(...messages), ...outcomes.map((outcome) => wanted(outcome, now)));
  }

  const changed = (change: MiningClientChange, now: number): Sv1MinerOutput => {
    switch (change.type) {
      case 'opened':
        ({ channel } = change);
        return update();
      case 'refused':
        return end('channel-refused', `the server opens no channel: ${quoted(change.errorCode)}`);
      case 'unusable':
        return gather(
          change.isTaken
            ? nothing
            : toServer(CloseChannel({ channelId: change.channelId, reasonCode: 'channel cannot be used' })),
          end('channel-unusable', change.error.message),
        );
      case 'work':
        return change.job === null ? nothing : mine(change.job, now);
      case 'target': // it is for jobs to come
      case 'accepted':
        return nothing;
      case 'rejected':
        return tell({ type: 'Sv1ShareLost', errorCode: change.errorCode });
      case 'closed':
        return end('channel-closed', `the server closed the channel: ${quoted(change.reason)}`);
      case 'nonsense':
        return tell({ type: 'Sv1Nonsense', reason: `the server: ${change.error.message}` });
    }
  };

  return {
    receive: (message, now) => said(session.receive(message), now),
    fromServer(message, now) {
      switch (message.type) {
        case 'SetupConnection.Success': {
          const requiresFixedVersion = (message.flags & miningSuccessFlags.requiresFixedVersion) !== 0;
          core = miningClient({ requiresFixedVersion });
          const request = RequestExtensions({ requestId: 0, requestedExtensions: [workerHashrateTracking] });
          return gather(toServer(request), open());
        }
        case 'SetupConnection.Error':
          return end('setup-refused', `the server refused the connection: ${quoted(message.errorCode)}`);
        case 'RequestExtensions.Success':
          extensions = message.supportedExtensions;
          return nothing;
        case 'Reconnect':
          // where to is an address for Stratum V2
          return gather(
            toMiner(ClientReconnect({ host: null, port: null, wait: null })),
            end('reconnect', 'the server sends its clients elsewhere'),
          );
        default:
          if (core === undefined || !isMiningServerMessage(message)) return nothing;
          return gather(...core.handle(message, now).map((change) => changed(change, now)));
      }
    },
    keepAlive(now) {
      const job = channel?.jobs.active ?? null;
      return job === null || !session.isReady ? nothing : mine(job, now);
    },
  };
}

/** Bytes of a job's coinbase without witness, extranonce included. */
const coinbaseLength = ({ job, extranoncePrefix }: ChannelJob, extranonceSize: number): number =>
  job === null
    ? 0
    : job.coinbase.coinbaseTxPrefix.length +
      extranoncePrefix.length +
      extranonceSize +
      job.coinbase.coinbaseTxSuffix.length;

/** What stands before the first dot of a user's name. */
const accountOf = (user: string): string => user.split('.', 1)[0] ?? user;
