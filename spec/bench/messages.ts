/** Messages to measure with, of the sizes that pools send. */
import { NewExtendedMiningJob, NewTemplate, SubmitSharesStandard } from 'rx-sv2';

const bytes = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + seed) & 0xff);

/** Of a block of 2,049 to 4,096 transactions. */
const merklePath = Array.from({ length: 12 }, (_, level) => bytes(32, level));

/** One output without value that commits to the witnesses (BIP 141). */
const witnessCommitment = Uint8Array.of(
  ...[0, 0, 0, 0, 0, 0, 0, 0],
  ...[38, 0x6a, 36, 0xaa, 0x21, 0xa9, 0xed],
  ...bytes(32),
);

/** A share; 24 bytes of payload. */
export const share = (index: number, channelId = 1): SubmitSharesStandard =>
  SubmitSharesStandard({
    channelId,
    sequenceNumber: index,
    jobId: 7,
    nonce: (0x12345678 + index) >>> 0,
    ntime: 1_780_000_000,
    version: 0x20000000,
  });

/** A job of an extended channel; 616 bytes of payload. */
export const extendedJob = (index: number): NewExtendedMiningJob =>
  NewExtendedMiningJob({
    channelId: 1,
    jobId: index,
    minNtime: 1_780_000_000,
    version: 0x20000000,
    versionRollingAllowed: true,
    merklePath,
    coinbaseTxPrefix: bytes(72),
    coinbaseTxSuffix: bytes(137),
  });

/** A template; 476 bytes of payload. */
export const template = (index: number): NewTemplate =>
  NewTemplate({
    templateId: BigInt(index),
    futureTemplate: true,
    version: 0x20000000,
    coinbaseTxVersion: 2,
    coinbasePrefix: Uint8Array.of(3, 0x20, 0xa1, 0x07),
    coinbaseTxInputSequence: 0xffffffff,
    coinbaseTxValueRemaining: 312_500_000n + BigInt(index),
    coinbaseTxOutputsCount: 1,
    coinbaseTxOutputs: witnessCommitment,
    coinbaseTxLocktime: 900_000,
    merklePath,
  });
