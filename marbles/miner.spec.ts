import { describe, expect, it } from '@jest/globals';
import {
  asapScheduler,
  asyncScheduler,
  concat,
  ignoreElements,
  interval,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  Subject,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
} from 'rxjs';
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
  RequestExtensionsSuccess,
  SetTarget,
  SubmitSharesError,
  SubmitSharesSuccess,
  UpdateChannelError,
  userIdentityTlv,
  type Message,
} from '../src/messages/index.js';
import { miningSuccessFlags } from '../src/messages/setup-flags.js';
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
    newSubmitsAcceptedCount: 1,
    newSharesSum: 1n,
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
    channels: { standard: 1 },
    nominalHashRate: 1e6,
    hasher$: concat(of(hasher), NEVER),
    ...options,
  });

const S = like({ type: 'SetupConnection', protocol: 0, flags: 1 });
const s = like({ type: 'SetupConnection', protocol: 0, flags: 0 });
const O = like({ type: 'OpenStandardMiningChannel', userIdentity: 'alice', nominalHashRate: 1e6 });
const o = like({ type: 'OpenExtendedMiningChannel', userIdentity: 'alice', minExtranonceSize: 4 });
const asked = { type: 'OpenStandardMiningChannel', userIdentity: 'alice' };
const C = like({ type: 'CloseChannel', channelId: 7, reasonCode: 'the miner stops' });
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
        c: { type: 'ChannelOpened', kind: 'standard', channelId: 7, difficulty: expect.any(Number) },
      });
      expectOutcomes(
        minerOf([extended], silent, { channels: { extended: 1 } }).start(),
        'ChannelOpened',
      ).toBe('--c', {
        c: like({ channelId: 7 }),
      });
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
        a: { type: 'SharesAccepted', channelId: 7, count: 1 },
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

  it.each(['standard', 'extended'] as const)(
    'goes on with a job that is told again on a channel that is %s, instead of finding the same shares twice',
    (kind) => {
      marbles(({ connection, cold, expectOutcomes }) => {
        const hasher: Hasher = { hash: () => cold('-f---f', { f: found(1) }) };
        const script = kind === 'standard' ? '-wOJp(KK)K' : '-w(oj)p(kk)k';
        const k = NewExtendedMiningJob({ ...fromPool.j, jobId: 2, minNtime: 1_500 });
        const server = connection(script, { ...fromPool, k });
        const outcome$ = minerOf([server], hasher, { channels: { [kind]: 1 } }).start();
        expectOutcomes(outcome$, 'JobStarted', 'ShareFound').toBe(
          kind === 'standard' ? '----jks---s' : '------jks---s',
          { j: like({ jobId: 1 }), k: like({ jobId: 2 }), s: like({ type: 'ShareFound', jobId: 2 }) },
        );
      }, brief);
    },
  );

  it('sends a hundred shares a second at most, whatever the target, and says what it keeps back', () => {
    let sent = 0;
    marbles(
      ({ connection, expectOutcomes }) => {
        // a share in every millisecond, as far as the target is concerned
        const hasher: Hasher = { hash: () => interval(1).pipe(map((nonce) => found(nonce))) };
        const server = connection('-wOJp', fromPool);
        const outcome$ = minerOf([server], hasher)
          .start()
          .pipe(
            tap((outcome) => {
              if (outcome.type === 'sent' && outcome.message.type.startsWith('SubmitShares')) sent += 1;
            }),
          );
        expectOutcomes(outcome$, 'SharesWithheld').toBe('1002ms w 999ms x 999ms y', {
          w: { type: 'SharesWithheld', channelId: 7, count: 698 },
          x: { type: 'SharesWithheld', channelId: 7, count: 901 },
          y: { type: 'SharesWithheld', channelId: 7, count: 900 },
        });
      },
      { until: 3_010 },
    );
    expect(sent).toBeGreaterThan(480);
    expect(sent).toBeLessThan(520);
  });

  it('has work for ever on an extended channel: the next extranonce', () => {
    marbles(
      ({ connection, cold, expectOutcomes, expectSent }) => {
        // a hasher that has soon tried everything
        const hasher: Hasher = { hash: () => cold('-f--|', { f: found(1) }) };
        const server = connection('-(wo)-j-p', fromPool);
        expectOutcomes(minerOf([server], hasher, { channels: { extended: 1 } }).start(), 'handlerError').toBe(
          '',
        );
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
          x: like({ type, ...fields, retryIn: 30_000 }),
        });
        expectSent(server).toBe(`SO ${at - 2}ms 30s A`, { S, O, A: like({ ...asked, requestId: 2 }) });
      },
      { until: 40_000 },
    );
  });

  it('goes on refusing is asked less and less often, every time with another request id', () => {
    const times: number[] = [];
    const ids = new Set<number>();
    marbles(
      ({ connection }) => {
        const answers = new Subject<Message>();
        const server = connection('-w', fromPool);
        const refusing: Connection = {
          ...server,
          message$: merge(server.message$, answers),
          send(...messages) {
            for (const message of messages) {
              if (message.type !== 'OpenStandardMiningChannel') continue;
              times.push(asyncScheduler.now() / 1_000);
              ids.add(message.requestId);
              const { requestId } = message;
              asapScheduler.schedule(() =>
                answers.next(OpenMiningChannelError({ requestId, errorCode: 'unknown-user' })),
              );
            }
            server.send(...messages);
          },
        };
        const talking$ = interval(60_000).pipe(
          tap(() => answers.next(fromPool.e)),
          ignoreElements(),
        );
        merge(minerOf([refusing], silent).start(), talking$)
          .pipe(takeUntil(timer(3_600_000)))
          .subscribe();
      },
      { until: 3_600_000 },
    );
    const waits = times.map((time, index) => Math.round(time - (times[index - 1] ?? 0))).slice(1);
    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600, 600, 600]);
    expect(ids.size).toBe(times.length);
  });

  it('cannot open such a channel is not asked again', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const never = OpenMiningChannelError({
          requestId: 1,
          errorCode: 'extended-channels-not-supported-for-standard-jobs',
        });
        const server = connection('-wn', { ...fromPool, n: never });
        const service = minerOf([server], silent, { channels: { extended: 1 } });
        expectOutcomes(service.start(), 'ChannelRefused').toBe('--x', {
          x: like({ kind: 'extended', retryIn: null }),
        });
        expectSent(server).toBe('so', { s, o });
      },
      { until: 170_000 },
    );
  });

  it('does not answer is asked again; if it answers after all, that channel is closed', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const server = connection('-w 20s O', fromPool);
        expectOutcomes(
          minerOf([server], silent).start(),
          'ChannelFailed',
          'ChannelOpened',
          'handlerError',
        ).toBe('- 10s x 9999ms - e', {
          x: like({ type: 'ChannelFailed', error: like({ code: 'request-timeout' }), retryIn: 30_000 }),
          e: like({ error: like({ code: 'not-requested' }) }),
        });
        expectSent(server).toBe('SO 20s C 19998ms A', {
          S,
          O,
          C: like({ type: 'CloseChannel', channelId: 7 }),
          A: like({ ...asked, requestId: 2 }),
        });
      },
      { until: 41_000 },
    );
  });

  it('gives less extranonce than asked for is told so, and asked again', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const small = { ...fromPool.o, extranonceSize: 0 };
        const server = connection('-wo', { ...fromPool, o: small });
        const outcome$ = minerOf([server], silent, { channels: { extended: 1 } }).start();
        expectOutcomes(outcome$, 'ChannelFailed', 'ChannelOpened', 'handlerError').toBe('--x', {
          x: like({
            type: 'ChannelFailed',
            kind: 'extended',
            error: like({ code: 'extranonce-too-small' }),
            retryIn: 30_000,
          }),
        });
        expectSent(server).toBe('soC 29999ms A', {
          s,
          o,
          C: like({ type: 'CloseChannel', channelId: 7 }),
          A: like({ type: 'OpenExtendedMiningChannel', requestId: 2 }),
        });
      },
      { until: 31_000 },
    );
  });

  it('requires the versions of its jobs gets no other', () => {
    const units: HashUnit[] = [];
    marbles(({ connection, expectSent }) => {
      const { hasher } = scripted((unit) => {
        units.push(unit);
        return NEVER;
      });
      const server = connection('-wOJp', {
        ...fromPool,
        w: welcome(miningSuccessFlags.requiresFixedVersion),
      });
      merge(minerOf([server], hasher).start())
        .pipe(takeUntil(timer(100)))
        .subscribe();
      expectSent(server).toBe('SO 98ms (C|)', { S, O, C });
    }, brief);
    expect(units).toMatchObject([{ versionRollingAllowed: false }]);
  });

  it('opens extended channels only is asked for those', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const flags = miningSuccessFlags.requiresExtendedChannels;
      const server = connection('-wo', { ...fromPool, w: welcome(flags) });
      expectOutcomes(minerOf([server], silent).start(), 'ChannelOpened', 'ChannelFailed').toBe('--c', {
        c: like({ type: 'ChannelOpened', kind: 'extended' }),
      });
      expectSent(server).toBe('So', { S, o });
    }, brief);
  });

  it('is silent for three minutes is dialled anew', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const server = connection('-wOJp', fromPool);
        expectOutcomes(minerOf([server], silent).start(), 'disconnected').toBe('191251ms x', {
          x: like({ reason: like({ code: 'inactive' }) }),
        });
      },
      { until: 191_300 },
    );
  });

  it('gives job after job, ten thousand a second, makes it change its work ten times a second', () => {
    const { hasher, units } = scripted(() => NEVER);
    const jobs = Array.from({ length: 10_000 }, (_, jobId) => ({ ...fromPool.K, jobId: 100 + jobId }));
    marbles(
      ({ connection }) => {
        const server = connection('-wOJp', fromPool);
        const flood$ = timer(10, 1).pipe(
          take(1_000),
          mergeMap((millisecond) => jobs.slice(10 * millisecond, 10 * millisecond + 10)),
        );
        const flooding: Connection = { ...server, message$: merge(server.message$, flood$) };
        minerOf([flooding], hasher)
          .start()
          .pipe(takeUntil(timer(2_000)))
          .subscribe();
      },
      { until: 3_000 },
    );
    expect(units.length).toBeGreaterThan(20);
    expect(units.length).toBeLessThan(16 + 2 * 10 + 2);
    // the last one given is the one hashed
    expect(units.at(-1)).toBeDefined();
  });

  it('talks nonsense is complained of once a second', () => {
    const complaints: unknown[] = [];
    marbles(
      ({ connection }) => {
        const server = connection('-wO', fromPool);
        const zero = SetTarget({ channelId: 7, maximumTarget: bytes(32, 0) });
        const flood$ = timer(10, 1).pipe(
          take(9_000),
          mergeMap(() => [zero, fromPool.p, { ...fromPool.O, channelId: 8 }]),
        );
        const flooding: Connection = { ...server, message$: merge(server.message$, flood$) };
        minerOf([flooding], silent)
          .start()
          .pipe(
            tap((outcome) => {
              if (outcome.type === 'handlerError') complaints.push(outcome);
            }),
            takeUntil(timer(10_000)),
          )
          .subscribe();
      },
      { until: 11_000 },
    );
    expect(complaints.length).toBeGreaterThan(16);
    expect(complaints.length).toBeLessThan(16 + 10 + 2);
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
      expectSent(server).toBe('SO---(C|)', { S, O, C });
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

describe('a miner with several channels', () => {
  it('opens as many as it is told, each with its part of the hash rate, and closes them all at the end', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const open = (requestId: number, channelId: number) =>
        requestId < 3 ? { ...fromPool.O, requestId, channelId } : { ...fromPool.o, requestId, channelId };
      const answers = { c: open(2, 12), d: open(3, 13), e: open(1, 11) };
      const server = connection('-wcde----x', {
        ...fromPool,
        ...answers,
        x: CloseChannel({ channelId: 12, reasonCode: '' }),
      });
      const outcome$ = minerOf([server], silent, { channels: { standard: 2, extended: 1 } })
        .start()
        .pipe(takeUntil(timer(12)));
      expectOutcomes(outcome$, 'ChannelOpened', 'handlerError').toBe('--cde-------|', {
        c: like({ kind: 'standard', channelId: 12 }),
        d: like({ kind: 'extended', channelId: 13 }),
        e: like({ kind: 'standard', channelId: 11 }),
      });
      const request = (requestId: number, type: string) =>
        like({ type, requestId, nominalHashRate: 1e6 / 3 });
      expectSent(server).toBe('s(123)------(CD|)', {
        s,
        1: request(1, 'OpenStandardMiningChannel'),
        2: request(2, 'OpenStandardMiningChannel'),
        3: request(3, 'OpenExtendedMiningChannel'),
        C: like({ type: 'CloseChannel', channelId: 13 }),
        D: like({ type: 'CloseChannel', channelId: 11 }),
      });
    }, brief);
  });

  it('mines on each its own jobs, and on the others when one gets another', () => {
    const units: HashUnit[] = [];
    marbles(({ connection, cold, expectSent }) => {
      const hasher: Hasher = {
        hash(unit) {
          units.push(unit);
          return cold('f---------g', { f: found(units.length), g: found(100 + units.length) });
        },
      };
      const forGroup = { channelId: 1 };
      const server = connection('-w(OQ)(Jp)---K', {
        ...fromPool,
        Q: { ...fromPool.O, requestId: 2, channelId: 8, extranoncePrefix: bytes(8, 9) },
        J: { ...fromPool.J, ...forGroup },
        p: { ...fromPool.p, ...forGroup },
        K: fromPool.K, // channel 7's
      });
      minerOf([server], hasher, { channels: { standard: 2 } })
        .start()
        .pipe(takeUntil(timer(25)))
        .subscribe();
      expectSent(server).toBe('S(OP)-(12)---3--4------5-(CD|)', {
        S,
        O: like(asked),
        P: like({ ...asked, requestId: 2 }),
        1: share({ channelId: 7, jobId: 1, sequenceNumber: 1 }),
        2: like({ channelId: 8, jobId: 1, sequenceNumber: 1 }),
        3: share({ channelId: 7, jobId: 2, sequenceNumber: 2 }),
        4: like({ channelId: 8, jobId: 1, sequenceNumber: 2 }),
        5: share({ channelId: 7, jobId: 2, sequenceNumber: 3 }),
        C,
        D: like({ type: 'CloseChannel', channelId: 8 }),
      });
    }, brief);
  });
});

