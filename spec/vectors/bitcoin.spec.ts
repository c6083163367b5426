import { describe, expect, it, test } from '@jest/globals';
import {
  assembleCoinbase,
  blockHash,
  coinbaseTag,
  difficultyFromTarget,
  hashrateFromTarget,
  meetsTarget,
  nbitsFromTarget,
  parseBlockHeader,
  serialiseBlockHeader,
  stripCoinbaseWitness,
  targetFromHashrate,
  targetFromNbits,
  targetToBigInt,
} from '../../src/bitcoin/index.js';
import { fromJson, type MessageJson } from '../../src/framing/index.js';
import type { NewTemplate, SetCustomMiningJob } from '../../src/messages/index.js';
import { parseOutputs } from '../../src/bitcoin/outputs.js';
import type { ServerJob } from '../../src/mining/work/job.js';
import { jobFactory } from '../../src/mining/work/job-factory.js';
import { jobMerkleRoot } from '../../src/mining/work/merkle-root.js';
import { extranonceAllocator, miningServer } from '../../src/mining/index.js';
import { chainTipFrom, type ChainTip } from '../../src/mining/work/chain-tip.js';
import { differencesIn, type DifferenceName } from './differences.js';
import { bytesToHex, hexToBytes, numberOf, readVectors, resultOf } from './support.js';

interface CoinbasePartsHex {
  readonly coinbaseTxPrefix: string;
  readonly coinbaseTxSuffix: string;
}

interface JobVector {
  readonly case: string;
  readonly template: MessageJson['payload'];
  readonly coinbaseOutputs: string;
  readonly poolTag: string | null;
  readonly minerTag: string | null;
  readonly versionRollingAllowed: boolean;
  readonly channelId: number;
  readonly extranoncePrefix: string;
  readonly extranonceSize: number;
  readonly tip: { readonly prevHash: string; readonly nbits: number; readonly minNtime: number } | null;
  readonly standard: MessageJson | { readonly error: string };
  readonly extended: MessageJson | { readonly error: string };
  readonly withWitness: CoinbasePartsHex | null;
  readonly custom: MessageJson | null;
}

interface Vectors {
  readonly nbits: readonly { nbits: number; target: string; back: number }[];
  readonly difficulties: readonly { target: string; difficulty: number | null; compact: number }[];
  readonly hashRateToTarget: readonly {
    hashRate: number | string;
    sharesPerMinute: number | string;
    target: string | null;
    error: string | null;
  }[];
  readonly hashRateFromTarget: readonly {
    target: string;
    sharesPerMinute: number | string;
    hashRate: number | null;
    error: string | null;
  }[];
  readonly headers: readonly {
    header: string;
    version: number;
    prevHash: string;
    merkleRoot: string;
    ntime: number;
    nbits: number;
    nonce: number;
    hash: string;
    isBlock: boolean;
  }[];
  readonly merkleRoots: readonly (CoinbasePartsHex & {
    case: string;
    extranonce: string;
    merklePath: readonly string[];
    merkleRoot: string | null;
    stripped: CoinbasePartsHex | null;
  })[];
  readonly jobs: readonly JobVector[];
}

const vectors = readVectors<Vectors>('bitcoin');

const answered = new Set<DifferenceName>();

/** Requires our answer to be the reference's, unless `difference` is named: then that it is not. */
const expectAnswer = (ours: unknown, theirs: unknown, difference?: DifferenceName): void => {
  if (difference === undefined) {
    expect(ours).toEqual(theirs);
    return;
  }
  answered.add(difference);
  expect(ours).not.toEqual(theirs);
};

const partsFrom = (parts: CoinbasePartsHex) => ({
  coinbaseTxPrefix: hexToBytes(parts.coinbaseTxPrefix),
  coinbaseTxSuffix: hexToBytes(parts.coinbaseTxSuffix),
});
const partsHex = (parts: { coinbaseTxPrefix: Uint8Array; coinbaseTxSuffix: Uint8Array }) => ({
  coinbaseTxPrefix: bytesToHex(parts.coinbaseTxPrefix),
  coinbaseTxSuffix: bytesToHex(parts.coinbaseTxSuffix),
});

