/** What the reference implementation's API shows of channels and only messages say: extranonces and acknowledgements. */
import { bytesToHex } from '../../codec/hex.js';
import type { Message } from '../../messages/registry.js';

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

/** Keeps them. See {@link wireDetails}. */
export interface WireDetails {
  /** Takes note of an outcome of a server. */
  note(outcome: { readonly type: string }): void;
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

/** What is known of channels from the messages that clients were sent: as long as the channels are open. */
export function wireDetails(): WireDetails {
  const clients = new Map<number, Map<number, ChannelDetails>>();

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
      const { type, clientId, channelId, message, protocol } = outcome as {
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
      else if (type === 'disconnected') clients.delete(clientId);
      else if (type === 'ChannelClosed' && channelId !== undefined) clients.get(clientId)?.delete(channelId);
    },
    of: (clientId, channelId) => clients.get(clientId)?.get(channelId) ?? nothing,
  };
}
