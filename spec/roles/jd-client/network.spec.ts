import { describe, expect, it, jest } from '@jest/globals';
import { map, mergeMap, NEVER, of, startWith, timer, type Observable } from 'rxjs';
import { tokenSeal, type PayoutDistribution } from '../../../src/declaration/index.js';
import { blockHash, parseBlock, parseTransaction, toDisplayHex } from '../../../src/bitcoin/index.js';
import type { ExtraNode } from '../../../src/roles/extra-nodes.js';
import { jdClient, type JobDeclarationClientOptions } from '../../../src/roles/jd-client/jd-client.js';
import { acceptSealedJobs, jdServer } from '../../../src/roles/jd-server/jd-server.js';
import type { DeclarationNode } from '../../../src/roles/jd-server/declaration-node.js';
import type { BlockSource } from '../../../src/roles/template-provider/block-source.js';
import { simulatedSource } from '../../../src/roles/template-provider/simulated-source.js';
import { templateProvider } from '../../../src/roles/template-provider/template-provider.js';
import type { Connector } from '../../../src/transport/connection.js';
import { memoryNetwork, type MemoryNetwork } from '../../../src/testing/memory.js';
import { templateOf } from '../../declaration/support.js';
import { during, memoryMiner, memoryPool, only, seeded, virtually, type Logged } from '../support.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const poolScript = Uint8Array.of(0x51);
const soloScript = Uint8Array.of(0x52);

/** Of pool and declarator, where they are two processes. */
const key = new Uint8Array(32).fill(7);

/** One hash in 2^14 is a block. */
const easyNbits = 0x1f03ffff;

/** Difficulty 1: nothing hashed here is a block. */
const hardNbits = 0x1d00ffff;

/**
 * Dials in plaintext, each address some milliseconds after another: TestScheduler fails when one of several connections is refused
 * in the very instant in which the others are made, which ends them.
 */
const clear = (network: MemoryNetwork, address: string, after = 0): Connector =>
  timer(after).pipe(mergeMap(() => network.connect({ address, encrypted: false })));

/** A node that takes whatever is a block. */
const extraNode = (name: string): ExtraNode => ({
  name,
  submit: ({ bytes, hash }) =>
    of(
      parseBlock(bytes).transactions.length > 1 &&
        toDisplayHex(blockHash(parseBlock(bytes).header)) === toDisplayHex(hash)
        ? { accepted: true }
        : { accepted: false, reason: 'no-block', message: '' },
    ),
});

/** The node of the pool: the same chain, without the transactions that came last. */
const poolsView = (source: BlockSource, hidden: number): DeclarationNode => ({
  update$: source.update$.pipe(
    map((update) =>
      update.type === 'BlockTemplate' ? templateOf(update, update.transactions.length - hidden) : update,
    ),
  ),
  submit: (block) => source.submit(block),
});