describe('a miner whose user identity has the name of a worker', () => {
  const named = { userIdentity: 'alice.rig1', channels: { extended: 1 } };
  const R = like({ type: 'RequestExtensions', requestedExtensions: [2] });
  const found$ = () => concat(of(found(1)), NEVER);

  it.each([
    ['sends it with its shares', [2], [userIdentityTlv('rig1')]],
    ['keeps it from a pool that does not take it', [], undefined],
  ])('%s', (_, supportedExtensions, tlvs) => {
    marbles(({ connection, expectSent }) => {
      const server = connection('-wxojp', {
        ...fromPool,
        x: RequestExtensionsSuccess({ requestId: 1, supportedExtensions }),
      });
      minerOf([server], scripted(found$).hasher, named)
        .start()
        .pipe(takeUntil(timer(9)))
        .subscribe();
      expectSent(server).toBe('sRo--1---(C|)', {
        s,
        R,
        o: like({ type: 'OpenExtendedMiningChannel', userIdentity: 'alice.rig1' }),
        1: expect.objectContaining(
          tlvs === undefined ? { sequenceNumber: 1 } : { type: 'SubmitSharesExtended', tlvs },
        ),
        C,
      });
    }, brief);
  });

  it('does not ask for what standard channels cannot carry', () => {
    marbles(({ connection, expectSent }) => {
      const server = connection('-wO', fromPool);
      minerOf([server], silent, { ...named, channels: { standard: 1 } })
        .start()
        .pipe(takeUntil(timer(9)))
        .subscribe();
      expectSent(server).toBe('SO-------(C|)', { S, O: like({ userIdentity: 'alice.rig1' }), C });
    }, brief);
  });
});

