/** What user identities demand of coinbases, and jobs that do not pay it. */
import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { mergeMap } from 'rxjs';
import { Sv2Error } from '../../src/codec/errors.js';
import { buildCoinbase } from '../../src/bitcoin/coinbase.js';
import { scriptFromAddress } from '../../src/bitcoin/payout-script.js';
import {
  NewExtendedMiningJob,
  OpenExtendedMiningChannelSuccess,
  SetExtranoncePrefix,
  SetGroupChannel,
} from '../../src/messages/index.js';
import { payoutCheck } from '../../src/ledger/payout-check.js';
import { describeOutputs, payoutDemand, underpayment } from '../../src/ledger/payout-demand.js';
import { paying } from '../../src/roles/paying.js';
import { like, marbles, testConnector } from '../../src/testing/index.js';
import { template } from '../mining/support.js';

const address = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';
const { scriptPubKey } = scriptFromAddress(address);
const stranger = Uint8Array.of(0x51);
const nothing = Uint8Array.of(0x6a, 0x24);

describe('identities', () => {
  test.each<[string, number]>([
    [`sri/solo/${address}/rig1`, 0],
    [`sri/solo/${address}`, 0],
    [`sri/donate/1/${address}/rig1`, 100],
    [`sri/donate/99/${address}/rig1`, 9_900],
    [address, 1_000],
    [`${address}.rig1.left`, 1_000],
  ])('%s leaves the pool %d hundredths of a percent', (identity, poolBasisPoints) => {
    expect(payoutDemand(identity)).toMatchObject({ address, scriptPubKey, poolBasisPoints });
  });

  test.each([
    '',
    'alice.rig1',
    'sri/donate/rig1',
    'sri/donate',
    `sri/donate/101/${address}/rig1`,
    `sri/donate/1.555/${address}/rig1`,
    'sri/solo/alice/rig1',
    `sri/other/${address}`,
    `${address}x`,
  ])('%j demands nothing, and that is an error that does not repeat it', (identity) => {
    expect(() => payoutDemand(identity)).toThrow(Sv2Error);
    try {
      payoutDemand(identity);
    } catch (error) {
      expect((error as Sv2Error).code).toBe('invalid-identity');
      for (const word of identity.split(/[./]/).filter((part) => /alice|rig1|^bc1/.test(part)))
        expect((error as Error).message).not.toContain(word);
    }
  });
});

describe('outputs', () => {
  const at = (percent: number, own: bigint, others: bigint) =>
    underpayment({ address, scriptPubKey, poolBasisPoints: 100 * percent }, [
      { value: own, scriptPubKey },
      { value: others, scriptPubKey: stranger },
      { value: 0n, scriptPubKey: nothing },
    ]);

  it('pay a demand to the satoshi', () => {
    expect(at(0, 100n, 0n)).toBeNull();
    expect(at(0, 99n, 1n)).toMatchObject({ demanded: 100n, paid: 99n });
    expect(at(10, 90n, 10n)).toBeNull();
    expect(at(10, 89n, 11n)).toMatchObject({ demanded: 90n, paid: 89n });
    expect(at(1, 199n, 0n)).toBeNull(); // more is no wrong
    expect(at(1, 150n, 1n)).toBeNull(); // 1 % of 151 is 1 satoshi
    expect(at(1, 149n, 2n)).toMatchObject({ demanded: 150n });
    expect(at(50, 0n, 0n)).toMatchObject({ paid: 0n }); // nobody is paid anything
  });

  it('are enough for whoever demands less, too', () => {
    const amount = fc.bigInt({ min: 0n, max: 21_000_000n * 100_000_000n });
    const percent = fc.integer({ min: 0, max: 99 });
    fc.assert(
      fc.property(percent, percent, amount, amount, (one, other, own, others) => {
        const [more, less] = [Math.min(one, other), Math.max(one, other)];
        if (at(more, own, others) === null) expect(at(less, own, others)).toBeNull();
      }),
    );
  });

  it('are shown, sixteen of them', () => {
    expect(describeOutputs([{ value: 5n, scriptPubKey: stranger }])).toBe('5 satoshis to 51');
    const many = Array.from({ length: 20 }, () => ({ value: 1n, scriptPubKey: new Uint8Array(80) }));
    expect(describeOutputs(many)).toMatch(/…, 4 more$/);
    expect(describeOutputs([])).toBe('no outputs');
  });
});

