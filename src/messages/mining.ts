/** Messages of the Mining Protocol (spec §5.3). Field names are the specification's in camelCase. */
import { B0_255, B0_32, B0_64K, STR0_255, U256 } from '../codec/bytes.js';
import { BOOL, F32, U16, U32, U64 } from '../codec/scalars.js';
import { OPTION, SEQ0_255, SEQ0_64K } from '../codec/sequences.js';
import { defineMessage, type MessageOf } from './define-message.js';

/** Asks for a standard channel; `nominalHashRate` is in hashes per second. (spec §5.3.2) */
export const OpenStandardMiningChannel = defineMessage('OpenStandardMiningChannel', {
  protocol: 'mining',
  sentBy: 'client',
  messageType: 0x10,
  channelMessage: false,
  fields: {
    requestId: U32,
    userIdentity: STR0_255,
    nominalHashRate: F32,
    maxTarget: U256,
  },
});
/** What {@link OpenStandardMiningChannel} makes. */
export type OpenStandardMiningChannel = MessageOf<typeof OpenStandardMiningChannel>;

/** Opens a standard channel. (spec §5.3.3) */
export const OpenStandardMiningChannelSuccess = defineMessage('OpenStandardMiningChannel.Success', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x11,
  channelMessage: false,
  fields: {
    requestId: U32,
    channelId: U32,
    target: U256,
    extranoncePrefix: B0_32,
    groupChannelId: U32,
  },
});
/** What {@link OpenStandardMiningChannelSuccess} makes. */
export type OpenStandardMiningChannelSuccess = MessageOf<typeof OpenStandardMiningChannelSuccess>;

/** Refuses a channel of either kind. (spec §5.3.6) */
export const OpenMiningChannelError = defineMessage('OpenMiningChannel.Error', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x12,
  channelMessage: false,
  fields: {
    requestId: U32,
    errorCode: STR0_255,
  },
});
/** What {@link OpenMiningChannelError} makes. */
export type OpenMiningChannelError = MessageOf<typeof OpenMiningChannelError>;

/** Asks for an extended channel; `nominalHashRate` is in hashes per second. (spec §5.3.4) */
export const OpenExtendedMiningChannel = defineMessage('OpenExtendedMiningChannel', {
  protocol: 'mining',
  sentBy: 'client',
  messageType: 0x13,
  channelMessage: false,
  fields: {
    requestId: U32,
    userIdentity: STR0_255,
    nominalHashRate: F32,
    maxTarget: U256,
    minExtranonceSize: U16,
  },
});
/** What {@link OpenExtendedMiningChannel} makes. */
export type OpenExtendedMiningChannel = MessageOf<typeof OpenExtendedMiningChannel>;

/** Opens an extended channel; `extranonceSize` bytes are the client's to roll. (spec §5.3.5) */
export const OpenExtendedMiningChannelSuccess = defineMessage('OpenExtendedMiningChannel.Success', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x14,
  channelMessage: false,
  fields: {
    requestId: U32,
    channelId: U32,
    target: U256,
    extranonceSize: U16,
    extranoncePrefix: B0_32,
    groupChannelId: U32,
  },
});
/** What {@link OpenExtendedMiningChannelSuccess} makes. */
export type OpenExtendedMiningChannelSuccess = MessageOf<typeof OpenExtendedMiningChannelSuccess>;

/** A job for a standard channel; a null `minNtime` makes it a future job. (spec §5.3.15) */
export const NewMiningJob = defineMessage('NewMiningJob', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x15,
  channelMessage: true,
  fields: {
    channelId: U32,
    jobId: U32,
    minNtime: OPTION(U32),
    version: U32,
    merkleRoot: U256,
  },
});
/** What {@link NewMiningJob} makes. */
export type NewMiningJob = MessageOf<typeof NewMiningJob>;

/** Tells of a new hash rate (hashes per second) or asks for another maximum target. (spec §5.3.7) */
export const UpdateChannel = defineMessage('UpdateChannel', {
  protocol: 'mining',
  sentBy: 'client',
  messageType: 0x16,
  channelMessage: true,
  fields: {
    channelId: U32,
    nominalHashRate: F32,
    maximumTarget: U256,
  },
});
/** What {@link UpdateChannel} makes. */
export type UpdateChannel = MessageOf<typeof UpdateChannel>;

/** Refuses an UpdateChannel. (spec §5.3.8) */
export const UpdateChannelError = defineMessage('UpdateChannel.Error', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x17,
  channelMessage: true,
  fields: {
    channelId: U32,
    errorCode: STR0_255,
  },
});
/** What {@link UpdateChannelError} makes. */
export type UpdateChannelError = MessageOf<typeof UpdateChannelError>;

/** Ends a channel, or all channels of a group. (spec §5.3.9) */
export const CloseChannel = defineMessage('CloseChannel', {
  protocol: 'mining',
  sentBy: 'both',
  messageType: 0x18,
  channelMessage: true,
  fields: {
    channelId: U32,
    reasonCode: STR0_255,
  },
});
/** What {@link CloseChannel} makes. */
export type CloseChannel = MessageOf<typeof CloseChannel>;

/** Gives a channel another extranonce prefix, for all jobs sent after it. (spec §5.3.10) */
export const SetExtranoncePrefix = defineMessage('SetExtranoncePrefix', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x19,
  channelMessage: true,
  fields: {
    channelId: U32,
    extranoncePrefix: B0_32,
  },
});
/** What {@link SetExtranoncePrefix} makes. */
export type SetExtranoncePrefix = MessageOf<typeof SetExtranoncePrefix>;

