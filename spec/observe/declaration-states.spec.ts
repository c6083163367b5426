import { describe, expect, it, test } from '@jest/globals';
import { map } from 'rxjs';
import type {
  ClientOutcome,
  DeclaredWorkOutcome,
  JobDeclarationClientOutcome,
  JobDeclarationServerOutcome,
  PoolOutcome,
  ServerOutcome,
} from 'rx-sv2';
import {
  jdClientFold,
  jdClientState,
  jdServerFold,
  jdServerState,
  type AnyOutcome,
  type Fold,
  type StateTimes,
} from 'rx-sv2/observe';
import { marbles } from 'rx-sv2/testing';
import { block, connected, hashOf, opened, provider, share, solved, tip } from './support.js';

function after<S extends StateTimes>(fold: Fold<S>, ...outcomes: readonly AnyOutcome[]): S {
  let now = 0;
  for (const outcome of outcomes) fold.note(outcome, (now += 1_000));
  return fold.state(now);
}

describe('jdClientState', () => {
  const own = (
    outcome: ClientOutcome<DeclaredWorkOutcome> | PoolOutcome,
    pair: number | null = 0,
  ): JobDeclarationClientOutcome => ({ type: 'OwnWork', pair, outcome });
  const header = new Uint8Array(80).fill(3, 4, 36);
  const started = own({ type: 'OwnJobStarted', jobId: 1, templateId: 7n, prevHash: hashOf(3) } as never);
  const refused = own({
    ...{ type: 'OwnJobRefused', jobId: 2, by: 'declarator', errorCode: 'invalid-job', details: '' },
  } as const);
  const working = [
    own(provider()),
    started,
    own({ type: 'OwnJobDeclared', jobId: 1, transactions: 4 } as never),
    own({ type: 'OwnJobAccepted', jobId: 1, kept: 0 } as never),
    connected(),
    opened(),
    share(),
    refused,
    own({ type: 'KeptSharesLost', jobId: 2, count: 3 }),
    own({ type: 'OwnBlockFound', jobId: 1, hash: hashOf(9), header, isPushed: true }),
  ];

  it('has miners, what became of jobs and blocks of its own, and who work is for', () => {
    expect(after(jdClientFold(0), ...working)).toMatchObject({
      ...{ role: 'jd-client', clients: [{ clientId: 1 }], shares: { accepted: 1 } },
      upstreams: [{ protocol: 'templateDistribution', status: 'connected' }],
      ownJobs: {
        ...{ started: 1, declared: 1, accepted: 1, refused: 1, refusedByCode: { 'invalid-job': 1 } },
        ...{ sharesLost: 3, pair: 0, faults: {}, last: { jobId: 1, prevHash: '03'.repeat(32), at: 2_000 } },
      },
      blocks: [{ hash: '09'.repeat(32), prevHash: '03'.repeat(32), foundAt: 10_000, fate: 'sent' }],
    });
  });

  it('knows the fate of blocks, and that a pair is left for mining alone', () => {
    const alone = [
      own({ type: 'PairFaulty', code: 'request-timeout', message: 'x' }),
      own(tip(4), null),
      own(block(8, 4), null),
      own(solved('SolutionConfirmed', 8, 4), null),
    ];
    expect(
      after(jdClientFold(0), ...working, own(solved('SolutionConfirmed', 9, 3) as never), ...alone),
    ).toMatchObject({
      ownJobs: { pair: null, faults: { 'request-timeout': 1 } },
      blocks: [
        { hash: '09'.repeat(32), fate: 'confirmed' },
        { hash: '08'.repeat(32), user: 'alice', fate: 'confirmed' },
      ],
    });
  });
});

describe('jdServerState', () => {
  const declared = (validatedBy: 'node' | 'own'): JobDeclarationServerOutcome => ({
    ...{ type: 'JobDeclared', clientId: 1, userIdentifier: 'alice', height: 9, transactions: 40 },
    ...{ provided: 2, value: 5n, validatedBy },
  });
  const outcomes = [
    connected(),
    { type: 'TokenAllocated', clientId: 1, userIdentifier: 'alice' },
    { type: 'TokenDropped', clientId: 1, userIdentifier: 'alice' },
    declared('node'),
    declared('own'),
    {
      ...{ type: 'DeclarationRefused', clientId: 1, errorCode: 'stale-chain-tip', reason: 'x' },
      validatedBy: 'own',
    },
    { type: 'SolutionPushed', clientId: 1, height: 9, hash: hashOf(1) },
    { type: 'CustomBlockFound', height: 9, hash: hashOf(1), isKnown: true },
    { type: 'CustomBlockFound', height: 9, hash: hashOf(2), isKnown: false },
    { type: 'PushedBlockAccepted', height: 9, hash: hashOf(1) },
    { type: 'PushedBlockRejected', height: 9, hash: hashOf(2), reason: 'bad-prevblk', message: 'x' },
    { type: 'SourceError', code: 'node-unreachable', message: 'it is away', retryIn: 1 },
  ] satisfies readonly (JobDeclarationServerOutcome | ReturnType<typeof connected>)[];

  it('has clients, declarations, blocks with their fate, and how the node fares', () => {
    expect(after(jdServerFold(0), ...outcomes)).toMatchObject({
      ...{ role: 'jd-server', clients: [{ clientId: 1 }] },
      declarations: {
        ...{ tokens: 1, tokensDropped: 1, accepted: 2, judgedByNode: 1, refused: 1, transactionsProvided: 4 },
        refusedByCode: { 'stale-chain-tip': 1 },
        last: { user: 'alice', height: 9, transactions: 40, at: 5_000 },
      },
      blocks: [
        { hash: '01'.repeat(32), clientId: 1, foundAt: 7_000, fate: 'confirmed', reason: '' },
        { hash: '02'.repeat(32), clientId: null, foundAt: 9_000, fate: 'lost', reason: 'bad-prevblk' },
      ],
      source: { isWorking: false, since: 12_000, problem: { code: 'node-unreachable' } },
    });
  });

  it('shares what has not changed, and keeps a hundred blocks', () => {
    const fold = jdServerFold(0);
    const one = after(fold, ...outcomes);
    const found = (height: number): AnyOutcome => {
      const hash = new Uint8Array(32);
      new DataView(hash.buffer).setUint32(0, height);
      return { type: 'SolutionPushed', clientId: 1, height, hash } as AnyOutcome;
    };
    for (let height = 1; height <= 150; height++) fold.note(found(height), 0);
    const two = fold.state(one.time);
    expect(two.declarations).toBe(one.declarations);
    expect(two.blocks.map(({ height }) => height)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 51),
    );
  });
});

test('the states of both are there at once', () => {
  marbles(({ cold, expectObservable }) => {
    const role = map(({ role: name }: { readonly role: string }) => name);
    expectObservable(cold<JobDeclarationClientOutcome>('-').pipe(jdClientState(), role), '4s !').toBe('a', {
      a: 'jd-client',
    });
    const server$ = cold<ServerOutcome<JobDeclarationServerOutcome>>('-').pipe(jdServerState(), role);
    expectObservable(server$, '4s !').toBe('a', { a: 'jd-server' });
  });
});
