import { afterEach, describe, expect, it } from '@jest/globals';
import { filter, firstValueFrom, merge, ReplaySubject, take, toArray, type Subscription } from 'rxjs';
import {
  auditStatement,
  balancesOf,
  memoryStore,
  type LedgerStore,
  type NewTemplate,
  type PoolOutcome,
  type SequencedRecord,
} from '../../../src/index.js';
import { ledgerPayout } from '../../../src/roles/pool/ledger-payout.js';
import type { PayoutHistory } from '../../../src/roles/pool/payout-history.js';
import { template } from '../../mining/support.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { addressOf, planOf, shareOf } from '../../ledger/support.js';
import { memoryMiner, memoryPool, memoryTemplateProvider } from '../support.js';

const plan = planOf('pplns');

/** One hash in 2^12 is a block: some every second. */
const easyNbits = 0x1f0fffff;

let running: Subscription | undefined;
afterEach(() => running?.unsubscribe());

const recordsOf = async (store: LedgerStore): Promise<SequencedRecord[]> => {
  const all: SequencedRecord[] = [];
  for await (const record of store.records()) all.push(record);
  return all;
};

it('a pool pays its users by their work, states it, and anybody can check that', async () => {
  const store = memoryStore();
  const network = memoryNetwork();
  const pool = memoryPool(network, {
    sharesPerMinute: 600,
    shareBatchSize: 1,
    ledger: { store, payout: plan, confirmations: 2 },
  });
  const outcome$ = new ReplaySubject<PoolOutcome>(100_000);
  running = merge(
    memoryTemplateProvider(network, { nbits: easyNbits }).start(),
    memoryMiner(network, { userIdentity: `${addressOf(1)}.rig`, hashRate: 3_000 }).start(),
    memoryMiner(network, { userIdentity: addressOf(2), hashRate: 2_000, channel: 'standard' }).start(),
    memoryMiner(network, { userIdentity: 'nobody', hashRate: 100 }).start(),
  ).subscribe();
  running.add(pool.start().subscribe(outcome$));
  const typed = <T extends PoolOutcome['type']>(type: T, count: number) =>
    firstValueFrom(
      outcome$.pipe(
        filter((outcome) => outcome.type === type),
        take(count),
        toArray(),
      ),
    );
  expect(await typed('ChannelRefused', 1)).toEqual([
    expect.objectContaining({ userIdentity: 'nobody', errorCode: 'unknown-user' }),
  ]);
  // both have work that counts for blocks from then on
  const workers = new Set<string>();
  await firstValueFrom(
    outcome$.pipe(
      filter((outcome) => outcome.type === 'ShareAccepted' && workers.add(outcome.userIdentity).size === 2),
    ),
  );
  let before = 0;
  outcome$.subscribe(({ type }) => (before += type === 'PayoutBooked' ? 1 : 0)).unsubscribe();
  await typed('PayoutBooked', before + 3);
  running.unsubscribe();
  await pool.written();

  const blocks = await store.blocks();
  const records = await recordsOf(store);
  expect(blocks.length).toBeGreaterThanOrEqual(3);
  expect(blocks.filter(({ state }) => state === 'booked').length).toBeGreaterThanOrEqual(3);
  expect(blocks.some(({ statement }) => (statement?.contributions.length ?? 0) === 2)).toBe(true);
  for (const { statement } of blocks) {
    expect(statement).not.toBeNull();
    if (statement === null) continue;
    expect(auditStatement(statement, { records })).toEqual([]);
  }
  const last = blocks.at(-1)?.statement;
  const altered = records.filter((_, index) => index !== 3);
  expect(last != null && auditStatement(last, { records: altered })).not.toEqual([]);
  const owed = [...balancesOf(blocks).values()].reduce((sum, amount) => sum + amount, 0n);
  expect(owed).toBe(0n);
});

describe('what is owed', () => {
  const history: PayoutHistory = {
    slots: [],
    rounds: [],
    roundsSince: [],
    blocks: [],
    receipts: [],
    nbits: 0x1d00ffff,
  };
  const valuesOf = (payout: ReturnType<typeof ledgerPayout>, of: NewTemplate) =>
    payout.payout.outputs(1_000_000n, of).map((output) => output.value);

  it('is frozen with a template, and follows the work with the next', () => {
    const payout = ledgerPayout({ plan, confirmations: 3, history });
    const first = template(1);
    expect(valuesOf(payout, first)).toEqual([1_000_000n]);
    payout.written([shareOf(addressOf(1))], { serverId: 1, sequence: 1, head: new Uint8Array(32) });
    expect(valuesOf(payout, first)).toEqual([1_000_000n]);
    expect(valuesOf(payout, template(2))).toEqual([990_000n, 10_000n]);
  });

  it('has room that the template provider is told of', () => {
    expect(ledgerPayout({ plan, confirmations: 3, history }).payout.room).toEqual({
      coinbaseOutputMaxAdditionalSize: 6_500,
      coinbaseOutputMaxAdditionalSigops: 800,
    });
  });

  it('is to addresses of the chain alone, as soon as that is known', () => {
    const testnets = { ...plan, networks: ['testnet' as const, 'regtest' as const] };
    const payout = ledgerPayout({ plan: testnets, confirmations: 3, history });
    const testnet = 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx';
    expect(payout.payoutOf(testnet, Infinity)).toBeInstanceOf(Function);
    payout.tip('00'.repeat(32), 9, 0x207f_ffff);
    expect(payout.payoutOf(testnet, Infinity)).toEqual({
      reason: 'an address of testnet, and this pool pays on regtest',
    });
    expect(payout.payoutOf(addressOf(1), Infinity)).toBeInstanceOf(Function);
  });
});

it('a pool that pays users is told of which networks they are', () => {
  const { networks: _, ...unnamed } = plan;
  const network = memoryNetwork();
  const ledger = { store: memoryStore(), payout: unnamed };
  expect(() => memoryPool(network, { ledger })).toThrow(/expected networks, of which the addresses are/);
  expect(() => memoryPool(network, { ledger, networks: ['regtest'] })).not.toThrow();
});
