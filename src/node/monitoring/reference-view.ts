/** What the reference implementation's monitoring API shows of a role: the rows that its answers are made of. */
import type * as z from 'zod';
import { translatorHardware } from '../../roles/translator/sv1-setup.js';
import type {
  ExtendedChannelInfo,
  ServerExtendedChannelInfo,
  ServerStandardChannelInfo,
  StandardChannelInfo,
  Sv1ClientInfo,
  Sv2ClientKind,
} from './reference-schemas.js';

/** A client of Stratum V2 and its channels. */
export interface ReferenceClient {
  readonly client_id: number;
  readonly client_kind: z.output<typeof Sv2ClientKind>;
  readonly extended_channels: readonly z.output<typeof ExtendedChannelInfo>[];
  readonly standard_channels: readonly z.output<typeof StandardChannelInfo>[];
}

/** Channels at an upstream. */
export interface ReferenceServer {
  readonly extended_channels: readonly z.output<typeof ServerExtendedChannelInfo>[];
  readonly standard_channels: readonly z.output<typeof ServerStandardChannelInfo>[];
}

/** A role at one moment. What it does not have is absent: a pool has clients only, a translator a server and Sv1 clients. */
export interface ReferenceView {
  readonly uptimeSeconds: number;
  readonly server?: ReferenceServer;
  readonly sv2Clients?: readonly ReferenceClient[];
  readonly sv1Clients?: readonly z.output<typeof Sv1ClientInfo>[];
}

/** The sum of the hash rates that channels are taken to have, in hashes per second. */
export const hashRateOf = (
  ...channels: readonly (readonly { readonly nominal_hashrate?: number | null | undefined }[])[]
): number =>
  channels.reduce(
    (sum, list) => list.reduce((inner, { nominal_hashrate: rate }) => inner + (rate ?? 0), sum),
    0,
  );

/**
 * Of what kind a client is, by what its SetupConnection says: as the reference implementation tells (client.rs), which knows
 * its own translator; here this one's is known, too.
 */
export const clientKind = (vendor: string, hardware: string): ReferenceClient['client_kind'] => {
  if (hardware === translatorHardware && (vendor === 'SRI' || vendor === 'rx-sv2')) return 'translator_proxy';
  return vendor === '' && hardware === '' ? 'unknown' : 'miner';
};
