import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  assembleCoinbase,
  encodeCompactSize,
  parseTransaction,
  transactionWeight,
} from '../../../src/bitcoin/index.js';
import { buildCoinbase } from '../../../src/bitcoin/coinbase.js';
import {
  reservedWeight,
  selectTransactions,
} from '../../../src/roles/template-provider/select-transactions.js';
import { templateStore } from '../../../src/roles/template-provider/template-store.js';
import type { NewTemplate } from '../../../src/messages/index.js';
import { announcements, blockTemplate, hash, NOW, SUBSIDY, transaction } from './support.js';

const room = (size: number, sigops = 0) => ({
  coinbaseOutputMaxAdditionalSize: size,
  coinbaseOutputMaxAdditionalSigops: sigops,
});
const fees = (selection: ReturnType<typeof selectTransactions>) =>
  selection?.transactions.map(({ fee }) => Number(fee));

describe('reservedWeight', () => {
  it.each([
    [0, true, 1168],
    [31, true, 1292],
    [0, false, 944],
    [100, false, 1344],
  ])('reserves for %i bytes, with commitment %s, %i WU (spec §7.1)', (size, hasCommitment, weight) => {
    expect(reservedWeight(size, hasCommitment)).toBe(weight);
  });
});

describe('selectTransactions', () => {
  it('takes everything that fits', () => {
    const template = blockTemplate();
    expect(selectTransactions(template, room(31))).toEqual({
      transactions: template.transactions,
      fees: 2_000n,
      coinbaseValue: SUBSIDY + 2_000n,
      hasCommitment: true,
    });
  });

  it('fills a block to the last weight unit, and not beyond', () => {
    const limit = 4_000_000 - 1168 - 400;
    const big = (weight: number) =>
      blockTemplate([
        transaction(1),
        transaction(2, { weight, fee: 7n }),
        transaction(3, { fee: 1n, weight: 1 }),
      ]);
    expect(fees(selectTransactions(big(limit), room(0)))).toEqual([1000, 7]);
    // the one that is left out takes its fee with it, and a smaller one takes its place
    const smaller = selectTransactions(big(limit + 1), room(0));
    expect(fees(smaller)).toEqual([1000, 1]);
    expect(smaller?.coinbaseValue).toBe(SUBSIDY + 1001n);
    expect(smaller?.fees).toBe(1001n);
    // each byte of the client's outputs takes four weight units
    expect(fees(selectTransactions(big(limit - 4), room(1)))).toEqual([1000, 7]);
    expect(fees(selectTransactions(big(limit - 3), room(1)))).toEqual([1000, 1]);
  });

  it('keeps within a lower limit of the source', () => {
    const template = blockTemplate([transaction(1)], { weightLimit: 1168 + 399 });
    expect(fees(selectTransactions(template, room(0)))).toEqual([]);
  });

  it('reserves sigops', () => {
    const template = blockTemplate([transaction(1, { sigops: 79_000 }), transaction(2, { sigops: 1_000 })]);
    expect(fees(selectTransactions(template, room(0)))).toEqual([1000, 1000]);
    expect(fees(selectTransactions(template, room(0, 1)))).toEqual([1000]);
  });

  it('leaves out what depends on something left out', () => {
    const template = blockTemplate([
      transaction(1, { weight: 4_000_000 }),
      transaction(2, { dependsOn: [0], fee: 2n }),
      transaction(3, { dependsOn: [1], fee: 3n }),
      transaction(4, { fee: 4n }),
      transaction(5, { dependsOn: [3], fee: 5n }),
    ]);
    expect(fees(selectTransactions(template, room(0)))).toEqual([4, 5]);
  });

  it('does without a commitment where nothing has a witness and the source wants none', () => {
    const legacy = transaction(1, { wtxid: hash(1) });
    expect(selectTransactions(blockTemplate([legacy], { segwit: false }), room(0))?.hasCommitment).toBe(
      false,
    );
    expect(selectTransactions(blockTemplate([legacy]), room(0))?.hasCommitment).toBe(true);
    expect(
      selectTransactions(blockTemplate([transaction(1)], { segwit: false }), room(0))?.hasCommitment,
    ).toBe(true);
  });

  it('has nothing for a client that needs more than a block', () => {
    expect(selectTransactions(blockTemplate(), room(999_708))).toBeDefined();
    expect(selectTransactions(blockTemplate(), room(999_709))).toBeUndefined();
    expect(selectTransactions(blockTemplate([], { sigopLimit: 10 }), room(0, 11))).toBeUndefined();
  });
});

/** A transaction that weighs as much as another is said to. */
const weights = fc.array(fc.integer({ min: 400, max: 40_000 }), { minLength: 1, maxLength: 300 });

describe('a template', () => {
  it('never makes an oversized block, with a full scriptSig and all the room the client asked for', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 9, max: 100_000 }), fc.boolean(), (sizes, size, segwit) => {
        // scaled so that the transactions do not all fit
        const total = sizes.reduce((sum, weight) => sum + weight, 0);
        const transactions = sizes.map((weight, index) =>
          transaction(index, {
            weight: Math.ceil((weight * 4_100_000) / total),
            ...(segwit ? {} : { wtxid: hash(index) }),
          }),
        );
        const store = templateStore({ feeThreshold: 1n, lastTemplateId: 0n });
        store.update(blockTemplate(transactions, { segwit }), NOW);
        const [announcement] = announcements(store.setConstraints(1, room(size), NOW));
        const template = announcement?.messages[0] as NewTemplate;
        const script = new Uint8Array(size - 9 - (size > 9 + 0xfd ? 2 : 0) - (size > 0x10000 ? 2 : 0));
        const scriptSize = template.coinbasePrefix.length + 2;
        const coinbase = buildCoinbase(template, {
          tag: new Uint8Array(50).fill(1),
          fullExtranonceSize: 100 - scriptSize - 50,
          payoutOutputs: [{ value: template.coinbaseTxValueRemaining, scriptPubKey: script }],
        });
        const parts = segwit ? coinbase.withWitness : coinbase.stripped;
        const coinbaseWeight = transactionWeight(
          parseTransaction(assembleCoinbase(parts, new Uint8Array(100 - scriptSize - 50))),
        );
        // the seed of a transaction is in its bytes
        const chosen = (announcement?.provided.transactions ?? []).map(
          (data) => transactions[(data[0] ?? 0) + 256 * (data[1] ?? 0)]!,
        );
        const weight =
          4 * (80 + encodeCompactSize(chosen.length + 1).length) +
          coinbaseWeight +
          chosen.reduce((sum, entry) => sum + entry.weight, 0);
        expect(weight).toBeLessThanOrEqual(4_000_000);
        expect(chosen.length).toBeLessThan(transactions.length);
      }),
      { seed: 42, numRuns: 40 },
    );
  });
});
