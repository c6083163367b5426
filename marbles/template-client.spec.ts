import { describe, expect, it } from '@jest/globals';
import {
  asyncScheduler,
  ignoreElements,
  merge,
  mergeMap,
  takeUntil,
  tap,
  timer,
  type Observable,
} from 'rxjs';
import type { AddressNetwork } from '../src/bitcoin/payout-script.js';
import { SubmitSharesExtended, SubmitSolution } from '../src/messages/index.js';
import { pool, type PoolOptions } from '../src/roles/pool/pool.js';
import { templateClient } from '../src/roles/pool/template-client.js';
import { SolutionFound, WeakSolutionFound } from '../src/roles/pool/triggers.js';
import { createClient, siblings, type Trigger } from '../src/service/index.js';
import { like, marbles, setupConnection, testConnector, type TestConnector } from '../src/testing/index.js';
import { TransportError } from '../src/transport/index.js';
import { openExtended, prevHashFor, template } from '../spec/mining/support.js';
import { clients, welcome } from './support.js';

const hashOf = (number: number) => new Uint8Array(32).fill(number);
const solution = SubmitSolution({
  templateId: 1n, // the pool's own id of its first template
  version: 1,
  headerTimestamp: 0,
  headerNonce: 7,
  coinbaseTx: new Uint8Array(1),
});
/** A block on block 8, of the template that its provider calls 3. */
const header = new Uint8Array(80);
header.set(hashOf(8), 4);
const found = SolutionFound({ hash: hashOf(9), header, solution });

const fromProvider = {
  w: welcome(),
  t: template(3),
  p: { ...prevHashFor(3), prevHash: hashOf(8) },
  T: template(4),
  // the tip that the block leads to, and two that it does not
  P: { ...prevHashFor(4), prevHash: hashOf(9) },
  Q: { ...prevHashFor(4), prevHash: hashOf(10) },
  R: { ...prevHashFor(4), prevHash: hashOf(11) },
  b: template(5, { coinbaseTxValueRemaining: 2n ** 64n - 1n }),
  u: prevHashFor(99),
  v: { ...prevHashFor(3), nBits: 0x207f_ffff },
  m: { ...prevHashFor(3), nBits: 0x1702_3a04 },
};
const gone = new TransportError('connection-reset', 'gone');

const sent = {
  s: like({ type: 'SetupConnection' }),
  c: like({ type: 'CoinbaseOutputConstraints' }),
  b: like({ type: 'SubmitSolution', templateId: 3n, headerNonce: 7 }),
};

const payoutRoom = { coinbaseOutputMaxAdditionalSize: 0, coinbaseOutputMaxAdditionalSigops: 0 };

/** The template client of these providers, to which a block is given at some moments. */
function clientOf(
  providers: readonly [TestConnector, ...TestConnector[]],
  foundAt: readonly number[] = [],
  what: Trigger = found,
  networks?: readonly AddressNetwork[],
) {
  const [serverSide, clientSide] = siblings();
  const client = createClient({
    templateDistribution: {
      connect: providers,
      handler: templateClient({
        payoutRoom,
        providers: providers.length,
        maxTemplateAge: 600_000,
        ...(networks === undefined ? {} : { networks }),
        scheduler: asyncScheduler,
      }),
    },
    sibling: clientSide,
    reconnect: { initialDelay: 1_000, maxDelay: 30_000 },
    random: () => 0,
  });
  const blocks$ = foundAt.map((at): Observable<never> =>
    timer(at).pipe(
      tap(() => serverSide.next(what)),
      ignoreElements(),
    ),
  );
  return { start: () => merge(client.start(), ...blocks$) };
}

const solutionOutcomes = [
  'SolutionHeld',
  'SolutionsSentAgain',
  'SolutionUnanswered',
  'SolutionConfirmed',
  'SolutionLost',
] as const;
const outcomes = {
  h: like({ type: 'SolutionHeld', hash: hashOf(9), header }),
  a: like({ type: 'SolutionsSentAgain', sent: 1, found: 1 }),
  n: like({ type: 'SolutionsSentAgain', sent: 3, found: 3 }),
  u: like({ type: 'SolutionUnanswered', hash: hashOf(9), header }),
  c: like({ type: 'SolutionConfirmed', hash: hashOf(9) }),
  l: like({ type: 'SolutionLost', hash: hashOf(9), header }),
  f: like({ type: 'ProviderFault' }),
  '1': like({ type: 'switched', upstream: 1 }),
};

