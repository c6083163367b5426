import { describe, expect, it } from '@jest/globals';
import { concat, map, NEVER, of, tap, throwError, timer, type Observable } from 'rxjs';
import { parseBlockHeader } from '../src/bitcoin/block-header.js';
import { Sv2Error } from '../src/codec/errors.js';
import {
  CloseChannel,
  NewExtendedMiningJob,
  NewMiningJob,
  OpenExtendedMiningChannelSuccess,
  OpenMiningChannelError,
  OpenStandardMiningChannelSuccess,
  SetNewPrevHash,
  SetTarget,
  SubmitSharesError,
  SubmitSharesSuccess,
} from '../src/messages/index.js';
import type { Hasher, HashEvent, HashUnit } from '../src/roles/miner/hasher.js';
import { miner, type MinerOptions } from '../src/roles/miner/miner.js';
import { like, marbles, testConnector } from '../src/testing/index.js';
import type { Connection } from '../src/transport/index.js';
import { welcome } from './support.js';

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);
const target = bytes(32, 0x0f);
const opened = { requestId: 1, channelId: 7, groupChannelId: 1, target };

/** What a pool says to a miner on a standard channel (capitals) or an extended one. */
const fromPool = {
  w: welcome(),
  O: OpenStandardMiningChannelSuccess({ ...opened, extranoncePrefix: bytes(8, 1) }),
  J: NewMiningJob({ channelId: 7, jobId: 1, minNtime: null, version: 0x20000000, merkleRoot: bytes(32, 3) }),
  K: NewMiningJob({ channelId: 7, jobId: 2, minNtime: 1_500, version: 0x20000000, merkleRoot: bytes(32, 4) }),
  o: OpenExtendedMiningChannelSuccess({ ...opened, extranoncePrefix: bytes(4, 1), extranonceSize: 4 }),
  j: NewExtendedMiningJob({
    channelId: 7,
    jobId: 1,
    minNtime: null,
    version: 0x20000000,
    versionRollingAllowed: true,
    merklePath: [],
    coinbaseTxPrefix: bytes(60, 5),
    coinbaseTxSuffix: bytes(60, 6),
  }),
  p: SetNewPrevHash({ channelId: 7, jobId: 1, prevHash: bytes(32, 2), minNtime: 1_000, nbits: 0x1d00ffff }),
  t: SetTarget({ channelId: 7, maximumTarget: bytes(32, 0x07) }),
  a: SubmitSharesSuccess({
    channelId: 7,
    lastSequenceNumber: 1,
    newSubmitsAcceptedCount: 3,
    newSharesSum: 3n,
  }),
  e: SubmitSharesError({ channelId: 7, sequenceNumber: 2, errorCode: 'stale-share' }),
  r: OpenMiningChannelError({ requestId: 1, errorCode: 'unknown-user' }),
  c: CloseChannel({ channelId: 7, reasonCode: 'maintenance' }),
};

/** A hasher that plays a script, and the units it was given. */
const scripted = (script: (unit: HashUnit, index: number) => Observable<HashEvent>) => {
  const units: HashUnit[] = [];
  const hasher: Hasher = {
    hash(unit): Observable<HashEvent> {
      units.push(unit);
      return script(unit, units.length - 1);
    },
  };
  return { units, hasher };
};

const found = (nonce: number, version = 0x20000000): HashEvent => ({ type: 'found', nonce, version });
const silent = scripted(() => NEVER).hasher;

const minerOf = (
  servers: readonly (Connection | Error)[],
  hasher: Hasher,
  options: Partial<MinerOptions> = {},
) =>
  miner({
    connect: testConnector(servers),
    userIdentity: 'alice',
    channel: 'standard',
    nominalHashRate: 1e6,
    hasher$: concat(of(hasher), NEVER),
    ...options,
  });

const S = like({ type: 'SetupConnection', protocol: 0, flags: 1 });
const s = like({ type: 'SetupConnection', protocol: 0, flags: 0 });
const O = like({ type: 'OpenStandardMiningChannel', userIdentity: 'alice', nominalHashRate: 1e6 });
const o = like({ type: 'OpenExtendedMiningChannel', userIdentity: 'alice', minExtranonceSize: 4 });
const share = (fields: object) => like({ type: 'SubmitSharesStandard', channelId: 7, ...fields });
const shown = [
  'ChannelOpened',
  'JobStarted',
  'ShareFound',
  'SharesAccepted',
  'ShareRejected',
  'TargetChanged',
  'handlerError',
];
const brief = { until: 900 };

