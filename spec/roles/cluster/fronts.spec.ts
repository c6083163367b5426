/** A pool of two fronts and a core, whose only ways to each other are ports. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  filter,
  firstValueFrom,
  ReplaySubject,
  scan,
  Subject,
  Subscription,
  take,
  toArray,
  type Observable,
} from 'rxjs';
import {
  coreSibling,
  frontSibling,
  memoryStore,
  poolCore,
  poolFront,
  portLedger,
  servedLedger,
  type LedgerStore,
  type PoolCoreOutcome,
  type PoolFrontOutcome,
  type Port,
} from '../../../src/index.js';
import { payEverythingTo } from '../../../src/roles/pool/payout.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { memoryPorts } from '../../../src/testing/memory-ports.js';
import { memoryMiner, memoryTemplateProvider, seeded } from '../support.js';

let running = new Subscription();
afterEach(() => {
  running.unsubscribe();
  running = new Subscription();
});

const payoutScript = Uint8Array.of(0x51);

/** A core, and what adds fronts to it. Miners of the front with server id 1 dial `front 1`. */
const cluster = (store: LedgerStore) => {
  const network = memoryNetwork();
  const front$ = new Subject<Port>();
  const core$ = new ReplaySubject<PoolCoreOutcome>(100_000);
  running.add(memoryTemplateProvider(network, { nbits: 0x1f0fffff }).start().subscribe());
  const core = poolCore({
    templateProvider: network.connect({ address: 'tp', encrypted: false }),
    sibling: coreSibling(front$),
    payoutRoom: payEverythingTo(payoutScript).room,
  });
  running.add(core.start().subscribe(core$));
  const addFront = (serverId: number) => {
    const { ends, cut } = memoryPorts();
    const [coreEnd, frontEnd] = ends;
    running.add(servedLedger(coreEnd, store, (id) => id === serverId).subscribe());
    front$.next(coreEnd);
    const front = poolFront({
      listen: network.listen({ address: `front ${serverId}` }),
      sibling: frontSibling(frontEnd),
      ledger: { store: portLedger(frontEnd) },
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
