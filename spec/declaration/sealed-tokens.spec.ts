import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { serialiseOutputs } from '../../src/bitcoin/index.js';
import {
  sealedCustomJobs,
  tokenSeal,
  type JobDeclaratorOptions,
  type SealedCustomJobs,
} from '../../src/declaration/index.js';
import type { SetCustomMiningJob } from '../../src/messages/index.js';
import { seededRandom } from '../../src/roles/template-provider/simulated-transactions.js';
import {
  answer,
  blockTemplate,
  channel,
  clientJob,
  connected,
  customJob,
  declaration,
  declaratorWith,
  NOW,
  otherScript,
  poolScript,
} from './support.js';

const template = blockTemplate();
const job = clientJob(template);
const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const seal = tokenSeal({ key: keyOf(1) });
const { height } = template;

const sealedDeclarator = (options: Partial<JobDeclaratorOptions> = {}) =>
  declaratorWith(template, { seal, ...options });

/** A pool in another process: it has the key and its own script, and nothing else of the declarator. */
const poolOf = (options: Partial<Parameters<typeof sealedCustomJobs>[0]> = {}): SealedCustomJobs =>
  sealedCustomJobs({
    seal: tokenSeal({ key: keyOf(1) }),
    outputs: [{ value: 0n, scriptPubKey: poolScript }],
    ...options,
  });

/** A token for a coinbase-only job. */
const allocatedToken = (declarator = sealedDeclarator()): Uint8Array =>
  connected(declarator, 1, { flags: 0 }).token();

/** A token that commits to a job. */
const declaredToken = (declarator = sealedDeclarator(), of = job): Uint8Array => {
  const { token } = connected(declarator);
  return answer(declarator.handle(1, declaration(of, token()), NOW), 'DeclareMiningJob.Success')
    .newMiningJobToken;
};

const codeOf = (
  pool: SealedCustomJobs,
  custom: SetCustomMiningJob,
  {
    userIdentity = channel.userIdentity,
    at = NOW,
    next = height,
  }: { readonly userIdentity?: string; readonly at?: number; readonly next?: number | null } = {},
): string | null => pool.judge(custom, { ...channel, userIdentity }, next, at)?.errorCode ?? null;

const INVALID = 'invalid-mining-job-token';

describe('a sealed token', () => {
  it('fits the protocol, and takes no memory of the declarator unless a declaration may come with it', () => {
    const declarator = sealedDeclarator();
    expect(allocatedToken(declarator).length).toBeLessThanOrEqual(255);
    expect(declarator.held.tokens).toBe(0);
    expect(declaredToken(declarator).length).toBeLessThanOrEqual(255);
    expect(declarator.held.tokens).toBe(0);
    connected(declarator, 2).token();
    expect(declarator.held.tokens).toBe(1);
  });

  it('is good for one custom job of its own user, until it expires', () => {
    const declarator = sealedDeclarator({ tokenLifetime: 60_000 });
    for (const tokenOf of [allocatedToken, (of: typeof declarator) => declaredToken(of)]) {
      const pool = poolOf();
      const custom = customJob(job, tokenOf(declarator));
      expect(codeOf(pool, custom, { userIdentity: 'mallory.rig' })).toBe(INVALID);
      expect(codeOf(pool, custom, { at: NOW + 60_000 })).toBe(INVALID);
      expect(pool.used).toBe(0);
      expect(codeOf(pool, custom, { userIdentity: 'alice.other', at: NOW + 59_999 })).toBeNull();
      expect(codeOf(pool, custom)).toBe(INVALID);
    }
  });

  it('was sealed with the key that the pool has, or with the one before', () => {
    const custom = customJob(job, allocatedToken());
    const withKeys = (key: number, previousKey?: number) =>
      poolOf({
        seal: tokenSeal({
          key: keyOf(key),
          ...(previousKey === undefined ? {} : { previousKey: keyOf(previousKey) }),
        }),
      });
    expect(codeOf(withKeys(2), custom)).toBe(INVALID);
    expect(codeOf(withKeys(2, 3), custom)).toBe(INVALID);
    expect(codeOf(withKeys(2, 1), custom)).toBeNull();
  });

  it('has a key of 32 bytes', () => {
    expect(() => tokenSeal({ key: new Uint8Array(31) })).toThrow(/key must have 32 bytes, got 31/);
    expect(() => tokenSeal({ key: keyOf(1), previousKey: new Uint8Array(0) })).toThrow(/previousKey.*got 0/);
  });

  it('is worth nothing when a bit of it is another, or a byte more or less', () => {
    const tokens = [allocatedToken(), declaredToken()];
    fc.assert(
      fc.property(fc.constantFrom(...tokens), fc.nat(), fc.constantFrom(-1, 0, 1), (token, bit, longer) => {
        const changed = new Uint8Array(token.length + longer);
        changed.set(token.subarray(0, changed.length));
        if (longer === 0) changed[(bit >> 3) % token.length]! ^= 1 << (bit & 7);
        expect(seal.open(changed)).toBeUndefined();
      }),
      { seed: 11, numRuns: 500 },
    );
    expect(tokens.map((token) => seal.open(token)?.type)).toEqual(['allocated', 'declared']);
    expect(seal.open(new Uint8Array(0))).toBeUndefined();
  });

  it('is remembered as used in bounded memory, and no longer than it could be used', () => {
    const declarator = sealedDeclarator({ tokenLifetime: 60_000 });
    const pool = poolOf({ maxUsedTokens: 3 });
    const customs = Array.from({ length: 5 }, () => customJob(job, allocatedToken(declarator)));
    expect(customs.map((custom) => codeOf(pool, custom))).toEqual([null, null, null, null, null]);
    expect(pool.used).toBe(3);
    expect(codeOf(pool, customs[4]!)).toBe(INVALID);
    const later = sealedDeclarator({ tokenLifetime: 600_000 });
    expect(codeOf(pool, customJob(job, allocatedToken(later)), { at: NOW + 60_000 })).toBeNull();
    expect(pool.used).toBe(1);
  });
});

