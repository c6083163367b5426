import { describe, expect, it } from '@jest/globals';
import { ignoreElements, takeUntil, tap, timer } from 'rxjs';
import { mineShare, openExtended, prevHashFor, template, zeros } from '../spec/mining/support.js';
import type { Message } from '../src/messages/index.js';
import { CloseChannel, UpdateChannel } from '../src/messages/mining.js';
import { isMiningServerMessage, miningClient } from '../src/mining/index.js';
import { pool, type PoolOptions } from '../src/roles/pool/pool.js';
import { createServer, lastWordsTo, ofEvent, handleEach } from '../src/service/index.js';
import { like, marbles, setupConnection, testConnector } from '../src/testing/index.js';
import type { Connection } from '../src/transport/index.js';
import { accepted, clients, close, welcome } from './support.js';

const s = setupConnection('mining');
const o = openExtended({ nominalHashRate: 1_000 });
const fromProvider = { w: welcome(), t: template(1), p: prevHashFor(1) };

/** The same coinbases each time, so that a share of one run counts in another. */
const poolFor = (provider: Connection, miner: Connection, options: Partial<PoolOptions> = {}) =>
  pool({
    listen: clients(miner),
    templateProvider: testConnector([provider]),
    payoutScript: Uint8Array.of(0x51),
    randomBytes: zeros,
    ...options,
  });

/** A share that the pool accepts, and acknowledges with others later. */
const share = (() => {
  const sent: Message[] = [];
  marbles(
    ({ connection, expectObservable, expectOutcomes }) => {
      const miner = connection('(so)', { s, o });
      const recorded$ = miner.sent$.pipe(
        tap((message) => sent.push(message)),
        ignoreElements(),
      );
      expectObservable(recorded$, '99ms !').toBe('');
      expectOutcomes(
        poolFor(connection('(wtp)', fromProvider), miner).start(),
        'handlerError',
        'disconnected',
      ).toBe('');
    },
    { until: 100 },
  );
  const client = miningClient();
  client.request(o);
  for (const message of sent) if (isMiningServerMessage(message)) client.handle(message, 0);
  const [channel] = client.channels.values();
  if (channel === undefined) throw new Error('the pool has opened no channel');
  return mineShare(channel, 0).message;
})();

const fromMiner = {
  ...{ s, o, h: share },
  c: CloseChannel({ channelId: 2, reasonCode: '' }),
  n: CloseChannel({ channelId: 99, reasonCode: '' }),
  u: UpdateChannel({ channelId: 2, nominalHashRate: 1_000, maximumTarget: new Uint8Array(32).fill(0xff) }),
};

const toMiner = {
  w: welcome(),
  o: like({ type: 'OpenExtendedMiningChannel.Success' }),
  j: like({ type: 'NewExtendedMiningJob' }),
  p: like({ type: 'SetNewPrevHash' }),
  a: like({ type: 'SubmitShares.Success', newSubmitsAcceptedCount: 1, lastSequenceNumber: 1 }),
};

const ways: readonly (readonly [
  why: string,
  says: string,
  when: string,
  code: string,
  options: Partial<PoolOptions>,
])[] = [
  [
    'for too much nonsense',
    '(so) 6ms h-n',
    '12ms ',
    'too-much-nonsense',
    { nonsenseBurst: 0, nonsensePerSecond: 0 },
  ],
  ['after a silence', '(so) 6ms h', '3188ms ', 'inactive', { inactivityLimit: 3_000 }],
  ['that says hello twice', '(so) 6ms h-s', '12ms ', 'setup-connection-repeated', {}],
  [
    'that it lets go, as templates are old',
    '(so) 6ms h',
    '1000ms ',
    'no-work',
    { whenTemplateOld: 'let-go', maxTemplateAge: 1_000 },
  ],
];

describe('a pool acknowledges the shares of a miner', () => {
  it.each(ways)('%s, and then only disconnects it', (_, says, when, code, options) => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const miner = connection(says, fromMiner);
        const { start } = poolFor(connection('(wtp)', fromProvider), miner, options);
        expectSent(miner).toBe(`(wojp) ${Number.parseInt(when) - 6}ms (a|)`, toMiner);
        expectOutcomes(start(), 'disconnected', 'handlerError').toBe(`${when}d`, {
          d: like({ clientId: 1, reason: { code } }),
        });
      },
      { until: 4_000 },
    );
  });

  it('that are left when it is stopped', () => {
    marbles(({ connection, expectObservable }) => {
      const miner = connection('(so) 6ms h', fromMiner);
      const { start } = poolFor(connection('(wtp)', fromProvider), miner);
      expectObservable(start().pipe(ignoreElements(), takeUntil(timer(2_000)))).toBe('2s |');
      expectObservable(miner.sent$).toBe('(wojp) 1994ms (a|)', toMiner);
    });
  });

  it('of a channel that the miner closes itself, and not once more when it has to go without one', () => {
    marbles(
      ({ connection, expectSent, expectOutcomes }) => {
        const miner = connection('(so) 6ms h-c', fromMiner);
        const { start } = poolFor(connection('(wtp)', fromProvider), miner, { firstChannelTimeout: 1_000 });
        expectSent(miner).toBe('(wojp) 4ms --a 1037ms |', toMiner);
        expectOutcomes(start(), 'handlerError').toBe('');
      },
      { until: 4_000 },
    );
  });
});

describe('last words of a server', () => {
  const lastWordsOf = (say: () => readonly Message[]) => (connection: Connection) =>
    createServer({
      listen: clients(connection),
      mining: (event$) =>
        event$.pipe(
          ofEvent('clientAdded'),
          handleEach('mining', ({ clientId }) => [
            lastWordsTo(clientId, () => [accepted(1)]),
            lastWordsTo(clientId, say),
          ]),
        ),
      inactivityLimit: 10,
    });

  it('replace those before, and are not said to a client that leaves', () => {
    let asked = 0;
    const serverOf = lastWordsOf(() => [close(++asked)]);
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const silent = connection('s', { s });
      expectSent(silent).toBe('w 10ms (c|)', { w: welcome(), c: close(1) });
      expectOutcomes(serverOf(silent).start(), 'handlerError').toBe('');
    });
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const leaving = connection('s----|', { s });
      expectSent(leaving).toBe('w----|', { w: welcome() });
      expectOutcomes(serverOf(leaving).start(), 'handlerError').toBe('');
    });
    expect(asked).toBe(1);
  });

  it('that fail are an error of the handler, and the client goes', () => {
    const error = new Error('nothing comes to mind');
    const serverOf = lastWordsOf(() => {
      throw error;
    });
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const silent = connection('s', { s });
      expectSent(silent).toBe('w 10ms |', { w: welcome() });
      expectOutcomes(serverOf(silent).start(), 'handlerError', 'disconnected').toBe('11ms (ed)', {
        e: like({ handler: 'mining', error }),
        d: like({ reason: { code: 'inactive' } }),
      });
    });
  });
});
