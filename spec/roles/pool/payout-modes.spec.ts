import { afterEach, describe, expect, it } from '@jest/globals';
import { filter, firstValueFrom, merge, ReplaySubject, take, toArray, type Subscription } from 'rxjs';
import { toDisplayHex } from '../../../src/bitcoin/index.js';
import { bytesToHex } from '../../../src/codec/hex.js';
import {
  auditStatement,
  memoryStore,
  parseIdentity,
  type PayoutMode,
  type PoolOutcome,
  type SequencedRecord,
  type Statement,
} from '../../../src/index.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { addressOf, planOf, scriptOf } from '../../ledger/support.js';
import { memoryMiner, memoryPool, memoryTemplateProvider } from '../support.js';

/** One hash in 2^12 is a block: some every second. */
const easyNbits = 0x1f0fffff;

let running: Subscription | undefined;
afterEach(() => running?.unsubscribe());

const scriptOfUser = (user: string): string => {
  const identity = parseIdentity(user);
  return identity.isPayable ? bytesToHex(identity.scriptPubKey) : bytesToHex(scriptOf(1_000));
};

/** Runs a pool with miners until each of them has found a block, and some are booked that pay by its mode. */
const mined = async (mode: PayoutMode, users: readonly string[]) => {
  const store = memoryStore();
  const network = memoryNetwork();
  const start = async (booked: number) => {
    const pool = memoryPool(network, {
      sharesPerMinute: 600,
      shareBatchSize: 1,
      ledger: { store, payout: planOf(mode), confirmations: 3 },
    });
    const outcome$ = new ReplaySubject<PoolOutcome>(100_000);
    running = merge(
      memoryTemplateProvider(network, { nbits: easyNbits }).start(),
      ...users.map((userIdentity, index) =>
        memoryMiner(network, {
          userIdentity,
          hashRate: 3_000,
          channel: index % 2 === 0 ? 'extended' : 'standard',
        }).start(),
      ),
    ).subscribe();
    running.add(pool.start().subscribe(outcome$));
    const found = new Set<string>();
    await firstValueFrom(
      outcome$.pipe(
        filter((outcome) => {
          if (outcome.type === 'BlockFound') found.add(outcome.userIdentity);
          return outcome.type === 'BlockFound' && found.size === users.length;
        }),
      ),
    );
    const finders = new Map<string, string>();
    await firstValueFrom(
      outcome$.pipe(
        filter((outcome) => {
          if (outcome.type === 'BlockFound') finders.set(toDisplayHex(outcome.hash), outcome.userIdentity);
          if (outcome.type !== 'PayoutBooked') return false;
          return mode === 'solo' || finders.get(outcome.hash)?.startsWith('sri/solo/') !== true;
        }),
        take(booked),
        toArray(),
      ),
    );
    running.unsubscribe();
    await pool.written();
  };
  await start(2);
  await start(1); // what a pool knows of rounds and balances is in its ledger
  const records: SequencedRecord[] = [];
  for await (const record of store.records()) records.push(record);
  const statements = (await store.blocks()).flatMap(({ statement }) => statement ?? []);
  return { records, statements, blocks: await store.blocks() };
};

const paidTo = ({ payments }: Statement) =>
  payments.filter(({ paid }) => paid !== '0').map(({ script }) => script);

describe('a pool that pays', () => {
  it('the finder alone, whoever it is, less fee and donation', async () => {
    const users = [
      `${addressOf(1)}.rig`,
      `sri/donate/10/${addressOf(2)}/rig`,
      'sri/donate/rig',
      `sri/solo/${addressOf(3)}/rig`,
    ];
    const { records, statements } = await mined('solo', users);
    expect(new Set(statements.map(({ user }) => user))).toEqual(new Set(users));
    for (const statement of statements) {
      const { user, value, payments } = statement;
      const reserve = bytesToHex(scriptOf(1_000));
      expect(paidTo(statement).sort()).toEqual([...new Set([scriptOfUser(user), reserve])].sort());
      const paid = BigInt(payments.find(({ script }) => script === scriptOfUser(user))?.paid ?? 0);
      const fee = BigInt(value) / 100n;
      const rest = BigInt(value) - fee;
      const parts = user.startsWith('sri/donate/10/') ? 9n : 10n;
      // within the satoshi that cannot be divided
      if (user !== 'sri/donate/rig') expect([0n, 1n]).toContain(paid - (rest * parts) / 10n);
      expect(auditStatement(statement, { records })).toEqual([]);
      const own = records.filter(({ record }) => record.user === user);
      expect(auditStatement(statement, { records: own, user })).toEqual([]);
      const other = users.find((one) => one !== user) ?? '';
      expect(auditStatement({ ...statement, user: other }, { records })).not.toEqual([]);
    }
  });

  it('by the work since the block before, each share once, after a restart too', async () => {
    const users = [`${addressOf(1)}.a`, `${addressOf(2)}.b`, `sri/solo/${addressOf(3)}`];
    const { records, statements, blocks } = await mined('proportional', users);
    const [, , alone = ''] = users;
    expect(new Set(statements.map(({ mode }) => mode))).toEqual(new Set(['proportional', 'solo']));
    for (const statement of statements) {
      expect(auditStatement(statement, { records })).toEqual([]);
      for (const user of users)
        expect(
          auditStatement(statement, { records: records.filter(({ record }) => record.user === user), user }),
        ).toEqual([]);
      expect(statement.mode).toBe(statement.user === alone ? 'solo' : 'proportional');
      if (statement.mode === 'proportional')
        expect(statement.contributions.map(({ user }) => user)).not.toContain(alone);
    }
    // rounds follow each other without a gap, and share no record
    const rounds = blocks
      .filter(({ state, statement }) => state === 'booked' && statement?.mode === 'proportional')
      .flatMap(({ statement }) => statement ?? []);
    expect(rounds).not.toEqual([]);
    for (const round of rounds) {
      const until = (of: Statement) => of.until[0]?.sequence ?? 0;
      const before = rounds.filter((other) => until(other) < until(round)).at(-1);
      if (before !== undefined) expect(round.since[0]?.sequence ?? 0).toBeGreaterThanOrEqual(until(before));
    }
  });

  it('nobody whom it could not, and says why', async () => {
    const network = memoryNetwork();
    const testnet = 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx';
    const pool = memoryPool(network, { ledger: { store: memoryStore(), payout: planOf('solo') } });
    const outcome$ = new ReplaySubject<PoolOutcome>(1_000);
    const users = [testnet, 'alice', `sri/donate/101/${addressOf(1)}`];
    running = merge(
      memoryTemplateProvider(network).start(),
      ...users.map((userIdentity) => memoryMiner(network, { userIdentity }).start()),
    ).subscribe();
    running.add(pool.start().subscribe(outcome$));
    const refused = await firstValueFrom(
      outcome$.pipe(
        filter((outcome) => outcome.type === 'ChannelRefused'),
        take(users.length),
        toArray(),
      ),
    );
    const reasons = new Map(refused.map(({ userIdentity, reason }) => [userIdentity, reason]));
    expect(reasons.get(testnet)).toBe('an address of testnet, and this pool pays on regtest');
    expect(reasons.get('alice')).toContain('the user name must be the address to pay');
    expect(reasons.get(users[2] ?? '')).toContain('must be from 0 to 100');
  });
});
