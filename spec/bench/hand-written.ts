/**
 * The same three messages by hand: one function for each, offsets written out, nothing checked, integers byte by
 * byte (a DataView for every message costs more than it saves). This is about as fast as JavaScript can be, and
 * what a codec made from schemas is to be measured by.
 */
import { NewExtendedMiningJob, NewTemplate, SubmitSharesStandard } from 'rx-sv2';
import type { extendedJob, share, template } from './messages.js';

type Share = ReturnType<typeof share>;
type ExtendedJob = ReturnType<typeof extendedJob>;
type Template = ReturnType<typeof template>;

/** An encoder and a decoder of one message's payload. */
export interface HandWritten<M> {
  encode(message: M): Uint8Array;
  decode(payload: Uint8Array): M;
}

/** Where U64 are taken apart and put together. */
const scratch = new DataView(new ArrayBuffer(8));

function put32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

function take32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] as number) |
      ((bytes[offset + 1] as number) << 8) |
      ((bytes[offset + 2] as number) << 16) |
      ((bytes[offset + 3] as number) << 24)) >>>
    0
  );
}

function put64(bytes: Uint8Array, offset: number, value: bigint): void {
  scratch.setBigUint64(0, value, true);
  put32(bytes, offset, scratch.getUint32(0, true));
  put32(bytes, offset + 4, scratch.getUint32(4, true));
}

function take64(bytes: Uint8Array, offset: number): bigint {
  scratch.setUint32(0, take32(bytes, offset), true);
  scratch.setUint32(4, take32(bytes, offset + 4), true);
  return scratch.getBigUint64(0, true);
}

const take16 = (bytes: Uint8Array, offset: number): number =>
  (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);

function putPath(bytes: Uint8Array, offset: number, path: readonly Uint8Array[]): number {
  bytes[offset] = path.length;
  for (let index = 0; index < path.length; index += 1)
    bytes.set(path[index] as Uint8Array, offset + 1 + 32 * index);
  return offset + 1 + 32 * path.length;
}

function takePath(bytes: Uint8Array, offset: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  const count = bytes[offset] as number;
  for (let index = 0; index < count; index += 1) {
    const start = offset + 1 + 32 * index;
    path.push(bytes.subarray(start, start + 32));
  }
  return path;
}

function putLong(bytes: Uint8Array, offset: number, value: Uint8Array): number {
  bytes[offset] = value.length;
  bytes[offset + 1] = value.length >>> 8;
  bytes.set(value, offset + 2);
  return offset + 2 + value.length;
}

export const handWrittenShare: HandWritten<Share> = {
  encode({ channelId, sequenceNumber, jobId, nonce, ntime, version }) {
    const bytes = new Uint8Array(24);
    put32(bytes, 0, channelId);
    put32(bytes, 4, sequenceNumber);
    put32(bytes, 8, jobId);
    put32(bytes, 12, nonce);
    put32(bytes, 16, ntime);
    put32(bytes, 20, version);
    return bytes;
  },
  decode(payload) {
    return {
      type: SubmitSharesStandard.type,
      channelId: take32(payload, 0),
      sequenceNumber: take32(payload, 4),
      jobId: take32(payload, 8),
      nonce: take32(payload, 12),
      ntime: take32(payload, 16),
      version: take32(payload, 20),
    };
  },
};

export const handWrittenJob: HandWritten<ExtendedJob> = {
  encode({
    channelId,
    jobId,
    minNtime,
    version,
    versionRollingAllowed,
    merklePath,
    coinbaseTxPrefix,
    coinbaseTxSuffix,
  }) {
    const bytes = new Uint8Array(
      19 +
        (minNtime === null ? 0 : 4) +
        32 * merklePath.length +
        coinbaseTxPrefix.length +
        coinbaseTxSuffix.length,
    );
    put32(bytes, 0, channelId);
    put32(bytes, 4, jobId);
    bytes[8] = minNtime === null ? 0 : 1;
    let offset = 9;
    if (minNtime !== null) {
      put32(bytes, offset, minNtime);
      offset += 4;
    }
    put32(bytes, offset, version);
    bytes[offset + 4] = versionRollingAllowed ? 1 : 0;
    offset = putPath(bytes, offset + 5, merklePath);
    offset = putLong(bytes, offset, coinbaseTxPrefix);
    putLong(bytes, offset, coinbaseTxSuffix);
    return bytes;
  },
  decode(payload) {
    const minNtime = payload[8] === 0 ? null : take32(payload, 9);
    const version = minNtime === null ? 9 : 13;
    const merklePath = takePath(payload, version + 5);
    const prefix = version + 6 + 32 * merklePath.length;
    const suffix = prefix + 2 + take16(payload, prefix);
    return {
      type: NewExtendedMiningJob.type,
      channelId: take32(payload, 0),
      jobId: take32(payload, 4),
      minNtime,
      version: take32(payload, version),
      versionRollingAllowed: ((payload[version + 4] as number) & 1) === 1,
      merklePath,
      coinbaseTxPrefix: payload.subarray(prefix + 2, suffix),
      coinbaseTxSuffix: payload.subarray(suffix + 2, suffix + 2 + take16(payload, suffix)),
    };
  },
};

export const handWrittenTemplate: HandWritten<Template> = {
  encode(message) {
    const { coinbasePrefix, coinbaseTxOutputs, merklePath } = message;
    const bytes = new Uint8Array(
      41 + coinbasePrefix.length + coinbaseTxOutputs.length + 32 * merklePath.length,
    );
    put64(bytes, 0, message.templateId);
    bytes[8] = message.futureTemplate ? 1 : 0;
    put32(bytes, 9, message.version);
    put32(bytes, 13, message.coinbaseTxVersion);
    bytes[17] = coinbasePrefix.length;
    bytes.set(coinbasePrefix, 18);
    let offset = 18 + coinbasePrefix.length;
    put32(bytes, offset, message.coinbaseTxInputSequence);
    put64(bytes, offset + 4, message.coinbaseTxValueRemaining);
    put32(bytes, offset + 12, message.coinbaseTxOutputsCount);
    offset = putLong(bytes, offset + 16, coinbaseTxOutputs);
    put32(bytes, offset, message.coinbaseTxLocktime);
    putPath(bytes, offset + 4, merklePath);
    return bytes;
  },
  decode(payload) {
    const prefixEnd = 18 + (payload[17] as number);
    const outputs = prefixEnd + 18;
    const outputsEnd = outputs + take16(payload, prefixEnd + 16);
    return {
      type: NewTemplate.type,
      templateId: take64(payload, 0),
      futureTemplate: ((payload[8] as number) & 1) === 1,
      version: take32(payload, 9),
      coinbaseTxVersion: take32(payload, 13),
      coinbasePrefix: payload.subarray(18, prefixEnd),
      coinbaseTxInputSequence: take32(payload, prefixEnd),
      coinbaseTxValueRemaining: take64(payload, prefixEnd + 4),
      coinbaseTxOutputsCount: take32(payload, prefixEnd + 12),
      coinbaseTxOutputs: payload.subarray(outputs, outputsEnd),
      coinbaseTxLocktime: take32(payload, outputsEnd),
      merklePath: takePath(payload, outputsEnd + 4),
    };
  },
};
