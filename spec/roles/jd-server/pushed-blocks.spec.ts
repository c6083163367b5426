/** Blocks of declared jobs at a pool that pays by its ledger: their shares and their clients' solutions come in any order, or alone. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  asyncScheduler,
  filter,
  first,
  firstValueFrom,
  merge,
  mergeMap,
  observeOn,
  ReplaySubject,
  scan,
  switchMap,
  tap,
  timer,
  map,
  type Subscription,
} from 'rxjs';
import { toDisplayHex } from '../../../src/bitcoin/hash.js';
import {
  auditStatement,
  balancesOf,
  declaredPayouts,
  jdClient,
  jdServer,
  memoryStore,
  simulatedSource,
  templateProvider,
  type Message,
  type PayoutMode,
  type PoolOutcome,
  type SequencedRecord,
} from '../../../src/index.js';
import type { BlockSource } from '../../../src/roles/template-provider/block-source.js';
import { memoryNetwork, type MemoryNetwork } from '../../../src/testing/memory.js';
import type { Connection } from '../../../src/transport/connection.js';
import { addressOf, planOf, scriptOf } from '../../ledger/support.js';
import { memoryMiner, memoryPool } from '../support.js';

/** One hash in 2^12 is a block: some every second. */
const easyNbits = 0x1f0fffff;

/** Milliseconds until a node has a block, in which the pool is still on the tip before: what comes late comes within them. */
const acceptance = 500;

let running: Subscription | undefined;
afterEach(() => running?.unsubscribe());

const chooser = `${addressOf(1)}.rig`;

/** When what a client sends gets to the other side: milliseconds, or never. */
type Late = Partial<Record<Message['type'], number | 'never'>>;

const sendLater = (connection: Connection, message: Message, after: number): void =>
  running?.add(timer(after).subscribe(() => connection.send(message)));

const dial = (network: MemoryNetwork, address: string, late: Late = {}) =>
  network.connect({ address, encrypted: false }).pipe(
    map((connection): Connection => {
      const { peer, frame$, drained$, message$ } = connection;
      return {
        ...{ peer, frame$, drained$, message$, queuedBytes: 0 },
        send(...messages) {
          for (const message of messages) {
            const after = late[message.type];
            if (after === undefined) connection.send(message);
            else if (after !== 'never') sendLater(connection, message, after);
          }
        },
        sendFrames: (...frames) => connection.sendFrames(...frames),
        pause: (until$) => connection.pause(until$),
        limitPayload: (bytes) => connection.limitPayload(bytes),
        close: () => connection.close(),
      };
    }),
  );

/** A pool with a declaration server and a client, until so many blocks of the client's are stated. */
const mined = async (mode: PayoutMode, late: Late, enough = 3) => {
  const plan = planOf(mode);
  const store = memoryStore();
  const network = memoryNetwork();
  const chain = simulatedSource({ nbits: easyNbits, initialTransactions: 5 });
  const source: BlockSource = {
    update$: chain.update$,
    submit: (block) => timer(acceptance).pipe(mergeMap(() => chain.submit(block))),
  };
  const payouts = declaredPayouts(plan);
  const declarator = jdServer({
    listen: network.listen({ address: 'jds' }),
    node: source,
    ...payouts.declarator,
  });
  const pool = memoryPool(network, {
    sharesPerMinute: 600,
    shareBatchSize: 1,
    payoutScript: scriptOf(1_000),
    acceptCustomJob: declarator.acceptCustomJob,
    customBlockObserver: declarator.customBlockObserver,
    ledger: { store, payout: plan, confirmations: 3, declaredPayouts: payouts },
  });
  const outcome$ = new ReplaySubject<PoolOutcome>(100_000);
  const said = new Map<string, number>();
  const count = ({ type }: { readonly type: string }): void => void said.set(type, (said.get(type) ?? 0) + 1);
  running = merge(
    templateProvider({ listen: network.listen({ address: 'tp' }), source }).start(),
    templateProvider({ listen: network.listen({ address: 'own-tp' }), source }).start(),
    pool.start().pipe(tap((outcome) => outcome$.next(outcome))),
    declarator.start().pipe(tap(count)),
    outcome$.pipe(
      first(({ type }) => type === 'NewTip'),
      observeOn(asyncScheduler),
      switchMap(() =>
        merge(
          jdClient({
            listen: network.listen({ address: 'jdc' }),
            pairs: [
              {
                pool: dial(network, 'pool', late),
                declarator: dial(network, 'jds', late),
                userIdentity: chooser,
              },
            ],
            templateProvider: dial(network, 'own-tp'),
            sharesPerMinute: 600,
          }).start(),
          memoryMiner(network, { connect: dial(network, 'jdc'), hashRate: 3_000 }).start(),
        ),
      ),
    ),
  ).subscribe();
  await firstValueFrom(
    outcome$.pipe(
      filter(({ type }) => type === 'PayoutStated'),
      scan((stated) => stated + 1, 0),
      filter((stated) => stated >= enough),
    ),
  );
  running.unsubscribe();
  await pool.written();
  const records: SequencedRecord[] = [];
  for await (const record of store.records()) records.push(record);
  const blocks = await store.blocks();
  const statements = blocks.flatMap(({ statement }) => statement ?? []);
  const shares = records.flatMap(({ record }) =>
    record.type === 'share' ? [toDisplayHex(record.hash)] : [],
  );
  return { records, blocks, statements, shares, saidOf: (type: string) => said.get(type) ?? 0 };
};

/** Each block has one statement, which can be worked out again, and nothing is made up or kept. */
const expectExact = ({ records, blocks, statements, shares }: Awaited<ReturnType<typeof mined>>) => {
  expect(statements.length).toBeGreaterThanOrEqual(3);
  expect(new Set(statements.map(({ hash }) => hash)).size).toBe(statements.length);
  expect(new Set(shares).size).toBe(shares.length);
  for (const statement of statements) {
    expect(statement).toMatchObject({ isDeclared: true, user: chooser });
    expect(auditStatement(statement, { records })).toEqual([]);
    const own = records.filter(({ record }) => record.user === chooser);
    expect(auditStatement(statement, { records: own, user: chooser })).toEqual([]);
  }
  expect([...balancesOf(blocks).values()].reduce((sum, balance) => sum + balance, 0n)).toBe(0n);
};

describe.each(['solo', 'pplns'] as const)('a block of a declared job, at a pool that pays by %s', (mode) => {
  it('is stated when its share never comes', async () => {
    const result = await mined(mode, { SubmitSharesExtended: 'never' });
    expectExact(result);
    expect(result.shares).toEqual([]);
    for (const statement of result.statements) expect(statement.isPushed).toBe(true);
  });

  it('is stated once when its share comes after its solution, and the share is credited', async () => {
    const result = await mined(mode, { SubmitSharesExtended: 100 });
    expectExact(result);
    const credited = result.statements.filter(({ hash }) => result.shares.includes(hash));
    expect(credited).not.toEqual([]);
    for (const statement of credited) expect(statement.isPushed).toBe(true);
  });

  it('is stated once, by its share, when its solution comes after that', async () => {
    const result = await mined(mode, { PushSolution: 100 });
    expectExact(result);
    const byShare = result.statements.filter(({ isPushed }) => isPushed !== true);
    expect(byShare).not.toEqual([]);
    for (const { hash } of byShare) expect(result.shares).toContain(hash);
    expect(result.saidOf('SolutionKnown')).toBeGreaterThan(0);
  });
});
