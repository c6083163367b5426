/** A pool of two fronts and a core, whose only ways to each other are ports. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  asyncScheduler,
  concat,
  EMPTY,
  filter,
  firstValueFrom,
  mergeMap,
  ReplaySubject,
  scan,
  Subject,
  Subscription,
  take,
  toArray,
  type Observable,
} from 'rxjs';
import {
  auditStatement,
  balancesOf,
  coreLedger,
  coreSibling,
  frontSibling,
  memoryStore,
  poolCore,
  poolFront,
  portLedger,
  servedLedger,
  type CoreLedger,
  type LedgerOutcome,
  type LedgerStore,
  type PayoutPlan,
  type PoolCoreOutcome,
  type PoolFrontOutcome,
  type Port,
  type SequencedRecord,
} from '../../../src/index.js';
import { toDisplayHex } from '../../../src/bitcoin/hash.js';
import { payEverythingTo } from '../../../src/roles/pool/payout.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { memoryPorts } from '../../../src/testing/memory-ports.js';
import { addressOf, planOf } from '../../ledger/support.js';
import { memoryMiner, memoryTemplateProvider, seeded } from '../support.js';

let running = new Subscription();
afterEach(() => {
  running.unsubscribe();
  running = new Subscription();
});

const payoutScript = Uint8Array.of(0x51);

/**
 * A core, and what adds fronts to it. Miners of the front with server id 1 dial `front 1`.
 * @param paying what pays by the ledger; the pool's own script is paid everything unless given
 */
const cluster = (store: LedgerStore, paying?: { readonly plan: PayoutPlan; readonly ledger: CoreLedger }) => {
  const network = memoryNetwork();
  const front$ = new Subject<Port>();
  const core$ = new ReplaySubject<PoolCoreOutcome>(100_000);
  running.add(memoryTemplateProvider(network, { nbits: 0x1f0fffff }).start().subscribe());
  const core = poolCore({
    templateProvider: network.connect({ address: 'tp', encrypted: false }),
    sibling: paying?.ledger.sibling(coreSibling(front$)) ?? coreSibling(front$),
    payoutRoom: payEverythingTo(payoutScript).room,
  });
  running.add(core.start().subscribe(core$));
  const addFront = (serverId: number) => {
    const { ends, cut } = memoryPorts();
    const [coreEnd, frontEnd] = ends;
    const served$ = servedLedger(coreEnd, paying?.ledger.store ?? store, (id) => id === serverId);
    running.add(concat(served$, paying?.ledger.frontEnded(serverId) ?? EMPTY).subscribe());
    front$.next(coreEnd);
    const front = poolFront({
      listen: network.listen({ address: `front ${serverId}` }),
      sibling: frontSibling(frontEnd),
      ledger: { store: portLedger(frontEnd) },
      ...(paying === undefined ? {} : { corePayout: paying.plan }),
      randomBytes: seeded(3), // so that only the server id tells their work apart
      payoutScript,
      serverId,
      sharesPerMinute: 600,
      shareBatchSize: 1,
    });
    const outcome$ = new ReplaySubject<PoolFrontOutcome>(100_000);
    const subscription = front.start().subscribe(outcome$);
    running.add(subscription);
    return {
      outcome$: outcome$.asObservable(),
      /** It is gone, as when its process is killed. */
      kill() {
        cut();
        subscription.unsubscribe();
      },
    };
  };
  const mine = (serverId: number, userIdentity: string) => {
    const connect = network.connect({ address: `front ${serverId}`, encrypted: false });
    const miner$ = new ReplaySubject<{ readonly type: string }>(100_000);
    running.add(memoryMiner(network, { userIdentity, connect }).start().subscribe(miner$));
    return miner$.asObservable();
  };
  return { core$: core$.asObservable(), addFront, mine };
};

/** Shares that a miner has heard to be accepted, once they are so many or more. */
const accepted = (
  outcome$: Observable<{ readonly type: string; readonly count?: number }>,
  least: number,
): Promise<number> =>
  firstValueFrom(
    outcome$.pipe(
      scan((sum, outcome) => (outcome.type === 'SharesAccepted' ? sum + (outcome.count ?? 0) : sum), 0),
      filter((sum) => sum >= least),
    ),
  );

/** Waits for a block that is found there. */
const block = (outcome$: Observable<PoolFrontOutcome>): Promise<PoolFrontOutcome> =>
  firstValueFrom(outcome$.pipe(filter(({ type }) => type === 'BlockFound')));

