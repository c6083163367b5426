import { describe, it } from '@jest/globals';
import { miningSetupFlags, type Message } from '../src/messages/index.js';
import { CloseChannel, SetCustomMiningJob, SubmitSharesExtended, SetTarget } from '../src/messages/mining.js';
import { pool, type PoolOptions } from '../src/roles/pool/pool.js';
import { like, marbles, setupConnection, testConnector } from '../src/testing/index.js';
import type { Connection } from '../src/transport/index.js';
import { openExtended, openStandard, prevHashFor, template } from '../spec/mining/support.js';
import { clients, welcome } from './support.js';

const { requiresStandardJobs, requiresVersionRolling, requiresWorkSelection } = miningSetupFlags;
/** Until when these services run. */
const brief = { until: 1_000 };

const payoutScript = Uint8Array.of(0x51);

/** What the template provider says: yes, a template, its previous hash, a later template for the same. */
const fromProvider = {
  w: welcome(),
  t: template(1),
  p: prevHashFor(1),
  u: template(2, { futureTemplate: false }),
  n: template(3),
  q: prevHashFor(3),
  x: template(4, { futureTemplate: false, coinbasePrefix: new Uint8Array(90) }),
};

/** What miners say. */
const fromMiner = {
  s: setupConnection('mining'),
  S: setupConnection('mining', { flags: requiresStandardJobs | requiresVersionRolling }),
  W: setupConnection('mining', { flags: requiresWorkSelection }),
  o: openExtended({ nominalHashRate: 1e6 }),
  O: openStandard({ nominalHashRate: 1e6 }),
};

const poolOf = (provider: Connection, miners: readonly Connection[], options: Partial<PoolOptions> = {}) =>
  pool({ listen: clients(...miners), templateProvider: testConnector([provider]), payoutScript, ...options });

/** Matchers for messages by type, each under its letter. */
const messages = <K extends string>(types: Readonly<Record<K, Message['type']>>) =>
  Object.fromEntries(Object.entries(types).map(([letter, type]) => [letter, like({ type: type as string })]));

const toMiner = messages({
  w: 'SetupConnection.Success',
  r: 'SetupConnection.Error',
  o: 'OpenExtendedMiningChannel.Success',
  O: 'OpenStandardMiningChannel.Success',
  j: 'NewExtendedMiningJob',
  J: 'NewMiningJob',
  p: 'SetNewPrevHash',
  e: 'SubmitShares.Error',
  c: 'SetCustomMiningJob.Error',
  d: 'SetTarget',
});