/** A pool with a declarator, a client of them with templates of its own, and a miner behind it. */
const networkOf = ({
  nbits = easyNbits,
  hidden = 3,
  proposes = false,
  distribution,
  seconds = 40.123,
  poolFrom = 0,
  poolUntil = 10_000,
  providerUntil = 10_000,
  isElsewhere = false,
  ...options
}: {
  readonly nbits?: number;
  readonly hidden?: number;
  readonly proposes?: boolean;
  readonly distribution?: PayoutDistribution;
  readonly seconds?: number;
  readonly poolFrom?: number;
  readonly poolUntil?: number;
  /** When the client's first template provider ends; the second goes on. */
  readonly providerUntil?: number;
  /** Whether the declarator is in another process: the pool asks it nothing, and judges by sealed tokens. */
  readonly isElsewhere?: boolean;
} & Partial<JobDeclarationClientOptions> = {}) => {
  const network = memoryNetwork();
  return virtually(seconds, () => {
    const source = simulatedSource({ nbits, initialTransactions: 20 });
    const node = poolsView(source, hidden);
    const declarator = jdServer({
      listen: network.listen({ address: 'jds' }),
      node: proposes ? { ...node, propose: () => [{ accepted: true }] as never } : node,
      outputs: [{ value: 0n, scriptPubKey: poolScript }],
      extraNodes: [extraNode('declarator')],
      ...(distribution === undefined
        ? {}
        : { payoutDistribution$: NEVER.pipe(startWith({ distribution, isAfterBlock: false })) }),
      randomBytes: seeded(9),
      ...(isElsewhere ? { seal: tokenSeal({ key }) } : {}),
    });
    const pool = memoryPool(network, {
      payoutScript: poolScript,
      sharesPerMinute: 30,
      ...(isElsewhere
        ? {
            acceptCustomJob: acceptSealedJobs({
              seal: tokenSeal({ key }),
              outputs: [{ value: 0n, scriptPubKey: poolScript }],
            }),
          }
        : {
            acceptCustomJob: declarator.acceptCustomJob,
            customBlockObserver: declarator.customBlockObserver,
          }),
    });
    const client = jdClient({
      listen: network.listen({ address: 'jdc' }),
      pairs: [{ pool: clear(network, 'pool'), declarator: clear(network, 'jds', 3), userIdentity: 'farm' }],
      templateProvider: [clear(network, 'own-tp', 7), clear(network, 'own-tp-2', 7)],
      extraNodes: [extraNode('client')],
      soloScript,
      sharesPerMinute: 30,
      payoutDistributions: distribution !== undefined,
      randomBytes: seeded(5),
      ...options,
    });
    const at = <T>(outcome$: Observable<T>) =>
      poolFrom === 0 && poolUntil > seconds ? outcome$ : during(poolFrom, poolUntil, outcome$);
    return {
      poolTp: templateProvider({ listen: network.listen({ address: 'tp' }), source: node }).start(),
      ownTp: during(
        0,
        Math.min(providerUntil, seconds),
        templateProvider({ listen: network.listen({ address: 'own-tp' }), source }).start(),
      ),
      ownTp2: templateProvider({ listen: network.listen({ address: 'own-tp-2' }), source }).start(),
      pool: at(pool.start()),
      declarator: at(declarator.start()),
      client: client.start(),
      miner: memoryMiner(network, { connect: clear(network, 'jdc') }).start(),
    };
  });
};

/** What happened between the client and its pairs. */
const own = (log: readonly Logged[], type: string) =>
  only(log, 'OwnWork')
    .map(({ at, pair, outcome }) => ({ ...(outcome as Logged), at, pair: pair as number | null }))
    .filter((outcome) => outcome.type === type) as unknown as readonly (Logged & {
    pair: number | null;
  } & Record<string, unknown>)[];

const paid = (accepted: Readonly<Record<string, unknown>>) =>
  parseTransaction(accepted['coinbaseTx'] as Uint8Array)
    .outputs.filter(({ value }) => value > 0n)
    .map(({ scriptPubKey }) => [...scriptPubKey]);

