import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { ShareAccepted } from '../../../src/mining/mining-server-outcomes.js';
import { isPackable, packShares, unpackShares } from '../../../src/node/cluster/packed-shares.js';

const u32 = fc.nat({ max: 0xffff_ffff });
const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const name = fc.oneof(fc.constantFrom('', 'bc1q.rig1', 'bc1q.rig2'), fc.string({ unit: 'binary' }));

const shares: fc.Arbitrary<ShareAccepted[]> = fc
  .array(bytes, { minLength: 1, maxLength: 3 })
  .chain((targets) =>
    fc.array(
      fc.record({
        type: fc.constant('ShareAccepted' as const),
        clientId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        ...{ channelId: u32, jobId: u32, sequenceNumber: u32, hash: bytes },
        ...{ userIdentity: name, worker: name },
        difficulty: fc.double({ min: 0, noNaN: true }),
        target: fc.constantFrom(...targets),
      }),
    ),
  );

describe('accepted shares of a front', () => {
  it('are the same at its core, in their order', () => {
    fc.assert(
      fc.property(shares, (all) => {
        expect(all.every(isPackable)).toBe(true);
        expect(unpackShares(packShares(all))).toEqual(all);
      }),
    );
  });

  it('name each user and each target once', () => {
    const target = new Uint8Array(32).fill(7);
    const share = (clientId: number): ShareAccepted => ({
      ...{ type: 'ShareAccepted', clientId, channelId: 1, jobId: 1, sequenceNumber: clientId },
      ...{ userIdentity: 'alice', worker: 'alice', hash: new Uint8Array(32), difficulty: 1, target },
    });
    const { names, targets, rows } = packShares(Array.from({ length: 100 }, (_, id) => share(id)));
    expect(names).toEqual(['alice']);
    expect(targets).toEqual(target);
    expect(rows).toHaveLength(100 * 72);
  });

  it('are not packed where something would be lost', () => {
    const [share] = unpackShares(
      packShares([
        {
          ...{ type: 'ShareAccepted', clientId: 1, channelId: 1, jobId: 1, sequenceNumber: 1 },
          ...{ userIdentity: 'a', worker: 'b', difficulty: 1 },
          ...{ hash: new Uint8Array(32), target: new Uint8Array(32) },
        },
      ]),
    ) as [ShareAccepted];
    for (const change of [
      { more: 1 },
      { hash: new Uint8Array(31) },
      { target: 'ff' },
      { channelId: 2 ** 32 },
      { jobId: -1 },
      { sequenceNumber: 0.5 },
      { worker: undefined },
      { difficulty: 1n },
      { type: 'ShareRejected' },
    ])
      expect(isPackable({ ...share, ...change })).toBe(false);
    expect(isPackable(share)).toBe(true);
  });

  it.each([
    ['no object', null, 'shares: expected an object, got null'],
    [
      'half a row',
      { names: [], targets: new Uint8Array(), rows: new Uint8Array(71) },
      'a multiple of 72 bytes',
    ],
    [
      'a name that is none',
      { names: [7], targets: new Uint8Array(), rows: new Uint8Array() },
      'name: expected a text',
    ],
    [
      'a row without a name',
      { names: [], targets: new Uint8Array(32), rows: new Uint8Array(72) },
      'shares: names',
    ],
    [
      'a row without a target',
      { names: ['a'], targets: new Uint8Array(31), rows: new Uint8Array(72) },
      'shares: targets',
    ],
    [
      'too many',
      { names: [], targets: new Uint8Array(), rows: new Uint8Array(7_200_072) },
      '0 to 7200000 bytes',
    ],
  ])('are refused by name: %s', (_, packed, problem) => {
    expect(() => unpackShares(packed)).toThrow(
      expect.objectContaining({
        code: 'invalid-cluster-message',
        message: expect.stringContaining(problem),
      }),
    );
  });
});