describe('a pool and its miners', () => {
  it('tells the template provider what room the payout needs', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const provider = connection('-w', fromProvider);
      expectOutcomes(poolOf(provider, []).start(), 'connected').toBe('-c', {
        c: like({ type: 'connected' }),
      });
      expectSent(provider).toBe('sc', {
        s: like({ type: 'SetupConnection', protocol: 2 }),
        c: like({ type: 'CoinbaseOutputConstraints', coinbaseOutputMaxAdditionalSize: 10 }),
      });
    }, brief);
  });

  it('gives a miner that comes before the first template its job when that comes', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const provider = connection('w 99ms (tp) 96ms u 99ms n 99ms q', fromProvider);
      const extended = connection('(so)', fromMiner);
      const standard = connection('(SO)', fromMiner);
      expectOutcomes(poolOf(provider, [extended, standard]).start(), 'NewTip', 'handlerError').toBe(
        '100ms t 299ms t',
        { t: like({ type: 'NewTip' }) },
      );
      expectSent(extended).toBe('(wo) 96ms (jp) 96ms j 99ms j 99ms p', toMiner);
      expectSent(standard).toBe('(wO) 96ms (Jp) 96ms J 99ms J 99ms p', toMiner);
    }, brief);
  });

  it.each([
    [{}, 14],
    [{ poolSignature: 'x'.repeat(64) }, 9],
    [{ extranonceSize: 8 }, 8],
  ])('of %j lets its channels roll %d bytes, and takes who asks for no more', (options, extranonceSize) => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const most = openExtended({ requestId: 1, minExtranonceSize: extranonceSize });
      const more = openExtended({ requestId: 2, minExtranonceSize: extranonceSize + 1 });
      const miner = connection('sab', { ...fromMiner, a: most, b: more });
      expectOutcomes(poolOf(connection('w', fromProvider), [miner], options).start(), 'handlerError').toBe(
        '',
      );
      expectSent(miner).toBe('wae', {
        ...toMiner,
        a: like({ type: 'OpenExtendedMiningChannel.Success', extranonceSize }),
        e: like({ type: 'OpenMiningChannel.Error', errorCode: 'min-extranonce-size-too-large' }),
      });
    }, brief);
  });

  it('says when jobs are longer than devices read, once until they are shorter', () => {
    const outputs = (size: number) => ({
      coinbaseTxOutputsCount: 1,
      coinbaseTxOutputs: Uint8Array.of(
        ...new Uint8Array(8),
        0xfd,
        size & 0xff,
        size >> 8,
        0x6a,
        ...new Uint8Array(size - 1),
      ),
    });
    const long = template(1, outputs(8_000));
    const longer = template(2, { ...outputs(8_001), futureTemplate: false });
    const shorter = template(3, { ...outputs(7_000), futureTemplate: false });
    marbles(({ connection, expectOutcomes }) => {
      const values = { ...fromProvider, l: long, m: longer, n: shorter };
      const provider = connection('w 9ms (lp) 6ms m 9ms n 9ms m', values);
      const miner = connection('(so)', fromMiner);
      expectOutcomes(poolOf(provider, [miner]).start(), 'JobTooLong', 'handlerError').toBe('10ms t 29ms t', {
        t: like({ type: 'JobTooLong', limit: 8_192, payoutOutputs: 10 }),
      });
    }, brief);
  });

  it('gives a miner that comes later the present job, and those for the next tip', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const provider = connection('(wtpun)', fromProvider);
      const miner = connection('10ms s o', fromMiner);
      expectOutcomes(poolOf(provider, [miner]).start(), 'handlerError').toBe('');
      expectSent(miner).toBe('10ms w (ojpj)', toMiner);
    }, brief);
  });

  it('answers every wrong message of one miner, and serves the other', () => {
    const custom = SetCustomMiningJob({
      channelId: 2,
      requestId: 1,
      miningJobToken: new Uint8Array(1),
      version: 0,
      prevHash: new Uint8Array(32),
      minNtime: 0,
      nbits: 0,
      coinbaseTxVersion: 0,
      coinbasePrefix: new Uint8Array(0),
      coinbaseTxInputNSequence: 0,
      coinbaseTxOutputs: new Uint8Array(0),
      coinbaseTxLocktime: 0,
      merklePath: [],
    });
    const share = (channelId: number, extranonce: Uint8Array) =>
      SubmitSharesExtended({
        channelId,
        sequenceNumber: 1,
        jobId: 1,
        nonce: 0,
        ntime: 0,
        version: 0,
        extranonce,
      });
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const bad = connection('so 8ms abcdef', {
        ...fromMiner,
        a: share(99, new Uint8Array(8)),
        b: share(2, new Uint8Array(31)),
        c: custom,
        d: template(1) as Message,
        e: SetTarget({ channelId: 2, maximumTarget: new Uint8Array(32) }),
        f: CloseChannel({ channelId: 99, reasonCode: '' }),
      });
      const good = connection('s 20ms o', fromMiner);
      const provider = connection('(wtp)', fromProvider);
      const outcome$ = poolOf(provider, [bad, good]).start();
      expectOutcomes(
        outcome$,
        'ShareRejected',
        'CustomJobRefused',
        'rejected',
        'handlerError',
        'disconnected',
      ).toBe('10ms abcde', {
        a: like({ type: 'ShareRejected', errorCode: 'invalid-channel-id', userIdentity: null }),
        b: like({ type: 'ShareRejected', errorCode: 'bad-extranonce-size', userIdentity: 'satoshi.two' }),
        c: like({ type: 'CustomJobRefused', errorCode: 'jd-not-supported' }),
        d: like({ type: 'rejected', code: 'unsupported-protocol' }),
        e: like({ type: 'rejected', code: 'unsupported-message' }),
      });
      expectSent(bad).toBe('w(ojp) 4ms eec', toMiner);
      expectSent(good).toBe('w 20ms (ojp)', toMiner);
    }, brief);
  });

  it('refuses a client that wants to select its work', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const miner = connection('W', fromMiner);
      expectOutcomes(poolOf(connection('w', fromProvider), [miner]).start(), 'setupRefused').toBe('r', {
        r: like({ errorCode: 'unsupported-feature-flags', flags: requiresWorkSelection }),
      });
      expectSent(miner).toBe('(r|)', toMiner);
    }, brief);
  });

  it('goes on when the template provider makes no sense', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const provider = connection('(wtp) 95ms x 9ms u', fromProvider);
      const miner = connection('(so)', fromMiner);
      expectOutcomes(poolOf(provider, [miner]).start(), 'ProviderFault', 'handlerError', 'disconnected').toBe(
        '100ms e',
        {
          e: like({ type: 'ProviderFault', code: 'invalid-coinbase-prefix', isLeft: false }),
        },
      );
      expectSent(miner).toBe('(wojp) 104ms j', toMiner);
    }, brief);
  });

  it('sets a target for a channel, and brings it with a job of its own when no template does', () => {
    marbles(
      ({ connection, expectOutcomes, expectSent }) => {
        const miner = connection('(so)', fromMiner);
        const outcome$ = poolOf(connection('(wtp)', fromProvider), [miner]).start();
        // not a share within five mean intervals of ten seconds, and a job lasts half a minute: the target is too hard
        expectOutcomes(outcome$, 'TargetChanged', 'handlerError').toBe('65s t', {
          t: like({ channelId: 2 }),
        });
        expectSent(miner).toBe('(wojp) 64994ms (dj)', toMiner);
      },
      { until: 70_000 },
    );
  });
});