describe('a miner', () => {
  it('asks for the kind of channel wanted, and for jobs that suit it', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const standard = connection('-wO', fromPool);
      const extended = connection('-wo', fromPool);
      expectOutcomes(minerOf([standard], silent).start(), 'ChannelOpened').toBe('--c', {
        c: { type: 'ChannelOpened', channelId: 7, difficulty: expect.any(Number) },
      });
      expectOutcomes(minerOf([extended], silent, { channel: 'extended' }).start(), 'ChannelOpened').toBe(
        '--c',
        {
          c: like({ channelId: 7 }),
        },
      );
      expectSent(standard).toBe('SO', { S, O });
      expectSent(extended).toBe('so', { s, o });
    }, brief);
  });

  it('hashes the job that the previous hash names, and submits what it finds', () => {
    const units: HashUnit[] = [];
    marbles(({ connection, cold, expectOutcomes, expectSent }) => {
      const hasher: Hasher = {
        hash(unit) {
          units.push(unit);
          return cold('f----g', { f: found(5), g: found(9, 0x20000020) });
        },
      };
      const server = connection('-wOJ--p------t-a-e', fromPool);
      const outcome$ = minerOf([server], hasher).start();
      expectOutcomes(outcome$, ...shown).toBe('--o---(js)-s-t-a-e', {
        o: like({ type: 'ChannelOpened' }),
        j: { type: 'JobStarted', channelId: 7, jobId: 1 },
        s: like({ type: 'ShareFound', jobId: 1 }),
        t: like({ type: 'TargetChanged' }),
        a: { type: 'SharesAccepted', channelId: 7, count: 3 },
        e: { type: 'ShareRejected', channelId: 7, sequenceNumber: 2, errorCode: 'stale-share' },
      });
      expectSent(server).toBe('SO----1----2', {
        S,
        O,
        1: share({ jobId: 1, sequenceNumber: 1, nonce: 5, ntime: 1_000, version: 0x20000000 }),
        2: share({ jobId: 1, sequenceNumber: 2, nonce: 9, ntime: 1_000, version: 0x20000020 }),
      });
    }, brief);
    expect(units).toMatchObject([{ target, versionRollingAllowed: true }]);
    expect(parseBlockHeader((units[0] as HashUnit).header)).toMatchObject({
      version: 0x20000000,
      prevHash: bytes(32, 2),
      merkleRoot: bytes(32, 3),
      ntime: 1_000,
      nbits: 0x1d00ffff,
    });
  });

  it('leaves a job at once for another, and what it was about to find', () => {
    marbles(({ connection, cold, expectOutcomes, expectSent }) => {
      const scripts = ['--f', '---f'];
      const hasher: Hasher = { hash: () => cold(scripts.shift() ?? '', { f: found(scripts.length) }) };
      const server = connection('-wOJp-K', fromPool);
      const outcome$ = minerOf([server], hasher).start();
      expectOutcomes(outcome$, 'JobStarted', 'ShareFound', 'handlerError').toBe('----j-j--s', {
        j: like({ type: 'JobStarted' }),
        s: like({ jobId: 2, sequenceNumber: 1 }),
      });
      expectSent(server).toBe('SO-------1', { S, O, 1: share({ jobId: 2, nonce: 0, ntime: 1_500 }) });
    }, brief);
  });

  it('has work for ever on an extended channel: the next extranonce', () => {
    marbles(
      ({ connection, cold, expectOutcomes, expectSent }) => {
        // a hasher that has soon tried everything
        const hasher: Hasher = { hash: () => cold('-f--|', { f: found(1) }) };
        const server = connection('-(wo)-j-p', fromPool);
        expectOutcomes(minerOf([server], hasher, { channel: 'extended' }).start(), 'handlerError').toBe('');
        expectSent(server).toBe('so-------1---2---3', {
          s,
          o,
          ...Object.fromEntries(
            [1, 2, 3].map((count) => [
              count,
              like({
                type: 'SubmitSharesExtended',
                sequenceNumber: count,
                extranonce: Uint8Array.of(0, 0, 0, count - 1),
                ntime: 1_000,
              }),
            ]),
          ),
        });
      },
      { until: 20 },
    );
  });

  it('rolls ntime with the time on a standard channel, never ahead of it', () => {
    marbles(
      ({ connection, cold, expectOutcomes, expectSent }) => {
        const hasher: Hasher = { hash: () => cold('f|', { f: found(1) }) };
        const server = connection('-wOJp', fromPool);
        expectOutcomes(minerOf([server], hasher).start(), 'handlerError').toBe('');
        expectSent(server).toBe('SO--1 1000ms 2 1000ms 3', {
          S,
          O,
          1: share({ nonce: 1, ntime: 1_000 }),
          2: share({ nonce: 1, ntime: 1_001 }),
          3: share({ nonce: 1, ntime: 1_002 }),
        });
      },
      { until: 2_500 },
    );
  });

  it('tells of its hash rate every second', () => {
    marbles(
      ({ connection, cold, expectOutcomes }) => {
        const hashed: HashEvent = { type: 'hashed', hashes: 100 };
        const hasher: Hasher = { hash: () => cold('300ms h 299ms h 299ms h 999ms h', { h: hashed }) };
        const server = connection('(wOJp)', fromPool);
        expectOutcomes(minerOf([server], hasher).start(), 'HashRate').toBe('1s a 999ms b', {
          a: { type: 'HashRate', hashesPerSecond: 300 },
          b: { type: 'HashRate', hashesPerSecond: 100 },
        });
      },
      { until: 2_500 },
    );
  });
});

