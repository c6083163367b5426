import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Sv2Error } from '../../../src/codec/index.js';
import {
  NewTemplate,
  SetNewPrevHashTemplate,
  SubmitSolution,
} from '../../../src/messages/template-distribution.js';
import { outcomeFromJson, outcomeToJson } from '../../../src/observe/json.js';
import { downTriggerFrom, triggerToPlain, upTriggerFrom } from '../../../src/roles/cluster/trigger-codec.js';
import type { PaidShare } from '../../../src/roles/pool/paid-share.js';
import {
  BalancesChanged,
  CustomBlockFound,
  SolutionFound,
  TemplateAged,
  TemplateArrived,
  TemplatePayout,
  TipArrived,
  WeakSolutionFound,
} from '../../../src/roles/pool/triggers.js';
import { defineTrigger } from '../../../src/service/define-trigger.js';
import { messageArbitrary } from '../../../src/testing/arbitraries.js';
import { anyBalances, anyValue, scriptOf, shareOf } from '../../ledger/support.js';

const seed = 20261127;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const anySize = fc.constantFrom(500, 750, Infinity);
const anyOutput = fc
  .tuple(anyValue, fc.nat(99))
  .map(([value, number]) => ({ value, scriptPubKey: scriptOf(number) }));
const anyPaid = fc.option(
  fc.oneof(
    anySize.map((coinbaseSize): PaidShare => ({
      share: shareOf('alice.rig'),
      payment: { kind: 'shared', coinbaseSize },
    })),
    fc.tuple(anyValue, anyBalances).map(([value, balances]): PaidShare => ({
      share: shareOf('bob'),
      payment: { kind: 'solo', value, balances },
    })),
  ),
  { nil: undefined },
);

const down = fc.oneof(
  messageArbitrary(fc, NewTemplate).map((template) => TemplateArrived(template)),
  messageArbitrary(fc, SetNewPrevHashTemplate).map((tip) => TipArrived(tip)),
  fc.boolean().map((isOld) => TemplateAged(isOld)),
  anyBalances.map((balances) => BalancesChanged(balances)),
  fc
    .tuple(anyValue, fc.array(fc.tuple(anySize, fc.array(anyOutput, { maxLength: 5 })), { maxLength: 6 }))
    .map(([templateId, shared]) =>
      TemplatePayout(
        templateId,
        shared.map(([coinbaseSize, outputs]) => ({ coinbaseSize, outputs })),
      ),
    ),
);
const up = fc.oneof(
  fc
    .record({ hash: bytes(32), header: bytes(80), coinbaseTx: fc.uint8Array({ minLength: 1 }) })
    .map((block) => CustomBlockFound(block)),
  messageArbitrary(fc, SubmitSolution).map((solution) => WeakSolutionFound(solution)),
  fc
    .tuple(bytes(32), bytes(80), messageArbitrary(fc, SubmitSolution), anyPaid)
    .map(([hash, header, solution, paid]) => SolutionFound({ hash, header, solution }, paid)),
);

/** The ways that values take: what threads and processes clone, and text, as a broker may want it. */
const ways: Readonly<Record<string, (value: { readonly type: string }) => unknown>> = {
  'a structured clone': (value) => structuredClone(value),
  text: (value) => outcomeFromJson(JSON.parse(JSON.stringify(outcomeToJson(value)))),
};

