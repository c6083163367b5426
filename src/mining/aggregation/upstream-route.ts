/** The way of shares to an upstream channel, and of its verdicts back to who found them. */
import { difficultyFromTarget } from '../../bitcoin/target.js';
import type { SubmitSharesError, SubmitSharesExtended, SubmitSharesSuccess } from '../../messages/mining.js';
import { userIdentityTlv } from '../../messages/user-identity.js';
import type { ClientChannel } from '../channels/client-channel.js';
import { submission } from '../channels/client-work.js';
import type { ShareAccepted } from '../mining-server-types.js';
import type { Share } from '../shares/share-validation.js';

/** A share of a miner here that an upstream server was sent. */
export interface ForwardedShare extends Pick<
  ShareAccepted,
  'clientId' | 'channelId' | 'userIdentity' | 'sequenceNumber' | 'hash' | 'difficulty'
> {
  /** Whom the share itself names, or else the user identity of its channel. */
  readonly worker: string;
  /** Of the share as the upstream was sent it. */
  readonly upstreamSequenceNumber: number;
  /** What the upstream credits it with: the difficulty of its job's target there. */
  readonly upstreamDifficulty: number;
}

/** Shares that wait for a verdict at most; pools answer every few seconds. */
export const maxUnanswered = 10_000;

/** An upstream channel while it is there, and shares on their way. See {@link upstreamRoute}. */
export interface UpstreamRoute {
  readonly upstream: number;
  readonly channel: ClientChannel;
  /** Whether shares can be sent. */
  isOpen: boolean;
  /** How many shares wait for a verdict. */
  readonly unanswered: number;
  /**
   * Sends a share.
   *
   * @param accepted as it was credited here
   * @param share for the upstream channel: with its job id and the whole of what it can roll as extranonce
   * @param target of the upstream job: 32 bytes, little-endian
   * @param worker who found it, at most 32 bytes of UTF-8
   * @param isNamed whether the upstream is told that, by extension 0x0002
   * @returns the message, and shares that are not waited for any more as there are too many
   */
  submit(
    accepted: ShareAccepted,
    share: Share,
    target: Uint8Array,
    worker: string,
    isNamed: boolean,
  ): {
    readonly message: SubmitSharesExtended;
    readonly share: ForwardedShare;
    readonly given: readonly ForwardedShare[];
  };
  /** The shares that an acknowledgement is for. */
  accepted(message: SubmitSharesSuccess): readonly ForwardedShare[];
  /** The share that was rejected; undefined if none waits under that number. */
  rejected(message: SubmitSharesError): ForwardedShare | undefined;
  /** Ends it; returns the shares that are not answered any more. */
  close(): readonly ForwardedShare[];
}

/** The way to an upstream channel. */
export const upstreamRoute = (upstream: number, channel: ClientChannel): UpstreamRoute => {
  /** By their sequence number, in the order in which they were sent. */
  const waiting = new Map<number, ForwardedShare>();

  const takeFirst = (isTaken: (sequenceNumber: number) => boolean): ForwardedShare[] => {
    const taken: ForwardedShare[] = [];
    for (const [sequenceNumber, share] of waiting) {
      if (!isTaken(sequenceNumber)) break;
      waiting.delete(sequenceNumber);
      taken.push(share);
    }
    return taken;
  };

  return {
    upstream,
    channel,
    isOpen: true,
    get unanswered() {
      return waiting.size;
    },
    submit(accepted, share, target, worker, isNamed) {
      const { clientId, channelId, userIdentity, sequenceNumber, hash, difficulty } = accepted;
      const tlvs = isNamed && worker !== '' ? [userIdentityTlv(worker)] : [];
      const message = submission(channel, share, tlvs) as SubmitSharesExtended;
      const forwarded: ForwardedShare = {
        ...{ clientId, channelId, userIdentity, worker, sequenceNumber, hash, difficulty },
        upstreamSequenceNumber: message.sequenceNumber,
        upstreamDifficulty: difficultyFromTarget(target),
      };
      waiting.set(message.sequenceNumber, forwarded);
      return { message, share: forwarded, given: takeFirst(() => waiting.size > maxUnanswered) };
    },
    // numbers go on from 0 after 2^32 - 1
    accepted: ({ lastSequenceNumber }) =>
      takeFirst((sequenceNumber) => (lastSequenceNumber - sequenceNumber) >>> 0 < 2 ** 31),
    rejected({ sequenceNumber }) {
      const share = waiting.get(sequenceNumber);
      waiting.delete(sequenceNumber);
      return share;
    },
    close() {
      this.isOpen = false;
      return takeFirst(() => true);
    },
  };
};
