import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { EMPTY, NEVER, Subject, VirtualTimeScheduler, concat, of, throwError } from 'rxjs';
import { coalesceLines, maxKinds } from '../../src/cli/coalesce-lines.js';
import { Sv2Error } from '../../src/codec/errors.js';
import type { Output } from '../../src/cli/io.js';
import { logTo, maxWaiting } from '../../src/cli/log.js';
import { info, runRole, type LogLine } from '../../src/cli/run-role.js';

/** An output whose writes the spec lets succeed or fail, and what was written. */
function slowOutput() {
  const texts: string[] = [];
  const calls: ((error?: Error) => void)[] = [];
  const output = {
    destroyed: false,
    on: () => undefined,
    write(text: string, done: (error?: Error) => void) {
      texts.push(text);
      calls.push(done);
    },
  } as unknown as Output;
  return { output, texts, next: (error?: Error) => calls.shift()?.(error) };
}

const lines = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, ''));

describe('a log', () => {
  it('writes the lines of one turn together, each behind its time', async () => {
    const { output, texts, next } = slowOutput();
    const log = logTo(output);
    for (const text of ['a', 'b', 'c']) log.add(text);
    expect(texts).toEqual([]);
    await setImmediate();
    expect(texts.map(lines)).toEqual([['a', 'b', 'c']]);
    log.add('d');
    log.add('e');
    next();
    await setImmediate();
    expect(texts.map(lines)).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  it('holds a bounded number of lines for a reader that has stopped, and tells later how many were lost', async () => {
    const { output, texts, next } = slowOutput();
    const log = logTo(output);
    log.add('first');
    await setImmediate();
    const line = 'x'.repeat(975); // 1,001 characters with time and line end
    const kept = Math.floor((maxWaiting - 'first'.length - 26) / 1_001);
    for (let i = 0; i < kept + 50; i++) log.add(line);
    next();
    await setImmediate();
    expect(lines(texts[1]!)).toHaveLength(kept + 1);
    expect(lines(texts[1]!)[0]).toBe('50 lines of this log were lost before this one: they were not taken');
    next();
    log.add('after');
    await setImmediate();
    expect(lines(texts[2]!)).toEqual(['after']);
  });

  it('loses what a full disk does not take, goes on, and tells', async () => {
    const { output, texts, next } = slowOutput();
    const log = logTo(output);
    log.add('a');
    log.add('b');
    await setImmediate();
    next(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    log.add('c');
    await setImmediate();
    next(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    log.add('d');
    await setImmediate();
    next();
    log.add('e');
    await setImmediate();
    expect(lines(texts[2]!)).toEqual([
      '3 lines of this log were lost before this one: they were not taken',
      'd',
    ]);
    expect(lines(texts[3]!)).toEqual(['e']);
  });

  it('writes to a file without its stream', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sv2-log-'));
    const path = join(directory, 'log');
    const fd = openSync(path, 'w');
    const log = logTo(Object.assign(new PassThrough(), { fd }));
    log.add('a');
    await log.end();
    expect(lines(readFileSync(path, 'utf8'))).toEqual(['a']);
    closeSync(fd);
    log.add('b');
    await log.end();
    rmSync(directory, { recursive: true });
  });

  it('has its last lines written before the end', async () => {
    const output = new PassThrough();
    const log = logTo(output);
    log.add('last');
    await log.end();
    expect(lines(String(output.read()))).toEqual(['last']);
  });
});

describe('lines that remotes can cause', () => {
  it('are written once in ten seconds, with a count after each', () => {
    const scheduler = new VirtualTimeScheduler();
    const line$ = new Subject<LogLine>();
    const written: string[] = [];
    const subscription = line$
      .pipe(coalesceLines(10_000, scheduler))
      .subscribe(({ text }) => written.push(`${scheduler.frame} ${text}`));
    const say = (at: number, text: string, kind?: string) =>
      scheduler.schedule(() => line$.next(info(text, kind)), at);
    say(0, 'a1', 'a');
    say(1, 'b1', 'b');
    say(2, 'a2', 'a');
    say(3, 'no kind');
    say(4, 'no kind');
    say(9_999, 'a3', 'a');
    say(10_500, 'a4', 'a');
    scheduler.flush();
    expect(written).toEqual([...['0 a1', '1 b1', '3 no kind', '4 no kind', '10000 2 more: a3', '10500 a4']]);
    subscription.unsubscribe();
  });

  it('are of a bounded number of kinds', () => {
    const scheduler = new VirtualTimeScheduler();
    const written: string[] = [];
    const flood = Array.from({ length: 5 * maxKinds }, (_, index) => info(`line ${index}`, `kind ${index}`));
    const subscription = concat(of(...flood), NEVER)
      .pipe(coalesceLines(10_000, scheduler))
      .subscribe(({ text }) => written.push(text));
    expect(written).toHaveLength(maxKinds + 1);
    scheduler.flush();
    expect(written.at(-1)).toBe(`${4 * maxKinds - 1} more: line ${5 * maxKinds - 1}`);
    expect(written).toHaveLength(maxKinds + 2);
    subscription.unsubscribe();
  });
});

describe('a role', () => {
  const stdin = new PassThrough();

  it('outlives an output that nobody reads any more', async () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stdout.on('error', () => undefined);
    let exitCode = 0;
    let ended = false;
    const interrupt$ = new Subject<void>();
    const running = runRole(
      { stdin, stdout, stderr, interrupt$, setExitCode: (code) => (exitCode = code) },
      () => concat(of(info('a')), NEVER),
    ).then(() => (ended = true));
    await setImmediate();
    stdout.destroy(Object.assign(new Error('EPIPE'), { code: 'EPIPE' }));
    for (let turn = 0; turn < 50; turn++) await setImmediate();
    expect(ended).toBe(false);
    interrupt$.next();
    await running;
    expect(exitCode).toBe(0);
  });

  it('writes a kind of line that remotes can cause once in a while, and the count at the end', async () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const many = Array.from({ length: 500 }, (_, index) => info(`rejected ${index}`, 'rejected'));
    await runRole({ stdin, stdout, stderr, interrupt$: NEVER, setExitCode: () => undefined }, () =>
      concat(of(...many, info('other')), EMPTY),
    );
    expect(lines(String(stdout.read()))).toEqual(['rejected 0', 'other', '499 more: rejected 499']);
  });

  it('still fails with status 1', async () => {
    let exitCode = 0;
    const stderr = new PassThrough();
    await runRole(
      {
        stdin,
        stdout: new PassThrough(),
        stderr,
        interrupt$: NEVER,
        setExitCode: (code) => (exitCode = code),
      },
      () => throwError(() => new Sv2Error('x', 'gone\x1b')),
    );
    expect([exitCode, String(stderr.read())]).toEqual([1, 'sv2: gone\\u001b\n']);
  });
});
