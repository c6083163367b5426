import { describe, expect, it } from '@jest/globals';
import { targetFromNbits } from '../../../src/bitcoin/target.js';
import { serialiseTemplateOutputs } from '../../../src/bitcoin/outputs.js';
import {
  clockDifference,
  targetRatio,
  templateFault,
  templateRate,
  tipFault,
} from '../../../src/roles/pool/provider-checks.js';
import { templateIds } from '../../../src/roles/pool/template-ids.js';
import { HARD_NBITS, NTIME, prevHashFor, template } from '../../mining/support.js';

const money = 2_100_000_000_000_000n;
const outputs = (value: bigint) => ({
  coinbaseTxOutputsCount: 1,
  coinbaseTxOutputs: serialiseTemplateOutputs([{ value, scriptPubKey: new Uint8Array(1) }]),
});
const path = (length: number) => ({ merklePath: Array.from({ length }, () => new Uint8Array(32)) });

describe('a template', () => {
  it.each([
    ['the usual', {}],
    ['all the money there is', { coinbaseTxValueRemaining: money }],
    ['a full block', path(16)],
    ['the longest prefix', { coinbasePrefix: new Uint8Array(8) }],
    ['outputs of all the money', outputs(money)],
  ])('with %s is good', (_, fields) => {
    expect(templateFault(template(1, fields))).toBeUndefined();
  });

  it.each([
    [
      '2^64 − 1 satoshis',
      { coinbaseTxValueRemaining: 2n ** 64n - 1n },
      'invalid-value',
      /18446744073709551615.*expected/,
    ],
    [
      'a satoshi too much',
      { coinbaseTxValueRemaining: money + 1n },
      'invalid-value',
      /expected 2100000000000000/,
    ],
    ['a path of 255 hashes', path(255), 'invalid-merkle-path', /255 hashes; expected 16/],
    [
      'a prefix too long',
      { coinbasePrefix: new Uint8Array(9) },
      'invalid-coinbase-prefix',
      /9 bytes; expected 8/,
    ],
    ['outputs that are none', { coinbaseTxOutputsCount: 2 }, 'invalid-coinbase-outputs', /none/],
    ['outputs of too much', outputs(money + 1n), 'invalid-coinbase-outputs', /expected 2100000000000000/],
  ] as const)('with %s is not', (_, fields, code, message) => {
    expect(templateFault(template(1, fields))).toEqual({ code, message: expect.stringMatching(message) });
  });

  it('is one too many when they come by the thousand, but not when a fast chain brings them', () => {
    const flood = templateRate('templates');
    const faults = Array.from({ length: 1_500 }, () => flood(0)); // what comes until it is left is told no more
    expect(faults.filter((fault) => fault !== undefined)).toEqual([faults[1_000]]);
    expect(faults[1_000]?.code).toBe('too-many-templates');
    // a hundred a second are forgiven, and no more
    const [lasting, faster] = [templateRate('tips'), templateRate('tips')];
    const within = (rate: typeof lasting, count: number, interval: number) =>
      Array.from({ length: count }, (_, index) => rate(index * interval)).every(
        (fault) => fault === undefined,
      );
    expect(within(lasting, 20_000, 10)).toBe(true);
    expect(within(faster, 20_000, 8)).toBe(false);
    const fast = templateRate('templates');
    for (let count = 0; count < 5_000; count++) expect(fast(count * 10)).toBeUndefined();
  });
});

describe('a tip', () => {
  it('has nbits that stand for a target, and a template that was sent', () => {
    expect(tipFault(prevHashFor(1), true)).toBeUndefined();
    expect(tipFault(prevHashFor(1), false)?.code).toBe('unknown-template');
    expect(tipFault({ ...prevHashFor(1), nBits: 0xff7f_ffff }, true)?.code).toBe('invalid-nbits');
    expect(tipFault({ ...prevHashFor(1), nBits: 0 }, true)?.code).toBe('invalid-nbits');
  });

  it('shows a clock that is off by more than five minutes, on either side', () => {
    const at = (seconds: number) => clockDifference(prevHashFor(1), (NTIME - seconds) * 1000);
    expect([at(0), at(300), at(-300)]).toEqual([undefined, undefined, undefined]);
    expect([at(301), at(-301)]).toEqual([301, -301]);
  });
});

describe('the target of a tip', () => {
  it('is compared with that of a block', () => {
    const ofBlock = targetFromNbits(HARD_NBITS);
    const ratio = (target: Uint8Array) => targetRatio(prevHashFor(1, { nBits: HARD_NBITS, target }));
    expect(ratio(ofBlock)).toBe(1);
    expect(ratio(Uint8Array.of(...ofBlock.subarray(1), 0))).toBeCloseTo(256, 5);
    expect(ratio(Uint8Array.of(0, ...ofBlock.subarray(0, 31)))).toBeCloseTo(1 / 256, 10);
    expect(ratio(new Uint8Array(32))).toBe(Infinity);
  });
});

describe('ids of templates', () => {
  it('are others for each core, which knows those of the cores before', () => {
    const kept: [bigint, object][] = [];
    const ids = templateIds({
      first: 1_000n,
      known: new Map([[7n, { upstream: 1, templateId: 70n }]]),
      keep: (id, source) => kept.push([id, source]),
    });
    ids.connected(0);
    expect(ids.add(70n)).toBe(1_000n);
    expect(ids.source(7n)).toEqual({ upstream: 1, templateId: 70n });
    expect(ids.find(70n)).toBe(1_000n);
    expect(kept).toEqual([[1_000n, { upstream: 0, templateId: 70n }]]);
  });

  it("tell providers' templates apart that have the same, and lead back to them", () => {
    const ids = templateIds();
    ids.connected(0);
    const first = ids.add(7n);
    expect(ids.find(7n)).toBe(first);
    ids.connected(1);
    expect(ids.find(7n)).toBeUndefined();
    const second = ids.add(7n);
    expect(second).not.toBe(first);
    expect(ids.source(first)).toEqual({ upstream: 0, templateId: 7n });
    expect(ids.source(second)).toEqual({ upstream: 1, templateId: 7n });
  });

  it('are the reserved one for a template that comes after its tip', () => {
    const ids = templateIds();
    const reserved = ids.reserve(7n);
    expect(ids.find(7n)).toBeUndefined();
    expect(ids.add(7n)).toBe(reserved);
    expect(ids.add(8n)).not.toBe(reserved);
  });

  it('are the last 4,096', () => {
    const ids = templateIds();
    const first = ids.add(1n);
    for (let id = 2n; id <= 4_097n; id++) ids.add(id);
    expect(ids.source(first)).toBeUndefined();
    expect(ids.find(1n)).toBeUndefined();
    expect(ids.source(first + 1n)).toBeDefined();
  });
});
