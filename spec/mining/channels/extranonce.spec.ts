import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { extranonceAllocator } from '../../../src/mining/channels/extranonce.js';
import { RETURNING_TIPS } from '../../../src/mining/work/chain-tip.js';
import { zeros } from '../support.js';

const randomBytes = zeros;
const bytes = (...values: number[]) => Uint8Array.from(values);
const withCode = (code: string) => expect.objectContaining({ code });

/** Whether one is a prefix of the other, so that both can stand for the same extranonce. */
const overlap = (a: Uint8Array, b: Uint8Array): boolean =>
  a.subarray(0, Math.min(a.length, b.length)).every((byte, at) => byte === b[at]);

describe('layout', () => {
  it('has the life of its server behind its id, so that those who have it after each other never meet', () => {
    const prefixOf = (life: number) =>
      extranonceAllocator({
        serverId: 0x0102,
        life,
        indexSize: 3,
        size: 20,
        randomBytes: (length) => new Uint8Array(length),
      }).allocateExtended(8).extranoncePrefix;
    expect([prefixOf(0), prefixOf(255)]).toEqual([
      Uint8Array.of(1, 2, 0, 0, 0, 0),
      Uint8Array.of(1, 2, 255, 0, 0, 0),
    ]);
  });

  it('puts upstream prefix, server id and index in that order, big-endian', () => {
    const allocator = extranonceAllocator({
      upstreamPrefix: bytes(0xaa, 0xbb),
      serverId: 0x0102,
      size: 10,
      randomBytes,
    });
    allocator.allocateStandard();
    expect(allocator.allocateExtended(4)).toEqual({
      extranoncePrefix: bytes(0xaa, 0xbb, 1, 2, 0, 1),
      extranonceSize: 4,
    });
    expect(allocator.allocateStandard()).toEqual(bytes(0xaa, 0xbb, 1, 2, 0, 2, 0, 0, 0, 0));
  });

  it('defaults to 20 bytes, of which a pool server keeps 4 and an extended channel rolls 16', () => {
    const allocator = extranonceAllocator({ serverId: 1, randomBytes });
    expect(allocator.size).toBe(20);
    expect(allocator.extranonceSize).toBe(16);
    expect(allocator.allocateExtended(16).extranoncePrefix).toEqual(bytes(0, 1, 0, 0));
  });

  it('writes wide indexes in full', () => {
    const allocator = extranonceAllocator({ indexSize: 2, size: 2, randomBytes });
    let last = allocator.allocateStandard();
    for (let count = 1; count <= 0x1ff; count++) last = allocator.allocateStandard();
    expect(last).toEqual(bytes(0x01, 0xff));
  });

  it('is not changed by a caller who reuses the upstream prefix', () => {
    const upstreamPrefix = bytes(1, 2);
    const allocator = extranonceAllocator({ upstreamPrefix, size: 4, randomBytes });
    upstreamPrefix.fill(9);
    expect(allocator.allocateStandard()).toEqual(bytes(1, 2, 0, 0));
  });
});

