import { describe, expect, it } from '@jest/globals';
import {
  blockHash,
  doubleSha256,
  parseBlock,
  parseTransaction,
  serialiseBlock,
  serialiseTransaction,
  subsidy,
  transactionWeight,
  txid,
  wtxid,
  type Block,
  type BlockHeader,
  createHeaderHasher,
  serialiseBlockHeader,
  targetFromNbits,
  type Transaction,
} from '../../../src/bitcoin/index.js';
import { concatBytes as join } from '../../../src/bitcoin/consensus-bytes.js';
import type { NewTemplate, SetNewPrevHashTemplate } from '../../../src/messages/index.js';
import { assembleBlock } from '../../../src/roles/template-provider/block-assembly.js';
import {
  createSimulatedChain,
  type SimulatedChainOptions,
} from '../../../src/roles/template-provider/simulated-chain.js';
import type { TemplateTransaction } from '../../../src/roles/template-provider/block-source.js';
import { templateStore } from '../../../src/roles/template-provider/template-store.js';
import {
  announcements,
  coinbaseFor,
  constraints,
  EASY_NBITS,
  hash,
  NOW,
  NTIME,
  payoutScript,
  solve,
} from './support.js';

/** A chain, and what a pool is given of it. */
const setUp = (options: SimulatedChainOptions = {}) => {
  const chain = createSimulatedChain({ nbits: EASY_NBITS, ...options }, NOW);
  const store = templateStore({ feeThreshold: 1n, lastTemplateId: 0n });
  const work = (now = NOW) => {
    store.update(chain.template(now), now);
    const [announcement] = announcements(store.setConstraints(1, constraints, now));
    if (announcement === undefined) throw new Error('no template');
    const [template, tip] = announcement.messages as [NewTemplate, SetNewPrevHashTemplate];
    return { template, tip, provided: announcement.provided };
  };
  return { chain, work };
};

/** A block whose header was changed, with a nonce for what it has become. */
const remined = (bytes: Uint8Array, change: Partial<BlockHeader>): Uint8Array => {
  const { header, transactions } = parseBlock(bytes);
  const changed = { ...header, ...change, nonce: 0 };
  const nonce = createHeaderHasher(serialiseBlockHeader(changed)).search(
    0,
    1_000,
    targetFromNbits(EASY_NBITS),
  );
  return serialiseBlock({ header: { ...changed, nonce: nonce ?? 0 }, transactions });
};

type Work = ReturnType<ReturnType<typeof setUp>['work']>;
const block = ({ template, tip, provided }: Work, coinbaseTx?: Uint8Array) =>
  assembleBlock(provided, solve(template, tip, coinbaseTx)).bytes;

/** A solved block with other transactions or another coinbase. */
const altered = (work: Work, change: (block: Block) => Partial<Block>): Uint8Array => {
  const original = parseBlock(block(work));
  return serialiseBlock({ ...original, ...change(original) });
};

const changedCoinbase = (template: NewTemplate, change: (coinbase: Transaction) => Partial<Transaction>) => {
  const coinbase = parseTransaction(coinbaseFor(template));
  return serialiseTransaction({ ...coinbase, ...change(coinbase) });
};

