import { afterEach, describe, expect, it } from '@jest/globals';
import {
  asyncScheduler,
  filter,
  first,
  firstValueFrom,
  merge,
  observeOn,
  ReplaySubject,
  scan,
  switchMap,
  tap,
  type Subscription,
} from 'rxjs';
import { parseTransaction } from '../../../src/bitcoin/index.js';
import { bytesToHex } from '../../../src/codec/hex.js';
import {
  auditStatement,
  balancesOf,
  declaredPayouts,
  jdClient,
  jdServer,
  memoryStore,
  parseIdentity,
  simulatedSource,
  templateProvider,
  type JobDeclarationClientOptions,
  type JobDeclarationServerOutcome,
  type PayoutMode,
  type PoolOutcome,
  type SequencedRecord,
  type ServerOutcome,
  type Statement,
} from '../../../src/index.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { addressOf, planOf, scriptOf } from '../../ledger/support.js';
import { memoryMiner, memoryPool } from '../support.js';

/** One hash in 2^12 is a block: some every second. */
const easyNbits = 0x1f0fffff;

let running: Subscription | undefined;
afterEach(() => running?.unsubscribe());

const chooser = `${addressOf(1)}.rig`;
const reserve = bytesToHex(scriptOf(1_000));
const scriptOfUser = (user: string): string => {
  const identity = parseIdentity(user);
  return identity.isPayable ? bytesToHex(identity.scriptPubKey) : reserve;
};

/**
 * A pool that pays by its ledger with a declaration server beside it, a client with a miner that chooses, and one that does not,
 * until some of the chooser's blocks are stated.
 */
const mined = async (
  mode: PayoutMode,
  {
    isOffered = false,
    user = chooser,
    other = `${addressOf(2)}.rig`,
    enough = 3,
    client = {},
  }: {
    readonly isOffered?: boolean;
    readonly user?: string;
    readonly other?: string;
    readonly enough?: number;
    readonly client?: Partial<JobDeclarationClientOptions>;
  } = {},
) => {
  const plan = planOf(mode);
  const store = memoryStore();
  const network = memoryNetwork();
  const source = simulatedSource({ nbits: easyNbits, initialTransactions: 5 });
  const payouts = declaredPayouts(plan);
  const declarator = jdServer({
    listen: network.listen({ address: 'jds' }),
    node: source,
    ...payouts.declarator,
    ...(isOffered ? { payoutDistribution$: payouts.payoutDistribution$ } : {}),
  });
  const pool = memoryPool(network, {
    sharesPerMinute: 600,
    shareBatchSize: 1,
    payoutScript: scriptOf(1_000),
    acceptCustomJob: declarator.acceptCustomJob,
    customBlockObserver: declarator.customBlockObserver,
    ledger: { store, payout: plan, confirmations: 3, declaredPayouts: payouts },
  });
  const clear = (address: string) => network.connect({ address, encrypted: false });
  const outcome$ = new ReplaySubject<PoolOutcome>(100_000);
  const saidByPool: PoolOutcome[] = [];
  const saidByDeclarator: ServerOutcome<JobDeclarationServerOutcome>[] = [];
  running = merge(
    templateProvider({ listen: network.listen({ address: 'tp' }), source }).start(),
    templateProvider({ listen: network.listen({ address: 'own-tp' }), source }).start(),
    pool.start().pipe(
      tap((outcome) => {
        saidByPool.push(outcome);
        outcome$.next(outcome);
      }),
    ),
    declarator.start().pipe(tap((outcome) => saidByDeclarator.push(outcome))),
    outcome$.pipe(
      // its ledger is open then, and it listens: a client whose pool is not there mines alone for a while
      first(({ type }) => type === 'NewTip'),
      observeOn(asyncScheduler),
      switchMap(() =>
        merge(
          jdClient({
            listen: network.listen({ address: 'jdc' }),
            pairs: [{ pool: clear('pool'), declarator: clear('jds'), userIdentity: user }],
            templateProvider: clear('own-tp'),
            soloScript: scriptOf(999),
            sharesPerMinute: 600,
            payoutDistributions: isOffered,
            ...client,
          }).start(),
          memoryMiner(network, { connect: clear('jdc'), hashRate: 3_000 }).start(),
        ),
      ),
    ),
    memoryMiner(network, { userIdentity: other, hashRate: 3_000 }).start(),
  ).subscribe();
  await firstValueFrom(
    outcome$.pipe(
      scan(
        (count, outcome) => count + (outcome.type === 'BlockFound' && outcome.solution === null ? 1 : 0),
        0,
      ),
      filter((count) => count === enough),
    ),
  );
  // and one that is the pool's own after them, which makes up for what is owed
  await firstValueFrom(outcome$.pipe(filter(({ type }) => type === 'PayoutStated')));
  running.unsubscribe();
  await pool.written();
  const records: SequencedRecord[] = [];
  for await (const record of store.records()) records.push(record);
  const blocks = await store.blocks();
  const statements = blocks.flatMap(({ statement }) => statement ?? []);
  const isRefusal = (outcome: { readonly type: string; readonly errorCode?: string | null }): boolean =>
    (outcome.type === 'DeclarationRefused' || outcome.type === 'CustomJobRefused') &&
    outcome.errorCode !== 'stale-chain-tip';
  const refusalsOf = (all: readonly object[]) => all.filter((outcome) => isRefusal(outcome as never));
  const refused = refusalsOf(saidByDeclarator);
  const refusedJobs = refusalsOf(saidByPool);
  return { records, blocks, statements, refused, refusedJobs };
};