describe('a custom job with a sealed token of its declaration', () => {
  it('is judged as the declarator itself would, whatever of it is changed', () => {
    const random = seededRandom(5);
    const bytes = (length: number) => random.bytes(length);
    const changes: readonly ((custom: SetCustomMiningJob) => Partial<SetCustomMiningJob>)[] = [
      () => ({}),
      ({ version }) => ({ version: version ^ 1 }),
      () => ({ prevHash: bytes(32) }),
      ({ nbits }) => ({ nbits: nbits - 1 }),
      ({ minNtime }) => ({ minNtime: minNtime - 1 }),
      ({ minNtime }) => ({ minNtime: minNtime + 1 }),
      () => ({ coinbaseTxVersion: 1 }),
      ({ coinbasePrefix }) => ({ coinbasePrefix: Uint8Array.of(...coinbasePrefix, 0) }),
      ({ coinbasePrefix }) => ({ coinbasePrefix: coinbasePrefix.subarray(1) }),
      () => ({ coinbaseTxInputNSequence: 0 }),
      () => ({ coinbaseTxOutputs: serialiseOutputs([{ value: 1n, scriptPubKey: otherScript }]) }),
      () => ({ coinbaseTxOutputs: new Uint8Array(0) }),
      () => ({ coinbaseTxLocktime: 7 }),
      ({ merklePath }) => ({ merklePath: merklePath.toReversed() }),
      ({ merklePath }) => ({ merklePath: merklePath.slice(1) }),
      () => ({ merklePath: [] }),
    ];
    const sealed = sealedDeclarator();
    const own = declaratorWith(template);
    const pool = poolOf();
    const codes = new Set<string | null>();
    const anyChange = fc.constantFrom(...changes);
    fc.assert(
      fc.property(anyChange, anyChange, fc.integer({ min: 19, max: 21 }), (one, other, size) => {
        const verdicts = [sealed, own].map((declarator) => {
          const custom = customJob(job, declaredToken(declarator));
          const changed = { ...custom, ...one(custom), ...other(custom) };
          const on = { ...channel, fullExtranonceSize: size };
          const refused =
            declarator === own ? own.judgeCustomJob(changed, on, NOW) : pool.judge(changed, on, height, NOW);
          return refused?.errorCode ?? null;
        });
        codes.add(verdicts[0]!);
        expect(verdicts[0]).toBe(verdicts[1]);
      }),
      { seed: 3, numRuns: 600 },
    );
    // each code of the sheet has come up
    expect([...codes].map(String).sort()).toEqual([
      'invalid-coinbase-prefix',
      'invalid-coinbase-tx',
      'invalid-coinbase-tx-input-n-sequence',
      'invalid-coinbase-tx-locktime',
      'invalid-coinbase-tx-outputs',
      'invalid-coinbase-tx-version',
      'invalid-merkle-path',
      'invalid-min-ntime',
      'invalid-nbits',
      'invalid-version',
      'null',
      'stale-chain-tip',
    ]);
  });

  it('says what was expected and what came, of bytes by their hash', () => {
    const custom = customJob(job, declaredToken(), { coinbasePrefix: Uint8Array.of(1, 2) });
    expect(poolOf().judge(custom, channel, height, NOW)?.reason).toMatch(
      /expected the declared coinbasePrefix, SHA-256 [0-9a-f]{64}, got SHA-256 a12871fe/,
    );
  });

  it("pays the pool's own script, whatever the declarator took for it", () => {
    const other = clientJob(template, { payouts: (value) => [{ value, scriptPubKey: otherScript }] });
    const elsewhere = sealedDeclarator({ outputs: [{ value: 0n, scriptPubKey: otherScript }] });
    const custom = customJob(other, declaredToken(elsewhere, other));
    expect(codeOf(poolOf(), custom)).toBe('pool-payout-script-missing');
  });

  it('pays it the part that the declarator asks for', () => {
    const halves = clientJob(template, {
      payouts: (value) => [
        { value: value / 2n, scriptPubKey: poolScript },
        { value: value - value / 2n, scriptPubKey: otherScript },
      ],
    });
    const generous = sealedDeclarator({ minPoolShare: 0.5 });
    expect(codeOf(poolOf(), customJob(halves, declaredToken(generous, halves)))).toBeNull();
    expect(codeOf(poolOf(), customJob(halves, allocatedToken(generous)))).toBeNull();
    expect(codeOf(poolOf(), customJob(halves, allocatedToken()))).toBe('invalid-coinbase-tx-outputs');
  });
});