describe('a miner whose pool', () => {
  it.each([
    ['refuses the channel', '-wr', 'ChannelRefused', { errorCode: 'unknown-user' }],
    ['closes the channel', '-wOJpc', 'ChannelClosed', { channelId: 7, reason: 'maintenance' }],
  ])('%s asks again after half a minute', (_, script, type, fields) => {
    marbles(
      ({ connection, cold, expectOutcomes, expectSent }) => {
        const hasher: Hasher = { hash: () => cold('--f', { f: found(1) }) };
        const server = connection(script, fromPool);
        const at = script.length - 1;
        expectOutcomes(minerOf([server], hasher).start(), type, 'ShareFound').toBe(`${at}ms x`, {
          x: { type, ...fields },
        });
        expectSent(server).toBe(`SO ${at - 2}ms 30s O`, { S, O });
      },
      { until: 40_000 },
    );
  });

  it('goes away opens its channel anew when it is back, with the same hasher', () => {
    let subscriptions = 0;
    const seen: string[] = []; // their times depend on the jitter of reconnections
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const first = connection('-wOJp-|', fromPool);
      const second = connection('-wOJp', fromPool);
      const { hasher } = scripted(() => concat(of(found(1)), timer(20).pipe(map(() => found(2))), NEVER));
      const service = minerOf([first, new Sv2Error('connection-refused', 'nobody there'), second], hasher, {
        hasher$: concat(of(hasher), NEVER).pipe(tap({ subscribe: () => (subscriptions += 1) })),
        reconnect: { initialDelay: 100, maxDelay: 100 },
      });
      expectOutcomes(service.start().pipe(tap(({ type }) => seen.push(type))), 'handlerError').toBe('');
      expectSent(first).toBe('SO--1-|', { S, O, 1: share({ sequenceNumber: 1 }) });
    }, brief);
    expect(
      seen.filter((type) => ['disconnected', 'ChannelOpened', 'ShareFound', 'undeliverable'].includes(type)),
    ).toEqual([
      'ChannelOpened',
      'ShareFound',
      'disconnected',
      'disconnected',
      'ChannelOpened',
      'ShareFound',
      'ShareFound',
    ]);
    expect(subscriptions).toBe(1);
  });

  it('names a job that it has not sent stops mining the old one', () => {
    marbles(({ connection, cold, expectOutcomes, expectSent }) => {
      const hasher: Hasher = { hash: () => cold('--f----f----f', { f: found(1) }) };
      const server = connection('-wOJp--x', { ...fromPool, x: { ...fromPool.p, jobId: 9 } });
      expectOutcomes(minerOf([server], hasher).start(), 'handlerError').toBe('-------e', {
        e: like({ error: like({ code: 'job-id-not-found' }) }),
      });
      expectSent(server).toBe('SO----1', { S, O, 1: share({ jobId: 1 }) });
    }, brief);
  });

  it('makes no sense goes on with what does', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-wOKJp', fromPool);
      const { hasher } = scripted(() => concat(of(found(1)), NEVER));
      expectOutcomes(minerOf([server], hasher).start(), 'handlerError').toBe('---e', {
        e: like({ handler: 'mining', error: like({ code: 'chain-tip-not-set' }) }),
      });
      expectSent(server).toBe('SO---1', { S, O, 1: share({ jobId: 1 }) });
    }, brief);
  });
});

describe('a miner whose hasher', () => {
  it('fails ends with that error, and closes the connection', () => {
    marbles(({ connection, cold, expectOutcomes, expectSent }) => {
      const broken = new Sv2Error('hash-worker-failed', 'worker thread 1 of 1 ended');
      const server = connection('-wO', fromPool);
      const outcome$ = minerOf([server], silent, { hasher$: cold('h----#', { h: silent }, broken) }).start();
      expectOutcomes(outcome$, 'ChannelOpened').toBe('--o--#', { o: like({ channelId: 7 }) }, broken);
      expectSent(server).toBe('SO---|', { S, O });
    }, brief);
  });

  it('cannot take a unit goes on with the next job', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const { hasher } = scripted((_, index) =>
        index === 0 ? throwError(() => new Sv2Error('hasher-taken', 'taken')) : concat(of(found(1)), NEVER),
      );
      const server = connection('-wOJp-K', fromPool);
      expectOutcomes(minerOf([server], hasher).start(), 'handlerError').toBe('----e', {
        e: like({ error: like({ code: 'hasher-taken' }) }),
      });
      expectSent(server).toBe('SO----1', { S, O, 1: share({ jobId: 2 }) });
    }, brief);
  });
});

describe('a miner that is misconfigured', () => {
  it('says so before it is started', () => {
    expect(() => minerOf([], silent, { device: { vendor: 'x'.repeat(256) } })).toThrow('vendor');
    expect(() => minerOf([], silent, { reconnect: { initialDelay: -1 } })).toThrow('initialDelay');
  });
});
