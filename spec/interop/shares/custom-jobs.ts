/** Mutated custom jobs, and what our mining server says of each beside the reference's channels (`channels_sv2`). */
import fc from 'fast-check';
import {
  doubleSha256,
  MAX_FUTURE_BLOCK_TIME,
  parseOutputs,
  serialiseOutputs,
  targetFromNbits,
} from '../../../src/bitcoin/index.js';
import { sameBytes } from '../../../src/bitcoin/consensus-bytes.js';
import { Sv2Error } from '../../../src/codec/errors.js';
import { toJson } from '../../../src/framing/index.js';
import {
  OpenExtendedMiningChannel,
  SetCustomMiningJob,
  SetNewPrevHashTemplate,
} from '../../../src/messages/index.js';
import type { DifferenceName } from '../../vectors/differences.js';
import { bytesToHex, hexToBytes } from '../../vectors/support.js';
import {
  handle,
  messagesOf,
  newPlace,
  now,
  requiresWorkSelection,
  share,
  type Command,
  type Json,
  type Place,
} from './place.js';

/** The channel that all jobs are for, as `sri-peer shares` opens it. */
export const opening = {
  ...{ cmd: 'openExtended', channelId: 1, userIdentity: 'farm', extranoncePrefix: '0102030400' },
  ...{ maxTarget: 'ff'.repeat(32), nominalHashRate: 1e-30, sharesPerMinute: 60, shareBatchSize: 1 },
  ...{ poolTag: 'pool', extranonceSize: 8, versionRollingAllowed: true },
};

const nbits = 0x1d00ffff;
const minNtime = 1_700_000_000;
const prevHash = doubleSha256(Uint8Array.of(1));
const p2wpkh = Uint8Array.of(0, 20, ...new Uint8Array(20).fill(7));

/** A job that nothing is wrong with. */
const base = {
  ...{ channelId: 1, requestId: 1, miningJobToken: Uint8Array.of(1, 2, 3), version: 0x2000_0000 },
  ...{ prevHash, minNtime, nbits, coinbaseTxVersion: 2 },
  coinbasePrefix: Uint8Array.of(3, 0xa0, 0xbb, 0x0d, 0x2f),
  coinbaseTxInputNSequence: 0xffff_ffff,
  coinbaseTxOutputs: serialiseOutputs([
    { value: 312_500_000n, scriptPubKey: p2wpkh },
    { value: 0n, scriptPubKey: Uint8Array.of(0x6a, 2, 1, 2) },
  ]),
  coinbaseTxLocktime: 0,
  merklePath: [doubleSha256(Uint8Array.of(2)), doubleSha256(Uint8Array.of(3))],
};

type Fields = typeof base;

const u32 = fc.oneof(fc.constantFrom(0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat(0xffff_ffff));
const bytes = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength, size: 'max' });
const hash = bytes(32, 32);

/** Bytes with one of them changed, left out or put in, cut off, or with more behind. */
const spoilt = (right: Uint8Array) =>
  fc
    .record({
      how: fc.constantFrom('change', 'remove', 'insert', 'cut', 'append'),
      at: fc.nat(right.length - 1),
      more: bytes(4, 1),
    })
    .map(({ how, at, more }) => {
      const [before, after] = [right.subarray(0, at), right.subarray(at)];
      const joined: Readonly<Record<typeof how, readonly number[]>> = {
        change: [...before, (more[0] as number) ^ (after[0] as number), ...after.subarray(1)],
        remove: [...before, ...after.subarray(1)],
        insert: [...before, more[0] as number, ...after],
        cut: [...before],
        append: [...right, ...more],
      };
      return Uint8Array.from(joined[how]);
    });

const output = fc.record({
  value: fc.oneof(
    fc.constantFrom(0n, 1n, 2_100_000_000_000_000n, 2n ** 63n, 2n ** 64n - 1n),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  ),
  scriptPubKey: bytes(300),
});

/** One field of another value, for each of the fields. */
const mutations: readonly fc.Arbitrary<Partial<Fields>>[] = [
  fc.record({ version: u32 }),
  fc.record({ prevHash: fc.oneof(hash, fc.constant(new Uint8Array(32))) }),
  fc.record({ minNtime: fc.oneof(u32, fc.integer({ min: minNtime - 7_300, max: minNtime + 7_300 })) }),
  fc.record({ nbits: u32 }),
  fc.record({ coinbaseTxVersion: u32 }),
  fc.record({ coinbasePrefix: fc.oneof(bytes(255), bytes(95, 80), spoilt(base.coinbasePrefix)) }),
  fc.record({ coinbaseTxInputNSequence: u32 }),
  fc.record({
    coinbaseTxOutputs: fc.oneof(
      spoilt(base.coinbaseTxOutputs),
      spoilt(base.coinbaseTxOutputs),
      bytes(100),
      fc.array(output, { maxLength: 300, size: 'max' }).map(serialiseOutputs),
      // counts that are not written in their shortest form
      fc
        .constantFrom('fd0200', 'fe02000000', 'ff0200000000000000')
        .map((count) => Uint8Array.of(...hexToBytes(count), ...base.coinbaseTxOutputs.subarray(1))),
    ),
  }),
  fc.record({ coinbaseTxLocktime: u32 }),
  fc.record({ merklePath: fc.array(hash, { maxLength: 255, size: 'max' }) }),
  fc.record({ merklePath: fc.array(hash, { maxLength: 30 }) }),
  fc.record({ miningJobToken: bytes(255) }),
];