describe('a simulated chain', () => {
  it('has a template with real merkle paths, witnesses and fees', () => {
    const template = setUp().chain.template(NOW);
    expect(template.transactions.length).toBe(400);
    expect(template.height).toBe(900_000);
    const fees = template.transactions.reduce((sum, { fee }) => sum + fee, 0n);
    expect(template.coinbaseValue).toBe(subsidy(900_000) + fees);
    template.transactions.forEach((entry, index) => {
      const transaction = parseTransaction(entry.data);
      expect(txid(transaction)).toEqual(entry.txid);
      expect(wtxid(transaction)).toEqual(entry.wtxid);
      expect(transactionWeight(transaction)).toBe(entry.weight);
      expect(entry.dependsOn.every((parent) => parent < index)).toBe(true);
    });
    const withWitness = template.transactions.filter(({ txid, wtxid }) => String(txid) !== String(wtxid));
    expect(withWitness.length).toBeGreaterThan(300);
    expect(withWitness.length).toBeLessThan(400);
    expect(template.transactions.some(({ dependsOn }) => dependsOn.length > 0)).toBe(true);
  });

  it('is the same for the same seed, and another for another', () => {
    const first = (seed: number) => setUp({ seed, initialTransactions: 20 }).chain.template(NOW);
    expect(first(1)).toEqual(first(1));
    expect(first(1).prevHash).not.toEqual(first(2).prevHash);
    expect(first(1).transactions[0]?.txid).not.toEqual(first(2).transactions[0]?.txid);
  });

  it('has transactions arrive with time, and their fees with them', () => {
    const { chain } = setUp({ transactionsPerSecond: 3 });
    const before = chain.template(NOW);
    const after = chain.template(NOW + 10_000);
    expect(after.transactions.length).toBe(430);
    expect(after.coinbaseValue).toBeGreaterThan(before.coinbaseValue);
    expect(after.prevHash).toEqual(before.prevHash);
    expect(after.currentTime).toBe(NTIME + 10);
  });

  it('accepts a solution, and moves on to the next height without its transactions', () => {
    const { chain, work } = setUp({ transactionsPerSecond: 0 });
    const given = work();
    const bytes = block(given);
    expect(chain.submit(bytes, NOW)).toEqual({ accepted: true });
    const next = chain.template(NOW);
    expect(next.height).toBe(900_001);
    expect(next.prevHash).toEqual(blockHash(parseBlock(bytes).header));
    expect(next.transactions).toEqual([]);
    expect(chain.submit(block(work()), NOW)).toEqual({ accepted: true });
    expect(chain.template(NOW).height).toBe(900_002);
  });

  it('accepts solutions of every template it gave for a tip', () => {
    const { chain, work } = setUp();
    const early = work();
    work(NOW + 30_000);
    expect(chain.submit(block(early), NOW + 31_000)).toEqual({ accepted: true });
  });

  it('lets other miners find blocks', () => {
    const { chain, work } = setUp({ transactionsPerSecond: 0 });
    const late = work();
    chain.mineElsewhere(NOW + 5_000);
    const next = chain.template(NOW + 5_000);
    expect(next.height).toBe(900_001);
    expect(next.prevHash).not.toEqual(late.provided.prevHash);
    expect(next.transactions).toEqual([]);
    expect(chain.submit(block(late), NOW + 5_000)).toMatchObject({ accepted: false, reason: 'bad-prevblk' });
    expect(chain.submit(block(work(NOW + 5_000)), NOW + 5_000)).toEqual({ accepted: true });
  });

  it('halves the subsidy when it is due', () => {
    const value = (height: number) =>
      setUp({ height, initialTransactions: 0 }).chain.template(NOW).coinbaseValue;
    expect(value(839_999)).toBe(625_000_000n);
    expect(value(840_000)).toBe(312_500_000n);
  });

  it('starts at any height that BIP 34 can encode', () => {
    const { chain, work } = setUp({ height: 1 });
    expect(chain.submit(block(work()), NOW)).toEqual({ accepted: true });
  });

  it('goes on when the clock is at zero', () => {
    const chain = createSimulatedChain({ nbits: EASY_NBITS }, 0);
    expect(chain.template(0)).toMatchObject({ minTime: 1, currentTime: 1 });
  });

  it('complains about impossible nbits at once', () => {
    expect(() => createSimulatedChain({ nbits: 0x2200ffff }, NOW)).toThrow('above 2^256');
  });

  it('does not let transactions pile up for ever', () => {
    const { chain } = setUp({ initialTransactions: 0, transactionsPerSecond: 1e9 });
    const { transactions } = chain.template(NOW + 1_000);
    expect(transactions.length).toBeLessThanOrEqual(5_000);
    expect(transactions.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(4_000_000);
  });
});

describe('a simulated chain says exactly why it rejects', () => {
  const { chain, work } = setUp({ initialTransactions: 40 });
  const given = work();
  const { template, tip } = given;
  const rejection = (bytes: Uint8Array, now = NOW) => {
    const result = chain.submit(bytes, now);
    return result.accepted ? 'accepted' : result.reason;
  };
  const paying = (value: bigint) => ({ payoutOutputs: [{ value, scriptPubKey: payoutScript }] });
  const value = template.coinbaseTxValueRemaining;
  const outputs = parseTransaction(coinbaseFor(template)).outputs;

  it.each<[string, () => Uint8Array]>([
    [
      'bad-cb-amount',
      () =>
        block(given, coinbaseFor({ ...template, coinbaseTxValueRemaining: value + 1n }, paying(value + 1n))),
    ],
    [
      'bad-cb-height',
      () => block(given, coinbaseFor({ ...template, coinbasePrefix: Uint8Array.of(3, 1, 2, 3) })),
    ],
    [
      'bad-witness-merkle-match',
      () =>
        block(
          given,
          changedCoinbase(template, () => ({
            outputs: outputs.map((output) =>
              output.value === 0n
                ? { ...output, scriptPubKey: join([output.scriptPubKey.subarray(0, 6), hash(1)]) }
                : output,
            ),
          })),
        ),
    ],
    [
      'unexpected-witness',
      () =>
        block(
          given,
          changedCoinbase(template, ({ inputs }) => ({
            inputs: inputs.map((input) => ({ ...input, witness: [] })),
            outputs: outputs.filter((output) => output.value !== 0n),
          })),
        ),
    ],
    [
      'bad-witness-nonce-size',
      () =>
        block(
          given,
          changedCoinbase(template, ({ inputs }) => ({
            inputs: inputs.map((input) => ({ ...input, witness: [] })),
          })),
        ),
    ],
    [
      'bad-cb-length',
      () =>
        block(
          given,
          changedCoinbase(template, ({ inputs }) => ({
            inputs: inputs.map((input) => ({
              ...input,
              scriptSig: join([input.scriptSig, new Uint8Array(90)]),
            })),
          })),
        ),
    ],
    [
      'bad-cb-missing',
      () =>
        block(
          given,
          changedCoinbase(template, ({ inputs }) => ({
            inputs: inputs.map((input) => ({ ...input, previousIndex: 0 })),
          })),
        ),
    ],
    [
      'bad-txns-vout-empty',
      () =>
        block(
          given,
          changedCoinbase(template, () => ({ outputs: [] })),
        ),
    ],
    [
      'bad-txns-nonfinal',
      () =>
        block(
          given,
          changedCoinbase(template, ({ inputs }) => ({
            locktime: 900_001,
            inputs: inputs.map((input) => ({ ...input, sequence: 0 })),
          })),
        ),
    ],
    [
      'bad-blk-sigops',
      () =>
        block(
          given,
          coinbaseFor(template, {
            payoutOutputs: [{ value, scriptPubKey: new Uint8Array(1_000).fill(0xae) }],
          }),
        ),
    ],
    ['bad-prevblk', () => remined(block(given), { prevHash: hash(3) })],
    ['bad-diffbits', () => remined(block(given), { nbits: 0x207ffffe })],
    ['time-too-old', () => remined(block(given), { ntime: NTIME - 6_000 })],
    ['time-too-new', () => remined(block(given), { ntime: NTIME + 7_201 })],
    [
      'bad-txnmrklroot',
      () => altered(given, ({ transactions }) => ({ transactions: transactions.slice(0, -1) })),
    ],
    [
      'bad-txns-duplicate',
      () => {
        // 41 transactions: the last one repeated makes the same tree
        const { transactions } = parseBlock(block(given));
        return altered(given, () => ({ transactions: [...transactions, transactions.at(-1)!] }));
      },
    ],
    ['truncated', () => block(given).subarray(0, -1)],
    ['trailing-bytes', () => join([block(given), Uint8Array.of(0)])],
  ])('%s', (reason, make) => {
    expect(rejection(make())).toBe(reason);
  });

  it('high-hash', () => {
    const { header } = parseBlock(block(given));
    let nonce = 0;
    while ((blockHash({ ...header, nonce })[31] ?? 0) < 0x80) nonce++;
    expect(rejection(altered(given, () => ({ header: { ...header, nonce } })))).toBe('high-hash');
  });

  it('bad-txns-inputs-missingorspent, for a transaction that nobody knows and for a parent left out', () => {
    const all = chain.template(NOW).transactions;
    const child = all.findIndex(({ dependsOn }) => dependsOn.length > 0);
    expect(child).toBeGreaterThan(0);
    const parent = all[all[child]!.dependsOn[0]!]!;
    const only = (...transactions: readonly TemplateTransaction[]): Uint8Array => {
      const store = templateStore({ feeThreshold: 1n, lastTemplateId: 0n });
      const fees = transactions.reduce((sum, { fee }) => sum + fee, 0n);
      store.update(
        {
          ...chain.template(NOW),
          transactions: transactions.map((entry) => ({ ...entry, dependsOn: [] })),
          coinbaseValue: subsidy(900_000) + fees,
        },
        NOW,
      );
      const [announcement] = announcements(store.setConstraints(1, constraints, NOW));
      const [first] = announcement!.messages as [NewTemplate];
      return block({ template: first, tip, provided: announcement!.provided });
    };
    const stranger = createSimulatedChain({ seed: 2 }, NOW).template(NOW).transactions[0]!;
    expect(rejection(only(stranger))).toBe('bad-txns-inputs-missingorspent');
    expect(rejection(only(all[child]!))).toBe('bad-txns-inputs-missingorspent');
    expect(rejection(only(all[child]!, parent))).toBe('bad-txns-inputs-missingorspent');
  });

  it('and a message that says what was expected', () => {
    const bytes = block(given, coinbaseFor({ ...template, coinbasePrefix: Uint8Array.of(3, 1, 2, 3) }));
    expect(chain.submit(bytes, NOW)).toEqual({
      accepted: false,
      reason: 'bad-cb-height',
      message: 'the coinbase begins with height 197121, expected 900000',
    });
  });

  it('duplicate, for the tip itself; and it has not moved through all of this', () => {
    expect(chain.template(NOW).prevHash).toEqual(tip.prevHash);
    const bytes = block(given);
    expect(rejection(bytes)).toBe('accepted');
    expect(rejection(bytes)).toBe('duplicate');
    expect(doubleSha256(bytes.subarray(0, 80))).toEqual(chain.template(NOW).prevHash);
  });
});