describe('a block that was found', () => {
  it('goes to the template provider at once, and is on the chain when that builds on it', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const provider = connection('(wtp) 195ms (TP)', fromProvider);
        const client = clientOf([testConnector([provider])], [100]);
        expectSent(provider).toBe('(sc) 96ms b', sent);
        expectOutcomes(client.start(), ...solutionOutcomes, 'undeliverable', 'handlerError').toBe(
          '200ms c',
          outcomes,
        );
      },
      { until: 20_000 },
    );
  });

  it('is not lost when the template provider hangs: it is told, dialled again and sent the block again', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const hanging = connection('(wtp)', fromProvider);
        const back = connection('(wtp) 95ms (TP)', fromProvider);
        const client = clientOf([testConnector([hanging, back])], [100]);
        expectSent(hanging).toBe('(sc) 96ms b 10899ms |', sent);
        expectSent(back).toBe('12s (scb)', sent);
        expectOutcomes(client.start(), ...solutionOutcomes, 'undeliverable').toBe(
          '11s u 999ms a 99ms c',
          outcomes,
        );
      },
      { until: 60_000 },
    );
  });

  it('waits for a template provider that is away, and is told once however many there are', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const first = connection('(wtp) 45ms #', fromProvider, { error: gone });
        const back = connection('(wTP)', fromProvider);
        const client = clientOf([testConnector([first, back])], [100, 200, 300]);
        expectSent(back).toBe('1050ms (scbbb)', sent);
        expectOutcomes(client.start(), ...solutionOutcomes, 'undeliverable').toBe(
          '100ms h 949ms (nc)',
          outcomes,
        );
      },
      { until: 20_000 },
    );
  });

  it('is told lost when the chain has gone on by two blocks without it', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const provider = connection('(wtp) 195ms (TQ) 96ms (TR)', fromProvider);
        const client = clientOf([testConnector([provider])], [100]);
        expectOutcomes(client.start(), ...solutionOutcomes).toBe('300ms l', outcomes);
      },
      { until: 20_000 },
    );
  });

  it('does not go to another provider, which would take it for one of its own templates', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const first = testConnector([connection('(wtp) 45ms #', fromProvider, { error: gone })]);
        const second = connection('(wtp)', fromProvider);
        const client = clientOf([first, testConnector([second])], [100]);
        expectSent(second).toBe('50ms (sc)', sent);
        expectOutcomes(client.start(), ...solutionOutcomes, 'undeliverable').toBe('100ms h', outcomes);
      },
      { until: 900 },
    );
  });
});

describe('what is no block but wanted by its template provider', () => {
  const weak = WeakSolutionFound(solution);

  it('goes there if it is connected, and is forgotten', () => {
    marbles(
      ({ connection, expectSent, expectOutcomes }) => {
        const first = connection('(wtp) 95ms #', fromProvider, { error: gone });
        const other = connection('(wtp)', fromProvider);
        const client = clientOf([testConnector([first]), testConnector([other])], [50, 5_000], weak);
        expectSent(first).toBe('(sc) 46ms b 49ms |', sent);
        expectSent(other).toBe('100ms (sc)', sent);
        expectOutcomes(client.start(), ...solutionOutcomes, 'handlerError').toBe('');
      },
      { until: 20_000 },
    );
  });
});

