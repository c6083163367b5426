import { CodecError } from '../codec/codec-error.js';
import { decodeText, encodeText } from '../codec/text.js';
import type { Tlv } from '../codec/tlv.js';

/** Extension 0x0001, extension negotiation. */
export const extensionNegotiation = 0x0001;

/** Extension 0x0002, worker-specific hashrate tracking. */
export const workerHashrateTracking = 0x0002;

const userIdentityField = 0x01;
/** The most bytes of UTF-8 that name a worker (extension 0x0002 §1.1). */
export const maxWorkerNameLength = 32;

/**
 * The TLV that names the worker of a SubmitSharesExtended (extension 0x0002 §1.1).
 * @param userIdentity at most 32 bytes of UTF-8
 * @throws CodecError `value-out-of-range` if it is longer
 */
export function userIdentityTlv(userIdentity: string): Tlv {
  const value = encodeText(userIdentity);
  checkLength(value);
  return { extensionType: workerHashrateTracking, fieldType: userIdentityField, value };
}

/**
 * The worker named by a message's TLVs, if any (extension 0x0002 §1.1).
 * @throws CodecError `value-out-of-range` if the TLV is longer than 32 bytes (§3.4.3: such a message must be rejected)
 */
export function userIdentityOf(message: { readonly tlvs?: readonly Tlv[] }): string | undefined {
  const tlv = message.tlvs?.find(
    ({ extensionType, fieldType }) =>
      extensionType === workerHashrateTracking && fieldType === userIdentityField,
  );
  if (tlv === undefined) return undefined;
  checkLength(tlv.value);
  return decodeText(tlv.value);
}

function checkLength(value: Uint8Array): void {
  if (value.length > maxWorkerNameLength) {
    throw new CodecError(
      'value-out-of-range',
      `expected at most ${maxWorkerNameLength} bytes, got ${value.length}`,
      {
        field: 'user_identity TLV',
      },
    );
  }
}
