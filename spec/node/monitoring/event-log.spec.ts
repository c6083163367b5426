import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventLog } from '../../../src/node/monitoring/event-log.js';

const type = fc.constantFrom('ShareAccepted', 'ShareRejected', 'connected', 'BlockFound');

it('gives every reader all events that it wants, in order, once, or says that some are missing', () => {
  fc.assert(
    fc.property(
      fc.array(type, { maxLength: 60 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 0, max: 60 }),
      fc.option(fc.uniqueArray(type), { nil: undefined }),
      (added, capacity, limit, start, wanted) => {
        const log = eventLog(capacity);
        added.forEach((name, index) => log.add({ type: name }, index));
        const types = wanted === undefined ? undefined : new Set<string>(wanted);
        const from = Math.min(start, added.length);
        const expected = added
          .map((name, index) => ({ id: index + 1, name }))
          .filter(({ id, name }) => id > from && (types === undefined || types.has(name)))
          .map(({ id }) => id);
        const got: number[] = [];
        let cursor = from;
        let isGap = false;
        for (let turn = 0; turn < 100; turn++) {
          const found = log.after(cursor, limit, types);
          expect(found.events.length).toBeLessThanOrEqual(limit);
          isGap ||= found.isGap;
          got.push(...found.events.map(({ id }) => id));
          cursor = found.last;
        }
        expect(cursor).toBe(log.lastId);
        expect(got).toEqual(expected.filter((id) => got.includes(id)));
        if (got.length < expected.length && from > 0) expect(isGap).toBe(true);
        if (!isGap && from > 0) expect(got).toEqual(expected);
      },
    ),
  );
});

it('keeps what is rare though shares come by the thousand', () => {
  const log = eventLog(100);
  log.add({ type: 'BlockFound' }, 1);
  for (let count = 0; count < 10_000; count++) log.add({ type: 'ShareAccepted' }, count);
  expect(log.after(0, 10, new Set(['BlockFound'])).events).toMatchObject([{ id: 1 }]);
  expect(log.after(0, 1_000).events).toHaveLength(101);
});
