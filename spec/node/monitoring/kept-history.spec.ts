import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncScheduler, defer, EMPTY, firstValueFrom, lastValueFrom, of, tap, throwError } from 'rxjs';
import { marbles } from 'rx-sv2/testing';
import { Sv2Error } from '../../../src/codec/errors.js';
import { history } from '../../../src/observe/history.js';
import { decodeSlots, encodeSlots, slotsHeader, type SlotsForm } from '../../../src/observe/history-slots.js';
import { historyFile, type HistoryFile } from '../../../src/node/monitoring/history-file.js';
import { keptHistory } from '../../../src/node/monitoring/kept-history.js';

const form: SlotsForm = { names: ['x'], resolutions: [{ step: 60_000, slots: 100 }] };
const failure = (code: string) => Object.assign(new Error(code), { code });
const join2 = (...parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

/** A file in memory: what was done to it and when, and what it has. */
function memoryFile(initial: Uint8Array, now: () => number) {
  const state = { bytes: initial, done: [] as string[], failing: '' };
  const act$ = (what: string, next: () => Uint8Array) =>
    defer(() => {
      state.done.push(`${now() / 1_000} ${what}`);
      if (state.failing !== '') return throwError(() => failure(state.failing));
      state.bytes = next();
      return EMPTY;
    });
  const file: HistoryFile = {
    name: 'the file',
    read$: () => defer(() => of(state.bytes)),
    append$: (bytes) => act$('append', () => join2(state.bytes, bytes)),
    replace$: (parts) => act$('replace', () => join2(...parts)),
  };
  return { file, state };
}

/** Runs for so many seconds, notes the time each ten, and returns what was done and told. */
function kept(
  seconds: number,
  initial: Uint8Array = new Uint8Array(),
  at: (second: number, state: { failing: string }) => void = () => undefined,
) {
  const past = history(form.names, form.resolutions);
  const told: string[] = [];
  let result = { done: [] as string[], bytes: initial };
  marbles(({ cold, expectObservable, flush }) => {
    const scheduler = asyncScheduler; // whose time is virtual here
    const { file, state } = memoryFile(initial, () => scheduler.now());
    result = state;
    const second$ = cold(`${'a 999ms '.repeat(seconds)}|`).pipe(
      tap(() => {
        const now = scheduler.now();
        at(now / 1_000, state);
        if (now % 10_000 === 0 && now > 0) past.note({ x: now }, now);
      }),
    );
    expectObservable(second$, `^ ${seconds}s !`);
    expectObservable(
      keptHistory({ history: past, form, file, scheduler }).pipe(tap(({ code }) => told.push(code))),
      `^ ${seconds}s !`,
    );
    flush();
  });
  return { past, told, done: result.done, bytes: result.bytes };
}

describe('a history that is kept', () => {
  it('is written when it begins, once a minute, and at the end; and read again', () => {
    const first = kept(200);
    expect(first.done).toEqual(['15 replace', '75 append', '135 append', '195 append', '200.001 append']);
    expect(first.told).toEqual([]);
    const second = kept(1, first.bytes);
    // of its own it has nothing, and what was is there
    expect(second.past.series('x', 0, 0).values.length).toBe(1);
    expect(decodeSlots(form, first.bytes, 200_000)?.slots).toEqual(first.past.slots(0));
  });

  it('loses a minute at most when the process is killed', () => {
    const killed = kept(134);
    const before = killed.done.length - 1; // but for what is written at the end
    expect(killed.done.slice(0, before)).toEqual(['15 replace', '75 append']);
  });

  it('stays small: it is written anew when half a day was appended', () => {
    const slots = kept(120).past.slots(0);
    const full = join2(
      slotsHeader(form),
      ...Array.from({ length: 1_130 }, () => encodeSlots(form, slots.slice(0, 2))),
    );
    const { done, bytes } = kept(80, full);
    expect(done.slice(0, 2)).toEqual(['15 replace', '75 append']);
    expect(bytes.length).toBeLessThan(500);
  });

  it('leaves out what a power failure has cut short, says so, and is written anew', () => {
    const { bytes } = kept(200);
    const { told, done, bytes: mended } = kept(80, bytes.slice(0, -3));
    expect(told).toContain('history-damaged');
    expect(done[0]).toBe('15 replace');
    expect(decodeSlots(form, mended, 1e9)?.cutBytes).toBe(0);
  });

  it('leaves a file of another version as it is, and says so', () => {
    const other = Buffer.from('rx-sv2 history 9 x 60000\n…');
    const { told, done, bytes } = kept(100, other);
    expect([told, done, bytes]).toEqual([['history-foreign'], [], other]);
  });

  it('goes on when it cannot be written, says so once, and writes all of it when it can be again', () => {
    const { told, done, bytes, past } = kept(300, new Uint8Array(), (second, state) => {
      state.failing = second > 60 && second < 200 ? 'ENOSPC' : '';
    });
    expect(told).toEqual(['history-unavailable']);
    // what was half written would put all that comes after it out of place
    expect(done).toEqual([
      ...['15 replace', '75 append', '135 replace', '195 replace', '255 replace', '300.001 append'],
    ]);
    expect(decodeSlots(form, bytes, 300_000)?.slots).toEqual(past.slots(0));
  });

  it('waits for a write that takes long, and does nothing before it is subscribed to', () => {
    let writes = 0;
    marbles(({ cold, expectObservable }) => {
      const scheduler = asyncScheduler;
      const slow$ = () =>
        defer(() => {
          writes += 1;
          return cold<never>('200s |');
        });
      const file = { name: 'slow', read$: () => of(new Uint8Array()), append$: slow$, replace$: slow$ };
      const past = history(form.names, form.resolutions);
      const kept$ = keptHistory({ history: past, form, file, scheduler });
      expect(writes).toBe(0);
      expectObservable(kept$, '^ 214s !').toBe('-');
    });
    expect(writes).toBe(2); // the first, and that at the end
  });
});

describe('the file of a history', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-history-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is made with its directory, for its owner alone, and replaced as a whole', async () => {
    const path = join(folder, 'new', 'history');
    const file = historyFile(path);
    expect(await firstValueFrom(file.read$(100))).toHaveLength(0);
    const done = { defaultValue: undefined };
    await lastValueFrom(file.append$(Uint8Array.of(1, 2)), done);
    expect([...readFileSync(path)]).toEqual([1, 2]);
    await lastValueFrom(file.replace$([Uint8Array.of(3), Uint8Array.of(4)]), done);
    await lastValueFrom(file.append$(Uint8Array.of(5)), done);
    expect([...(await firstValueFrom(file.read$(3)))]).toEqual([3, 4, 5]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'new'))).toEqual(['history']);
    await expect(firstValueFrom(file.read$(2))).rejects.toThrow('it has 3 bytes; expected 2 at most');
  });

  it('that cannot be used is told, and stops nothing', async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'no-directory'), '');
    for (const path of [join(folder, 'no-directory', 'history'), folder]) {
      const past = history(form.names, form.resolutions);
      const told = await lastValueFrom(
        keptHistory({ history: past, form, file: historyFile(path), scheduler: asyncScheduler }),
      );
      expect(told).toBeInstanceOf(Sv2Error);
      expect(told.message).toMatch(/cannot be used, and is in memory alone: (EEXIST|ENOTDIR|EISDIR)/);
    }
  });
});