/** Jobs with one to three fields mutated, and one of a hundred as it should be: the same for the same seed. */
export const mutatedJobs = (seed: number, count: number): readonly SetCustomMiningJob[] =>
  fc
    .sample(
      fc.oneof(
        { weight: 1, arbitrary: fc.constant<Partial<Fields>[]>([]) },
        { weight: 99, arbitrary: fc.array(fc.oneof(...mutations), { minLength: 1, maxLength: 3 }) },
      ),
      { seed, numRuns: count },
    )
    .map((changes) => SetCustomMiningJob(Object.assign({}, base, ...changes) as Fields));

/** The command by which the reference is handed a job. */
export const jobCommand = (job: SetCustomMiningJob): Command => ({
  ...{ cmd: 'setCustomMiningJob', channelId: 1, job: toJson(job).payload },
});

/** The command for a share of a job: what it hashes to tells whether both mean the same job. */
export const shareCommand = (sequenceNumber: number, jobId: number, job: SetCustomMiningJob): Command => ({
  ...{ cmd: 'share', channelId: 1, sequenceNumber, jobId, nonce: sequenceNumber, ntime: job.minNtime },
  ...{ version: job.version, extranonce: 'a1a2a3a4a5a6a7a8' },
});

/** Our mining server, with the same channel, on the tip that a job which is right builds on. */
export const ourChannel = () => {
  const command: Json = opening;
  const place: Place = newPlace(command, 13, requiresWorkSelection);
  place.prefixes.push(hexToBytes(opening.extranoncePrefix));
  const [opened] = messagesOf(
    handle(
      place,
      OpenExtendedMiningChannel({
        ...{ requestId: 1, userIdentity: opening.userIdentity, minExtranonceSize: opening.extranonceSize },
        ...{
          nominalHashRate: Math.fround(opening.nominalHashRate),
          maxTarget: hexToBytes(opening.maxTarget),
        },
      }),
    ),
  );
  if (opened?.type !== 'OpenExtendedMiningChannel.Success') throw new Error('no channel');
  const { channelId } = opened;
  place.server.setNewPrevHash(
    SetNewPrevHashTemplate({
      ...{
        templateId: 0n,
        prevHash,
        headerTimestamp: minNtime,
        nBits: nbits,
        target: targetFromNbits(nbits),
      },
    }),
    now,
  );
  return {
    /** The error code, or null for a job that is taken. */
    set(job: SetCustomMiningJob): { readonly errorCode: string } | { readonly jobId: number } {
      const [answer] = messagesOf(handle(place, { ...job, channelId }));
      if (answer?.type === 'SetCustomMiningJob.Success') return { jobId: answer.jobId };
      if (answer?.type === 'SetCustomMiningJob.Error') return { errorCode: answer.errorCode };
      throw new Error(`a custom job was answered with ${String(answer?.type)}`);
    },
    /** What a share of the job hashes to, or why it is rejected. */
    share: (sequenceNumber: number, jobId: number, job: SetCustomMiningJob): string => {
      const { shareHash, errorCode } = share(
        place,
        channelId,
        shareCommand(sequenceNumber, jobId, job),
        false,
      );
      return String(shareHash ?? errorCode);
    },
  };
};

/** The latest `minNtime` of a job: two hours after the tip's, as the clock here is at 1970. */
const latest = minNtime + MAX_FUTURE_BLOCK_TIME;

const hasTrailingBytes = (outputs: Uint8Array): boolean => {
  try {
    parseOutputs(outputs);
    return false;
  } catch (error) {
    return error instanceof Sv2Error && error.code === 'trailing-bytes';
  }
};

/** Why ours refuses a job that the reference's channel takes, by what the job is; undefined where nothing explains it. */
export const differenceOf = (job: SetCustomMiningJob, errorCode: string): DifferenceName | undefined => {
  const isOther = !sameBytes(job.prevHash, prevHash);
  const explained: Readonly<Record<string, DifferenceName | false>> = {
    'stale-chain-tip': isOther && 'customJobTip',
    'invalid-nbits': !isOther && job.nbits !== nbits && 'customJobTip',
    'invalid-min-ntime': job.minNtime > latest && 'customJobTime',
    'invalid-merkle-path': job.merklePath.length > 24 && 'customJobPath',
    'invalid-coinbase-tx-outputs': hasTrailingBytes(job.coinbaseTxOutputs) && 'customJobTrailing',
  };
  return explained[errorCode] || undefined;
};

/** A job in a line, for whoever looks for why two judgements differ. */
export const shown = (job: SetCustomMiningJob): string => {
  const changed = Object.entries(job).filter(([name, value]) => {
    const right = (base as Json)[name];
    return right !== undefined && JSON.stringify(value) !== JSON.stringify(right);
  });
  const word = (value: unknown): string =>
    value instanceof Uint8Array
      ? bytesToHex(value)
      : Array.isArray(value)
        ? `${value.length} hashes`
        : String(value);
  return changed.map(([name, value]) => `${name} ${word(value).slice(0, 200)}`).join(', ');
};