describe('targets of the reference implementation', () => {
  test.each(vectors.nbits)('nbits $nbits', ({ nbits, target, back }) => {
    const isNegative = (nbits & 0x800000) !== 0 && (nbits & 0x7fffff) !== 0;
    const overflows = (BigInt(nbits & 0x7fffff) << BigInt(8 * Math.max(0, (nbits >>> 24) - 3))) >> 256n > 0n;
    const ours = resultOf(() => bytesToHex(targetFromNbits(nbits)));
    if (isNegative || overflows) expect(ours).toBe('error: invalid-nbits');
    expectAnswer(ours, target, isNegative || overflows ? 'nbitsOutOfRange' : undefined);
    expect(nbitsFromTarget(hexToBytes(target))).toBe(back);
  });

  it('have the same difficulties and compact forms', () => {
    for (const { target, difficulty, compact } of vectors.difficulties) {
      const bytes = hexToBytes(target);
      const ours = { difficulty: difficultyFromTarget(bytes), compact: nbitsFromTarget(bytes) };
      expect({ target, ...ours }).toEqual({ target, difficulty: difficulty ?? Infinity, compact });
    }
  });

  /** Which numbers the reference complains of; it does not say which of the two it was. */
  const inputErrors = ['error: invalid-hashrate', 'error: invalid-shares-per-minute', 'error: invalid-target'];

  it('follow from hash rates in the same way', () => {
    for (const { hashRate, sharesPerMinute, target, error } of vectors.hashRateToTarget) {
      const ours = resultOf(() =>
        bytesToHex(targetFromHashrate(numberOf(hashRate), numberOf(sharesPerMinute))),
      );
      if (error === null) expectAnswer(ours, target);
      else expect(inputErrors).toContain(ours);
    }
  });

  it('stand for the same hash rates', () => {
    for (const { target, sharesPerMinute, hashRate, error } of vectors.hashRateFromTarget) {
      const bytes = hexToBytes(target);
      const ours = resultOf(() => hashrateFromTarget(bytes, numberOf(sharesPerMinute)));
      const isInput = targetToBigInt(bytes) > 0n && numberOf(sharesPerMinute) > 0;
      if (!isInput) expect([inputErrors, error === null]).toEqual([expect.arrayContaining([ours]), false]);
      else if (error === 'DivisionByZero') expectAnswer(ours, hashRate, 'hashrateOfManyShares');
      else {
        const overflows = error === 'ArithmeticOverflow' || isBeyond128Bits(ours);
        expectAnswer(ours, hashRate, overflows ? 'hashrateOverflow' : undefined);
      }
    }
  });

  const isBeyond128Bits = (hashRate: unknown) => typeof hashRate === 'number' && hashRate >= 2 ** 128;
});

describe('block headers of the reference implementation', () => {
  test.each(vectors.headers)('$hash', ({ header, hash, isBlock, ...fields }) => {
    const bytes = hexToBytes(header);
    const parsed = parseBlockHeader(bytes);
    const { prevHash, merkleRoot } = parsed;
    expect({ ...parsed, prevHash: bytesToHex(prevHash), merkleRoot: bytesToHex(merkleRoot) }).toEqual(fields);
    expect(bytesToHex(serialiseBlockHeader(parsed))).toBe(header);
    expect(bytesToHex(blockHash(bytes))).toBe(hash);
    const target = resultOf(() => targetFromNbits(fields.nbits));
    expect(typeof target !== 'string' && meetsTarget(hexToBytes(hash), target)).toBe(isBlock);
  });
});

describe('merkle roots of the reference implementation', () => {
  test.each(vectors.merkleRoots.map((vector) => [vector.case, vector.merklePath.length, vector] as const))(
    '%s, path of %d',
    (_, __, { extranonce, merklePath, merkleRoot, stripped, ...parts }) => {
      const coinbase = resultOf(() => stripCoinbaseWitness(partsFrom(parts)));
      if (typeof coinbase === 'string') {
        expectAnswer(coinbase, merkleRoot, 'coinbaseNotParsed');
        return;
      }
      if (stripped !== null) expect(partsHex(coinbase)).toEqual(stripped);
      const job = { coinbase, merklePath: merklePath.map(hexToBytes) } as unknown as ServerJob;
      const root = bytesToHex(jobMerkleRoot(job, hexToBytes(extranonce)));
      expectAnswer(root, merkleRoot, merkleRoot === null ? 'coinbaseNotParsed' : undefined);
    },
  );
});