const acceptedOf = async (store: LedgerStore): Promise<Readonly<Record<string, number>>> =>
  Object.fromEntries((await store.accounts()).map(({ user, accepted }) => [user, accepted]));

describe('a pool of two fronts', () => {
  it('mines blocks on both, and when one is killed the other goes on, and nothing acknowledged is lost', async () => {
    const store = memoryStore();
    const { core$, addFront, mine } = cluster(store);
    const one = addFront(1);
    const two = addFront(2);
    const [alice$, bob$] = [mine(1, 'alice'), mine(2, 'bob')];
    const first = await Promise.all([accepted(alice$, 5), accepted(bob$, 5)]);
    const confirmed = await firstValueFrom(
      core$.pipe(
        filter(({ type }) => type === 'SolutionConfirmed'),
        take(2),
        toArray(),
      ),
    );
    expect(confirmed).toHaveLength(2);
    await Promise.all([block(one.outcome$), block(two.outcome$)]);

    one.kill();
    const atBob = (await accepted(bob$, first[1] + 10)) - first[1];
    expect(atBob).toBeGreaterThanOrEqual(10);
    const kept = await acceptedOf(store);
    expect(kept['alice']).toBeGreaterThanOrEqual(first[0]);
    expect(kept['bob']).toBeGreaterThanOrEqual(first[1] + 10);

    // another takes its place, late, with a server id of its own, and has work at once
    addFront(3);
    await accepted(mine(3, 'carol'), 3);
    expect((await acceptedOf(store))['carol']).toBeGreaterThanOrEqual(3);
    expect((await store.receipts()).map(({ serverId }) => serverId)).toEqual([1, 2, 3]);
  }, 60_000);
});

describe('a pool of two fronts that pays its users', () => {
  it('states and books the blocks of both by the work of both, and a front that is killed loses none of it', async () => {
    const store = memoryStore();
    const plan = planOf('pplns');
    const ledger = await coreLedger({ store, plan, confirmations: 2, scheduler: asyncScheduler });
    const outcome$ = new ReplaySubject<LedgerOutcome>(10_000);
    running.add(ledger.start().subscribe(outcome$));
    const { addFront, mine } = cluster(store, { plan, ledger });
    const [one, two] = [addFront(1), addFront(2)];
    const users = [`${addressOf(1)}.a`, addressOf(2), `sri/solo/${addressOf(3)}`];
    const refused = firstValueFrom(one.outcome$.pipe(filter(({ type }) => type === 'ChannelRefused')));
    mine(1, 'nobody');
    for (const [index, user] of users.entries()) mine(1 + (index % 2), user);
    expect(await refused).toMatchObject({ userIdentity: 'nobody', errorCode: 'unknown-user' });
    const booked = (count: number) =>
      firstValueFrom(
        outcome$.pipe(
          filter(({ type }) => type === 'PayoutBooked'),
          take(count),
          toArray(),
        ),
      );
    await Promise.all([booked(4), block(one.outcome$), block(two.outcome$)]);
    one.kill();
    addFront(3);
    mine(3, addressOf(4));
    // until a block is booked, and one is stated that counts the third front's work
    await firstValueFrom(
      outcome$.pipe(
        filter(({ type }) => type === 'PayoutBooked'),
        mergeMap(() => store.blocks()),
        filter((blocks) =>
          blocks.some(({ statement }) => statement?.until.some(({ serverId }) => serverId === 3)),
        ),
      ),
    );
    running.unsubscribe();
    await ledger.written();

    const records: SequencedRecord[] = [];
    for await (const record of store.records()) records.push(record);
    const blocks = await store.blocks();
    const statements = blocks.flatMap(({ statement }) => statement ?? []);
    expect(statements.length).toBe(blocks.length);
    for (const statement of statements) expect(auditStatement(statement, { records })).toEqual([]);
    // work of both fronts is in one window
    const contributors = statements.map(({ contributions }) => contributions.length);
    expect(Math.max(...contributors)).toBeGreaterThanOrEqual(2);
    expect(new Set(statements.flatMap(({ until }) => until.map(({ serverId }) => serverId)))).toEqual(
      new Set([1, 2, 3]),
    );
    const shares = new Set(
      records.map(({ record }) => (record.type === 'share' ? toDisplayHex(record.hash) : '')),
    );
    for (const { hash } of blocks) expect(shares).toContain(hash);
    const owed = [...balancesOf(blocks).values()].reduce((sum, amount) => sum + amount, 0n);
    expect(owed).toBe(0n);
  }, 60_000);
});
