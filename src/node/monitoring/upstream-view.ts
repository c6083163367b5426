/** The channels at pools, and miners of Stratum V1, as the reference implementation's API shows them. */
import type { ChannelState, ClientState } from '../../observe/downstream-types.js';
import type { MinerState } from '../../observe/miner-state.js';
import type { ForwardingState, ProxyState } from '../../observe/proxy-state.js';
import { hashRateOf, isStable } from './downstream-view.js';
import type { ReferenceServer, ReferenceView } from './reference-view.js';
import { poolSide, type WireDetails } from './wire-details.js';

/** The channels that a proxy has at its pool: extended ones. */
export function proxyServer({ upstreamChannels }: ForwardingState, details: WireDetails): ReferenceServer {
  return {
    standard_channels: [],
    extended_channels: upstreamChannels.map(({ channelId, user, target, nominalHashRate, shares }) => {
      const { extranoncePrefix, extranonceSize } = details.of(poolSide, channelId);
      return {
        channel_id: channelId,
        user_identity: user,
        nominal_hashrate: nominalHashRate,
        target_hex: target,
        extranonce_prefix_hex: extranoncePrefix,
        full_extranonce_size: extranoncePrefix.length / 2 + extranonceSize,
        rollable_extranonce_size: extranonceSize,
        version_rolling: true,
        shares_acknowledged: shares.accepted,
        shares_submitted: shares.submitted,
        shares_rejected: shares.rejected,
        shares_rejected_by_reason: shares.rejectedByCode,
        acknowledged_work_sum: shares.acceptedWork,
        validated_work_sum: shares.submittedWork,
        best_diff: shares.bestDifficulty,
        blocks_found: shares.blocksFound,
      };
    }),
  };
}

/** The channels that a miner has at its pool. */
export function minerServer(
  { channels, measuredHashRate }: MinerState,
  details: WireDetails,
): ReferenceServer {
  const info = ({ channelId, shares }: MinerState['channels'][number]) => ({
    channel_id: channelId,
    user_identity: '',
    nominal_hashrate: measuredHashRate / channels.length,
    target_hex: '',
    extranonce_prefix_hex: details.of(poolSide, channelId).extranoncePrefix,
    shares_acknowledged: shares.accepted,
    shares_submitted: shares.found,
    shares_rejected: shares.rejected,
    shares_rejected_by_reason: shares.rejectedByCode,
    acknowledged_work_sum: 0,
    validated_work_sum: 0,
    best_diff: 0,
    blocks_found: 0,
  });
  return {
    standard_channels: channels.filter(({ kind }) => kind === 'standard').map(info),
    extended_channels: channels
      .filter(({ kind }) => kind === 'extended')
      .map((channel) => {
        const { extranoncePrefix, extranonceSize } = details.of(poolSide, channel.channelId);
        return {
          ...info(channel),
          full_extranonce_size: extranoncePrefix.length / 2 + extranonceSize,
          rollable_extranonce_size: extranonceSize,
          version_rolling: true,
        };
      }),
  };
}

/** An address without its port. */
const hostOf = (address: string): string => address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

/**
 * Miners of Stratum V1 that a translator serves: each has one channel once it is authorised. Where the pool has a channel for
 * it alone, that is the one which is named, as in the reference implementation: what the pool's side of it says is the miner's.
 */
export function sv1Clients(
  { clients, channels, upstreamChannels }: Pick<ProxyState, 'clients' | 'channels' | 'upstreamChannels'>,
  details: WireDetails,
): NonNullable<ReferenceView['sv1Clients']> {
  const byClient = new Map(channels.map((channel) => [channel.clientId, channel]));
  const atPool = new Map<string, number | null>();
  for (const { user, channelId } of upstreamChannels) atPool.set(user, atPool.has(user) ? null : channelId);
  return clients.map(({ clientId, address }: ClientState) => {
    const channel: ChannelState | undefined = byClient.get(clientId);
    const told = details.ofSv1(address);
    const user = told?.user ?? channel?.user ?? '';
    const { extranoncePrefix, extranonceSize } = details.of(clientId, channel?.channelId ?? 0);
    const own = channel === undefined ? undefined : atPool.get(channel.user);
    return {
      client_id: clientId,
      // of several of one name it is not known which is whose
      channel_id: own === undefined ? (channel?.channelId ?? null) : own,
      connection_ip: hostOf(address),
      sv1_username: user,
      sv1_worker_name: user.split('.').slice(1).join('.') || user,
      target_hex: channel?.target ?? '',
      hashrate: channel === undefined ? null : hashRateOf(channel),
      stable_hashrate: channel !== undefined && isStable(channel),
      extranonce1_hex: told?.extranonce1 ?? extranoncePrefix,
      extranonce2_len: told?.extranonce2Size ?? extranonceSize,
    };
  });
}