describe('refusals', () => {
  it('refuses to roll more bytes than there are, with the error code of the wire', () => {
    const allocator = extranonceAllocator({ indexSize: 2, size: 8 });
    expect(() => allocator.allocateExtended(7)).toThrow(withCode('min-extranonce-size-too-large'));
    expect(() => allocator.allocateExtended(Number.NaN)).toThrow(withCode('min-extranonce-size-too-large'));
    expect(allocator.live).toBe(0);
    expect(allocator.allocateExtended(6).extranonceSize).toBe(6);
  });

  it('says when the space is exhausted, and goes on when a released prefix has rested', () => {
    const allocator = extranonceAllocator({ indexSize: 1, size: 4, randomBytes });
    const prefixes = Array.from({ length: 256 }, () => allocator.allocateStandard());
    expect(() => allocator.allocateStandard()).toThrow(withCode('extranonce-space-exhausted'));
    expect(() => allocator.allocateExtended(1)).toThrow(withCode('extranonce-space-exhausted'));
    allocator.release(prefixes[77]!);
    for (let tip = 0; tip < RETURNING_TIPS; tip++) {
      expect(() => allocator.allocateStandard()).toThrow(withCode('extranonce-space-exhausted'));
      allocator.nextPrevHash();
    }
    expect(allocator.allocateExtended(1).extranoncePrefix).toEqual(bytes(77));
    expect(() => allocator.allocateStandard()).toThrow(withCode('extranonce-space-exhausted'));
  });

  it('refuses to release twice, or what it has not handed out', () => {
    const allocator = extranonceAllocator({ serverId: 5, indexSize: 1, size: 5, randomBytes });
    const standard = allocator.allocateStandard();
    const { extranoncePrefix } = allocator.allocateExtended(0);
    for (const foreign of [
      bytes(),
      bytes(0, 5, 2), // not allocated
      bytes(0, 6, 0, 0, 0), // another server's
      bytes(0, 5, 0), // an extended prefix of a standard channel
      bytes(0, 5, 1, 0, 0), // a standard prefix of an extended channel
      bytes(0, 5, 0, 0, 1), // inside the rollable range
      bytes(0, 5, 0, 0, 0, 0),
    ]) {
      expect(() => allocator.release(foreign)).toThrow(withCode('unknown-extranonce-prefix'));
    }
    allocator.release(standard);
    allocator.release(extranoncePrefix);
    expect(() => allocator.release(standard)).toThrow(withCode('unknown-extranonce-prefix'));
    expect(() => allocator.release(extranoncePrefix)).toThrow(withCode('unknown-extranonce-prefix'));
  });

  it.each([
    { size: 33 },
    { size: 1 },
    { size: 20.5 },
    { indexSize: 0 },
    { indexSize: 7 },
    { serverId: -1 },
    { serverId: 0x1_0000 },
    { serverId: Number.NaN },
    { serverId: 1, life: -1 },
    { serverId: 1, life: 256 },
    { upstreamPrefix: new Uint8Array(19) },
    { upstreamPrefix: new Uint8Array(15), serverId: 1, indexSize: 4 },
  ])('refuses %j', (options) => {
    expect(() => extranonceAllocator(options)).toThrow(withCode('out-of-range'));
  });
});