describe('a template provider', () => {
  it('that lies is told what it should have said, and left for another', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const liar = connection('(wtpb)', fromProvider);
        const client = clientOf([testConnector([liar]), testConnector([connection('(wtp)', fromProvider)])]);
        expectSent(liar).toBe('(sc|)', sent);
        expectOutcomes(client.start(), 'ProviderFault', 'switched').toBe('(f1)', {
          ...outcomes,
          f: like({ type: 'ProviderFault', code: 'invalid-value', isLeft: true }),
        });
      },
      { until: 60_000 },
    );
  });

  it('that lied is left alone for ten minutes', () => {
    marbles(
      ({ connection, expectObservable, expectOutcomes }) => {
        const liar = testConnector([connection('(wtpb)', fromProvider)]);
        expectObservable(liar.dial$).toBe('a 599999ms b', { a: 1, b: 2 });
        const client = clientOf([liar, testConnector([connection('(wtp)', fromProvider)])]);
        expectOutcomes(client.start(), 'handlerError').toBe('');
      },
      { until: 600_500 },
    );
  });

  it('that names a template that it never sent is left too', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const liar = testConnector([connection('(wtpu)', fromProvider)]);
        const client = clientOf([liar, testConnector([connection('(wtp)', fromProvider)])]);
        expectOutcomes(client.start(), 'ProviderFault', 'switched').toBe('(f1)', {
          ...outcomes,
          f: like({ type: 'ProviderFault', code: 'unknown-template' }),
        });
      },
      { until: 60_000 },
    );
  });

  it('that is the only one is kept, and what it said is not used', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const client = clientOf([testConnector([connection('(wtp) 95ms b', fromProvider)])]);
        expectOutcomes(client.start(), 'ProviderFault', 'disconnected').toBe('100ms f', {
          f: like({ type: 'ProviderFault', code: 'invalid-value', isLeft: false }),
        });
      },
      { until: 60_000 },
    );
  });

  it('whose chain is not the one that the payout is for is not used', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const miner = connection('(so)', {
          s: setupConnection('mining'),
          o: openExtended({ nominalHashRate: 1e6 }),
        });
        const service = pool({
          listen: clients(miner),
          templateProvider: testConnector([connection('(wtv)', fromProvider)]),
          payoutScript: Uint8Array.of(0x51),
          networks: ['mainnet'],
        });
        expectOutcomes(service.start(), 'ProviderFault', 'NewTip').toBe('f', {
          f: like({ type: 'ProviderFault', code: 'wrong-network', isLeft: true }),
        });
        expectSent(miner).toBe('(soj)', {
          s: like({ type: 'SetupConnection.Success' }),
          o: like({ type: 'OpenExtendedMiningChannel.Success' }),
          j: like({ type: 'NewExtendedMiningJob', minNtime: null }), // which nothing makes current
        });
      },
      { until: 900 },
    );
  });

  it('whose target is not that of a block is told once a connection', () => {
    const easier = { ...fromProvider.p, target: new Uint8Array(32).fill(0xff) };
    const harder = { ...fromProvider.p, target: new Uint8Array(32) };
    marbles(
      ({ connection, expectOutcomes }) => {
        const values = { ...fromProvider, e: easier, h: harder };
        const client = clientOf([
          testConnector([
            connection('(wte)(TPh)  1ms #', values, { error: gone }),
            connection('(wth)', values),
          ]),
        ]);
        expectOutcomes(client.start(), 'TargetDiffers', 'ProviderFault').toBe('e 1010ms h', {
          e: like({ type: 'TargetDiffers' }),
          h: { type: 'TargetDiffers', ratio: Infinity },
        });
      },
      { until: 60_000 },
    );
  });

  it('whose chain is another is left for one whose is right, and it is not told that there is none', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const client = clientOf(
          [
            testConnector([connection('(wtv)', fromProvider)]),
            testConnector([
              connection('(wtm) 95ms #', fromProvider, { error: gone }),
              connection('(wtv)', fromProvider),
            ]),
          ],
          [],
          found,
          ['mainnet'],
        );
        expectOutcomes(client.start(), 'ChainRefused', 'ProviderFault').toBe('f 1099ms f', {
          f: like({ type: 'ProviderFault', code: 'wrong-network', isLeft: true }),
        });
      },
      { until: 60_000 },
    );
  });

  it('is asked again, and it is told once that all have another chain than the payout is for', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const foreign = () => connection('(wtv)', fromProvider);
        const client = clientOf(
          [testConnector([foreign(), foreign()]), testConnector([foreign(), foreign()])],
          [],
          found,
          ['mainnet'],
        );
        expectOutcomes(client.start(), 'ChainRefused', 'NewTip').toBe('r', {
          r: {
            type: 'ChainRefused',
            message: expect.stringMatching(
              /its chain is regtest; expected mainnet, which the payout is for$/,
            ),
          },
        });
      },
      { until: 1_300_000 },
    );
  });

  it('whose time is another is told once a connection', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const client = clientOf([testConnector([connection('(wtp) 95ms (TQ)', fromProvider)])]);
        expectOutcomes(client.start(), 'ClockDiffers').toBe('c', { c: like({ type: 'ClockDiffers' }) });
      },
      { until: 60_000 },
    );
  });
});

