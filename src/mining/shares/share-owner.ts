/** Whose a share is: that of the user who opened its channel, and of the worker whom it names. */
import {
  userIdentityOf,
  type SubmitSharesExtended,
  type SubmitSharesStandard,
} from '../../messages/index.js';

/** Whose a share is. Accounts are kept by both names. */
export interface ShareOwner {
  /** The user identity that the channel was opened with. */
  readonly userIdentity: string;
  /** The user's worker that the share's TLV names (extension 0x0002); empty when it names none. */
  readonly worker: string;
}

/** Nobody is known to have opened the channel that a share is for. */
export interface UnknownOwner {
  readonly userIdentity: null;
  readonly worker: '';
}

interface OwnedChannel {
  readonly userIdentity: string;
}

/**
 * Whose a share on this channel is.
 * @throws CodecError `value-out-of-range` if the worker's name is longer than 32 bytes
 */
export const shareOwner = (
  { userIdentity }: OwnedChannel,
  share: SubmitSharesStandard | SubmitSharesExtended,
): ShareOwner => ({ userIdentity, worker: userIdentityOf(share) ?? '' });

/** Whose a share is that does not say which worker's in a way that can be read. */
export const channelOwner = (channel: OwnedChannel | undefined): ShareOwner | UnknownOwner =>
  channel === undefined
    ? { userIdentity: null, worker: '' }
    : { userIdentity: channel.userIdentity, worker: '' };
