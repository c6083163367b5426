/** What the reference implementation's API shows and no state has: extranonces, acknowledgements, and users of Stratum V1. */
import { bytesToHex } from '../../codec/hex.js';
import type { Message } from '../../messages/registry.js';
import type { Sv1MinerEvent } from '../../roles/translator/sv1-miners.js';

/** What messages to a client said of a channel. */
export interface ChannelDetails {
  /** In hex. */
  readonly extranoncePrefix: string;
  /** Bytes that the client may roll; 0 for a standard channel. */
  readonly extranonceSize: number;
  /** Of the last SubmitShares.Success: how many shares, and the sum of their difficulties. */
  readonly lastBatchAccepted: number;
  readonly lastBatchWork: number;
}

/** What a miner of Stratum V1 said that it is, and was told. */
export interface Sv1MinerDetails {
  /** Whom it authorised first; undefined until it has. */
  readonly user?: string;
  /** In hex. */
  readonly extranonce1: string;
  readonly extranonce2Size: number;
}

/** Keeps them. See {@link wireDetails}. */
export interface WireDetails {
  /** Takes note of an outcome of a server. */
  note(outcome: { readonly type: string }): void;
  /** Takes note of what happened at a miner of Stratum V1. */
  noteSv1(event: Sv1MinerEvent): void;
  /** Of a miner of Stratum V1 that is connected, by its address; undefined if nothing was heard of it. */
  ofSv1(address: string): Sv1MinerDetails | undefined;
  of(clientId: number, channelId: number): ChannelDetails;
}

const nothing: ChannelDetails = {
  extranoncePrefix: '',
  extranonceSize: 0,
  lastBatchAccepted: 0,
  lastBatchWork: 0,
};

/** In place of a client's id for channels that this side has at its own pool. */
export const poolSide = -1;

/** Miners of Stratum V1 that have said something and are no clients yet: many of them never become any, and nobody tells when they go. */
const mostArriving = 1_000;

const unheard: Sv1MinerDetails = { extranonce1: '', extranonce2Size: 0 };

/** What is known of channels from the messages that clients were sent, and of miners of Stratum V1: as long as they are there. */
export function wireDetails(): WireDetails {
  const clients = new Map<number, Map<number, ChannelDetails>>();
  // by their addresses
  const arriving = new Map<string, Sv1MinerDetails>();
  const sv1Miners = new Map<string, Sv1MinerDetails>();

  const change = (clientId: number, channelId: number, changes: Partial<ChannelDetails>, isNew = false) => {
    let channels = clients.get(clientId);
    if (channels === undefined) clients.set(clientId, (channels = new Map<number, ChannelDetails>()));
    const before = channels.get(channelId);
    if (before === undefined && !isNew) return;
    channels.set(channelId, { ...(before ?? nothing), ...changes });
  };

  const sent = (clientId: number, message: Message): void => {
    switch (message.type) {
      case 'OpenStandardMiningChannel.Success':
      case 'OpenExtendedMiningChannel.Success': {
        const { channelId, extranoncePrefix } = message;
        const extranonceSize = 'extranonceSize' in message ? message.extranonceSize : 0;
        const opened = { ...nothing, extranoncePrefix: bytesToHex(extranoncePrefix), extranonceSize };
        change(clientId, channelId, opened, true);
        break;
      }
      case 'SetExtranoncePrefix':
        change(clientId, message.channelId, { extranoncePrefix: bytesToHex(message.extranoncePrefix) });
        break;
      case 'SubmitShares.Success':
        change(clientId, message.channelId, {
          lastBatchAccepted: message.newSubmitsAcceptedCount,
          lastBatchWork: Number(message.newSharesSum),
        });
        break;
    }
  };

  return {
    note(outcome) {
      const { type, clientId, channelId, message, protocol, peer, client } = outcome as {
        readonly peer?: { readonly address: string };
        readonly client?: { readonly peer: { readonly address: string } };
        readonly protocol?: string;
        readonly type: string;
        readonly clientId?: number;
        readonly channelId?: number;
        readonly message?: Message;
      };
      if (clientId === undefined) {
        if (protocol !== 'mining') return;
        if (type === 'received' && message !== undefined) sent(poolSide, message);
        else if (type === 'disconnected') clients.delete(poolSide);
        return;
      }
      if (type === 'sent' && message !== undefined) sent(clientId, message);
      else if (type === 'connected' && client !== undefined) {
        const { address } = client.peer;
        const miner = arriving.get(address);
        if (miner !== undefined) sv1Miners.set(address, miner);
        arriving.delete(address);
      } else if (type === 'disconnected') {
        clients.delete(clientId);
        sv1Miners.delete(peer?.address ?? '');
      } else if (type === 'ChannelClosed' && channelId !== undefined)
        clients.get(clientId)?.delete(channelId);
    },
    noteSv1({ address, outcome }) {
      const { type } = outcome;
      if (type === 'Sv1Ended') arriving.delete(address);
      if (type !== 'Sv1Subscribed' && type !== 'Sv1Authorized') return;
      const miners = sv1Miners.has(address) ? sv1Miners : arriving;
      const known = miners.get(address) ?? unheard;
      if (type === 'Sv1Subscribed') {
        const { extranonce1, extranonce2Size } = outcome;
        miners.set(address, { ...known, extranonce1: bytesToHex(extranonce1), extranonce2Size });
      } else miners.set(address, { user: outcome.user, ...known });
      const [oldest = address] = arriving.keys();
      if (arriving.size > mostArriving) arriving.delete(oldest);
    },
    ofSv1: (address) => sv1Miners.get(address),
    of: (clientId, channelId) => clients.get(clientId)?.get(channelId) ?? nothing,
  };
}
