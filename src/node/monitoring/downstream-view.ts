/** The clients of a role as the reference implementation's API shows them. */
import type { ChannelState, DownstreamState } from '../../observe/downstream-types.js';
import { clientKind, type ReferenceClient } from './reference-view.js';
import type { WireDetails } from './wire-details.js';

/** What a role is set to, which its outcomes do not say. */
export interface ShareSettings {
  /** Shares a minute that a channel should find. */
  readonly sharesPerMinute: number;
  /** Accepted shares per SubmitShares.Success. */
  readonly shareBatchSize: number;
}

/** Accepted shares from which on what a channel is measured to do says more than what it says of itself. */
const enoughShares = 10;

/** The hash rate that a channel is taken to have: what it has shown, or until it has shown something what it says. */
export const hashRateOf = ({ shares, hashRate, nominalHashRate }: ChannelState): number =>
  shares.accepted < enoughShares ? nominalHashRate : hashRate['15m'].value;

/** Whether what a channel has shown can be what it says: what it says lies within the interval. */
export const isStable = ({ shares, hashRate, nominalHashRate }: ChannelState): boolean => {
  const { low, high } = hashRate['15m'];
  return shares.accepted >= enoughShares && nominalHashRate >= low && nominalHashRate <= (high ?? Infinity);
};

/** A channel, as both kinds have it. */
function channelInfo(channel: ChannelState, details: WireDetails, settings: ShareSettings) {
  const { clientId, channelId, user, target, maxTarget, shares } = channel;
  const { extranoncePrefix, lastBatchAccepted, lastBatchWork } = details.of(clientId, channelId);
  return {
    channel_id: channelId,
    user_identity: user,
    nominal_hashrate: hashRateOf(channel),
    stable_hashrate: isStable(channel),
    target_hex: target,
    requested_max_target_hex: maxTarget,
    extranonce_prefix_hex: extranoncePrefix,
    expected_shares_per_minute: settings.sharesPerMinute,
    shares_accepted: shares.accepted,
    shares_rejected: shares.rejected,
    shares_rejected_by_reason: shares.rejectedByCode,
    share_work_sum: shares.work,
    last_share_sequence_number: shares.lastSequenceNumber ?? 0,
    best_diff: shares.bestDifficulty,
    last_batch_accepted: lastBatchAccepted,
    last_batch_work_sum: lastBatchWork,
    share_batch_size: settings.shareBatchSize,
    blocks_found: shares.blocksFound,
  };
}

/** The clients of a role that mine, each with its open channels. */
export function referenceClients(
  { clients, channels }: Pick<DownstreamState, 'clients' | 'channels'>,
  details: WireDetails,
  settings: ShareSettings,
): readonly ReferenceClient[] {
  const byClient = new Map<number, ChannelState[]>();
  for (const channel of channels) {
    const own = byClient.get(channel.clientId);
    if (own === undefined) byClient.set(channel.clientId, [channel]);
    else own.push(channel);
  }
  return clients
    .filter(({ protocol }) => protocol === 'mining')
    .map(({ clientId, vendor, hardwareVersion }) => {
      const own = byClient.get(clientId) ?? [];
      const sizes = (channelId: number) => {
        const { extranoncePrefix, extranonceSize } = details.of(clientId, channelId);
        return {
          full_extranonce_size: extranoncePrefix.length / 2 + extranonceSize,
          rollable_extranonce_size: extranonceSize,
        };
      };
      return {
        client_id: clientId,
        client_kind: clientKind(vendor, hardwareVersion),
        extended_channels: own
          .filter(({ kind }) => kind === 'extended')
          .map((channel) => ({ ...channelInfo(channel, details, settings), ...sizes(channel.channelId) })),
        standard_channels: own
          .filter(({ kind }) => kind === 'standard')
          .map((channel) => channelInfo(channel, details, settings)),
      };
    });
}