describe('jobs of the reference implementation', () => {
  test.each(vectors.jobs.map((vector) => [vector.case, vector] as const))('%s', (_, vector) => {
    const { channelId, extranonceSize, versionRollingAllowed } = vector;
    const template = fromJson({ name: 'NewTemplate', payload: vector.template }) as NewTemplate;
    const prefix = hexToBytes(vector.extranoncePrefix);
    const factory = () =>
      jobFactory({
        payoutOutputs: () => parseOutputs(hexToBytes(vector.coinbaseOutputs)),
        tag: coinbaseTag(vector.poolTag ?? '', vector.minerTag ?? ''),
        versionRollingAllowed,
      });
    const fullSize = prefix.length + extranonceSize;
    const tip = vector.tip === null ? null : tipFrom(vector.tip);

    const difference =
      vector.case === 'rewards below the value remaining' ? ('rewardsBelowValue' as const) : undefined;
    const minNtime = template.futureTemplate ? null : (vector.tip?.minNtime ?? null);
    const header = { channelId, jobId: 1, minNtime, version: template.version };
    const make = (size: number) => resultOf(() => factory().fromTemplate(template, size));
    if (!template.futureTemplate && tip === null) {
      // the factory knows no tips, the server does
      const options = { payoutOutputs: () => [], sharesPerMinute: 6, shareBatchSize: 1 };
      const server = miningServer({ ...options, extranonce: extranonceAllocator() });
      expect(resultOf(() => server.newTemplate(template))).toBe(answerOf(vector.standard));
      expect(answerOf(vector.extended)).toBe(answerOf(vector.standard));
      return;
    }
    const outcome = (job: ReturnType<typeof make>, fields: (job: ServerJob) => unknown) =>
      typeof job === 'string' ? job : { ...header, ...(fields(job) as object) };

    const standard = make(prefix.length);
    expectAnswer(
      outcome(standard, (job) => ({ merkleRoot: bytesToHex(jobMerkleRoot(job, prefix)) })),
      answerOf(vector.standard),
      difference,
    );
    const extended = make(fullSize);
    expectAnswer(
      outcome(extended, (job) => ({
        versionRollingAllowed,
        merklePath: job.merklePath.map(bytesToHex),
        ...partsHex(job.coinbase),
      })),
      answerOf(vector.extended),
      difference,
    );
    if (vector.withWitness !== null && typeof extended !== 'string') {
      const { coinbaseTxPrefix, coinbaseTxSuffix } = vector.withWitness;
      const theirs = partsFrom({ coinbaseTxPrefix, coinbaseTxSuffix });
      const whole = bytesToHex(assembleCoinbase(theirs, new Uint8Array(fullSize)));
      const ours = bytesToHex(assembleCoinbase(extended.solutionCoinbase, new Uint8Array(fullSize)));
      const hasCommitment = template.coinbaseTxOutputsCount > 0 && vector.case !== 'hundred template outputs';
      expectAnswer(ours, whole, hasCommitment ? undefined : 'witnessWithoutCommitment');
    }
    if (vector.custom !== null) {
      const custom = fromJson(messageOf(vector.custom)) as SetCustomMiningJob;
      const job = factory().fromCustomJob(custom, fullSize);
      const ours = extended as ServerJob;
      expect({ ...job, templateId: template.templateId, payout: ours.payout }).toEqual(ours);
      expect(job.payout).toBeNull(); // whom a custom job pays is its client's to say
      expect(chainTipFrom(custom, 0)).toEqual(tip);
    }
  });

  /** What our code for each of its errors is. */
  const errorCodes: Record<string, string> = {
    ChainTipRequired: 'chain-tip-not-set',
    ScriptSigSizeTooLarge: 'bad-cb-length',
    CoinbaseTxPrefixError: 'invalid-coinbase-tag',
    InvalidCoinbaseOutputsSum: 'invalid-payout-sum',
    DeserializeCoinbaseOutputsError: 'truncated',
  };

  /** The message's payload, or the error in our words. */
  const answerOf = (answer: MessageJson | { readonly error: string }): unknown =>
    'error' in answer ? `error: ${errorCodes[answer.error]}` : answer.payload;

  const messageOf = ({ name, payload }: MessageJson): unknown => ({ name, payload });

  const tipFrom = ({ prevHash, nbits, minNtime }: NonNullable<JobVector['tip']>): ChainTip => ({
    prevHash: hexToBytes(prevHash),
    minNtime,
    nbits,
    networkTarget: targetFromNbits(nbits),
    solutionTarget: targetFromNbits(nbits),
    receivedAt: 0,
  });
});

it('differ where the list of differences says so, and nowhere else', () => {
  expect([...answered].sort()).toEqual(differencesIn('bitcoin'));
});