describe('a miner whose hash rate changes', () => {
  const rateOf = (hashesPerSecond: (second: number) => number): Hasher => ({
    hash: () =>
      timer(500, 1_000).pipe(map((second) => ({ type: 'hashed', hashes: hashesPerSecond(second) }))),
  });
  const told = (hasher: Hasher, seconds: number) => {
    const rates: unknown[] = [];
    marbles(
      ({ connection }) => {
        const server = connection('(wO)J(p)', fromPool);
        const talking$ = timer(10_000, 10_000).pipe(map(() => fromPool.a));
        const alive: Connection = { ...server, message$: merge(server.message$, talking$) };
        const update$ = server.sent$.pipe(
          tap((message) => {
            if (message.type === 'UpdateChannel')
              rates.push([asyncScheduler.now() / 1_000, message.nominalHashRate]);
          }),
        );
        merge(minerOf([alive], hasher, { nominalHashRate: 1_000 }).start(), update$)
          .pipe(takeUntil(timer(1_000 * seconds)))
          .subscribe();
      },
      { until: 1_000 * seconds + 1_000 },
    );
    return rates.map((pair) => (pair as number[]).map(Math.round));
  };

  it('tells the pool after a minute of work, once', () => {
    expect(
      told(
        rateOf(() => 2_000),
        600,
      ),
    ).toEqual([[60, 2_000]]);
  });

  it('says nothing of a fifth more or less', () => {
    expect(
      told(
        rateOf((second) => (second < 100 ? 1_200 : 810)),
        600,
      ),
    ).toEqual([]);
  });

  it('tells of every change that lasts, no more than once a minute', () => {
    expect(
      told(
        rateOf((second) => (Math.floor(second / 60) % 2 === 0 ? 4_000 : 1_000)),
        200,
      ),
    ).toEqual([
      [60, 4_000],
      [120, 1_000],
      [180, 4_000],
    ]);
  });

  it('hears what the pool thinks of it', () => {
    marbles(({ connection, expectOutcomes }) => {
      const server = connection('-wOu', {
        ...fromPool,
        u: UpdateChannelError({ channelId: 7, errorCode: 'no' }),
      });
      expectOutcomes(minerOf([server], silent).start(), 'HashRateRefused').toBe('---x', {
        x: { type: 'HashRateRefused', channelId: 7, errorCode: 'no' },
      });
    }, brief);
  });
});

describe('a miner that is misconfigured', () => {
  it('says so before it is started', () => {
    expect(() => minerOf([], silent, { device: { vendor: 'x'.repeat(256) } })).toThrow('vendor');
    expect(() => minerOf([], silent, { reconnect: { initialDelay: -1 } })).toThrow('initialDelay');
    for (const channels of [
      {},
      { standard: 0 },
      { extended: -1, standard: 2 },
      { standard: 1.5 },
      { standard: 500, extended: 501 },
    ]) {
      expect(() => minerOf([], silent, { channels })).toThrow('expected 1 to 1000 channels');
    }
  });
});
