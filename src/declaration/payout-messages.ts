/** Messages of draft extension 0x0003, coinbase payout distribution. Experimental: used where a setting asks for it. */
import { B0_64K } from '../codec/bytes.js';
import { U32, U64 } from '../codec/scalars.js';
import { SEQ0_64K } from '../codec/sequences.js';
import type { Tlv } from '../codec/tlv.js';
import { defineMessage, type MessageOf } from '../messages/define-message.js';
import { readPayout, type PayoutDistribution } from './payout-distribution.js';
import { serialiseOutput } from '../bitcoin/outputs.js';

/** The number of the draft extension. */
export const payoutDistribution = 0x0003;

/** Says who is paid what part of blocks from now on; outputs are serialised, with weights or satoshis for amounts. */
export const SetPayoutDistribution = defineMessage('SetPayoutDistribution', {
  protocol: 'jobDeclaration',
  sentBy: 'server',
  extensionType: payoutDistribution,
  messageType: 0x00,
  channelMessage: false,
  fields: {
    /** Larger than that of every distribution before. */
    distributionId: U64,
    poolPayout: B0_64K,
    payouts: SEQ0_64K(B0_64K),
    dustLimits: SEQ0_64K(U32),
    additionalOutputs: SEQ0_64K(B0_64K),
  },
});
/** What {@link SetPayoutDistribution} makes. */
export type SetPayoutDistribution = MessageOf<typeof SetPayoutDistribution>;

/** A distribution as it is sent. */
export const distributionMessage = (
  distributionId: bigint,
  { poolPayout, payouts, dustLimits, additionalOutputs }: PayoutDistribution,
): SetPayoutDistribution =>
  SetPayoutDistribution({
    distributionId,
    poolPayout: serialiseOutput(poolPayout),
    payouts: payouts.map(serialiseOutput),
    dustLimits: [...dustLimits],
    additionalOutputs: additionalOutputs.map(serialiseOutput),
  });

/**
 * A distribution as it came.
 * @throws Sv2Error `truncated`, `trailing-bytes`, `non-canonical-compact-size` for outputs that are none
 */
export const distributionOf = (message: SetPayoutDistribution): PayoutDistribution => ({
  poolPayout: readPayout(message.poolPayout),
  payouts: message.payouts.map(readPayout),
  dustLimits: message.dustLimits,
  additionalOutputs: message.additionalOutputs.map(readPayout),
});

const fieldType = 0x01;

/** The TLV by which a job names its distribution. */
export const distributionTlv = (distributionId: bigint): Tlv => {
  const value = new Uint8Array(8);
  new DataView(value.buffer).setBigUint64(0, distributionId, true);
  return { extensionType: payoutDistribution, fieldType, value };
};

/** The distribution that a job names; undefined if it names none, or not in 8 bytes. */
export const distributionIdOf = ({ tlvs = [] }: { readonly tlvs?: readonly Tlv[] }): bigint | undefined => {
  const found = tlvs.find((tlv) => tlv.extensionType === payoutDistribution && tlv.fieldType === fieldType);
  if (found?.value.length !== 8) return undefined;
  return new DataView(found.value.buffer, found.value.byteOffset, 8).getBigUint64(0, true);
};
