import { describe, expect, it, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  NewTemplate,
  ServiceError,
  SetupRefusedError,
  Sv2Error,
  UnknownMessage,
  type PoolOutcome,
  type ShareAccepted,
} from 'rx-sv2';
import { outcomeFromJson, outcomeToJson, type BytesJson, type OutcomeJson } from 'rx-sv2/observe';
import { errors, outcomesOf } from './outcome-arbitraries.js';

const seed = 20_261_126;
const there = (outcome: { readonly type: string }): string => JSON.stringify(outcomeToJson(outcome));
const andBack = (outcome: { readonly type: string }): unknown => outcomeFromJson(JSON.parse(there(outcome)));

const kinds = outcomesOf(
  'PoolOutcome',
  'ProxyOutcome',
  'MinerRoleOutcome',
  'TemplateProviderRoleOutcome',
  'Sv1MiningOutcome',
  'Sv1MinerOutcome',
);

test('the compiler knows the outcomes of all roles', () => {
  const names = [...kinds.keys()].join('\n');
  expect(kinds.size).toBeGreaterThan(120);
  for (const name of [
    'ShareAccepted',
    'SolutionLost',
    'UpstreamUnanswered',
    'SourceError',
    'HashRate',
    'Sv1Ended',
  ])
    expect(names).toContain(` ${name} `);
});

describe('every outcome of every role comes back from JSON as it was', () => {
  test.each([...kinds.keys()])('%s', (kind) => {
    fc.assert(
      fc.property(kinds.get(kind) as fc.Arbitrary<{ readonly type: string }>, (outcome) => {
        expect(andBack(outcome)).toEqual(outcome);
      }),
      { numRuns: 40, seed },
    );
  });
});

describe('errors', () => {
  test('come back with class, code, detail, cause and everything else of theirs', () => {
    fc.assert(
      fc.property(errors, (error) => {
        const { error: back } = andBack({ type: 'x', error } as never) as { readonly error: Error };
        expect(Object.getPrototypeOf(back)).toBe(Object.getPrototypeOf(error));
        expect({ ...back, cause: back.cause, message: back.message }).toEqual({
          ...error,
          cause: error.cause,
          message: error.message,
        });
        expect(String(back)).toBe(String(error));
      }),
      { numRuns: 200, seed },
    );
  });

  test('of rx-sv2 are told without their stack, others with it: for those somebody has to look', () => {
    expect(there({ type: 'x', error: new SetupRefusedError('unknown-user', 1) } as never)).not.toContain(
      'at ',
    );
    expect(there({ type: 'x', error: new RangeError('here') } as never)).toContain('json.spec');
    const own = new (class OwnError extends ServiceError {})('inactive', 'for too long');
    expect((andBack({ type: 'x', error: own } as never) as { readonly error: unknown }).error).toBeInstanceOf(
      ServiceError,
    );
  });
});

test('what JSON has is left as it is, the rest can be told from it', () => {
  const message = NewTemplate({
    ...{ templateId: 2n ** 64n - 1n, futureTemplate: true, version: 1, coinbaseTxVersion: 2 },
    ...{ coinbasePrefix: Uint8Array.of(1, 2), coinbaseTxInputSequence: 3, coinbaseTxValueRemaining: 5n },
    ...{
      coinbaseTxOutputsCount: 0,
      coinbaseTxOutputs: new Uint8Array(),
      coinbaseTxLocktime: 0,
      merklePath: [],
    },
  });
  const outcome = { type: 'received', protocol: 'templateDistribution', message } as const;
  expect(outcomeToJson(outcome)).toMatchObject({
    type: 'received',
    message: {
      type: 'NewTemplate',
      templateId: { $bigint: '18446744073709551615' },
      coinbasePrefix: { $bytes: '0102' },
      coinbaseTxInputSequence: 3,
    },
  });
  const unknown = UnknownMessage({
    ...{ extensionType: 9, messageType: 1, channelMessage: false, payload: Uint8Array.of(7) },
  });
  expect(andBack({ ...outcome, message: unknown } as never)).toEqual({ ...outcome, message: unknown });
});

test('names that remotes chose are names: of tags, of prototypes', () => {
  const outcome = JSON.parse('{"type":"x","o":{"$bytes":"zz","$$y":1,"__proto__":{"a":1}},"$error":1}') as {
    readonly type: string;
  };
  const back = andBack(outcome) as typeof outcome & { readonly o: object };
  expect(JSON.stringify(back)).toBe(JSON.stringify(outcome));
  expect(Object.getPrototypeOf(back.o)).toBe(Object.prototype);
});

test('functions, cycles and abysses are told of instead of ending the program', () => {
  const cycle: { type: string; self?: unknown } = { type: 'x' };
  cycle.self = cycle;
  expect(there(cycle)).toContain('{"$opaque":"nested too deep"}');
  expect(outcomeToJson({ type: 'x', f: () => 1, s: Symbol('s') } as never)).toEqual({
    type: 'x',
    f: { $opaque: 'function' },
    s: { $opaque: 'symbol' },
  });
});

describe('what is no such form is refused, and where it is wrong is said', () => {
  test.each([
    [null, /'type'/],
    [[], /'type'/],
    [{ type: 1 }, /'type'/],
    [{ type: 'x', a: [{ $bytes: 'abc' }] }, /^a\.0\.\$bytes: .*got "abc"/],
    [{ type: 'x', a: { $bigint: '1e3' } }, /^a\.\$bigint: expected digits/],
    [{ type: 'x', a: { $bigint: '9'.repeat(1_000_000) } }, /expected digits/],
    [{ type: 'x', a: { $number: '1' } }, /NaN/],
    [{ type: 'x', a: { $error: 'x' } }, /expected an object/],
    [{ type: 'x', a: { $wrong: 1 } }, /\$wrong/],
    [{ type: 'x', a: { $bytes: '00', b: 1 } }, /\$bytes/],
    [JSON.parse(`{"type":"x","a":${'['.repeat(500)}${']'.repeat(500)}}`), /nested deeper/],
  ])('%j', (json, message) => {
    let error: unknown;
    try {
      outcomeFromJson(json);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(Sv2Error);
    expect(error).toMatchObject({
      code: 'invalid-outcome-json',
      message: expect.stringMatching(message) as unknown,
    });
  });
});

it('has types: what is bytes in the outcome is bytes in JSON', () => {
  const json = (share: OutcomeJson<ShareAccepted>): [BytesJson, string] => [share.hash, share.userIdentity];
  const hash = Uint8Array.of(1);
  expect(
    json(outcomeToJson({ type: 'ShareAccepted', hash, userIdentity: 'alice' } as ShareAccepted)),
  ).toEqual([{ $bytes: '01' }, 'alice']);
  const back: PoolOutcome = outcomeFromJson<PoolOutcome>({ type: 'TemplateRenewed' });
  expect(back.type).toBe('TemplateRenewed');
});