const declaredOf = (statements: readonly Statement[]) =>
  statements.filter(({ isDeclared }) => isDeclared === true);

/** What a coinbase pays, by script. */
const paidBy = ({ coinbaseTx }: Statement) =>
  new Map(
    parseTransaction(Uint8Array.from(Buffer.from(coinbaseTx, 'hex')))
      .outputs.filter(({ value }) => value > 0n)
      .map(({ scriptPubKey, value }) => [bytesToHex(scriptPubKey), value]),
  );

const paymentOf = ({ payments }: Statement, script: string) => {
  const found = payments.find((payment) => payment.script === script);
  const [earned, before, paid, after] = (['earned', 'before', 'paid', 'after'] as const).map((key) =>
    BigInt(found?.[key] ?? 0),
  ) as [bigint, bigint, bigint, bigint];
  return { earned, before, paid, after };
};

/** Every statement can be worked out again, and nothing is made up or kept. */
const expectExact = ({ records, blocks, statements }: Awaited<ReturnType<typeof mined>>) => {
  for (const statement of statements) {
    expect(auditStatement(statement, { records })).toEqual([]);
    const coinbase = [...paidBy(statement).values()].reduce((sum, value) => sum + value, 0n);
    if (statement.isDeclared === true) expect(String(coinbase)).toBe(statement.value);
  }
  expect([...balancesOf(blocks).values()].reduce((sum, balance) => sum + balance, 0n)).toBe(0n);
};

describe('blocks of declared jobs, at a pool that pays by its ledger', () => {
  it('pay who declared them where miners are paid for their own blocks, and the fee', async () => {
    const result = await mined('solo');
    const { statements, refused, refusedJobs } = result;
    expect([refused, refusedJobs]).toEqual([[], []]);
    const declared = declaredOf(statements);
    expect(declared.length).toBeGreaterThanOrEqual(3);
    for (const statement of declared) {
      expect(statement).toMatchObject({ user: chooser, mode: 'solo' });
      const paid = paidBy(statement);
      expect([...paid.keys()].sort()).toEqual([reserve, scriptOfUser(chooser)].sort());
      // 1 % of the subsidy; of transactions' fees it is owed
      const fee = BigInt(statement.value) / 100n;
      expect(paid.get(reserve)).toBe(3_125_000n);
      const { earned, before, after } = paymentOf(statement, reserve);
      expect([earned, after]).toEqual([fee, before + fee - 3_125_000n]);
    }
    expectExact(result);
  });

  it('pay the reserve where work is shared out and the client knows nothing else: it owes all to users', async () => {
    const result = await mined('pplns');
    const { statements, refused, refusedJobs } = result;
    expect([refused, refusedJobs]).toEqual([[], []]);
    const declared = declaredOf(statements);
    expect(declared.length).toBeGreaterThanOrEqual(3);
    const last = declared.at(-1) as Statement;
    expect([...paidBy(last).keys()]).toEqual([reserve]);
    const { earned, before, paid, after } = paymentOf(last, scriptOfUser(chooser));
    expect(earned).toBeGreaterThan(0n);
    expect([paid, after]).toEqual([0n, before + earned]);
    expectExact(result);
  });

  it.each(['pplns', 'proportional'] as const)(
    'pay users by the ledger with draft extension 0x0003: %s',
    async (mode) => {
      const result = await mined(mode, { isOffered: true, enough: 6 });
      const { statements, refused, refusedJobs } = result;
      expect([
        refused.filter((one) => (one as { errorCode: string }).errorCode !== 'stale-payout-distribution'),
        refusedJobs,
      ]).toEqual([[], []]);
      const declared = declaredOf(statements);
      expect(declared.length).toBeGreaterThanOrEqual(6);
      const shared = declared.filter((statement) => paidBy(statement).size >= 2);
      expect(shared).not.toEqual([]);
      for (const statement of shared) expect(statement.mode).toBe(mode);
      expect(shared.some((statement) => paidBy(statement).has(scriptOfUser(chooser)))).toBe(true);
      expectExact(result);
    },
  );

  it('pay a user alone who asks for that, among others whose work is shared out and a client with the extension', async () => {
    const user = `sri/solo/${addressOf(3)}/rig`;
    const result = await mined('pplns', { isOffered: true, user });
    const { statements, refused, refusedJobs } = result;
    expect([refused, refusedJobs]).toEqual([[], []]);
    for (const statement of declaredOf(statements)) {
      expect(statement).toMatchObject({ user, mode: 'solo' });
      expect(paidBy(statement).get(scriptOfUser(user))).toBeGreaterThan(
        (BigInt(statement.value) * 98n) / 100n,
      );
    }
    expectExact(result);
  });

  it('pay the same in coinbase-only mode, by the token alone', async () => {
    const result = await mined('solo', { client: { mode: 'coinbase-only' } });
    const { statements, refused, refusedJobs } = result;
    expect([refused, refusedJobs]).toEqual([[], []]);
    for (const statement of declaredOf(statements))
      expect([...paidBy(statement).keys()].sort()).toEqual([reserve, scriptOfUser(chooser)].sort());
    expectExact(result);
  });
});