describe('a miner behind a job declaration client', () => {
  const logs = networkOf();

  it('finds blocks of transactions that only the client had, which pay the pool', () => {
    const declared = only(logs.declarator, 'JobDeclared');
    expect(declared.length).toBeGreaterThan(0);
    expect(declared[0]).toMatchObject({ provided: 3, userIdentifier: 'farm', validatedBy: 'own' });
    const blocks = only(logs.ownTp, 'BlockAccepted');
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(paid(block)).toEqual([[...poolScript]]);
    expect(only(logs.ownTp, 'BlockRejected')).toEqual([]);
  });

  it('is told of by the declarator, too, which has the block whole', () => {
    const pushed = only(logs.declarator, 'SolutionPushed').map(({ hash }) =>
      toDisplayHex(hash as Uint8Array),
    );
    expect(pushed.length).toBeGreaterThan(0);
    const found = own(logs.client, 'OwnBlockFound').map(({ hash }) => toDisplayHex(hash as Uint8Array));
    expect(found).toEqual(expect.arrayContaining(pushed));
    // whoever comes second is told that the chain has it
    for (const { reason } of only(logs.declarator, 'PushedBlockRejected')) expect(reason).toBe('duplicate');
    expect(only(logs.declarator, 'SolutionRefused')).toEqual([]);
  });

  it('is told of by the pool as well, which submits it whoever else does', () => {
    const found = only(logs.declarator, 'CustomBlockFound').map(({ hash }) =>
      toDisplayHex(hash as Uint8Array),
    );
    expect(found.length).toBeGreaterThan(0);
    expect(only(logs.declarator, 'CustomBlockUnknown')).toEqual([]);
    const pushed = only(logs.declarator, 'SolutionPushed').map(({ hash }) =>
      toDisplayHex(hash as Uint8Array),
    );
    expect(pushed).toEqual(expect.arrayContaining(found));
  });

  it('has its blocks whole at the extra nodes of both sides', () => {
    const taken = (submissions: readonly Record<string, unknown>[]) =>
      submissions.map(({ hash, result, node }) => ({ node, result, hash: toDisplayHex(hash as Uint8Array) }));
    const found = own(logs.client, 'OwnBlockFound').map(({ hash }) => toDisplayHex(hash as Uint8Array));
    const accepted = { accepted: true };
    expect(taken(own(logs.client, 'ExtraSubmission'))).toEqual(
      found.map((hash) => ({ node: 'client', result: accepted, hash })),
    );
    expect(taken(only(logs.declarator, 'ExtraSubmission'))).toEqual(
      only(logs.declarator, 'SolutionPushed').map(({ hash }) => ({
        node: 'declarator',
        result: accepted,
        hash: toDisplayHex(hash as Uint8Array),
      })),
    );
  });

  it('has its shares credited by the pool, under jobs that the pool did not make', () => {
    expect(only(logs.pool, 'CustomJobRefused')).toEqual([]);
    expect(only(logs.pool, 'CustomJobAccepted').length).toBe(own(logs.client, 'OwnJobAccepted').length);
    const credited = only(logs.pool, 'ShareAccepted');
    expect(credited.length).toBeGreaterThan(5);
    expect(new Set(credited.map(({ userIdentity }) => userIdentity))).toEqual(new Set(['farm']));
    expect(only(logs.pool, 'ShareRejected').filter(({ errorCode }) => errorCode !== 'stale-share')).toEqual(
      [],
    );
    expect(only(logs.miner, 'ShareRejected').filter(({ errorCode }) => errorCode !== 'stale-share')).toEqual(
      [],
    );
    expect(own(logs.client, 'PairFaulty')).toEqual([]);
  });
});