const demand = payoutDemand(`sri/solo/${address}/rig1`);
const opened = OpenExtendedMiningChannelSuccess({
  requestId: 1,
  channelId: 7,
  target: new Uint8Array(32).fill(0xff),
  extranonceSize: 8,
  extranoncePrefix: Uint8Array.of(1, 2, 3, 4),
  groupChannelId: 9,
});
const job = (channelId: number, paysTo: Uint8Array, fullExtranonceSize = 12) => {
  const { coinbaseTxPrefix, coinbaseTxSuffix } = buildCoinbase(template(1), {
    tag: Uint8Array.of(1),
    fullExtranonceSize,
    payoutOutputs: [{ value: template(1).coinbaseTxValueRemaining, scriptPubKey: paysTo }],
  }).stripped;
  return NewExtendedMiningJob({
    channelId,
    jobId: 3,
    minNtime: null,
    version: 0x2000_0000,
    versionRollingAllowed: true,
    merklePath: [],
    coinbaseTxPrefix,
    coinbaseTxSuffix,
  });
};

describe('jobs', () => {
  it('that pay go by, those of a group and behind another prefix too', () => {
    const { take } = payoutCheck(demand);
    [opened, job(7, scriptPubKey), job(9, scriptPubKey)].forEach(take);
    take(SetExtranoncePrefix({ channelId: 7, extranoncePrefix: Uint8Array.of(1, 2) }));
    take(SetGroupChannel({ groupChannelId: 11, channelIds: [7] }));
    [job(7, scriptPubKey, 10), job(11, scriptPubKey, 10)].forEach(take);
    expect(() => take(job(11, stranger, 10))).toThrow(/pays 0 satoshis/);
  });

  it('that do not are refused with their outputs, and so is a coinbase that is none', () => {
    const { take } = payoutCheck(demand);
    take(opened);
    expect(() => take(job(7, stranger))).toThrow(
      new RegExp(`job 3 pays 0 satoshis to ${address}, \\d+ are demanded; its outputs: \\d+ satoshis to 51`),
    );
    expect(() => take({ ...job(7, stranger), coinbaseTxSuffix: Uint8Array.of(1) } as never)).toThrow(
      expect.objectContaining({ code: 'invalid-coinbase' }),
    );
    expect(() => take(job(8, stranger))).not.toThrow(); // it is for nobody here
  });

  it('that do not break the connection before anybody sees them', () => {
    marbles(({ connection, expectObservable }) => {
      const it = connection('-a-b-c-d', {
        a: opened,
        b: job(7, scriptPubKey),
        c: job(7, stranger),
        d: opened,
      });
      const values = { a: opened, b: job(7, scriptPubKey) };
      const received$ = paying(testConnector([it]), demand).pipe(mergeMap(({ message$ }) => message$));
      expectObservable(received$).toBe('-a-b-#', values, like({ code: 'payout-missing' }));
    });
  });

  it('keep what a connector knows: where it dials, and how it is sent elsewhere', () => {
    const endpoint = { host: 'pool.example', port: 1 };
    const connector$ = testConnector([], { endpoint, redirect: (to) => testConnector([], { endpoint: to }) });
    const paid$ = paying(connector$, demand);
    expect(paid$.endpoint).toEqual(endpoint);
    expect(paid$.redirect?.({ host: 'other.example', port: 2 }).endpoint).toEqual({
      host: 'other.example',
      port: 2,
    });
    expect(paying(testConnector([]), demand).redirect).toBeUndefined();
  });
});
