import { describe, expect, it } from '@jest/globals';
import { templateMemory } from '../../../src/node/cluster/template-memory.js';
import { templateIds } from '../../../src/roles/pool/template-ids.js';

/** A core whose templates came from a provider; what it has left. */
const core = (now: number, before: string | undefined, count: number) => {
  let left = before;
  const memory = templateMemory(before, now, (text) => {
    left = text;
  });
  const ids = templateIds(memory);
  ids.connected(now);
  const own = Array.from({ length: count }, (_, index) => ids.add(BigInt(index)));
  return { left, ids, own };
};

describe('where templates came from', () => {
  it('is known to the next core, and the one after it, whose own have other ids', () => {
    const first = core(1, undefined, 2);
    const second = core(2, first.left, 2);
    const third = core(3, second.left, 1);
    const sources = [...first.own, ...second.own, ...third.own].map((id) => third.ids.source(id));
    expect(sources).toEqual(
      [
        [1, 0n],
        [1, 1n],
        [2, 0n],
        [2, 1n],
        [3, 0n],
      ].map(([upstream, templateId]) => ({ upstream, templateId })),
    );
    expect(new Set([...first.own, ...second.own, ...third.own]).size).toBe(5);
  });

  it('is forgotten of the oldest when there are more than 256', () => {
    const first = core(1, undefined, 200);
    const second = core(2, first.left, 100);
    const third = core(3, second.left, 0);
    const known = (ids: readonly bigint[]) => ids.map((id) => third.ids.source(id) !== undefined);
    expect(known(first.own)).toEqual(first.own.map((_, index) => index >= 44));
    expect(known(second.own)).toEqual(second.own.map(() => true));
  });

  it.each(['', 'null', '{}', '[{}]', '[{"id":"1","upstream":0,"templateId":"x"}]', `[${'0,'.repeat(300)}0]`])(
    'that somebody else has written is taken for nothing: %j',
    (text) => {
      expect([...templateMemory(text, 1, () => undefined).known]).toEqual([]);
    },
  );
});
