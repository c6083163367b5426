import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { history, type History } from 'rx-sv2/observe';
import {
  decodeSlots,
  encodeSlots,
  slotsHeader,
  slotsSize,
  type SlotsForm,
} from '../../src/observe/history-slots.js';

const seed = 20_261_127;
const form: SlotsForm = {
  names: ['x', 'y'],
  resolutions: [
    { step: 60_000, slots: 5 },
    { step: 600_000, slots: 4 },
  ],
};
const pastOf = (samples: readonly (readonly [at: number, x: number, y: number])[]): History<string> => {
  const past = history(form.names, form.resolutions);
  for (const [at, x, y] of samples) past.note({ x, y }, at);
  return past;
};
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const fileOf = (past: History<string>, since = 0): Uint8Array =>
  joined(slotsHeader(form), encodeSlots(form, past.slots(since)));
const readOf = (bytes: Uint8Array, now: number) => {
  const decoded = decodeSlots(form, bytes, now);
  if (decoded === undefined) throw new Error('it is of another form');
  const past = history(form.names, form.resolutions);
  past.add(decoded.slots);
  return { ...decoded, past };
};
/** All that a history answers. */
const answers = (past: History<string>, now: number) =>
  form.names.flatMap((name) => [now - 200_000, 0].map((since) => past.series(name, since, now)));

/** Of values that four bytes hold exactly. */
const sample$ = fc.tuple(fc.nat(3_000_000), fc.integer({ min: -99, max: 99 }), fc.constantFrom(NaN, 1, 7));
const samples$ = fc.array(sample$, { maxLength: 40 }).map((all) => [...all].sort(([a], [b]) => a - b));
const run = { seed, numRuns: 200 };

describe(`slots of a history as bytes (seed ${seed})`, () => {
  it('are the same history when they are read, whenever they were written', () => {
    fc.assert(
      fc.property(samples$, fc.array(fc.nat(3_000_000), { maxLength: 5 }), (samples, writes) => {
        // what is appended now and then, of slots that were not finished, too, comes to what is written at the end
        const past = history(form.names, form.resolutions);
        const parts = [slotsHeader(form)];
        let since = 0;
        const written = [...writes, 3_000_000].sort((a, b) => a - b);
        const left = [...samples];
        for (const now of written) {
          while ((left[0]?.[0] ?? Infinity) <= now) {
            const [at, x, y] = left.shift() ?? [0, 0, 0];
            past.note({ x, y }, at);
          }
          parts.push(encodeSlots(form, past.slots(since)));
          since = now;
        }
        const read = readOf(joined(...parts), 3_000_000);
        expect(read).toMatchObject({ cutBytes: 0, futureSlots: 0 });
        for (const [index, { values }] of answers(read.past, 3_000_000).entries()) {
          const expected = answers(past, 3_000_000)[index]?.values ?? [];
          expect(values.map((value) => value === null)).toEqual(expected.map((value) => value === null));
          for (const [place, value] of values.entries())
            if (value !== null) expect(value).toBeCloseTo(expected[place] ?? 0, 4);
        }
      }),
      run,
    );
  });

  it('go on in the slot in which a process ended, and have a gap where there was none', () => {
    const before = pastOf([
      [0, 1, 1],
      [61_000, 2, 1],
    ]);
    const { past } = readOf(fileOf(before), 61_500);
    past.note({ x: 4, y: 1 }, 62_000);
    past.note({ x: 9, y: 1 }, 4 * 60_000);
    expect(past.series('x', 0, 4 * 60_000).values).toEqual([1, 3, null, null, 9]);
    expect(past.series('x', -600_000, 4 * 60_000).values).toEqual([4]);
  });

  it('that were seen before they are added stay, and count as often as they were seen', () => {
    const read = pastOf([[60_000, 8, 1]]);
    read.add(
      pastOf([
        [0, 1, 1],
        [60_000, 2, 1],
        [61_000, 2, 1],
      ]).slots(0),
    );
    expect(read.series('x', 0, 60_000).values).toEqual([1, 4]);
  });

  it('are read up to where a write was cut short or a disk has forgotten it, and never wrong', () => {
    fc.assert(
      fc.property(samples$, fc.nat(), fc.constantFrom('cut', 'zeros', 'bit'), (samples, chance, how) => {
        const past = pastOf(samples);
        const whole = fileOf(past);
        const at = chance % (whole.length + 1);
        const bytes = whole.slice(0, how === 'cut' ? at : undefined);
        if (how === 'zeros') bytes.fill(0, at);
        if (how === 'bit' && at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << (chance % 8));
        const read = decodeSlots(form, bytes, 3_000_000);
        if (read === undefined) {
          expect(how).not.toBe('cut');
          expect(at).toBeLessThan(slotsHeader(form).length);
          return;
        }
        const all = decodeSlots(form, whole, 3_000_000)?.slots ?? [];
        expect(read.slots).toEqual(all.filter((_, index) => index < read.slots.length));
        if (at < bytes.length && how === 'bit') expect(read.cutBytes).toBeGreaterThan(0);
        expect(read.cutBytes).toBe(
          bytes.length < slotsHeader(form).length
            ? bytes.length
            : bytes.length - slotsSize(form, read.records),
        );
      }),
      run,
    );
  });

  it('that are none are not taken for any, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(decodeSlots(form, joined(slotsHeader(form), noise), 3_000_000)).toMatchObject({
          ...{ slots: [], records: 0, cutBytes: noise.length },
        });
      }),
      run,
    );
  });

  it('of another version, of other values or of somebody else are not read; of nothing there are none', () => {
    const bytes = fileOf(pastOf([[0, 1, 1]]));
    const text = Buffer.from(bytes).toString('latin1');
    for (const other of [text.replace('history 1', 'history 2'), text.replace('x,y', 'x,z'), 'SQLite'])
      expect(decodeSlots(form, Buffer.from(other, 'latin1'), 0)).toBeUndefined();
    expect(decodeSlots(form, new Uint8Array(), 0)).toMatchObject({ slots: [], cutBytes: 0 });
  });

  it('of times to come are left out and counted, so that a clock that was wrong does not stop the history', () => {
    const { past, futureSlots } = readOf(
      fileOf(
        pastOf([
          [0, 1, 1],
          [2_400_000, 2, 2],
        ]),
      ),
      60_000,
    );
    expect(futureSlots).toBe(2);
    past.note({ x: 5, y: 5 }, 60_000);
    expect(past.series('x', 0, 60_000).values).toEqual([null, 5]);
  });
});