describe('modes', () => {
  it('coinbase-only: nothing is declared, and the pool pays all the same', () => {
    const logs = networkOf({ mode: 'coinbase-only', nbits: hardNbits, seconds: 20.123 });
    expect(only(logs.declarator, 'JobDeclared')).toEqual([]);
    expect(own(logs.client, 'OwnJobAccepted').length).toBeGreaterThan(0);
    expect(only(logs.pool, 'ShareAccepted').length).toBeGreaterThan(2);
    expect(own(logs.client, 'PairFaulty')).toEqual([]);
  });

  it('coinbase-only: blocks go whole to the extra nodes of the client, who alone has their transactions', () => {
    const logs = networkOf({ mode: 'coinbase-only', seconds: 20.123 });
    const found = own(logs.client, 'OwnBlockFound');
    expect(found.length).toBeGreaterThan(0);
    expect(own(logs.client, 'ExtraSubmission').map(({ hash, result }) => [hash, result])).toEqual(
      found.map(({ hash }) => [hash, { accepted: true }]),
    );
    expect(only(logs.declarator, 'JobDeclared')).toEqual([]);
    expect(only(logs.declarator, 'TransactionsMissing')).toEqual([]);
    expect(own(logs.client, 'PairFaulty')).toEqual([]);
  });

  it('with payout distributions (draft extension 0x0003) blocks pay whom the pool says', () => {
    const minersScript = Uint8Array.of(0x53);
    const logs = networkOf({
      seconds: 30.123,
      distribution: {
        poolPayout: { value: 1n, scriptPubKey: poolScript },
        payouts: [{ value: 9n, scriptPubKey: minersScript }],
        dustLimits: [546],
        additionalOutputs: [],
      },
    });
    expect(own(logs.client, 'PairFaulty')).toEqual([]);
    expect(only(logs.declarator, 'JobDeclared').length).toBeGreaterThan(0);
    const blocks = only(logs.ownTp, 'BlockAccepted').filter(({ at }) => at > 1);
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(paid(block)).toEqual([[...poolScript], [...minersScript]]);
  });

  it.each([
    ['full template', {}],
    [
      'payout distributions',
      {
        distribution: {
          poolPayout: { value: 1n, scriptPubKey: poolScript },
          payouts: [{ value: 9n, scriptPubKey: Uint8Array.of(0x53) }],
          dustLimits: [546],
          additionalOutputs: [],
        },
      },
    ],
  ])('with a declarator in another process: %s, by sealed tokens', (_, options) => {
    const logs = networkOf({ ...options, isElsewhere: true, seconds: 30.123 });
    expect(own(logs.client, 'PairFaulty')).toEqual([]);
    expect(only(logs.pool, 'CustomJobRefused')).toEqual([]);
    expect(only(logs.declarator, 'JobDeclared').length).toBeGreaterThan(0);
    expect(own(logs.client, 'OwnJobAccepted').length).toBeGreaterThan(0);
    expect(only(logs.pool, 'ShareAccepted').length).toBeGreaterThan(2);
    // the pool does not hand blocks to a declarator that is elsewhere: their clients do
    expect(only(logs.declarator, 'CustomBlockFound')).toEqual([]);
    const pushed = only(logs.declarator, 'SolutionPushed');
    expect(pushed.length).toBeGreaterThan(0);
    expect(
      only(logs.declarator, 'PushedBlockAccepted').length +
        only(logs.declarator, 'PushedBlockRejected').length,
    ).toBe(pushed.length);
  });

  it('with a declarator in another process: coinbase-only, by the tokens that it gave out', () => {
    const logs = networkOf({ mode: 'coinbase-only', isElsewhere: true, nbits: hardNbits, seconds: 20.123 });
    expect(own(logs.client, 'OwnJobAccepted').length).toBeGreaterThan(0);
    expect(only(logs.pool, 'CustomJobRefused')).toEqual([]);
    expect(only(logs.pool, 'ShareAccepted').length).toBeGreaterThan(2);
  });

  it('with another template provider when the first goes away: pool and miners notice nothing else', () => {
    const logs = networkOf({ providerUntil: 15.003, seconds: 60.123 });
    expect(own(logs.client, 'PairFaulty')).toEqual([]);
    expect(only(logs.client, 'UpstreamConnected')).toHaveLength(1);
    expect(only(logs.miner, 'disconnected')).toEqual([]);
    const blocks = only(logs.ownTp2, 'BlockAccepted');
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(paid(block)).toEqual([[...poolScript]]);
    // ids of the one are never said to the other
    expect(
      only(logs.ownTp2, 'BlockRejected').filter(({ reason }) => reason === 'template-id-not-found'),
    ).toEqual([]);
  });

  it('alone: blocks pay the own script', () => {
    const logs = networkOf({ pairs: [], seconds: 30.123 });
    const blocks = only(logs.ownTp, 'BlockAccepted');
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(paid(block)).toEqual([[...soloScript]]);
  });

  it('while the pool is away it mines alone, and goes back', () => {
    const logs = networkOf({ nbits: hardNbits, poolFrom: 20.017, seconds: 170.123 });
    const uses = only(logs.client, 'UpstreamConnected').map(({ server }) => server);
    expect(uses).toEqual([1, 0]);
    const late = only(logs.pool, 'ShareAccepted').filter(({ at }) => at > 140);
    expect(late.length).toBeGreaterThan(2);
    // the miner noticed nothing
    expect(only(logs.miner, 'disconnected')).toEqual([]);
  });

  it('when the pool goes away it mines alone', () => {
    const logs = networkOf({ nbits: hardNbits, poolUntil: 20.013, seconds: 60.123 });
    const uses = only(logs.client, 'UpstreamConnected').map(({ server }) => server);
    expect(uses).toEqual([0, 1]);
    expect(only(logs.miner, 'disconnected')).toEqual([]);
    expect(only(logs.miner, 'ShareFound').filter(({ at }) => at > 40).length).toBeGreaterThan(2);
  });
});