describe('a pool whose template provider is silent', () => {
  const share = SubmitSharesExtended({
    ...{ channelId: 2, sequenceNumber: 1, jobId: 1, nonce: 0, ntime: 0, version: 0 },
    extranonce: new Uint8Array(4),
  });
  const miner = { s: setupConnection('mining'), o: openExtended({ nominalHashRate: 1e6 }), x: share };
  const silent = (
    options: Partial<PoolOptions>,
    ...[provider, connection]: Parameters<typeof testConnector>[0]
  ) =>
    pool({
      listen: clients(connection as never),
      templateProvider: testConnector([provider as never]),
      payoutScript: Uint8Array.of(0x51),
      maxTemplateAge: 10_000,
      ...options,
    });
  const told = {
    o: like({ type: 'TemplateOld', age: 10_000 }),
    r: like({ type: 'TemplateRenewed' }),
    d: like({ type: 'disconnected', reason: { code: 'no-work' } }),
    x: like({
      type: 'ShareRejected',
      errorCode: 'stale-share',
      userIdentity: 'satoshi.two',
      reason: 'there is no new template for too long',
    }),
  };
  const types = ['TemplateOld', 'TemplateRenewed', 'disconnected', 'ShareRejected', 'handlerError'] as const;

  it('says so, once, and goes on', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const provider = connection('(wtp) 29995ms T', fromProvider);
        const service = silent({}, provider, connection('(so)', miner));
        expectOutcomes(service.start(), ...types).toBe('10s o 19999ms r', told);
      },
      { until: 35_000 },
    );
  });

  it('refuses shares until there is a template, if it is told to', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const provider = connection('(wtp) 29995ms T', fromProvider);
        const service = silent(
          { whenTemplateOld: 'refuse-shares' },
          provider,
          connection('(so) 19996ms x', miner),
        );
        expectOutcomes(service.start(), ...types).toBe('10s o 9999ms x 9999ms r', told);
      },
      { until: 35_000 },
    );
  });

  it('lets its miners go to another pool, if it is told to', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const provider = connection('(wtp)', fromProvider);
        const service = silent({ whenTemplateOld: 'let-go' }, provider, connection('(so)', miner));
        expectOutcomes(service.start(), ...types).toBe('10s (od)', told);
      },
      { until: 35_000 },
    );
  });
});

describe('a template provider that says thousands of', () => {
  it.each([
    ['templates', (index: number) => template(1_000 + index)],
    ['tips', (index: number) => ({ ...prevHashFor(3), prevHash: hashOf(index % 200) })],
    ['tips for templates that there are not', (index: number) => prevHashFor(1_000 + index)],
    ['tips that make no sense', (index: number) => ({ ...prevHashFor(1_000 + index), nBits: 0 })],
  ])('%s is left, also if there is no other, and nothing of it is used any more', (_, message) => {
    let told = 0;
    let faults = 0;
    let isLeft = false;
    marbles(
      ({ connection }) => {
        const provider = connection('-wtp', fromProvider);
        const flood$ = timer(5).pipe(
          mergeMap(() => Array.from({ length: 5_000 }, (__, index) => message(index))),
        );
        const lying = { ...provider, message$: merge(provider.message$, flood$) };
        const [serverSide, clientSide] = siblings();
        const client = createClient({
          templateDistribution: {
            connect: testConnector([lying]),
            handler: templateClient({
              payoutRoom,
              providers: 1,
              maxTemplateAge: 600_000,
              scheduler: asyncScheduler,
            }),
          },
          sibling: clientSide,
          reconnect: { initialDelay: 10_000 },
          random: () => 0,
        });
        merge(
          client.start(),
          serverSide.trigger$.pipe(
            tap(() => (told += 1)),
            ignoreElements(),
          ),
        )
          .pipe(takeUntil(timer(100)))
          .subscribe((outcome) => {
            if (outcome.type === 'ProviderFault') faults += 1;
            if (outcome.type === 'disconnected') isLeft = true;
          });
      },
      { until: 200 },
    );
    expect({ isLeft, told: told <= 1_003, faults: faults <= 1_001 }).toEqual({
      isLeft: true,
      told: true,
      faults: true,
    });
  });
});