/** A share of a standard channel; `version` is the full header field. (spec §5.3.11) */
export const SubmitSharesStandard = defineMessage('SubmitSharesStandard', {
  protocol: 'mining',
  sentBy: 'client',
  messageType: 0x1a,
  channelMessage: true,
  fields: {
    channelId: U32,
    sequenceNumber: U32,
    jobId: U32,
    nonce: U32,
    ntime: U32,
    version: U32,
  },
});
/** What {@link SubmitSharesStandard} makes. */
export type SubmitSharesStandard = MessageOf<typeof SubmitSharesStandard>;

/** A share of an extended channel; `extranonce` has exactly the negotiated size. (spec §5.3.12) */
export const SubmitSharesExtended = defineMessage('SubmitSharesExtended', {
  protocol: 'mining',
  sentBy: 'client',
  messageType: 0x1b,
  channelMessage: true,
  fields: {
    channelId: U32,
    sequenceNumber: U32,
    jobId: U32,
    nonce: U32,
    ntime: U32,
    version: U32,
    extranonce: B0_32,
  },
});
/** What {@link SubmitSharesExtended} makes. */
export type SubmitSharesExtended = MessageOf<typeof SubmitSharesExtended>;

/** Accepts a batch of shares; `newSharesSum` is the sum of their difficulties. (spec §5.3.13) */
export const SubmitSharesSuccess = defineMessage('SubmitShares.Success', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x1c,
  channelMessage: true,
  fields: {
    channelId: U32,
    lastSequenceNumber: U32,
    newSubmitsAcceptedCount: U32,
    newSharesSum: U64,
  },
});
/** What {@link SubmitSharesSuccess} makes. */
export type SubmitSharesSuccess = MessageOf<typeof SubmitSharesSuccess>;

/** Refuses one share. (spec §5.3.14) */
export const SubmitSharesError = defineMessage('SubmitShares.Error', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x1d,
  channelMessage: true,
  fields: {
    channelId: U32,
    sequenceNumber: U32,
    errorCode: STR0_255,
  },
});
/** What {@link SubmitSharesError} makes. */
export type SubmitSharesError = MessageOf<typeof SubmitSharesError>;

/** A job for an extended or group channel, its coinbase without BIP 141 fields. (spec §5.3.16) */
export const NewExtendedMiningJob = defineMessage('NewExtendedMiningJob', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x1f,
  channelMessage: true,
  fields: {
    channelId: U32,
    jobId: U32,
    minNtime: OPTION(U32),
    version: U32,
    versionRollingAllowed: BOOL,
    merklePath: SEQ0_255(U256),
    coinbaseTxPrefix: B0_64K,
    coinbaseTxSuffix: B0_64K,
  },
});
/** What {@link NewExtendedMiningJob} makes. */
export type NewExtendedMiningJob = MessageOf<typeof NewExtendedMiningJob>;

/** Starts mining of a future job on a new previous block. (spec §5.3.17) */
export const SetNewPrevHash = defineMessage('SetNewPrevHash', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x20,
  channelMessage: true,
  fields: {
    channelId: U32,
    jobId: U32,
    prevHash: U256,
    minNtime: U32,
    nbits: U32,
  },
});
/** What {@link SetNewPrevHash} makes. */
export type SetNewPrevHash = MessageOf<typeof SetNewPrevHash>;

/** Sets the largest hash accepted as a share. (spec §5.3.21) */
export const SetTarget = defineMessage('SetTarget', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x21,
  channelMessage: true,
  fields: {
    channelId: U32,
    maximumTarget: U256,
  },
});
/** What {@link SetTarget} makes. */
export type SetTarget = MessageOf<typeof SetTarget>;

/** Tells the pool which declared job the client mines; outputs are behind a CompactSize count. (spec §5.3.18) */
export const SetCustomMiningJob = defineMessage('SetCustomMiningJob', {
  protocol: 'mining',
  sentBy: 'client',
  messageType: 0x22,
  channelMessage: true,
  fields: {
    channelId: U32,
    requestId: U32,
    miningJobToken: B0_255,
    version: U32,
    prevHash: U256,
    minNtime: U32,
    nbits: U32,
    coinbaseTxVersion: U32,
    coinbasePrefix: B0_255,
    coinbaseTxInputNSequence: U32,
    coinbaseTxOutputs: B0_64K,
    coinbaseTxLocktime: U32,
    merklePath: SEQ0_255(U256),
  },
});
/** What {@link SetCustomMiningJob} makes. */
export type SetCustomMiningJob = MessageOf<typeof SetCustomMiningJob>;

/** Accepts a custom job. (spec §5.3.19) */
export const SetCustomMiningJobSuccess = defineMessage('SetCustomMiningJob.Success', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x23,
  channelMessage: true,
  fields: {
    channelId: U32,
    requestId: U32,
    jobId: U32,
  },
});
/** What {@link SetCustomMiningJobSuccess} makes. */
export type SetCustomMiningJobSuccess = MessageOf<typeof SetCustomMiningJobSuccess>;

/** Refuses a custom job. (spec §5.3.20) */
export const SetCustomMiningJobError = defineMessage('SetCustomMiningJob.Error', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x24,
  channelMessage: true,
  fields: {
    channelId: U32,
    requestId: U32,
    errorCode: STR0_255,
  },
});
/** What {@link SetCustomMiningJobError} makes. */
export type SetCustomMiningJobError = MessageOf<typeof SetCustomMiningJobError>;

/** Puts channels into a group. (spec §5.3.22) */
export const SetGroupChannel = defineMessage('SetGroupChannel', {
  protocol: 'mining',
  sentBy: 'server',
  messageType: 0x25,
  channelMessage: false,
  fields: {
    groupChannelId: U32,
    channelIds: SEQ0_64K(U32),
  },
});
/** What {@link SetGroupChannel} makes. */
export type SetGroupChannel = MessageOf<typeof SetGroupChannel>;