/** What reading throws; undefined if it does not. */
const problemOf = (read: () => unknown): unknown => {
  try {
    read();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('triggers between a front and its core', () => {
  it.each(Object.keys(ways))('arrive by way of %s as they were sent, to the last byte and digit', (way) => {
    const carry = ways[way] as (typeof ways)[string];
    fc.assert(
      fc.property(down, (trigger) => {
        expect(downTriggerFrom(carry(triggerToPlain(trigger) as { readonly type: string }))).toEqual(trigger);
      }),
      { seed },
    );
    fc.assert(
      fc.property(up, (trigger) => {
        expect(upTriggerFrom(carry(triggerToPlain(trigger) as { readonly type: string }))).toEqual(trigger);
      }),
      { seed },
    );
  });

  it('are none of an application that means nothing to the other side', () => {
    expect(triggerToPlain(defineTrigger('Mine')())).toBeUndefined();
    expect(triggerToPlain({ type: 'started' })).toBeUndefined();
  });

  it('are refused in the other direction: a front cannot hand out templates', () => {
    fc.assert(
      fc.property(down, up, (fromCore, fromFront) => {
        for (const problem of [
          problemOf(() => upTriggerFrom(triggerToPlain(fromCore))),
          problemOf(() => downTriggerFrom(triggerToPlain(fromFront))),
        ])
          expect(problem).toMatchObject({ code: 'invalid-cluster-message' });
      }),
      { seed, numRuns: 20 },
    );
  });

  it.each([
    ['nothing', undefined, 'trigger: expected an object, got undefined'],
    ['a list', [], 'trigger: expected an object, got a list of 0'],
    ['no version', { type: 'trigger' }, /^trigger: version: expected a whole number/],
    ['no name', { version: 1 }, 'trigger: trigger: expected a text of 64 characters at most, got undefined'],
    ['an unknown name', { version: 1, trigger: 'Bribe' }, 'trigger: expected one for fronts, got "Bribe"'],
    [
      'a flag that is none',
      { version: 1, trigger: 'TemplateAged', isOld: 1 },
      'trigger: isOld: expected true or false, got 1',
    ],
    [
      'no payload',
      { version: 1, trigger: 'TipArrived' },
      'trigger: payload: expected 0 to 16777215 bytes, got undefined',
    ],
    [
      'a payload as text',
      { version: 1, trigger: 'TipArrived', payload: 'ab' },
      'trigger: payload: expected 0 to 16777215 bytes, got "ab"',
    ],
  ])('of %s are refused with words', (_, value, message) => {
    expect(problemOf(() => downTriggerFrom(value))).toMatchObject({
      code: 'invalid-cluster-message',
      message: expect.stringMatching(message) as unknown,
    });
  });

  it('of another release are refused as such', () => {
    expect(
      problemOf(() => downTriggerFrom({ version: 2, trigger: 'TemplateAged', isOld: true })),
    ).toMatchObject({
      code: 'cluster-version',
      detail: { version: 2, expected: 1 },
    });
  });

  it('of whatever else are one of our errors, never another', () => {
    const names = [
      ...'TemplateArrived TipArrived TemplateAged SolutionFound WeakSolutionFound'.split(' '),
      ...['TemplatePayout', 'BalancesChanged', 'CustomBlockFound'],
      '',
    ];
    const anything = fc.oneof(
      fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true }),
      fc.record({
        version: fc.constantFrom<unknown>(1, 1n, '1'),
        trigger: fc.constantFrom(...names),
        payload: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.anything()),
        hash: fc.oneof(bytes(32), fc.anything()),
        header: fc.oneof(bytes(80), fc.anything()),
        isOld: fc.anything(),
        templateId: fc.oneof(fc.bigInt(0n, 9n), fc.anything()),
        shared: fc.oneof(
          fc.array(fc.record({ coinbaseSize: fc.anything(), outputs: fc.uint8Array() }), { maxLength: 2 }),
          fc.anything(),
        ),
        balances: fc.oneof(fc.array(fc.tuple(fc.string(), fc.anything()), { maxLength: 2 }), fc.anything()),
        paid: fc.oneof(
          fc.record({ share: fc.uint8Array(), payment: fc.anything() }),
          fc.anything().filter((value) => value !== undefined),
        ),
      }),
    );
    let refused = 0;
    fc.assert(
      fc.property(anything, (value) => {
        for (const read of [downTriggerFrom, upTriggerFrom]) {
          const problem = problemOf(() => read(value));
          if (problem === undefined) continue;
          expect(problem).toBeInstanceOf(Sv2Error);
          refused += 1;
        }
      }),
      { seed, numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});
