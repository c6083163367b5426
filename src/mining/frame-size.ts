/** How large frames to clients may get, and what can make them larger than devices read. */
import type { NewExtendedMiningJob } from '../messages/mining.js';

/** The largest frame that firmware in the field reads, header and all: Bitaxe's has buffers of 8 KiB. */
export const DEVICE_FRAME_SIZE = 8_192;

const HEADER_SIZE = 6;

/** Channel ids that a SetGroupChannel has room for beside its group's id and their count. */
const IDS_PER_GROUP_MESSAGE = Math.floor((DEVICE_FRAME_SIZE - HEADER_SIZE - 4 - 2) / 4);

/** Channel ids for as many SetGroupChannel as it takes: one may follow another with the same group (spec §5.3.22). */
export const groupMessageSlices = (channelIds: readonly number[]): readonly (readonly number[])[] =>
  Array.from({ length: Math.max(1, Math.ceil(channelIds.length / IDS_PER_GROUP_MESSAGE)) }, (_, index) =>
    channelIds.slice(index * IDS_PER_GROUP_MESSAGE, (index + 1) * IDS_PER_GROUP_MESSAGE),
  );

/** Bytes of the frame of a NewExtendedMiningJob without TLVs, with its header. No part of it can be sent apart. */
export const extendedJobFrameSize = ({
  minNtime,
  merklePath,
  coinbaseTxPrefix,
  coinbaseTxSuffix,
}: Pick<NewExtendedMiningJob, 'minNtime' | 'merklePath' | 'coinbaseTxPrefix' | 'coinbaseTxSuffix'>): number =>
  HEADER_SIZE +
  (4 + 4 + (minNtime === null ? 1 : 5) + 4 + 1) + // ids, min_ntime, version, version_rolling_allowed
  (1 + 32 * merklePath.length) +
  (2 + coinbaseTxPrefix.length) +
  (2 + coinbaseTxSuffix.length);