describe('a coinbase-only job with a sealed token', () => {
  const { subsidy, minTime } = seal.open(allocatedToken()) as { subsidy: bigint; minTime: number };
  const paying = (value: bigint) =>
    clientJob(template, { payouts: () => [{ value, scriptPubKey: poolScript }] });

  it('is taken only where the declarator offers that', () => {
    const strict = sealedDeclarator({ coinbaseOnly: false });
    expect(codeOf(poolOf(), customJob(job, allocatedToken(strict)))).toBe(INVALID);
    expect(codeOf(poolOf(), customJob(job, declaredToken(strict)))).toBeNull();
  });

  it("pays the pool of the subsidy at least: on later blocks than the token's of what halvings may have left", () => {
    expect(codeOf(poolOf(), customJob(paying(subsidy), allocatedToken()))).toBeNull();
    expect(codeOf(poolOf(), customJob(paying(subsidy - 1n), allocatedToken()))).toBe(
      'invalid-coinbase-tx-outputs',
    );
    const later = (value: bigint, blocks = 1) => {
      const next = clientJob(template, {
        payouts: () => [{ value, scriptPubKey: poolScript }],
        height: height + blocks,
      });
      return codeOf(poolOf(), customJob(next, allocatedToken()), { next: height + blocks });
    };
    // on regtest each 150 blocks, which are less than a token's lifetime
    for (const [blocks, least] of [
      [1, subsidy / 2n],
      [150, subsidy / 2n],
      [151, subsidy / 4n],
      [300, subsidy / 4n],
      [301, subsidy / 8n],
      [150 * 70, 0n],
      [-1, subsidy],
    ] as const) {
      expect([blocks, later(least, blocks)]).toEqual([blocks, null]);
      if (least > 0n)
        expect([blocks, later(least - 1n, blocks)]).toEqual([blocks, 'invalid-coinbase-tx-outputs']);
    }
  });

  it("is for the pool's next block, if that is known, and not before its time", () => {
    const judged = (next: number | null) =>
      codeOf(poolOf(), customJob(paying(subsidy), allocatedToken()), { next });
    expect(judged(height + 1)).toBe('invalid-coinbase-prefix');
    expect(judged(null)).toBeNull();
    expect(codeOf(poolOf(), customJob(job, allocatedToken(), { minNtime: minTime - 1 }))).toBe(
      'invalid-min-ntime',
    );
  });

  it('has outputs and a scriptSig that can be', () => {
    const wrong = (fields: Partial<SetCustomMiningJob>) =>
      codeOf(poolOf(), customJob(job, allocatedToken(), fields));
    expect(wrong({ coinbaseTxOutputs: Uint8Array.of(2) })).toBe('invalid-coinbase-tx-outputs');
    expect(wrong({ coinbasePrefix: Uint8Array.of(...job.coinbasePrefix, ...new Uint8Array(90)) })).toBe(
      'invalid-coinbase-prefix',
    );
  });
});