describe('over many channels', () => {
  it('gives a released prefix to nobody until the previous hash has changed for good', () => {
    const allocator = extranonceAllocator();
    const used = new Set<string>();
    for (let tip = 0; tip < RETURNING_TIPS; tip++) {
      for (let count = 0; count < 1200; count++) {
        const prefix = allocator.allocateStandard();
        expect(used.has(String(prefix))).toBe(false);
        used.add(String(prefix));
        allocator.release(prefix);
      }
      allocator.nextPrevHash();
    }
    expect(used.has(String(allocator.allocateStandard()))).toBe(true);
  });

  it('gives one that rests to who takes it, when there is no other, the longest released first', () => {
    const allocator = extranonceAllocator({ indexSize: 1, size: 1 });
    const prefixes = Array.from({ length: 256 }, () => allocator.allocateStandard(true));
    expect(() => allocator.allocateStandard(true)).toThrow(withCode('extranonce-space-exhausted'));
    allocator.release(prefixes[7]!);
    allocator.nextPrevHash();
    allocator.release(prefixes[5]!);
    expect(() => allocator.allocateStandard()).toThrow(withCode('extranonce-space-exhausted'));
    expect(allocator.allocateStandard(true)).toEqual(prefixes[7]);
    expect(allocator.allocateExtended(0, true).extranoncePrefix).toEqual(prefixes[5]);
    expect(() => allocator.allocateStandard(true)).toThrow(withCode('extranonce-space-exhausted'));
  });

  it('gives those with which nothing was credited once there are no others, and takes them for free at last', () => {
    const allocator = extranonceAllocator({ indexSize: 1, size: 1, randomBytes });
    const prefixes = Array.from({ length: 256 }, () => allocator.allocateStandard());
    allocator.release(prefixes[7]!);
    allocator.release(prefixes[9]!, false);
    allocator.nextPrevHash();
    allocator.release(prefixes[5]!, false);
    expect([allocator.allocateStandard(), allocator.allocateStandard()]).toEqual([prefixes[9], prefixes[5]]);
    expect(() => allocator.allocateStandard()).toThrow(withCode('extranonce-space-exhausted'));
    allocator.release(prefixes[5]!, false);
    for (let tip = 0; tip < RETURNING_TIPS; tip++) allocator.nextPrevHash();
    expect([allocator.allocateStandard(), allocator.allocateStandard()]).toEqual([prefixes[7], prefixes[5]]);
  });

  it('is not exhausted, nor made to take more memory, by who opens and closes for hours', () => {
    const allocator = extranonceAllocator({ indexSize: 6, randomBytes });
    let highest = 0;
    let resting = 0;
    const open = (): Uint8Array => {
      try {
        return allocator.allocateStandard();
      } catch {
        resting++;
        return allocator.allocateStandard(true);
      }
    };
    for (let count = 0; count < 300_000; count++) {
      const prefix = open();
      highest = Math.max(highest, new DataView(prefix.buffer).getUint32(2));
      allocator.release(prefix);
    }
    expect(highest).toBe(262_143);
    expect(resting).toBe(300_000 - 262_144);
    expect(allocator.live).toBe(0);
  });

  it('begins elsewhere in every process', () => {
    const first = () => extranonceAllocator({ indexSize: 4 }).allocateExtended(4).extranoncePrefix;
    expect(first()).not.toEqual(first());
    // to the end of the space, and on from its beginning
    const last = extranonceAllocator({
      indexSize: 1,
      size: 1,
      randomBytes: (length) => zeros(length).fill(255),
    });
    expect([last.allocateStandard(), last.allocateStandard()]).toEqual([bytes(255), bytes(0)]);
  });

  it('keeps all live channels of two servers apart under any openings and closings', () => {
    const layout = fc.record({
      upstreamPrefix: fc.uint8Array({ maxLength: 8 }),
      serverIds: fc.uniqueArray(fc.integer({ min: 0, max: 0xffff }), { minLength: 2, maxLength: 2 }),
      indexSize: fc.integer({ min: 1, max: 3 }),
      rollable: fc.integer({ min: 0, max: 16 }),
    });
    const command = fc.record({
      kind: fc.constantFrom('standard', 'extended', 'close', 'close' as const),
      server: fc.integer({ min: 0, max: 1 }),
      pick: fc.nat(),
    });
    fc.assert(
      fc.property(layout, fc.array(command, { maxLength: 80 }), (chosen, commands) => {
        const { upstreamPrefix, serverIds, indexSize, rollable } = chosen;
        const size = upstreamPrefix.length + 2 + indexSize + rollable;
        const servers = serverIds.map((serverId) => ({
          allocator: extranonceAllocator({ upstreamPrefix, serverId, indexSize, size }),
          open: [] as Uint8Array[],
        }));
        for (const { kind, server, pick } of commands) {
          const { allocator, open } = servers[server]!;
          if (kind === 'close') {
            const [closed] = open.splice(pick % Math.max(open.length, 1), 1);
            if (closed !== undefined) allocator.release(closed);
            continue;
          }
          const opened =
            kind === 'standard'
              ? allocator.allocateStandard()
              : allocator.allocateExtended(rollable).extranoncePrefix;
          expect(opened.length).toBe(kind === 'standard' ? size : size - rollable);
          for (const other of servers.flatMap((each) => each.open))
            expect(overlap(opened, other)).toBe(false);
          open.push(opened);
        }
        for (const { allocator, open } of servers) expect(allocator.live).toBe(open.length);
      }),
      { seed: 42, numRuns: 200 },
    );
  });

  it('makes every released prefix available again', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 255 })), (closed) => {
        const allocator = extranonceAllocator({ indexSize: 1, size: 1, randomBytes });
        const prefixes = Array.from({ length: 256 }, () => allocator.allocateStandard());
        for (const index of closed) allocator.release(prefixes[index]!);
        for (let tip = 0; tip < RETURNING_TIPS; tip++) allocator.nextPrevHash();
        expect(closed.map(() => allocator.allocateStandard()[0])).toEqual(closed); // the longest released first
        expect(() => allocator.allocateStandard()).toThrow(withCode('extranonce-space-exhausted'));
      }),
      { seed: 42, numRuns: 100 },
    );
  });
});
