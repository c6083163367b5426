import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import {
  EMPTY,
  NEVER,
  Subject,
  Subscription,
  VirtualTimeScheduler,
  concat,
  of,
  throwError,
  type SchedulerLike,
} from 'rxjs';
import { coalesceLines, maxKinds } from '../../src/cli/coalesce-lines.js';
import { Sv2Error } from '../../src/codec/errors.js';
import type { Output } from '../../src/cli/io.js';
import { logTo, logToFile, maxWaiting } from '../../src/cli/log.js';
import { jsonFormat, maxJsonLine } from '../../src/cli/log-format.js';
import { about, detail, info, several, trouble, type LogLine } from '../../src/cli/log-line.js';
import { runRole, type Role } from '../../src/cli/run-role.js';
import { outcomeFromJson } from '../../src/observe/json.js';
import { sv2 } from './support.js';

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

/** A role with this log. */
const role = (
  line$: Role['line$'],
  settings: Partial<Role['settings']> & object = {},
  totals = () => 'nothing',
): Role => ({
  ...{ name: 'test', line$, settings: { log_format: 'text', log_level: 'info', ...settings } },
  totals,
});

describe('a log', () => {
  it('writes the lines of one turn together, each behind its time', async () => {
    const { output, texts, next } = slowOutput();
    const log = logTo(output);
    for (const text of ['a', 'b', 'c']) log.add(info(text));
    expect(texts).toEqual([]);
    await setImmediate();
    expect(texts.map(lines)).toEqual([['a', 'b', 'c']]);
    log.add(info('d'));
    log.add(info('e'));
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
    log.add(info('first'));
    await setImmediate();
    const line = 'x'.repeat(975); // 1,001 characters with time and line end
    const kept = Math.floor((maxWaiting - 'first'.length - 26) / 1_001);
    for (let i = 0; i < kept + 50; i++) log.add(info(line));
    next();
    await setImmediate();
    expect(lines(texts[1]!)).toHaveLength(kept + 1);
    expect(lines(texts[1]!)[0]).toBe('lost before this one: 50 lines of this log, not taken');
    next();
    log.add(info('after'));
    await setImmediate();
    expect(lines(texts[2]!)).toEqual(['after']);
  });

  it('loses what a full disk does not take, goes on, and tells', async () => {
    const { output, texts, next } = slowOutput();
    const log = logTo(output);
    log.add(info('a'));
    log.add(info('b'));
    await setImmediate();
    next(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    log.add(info('c'));
    await setImmediate();
    next(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    log.add(info('d'));
    await setImmediate();
    next();
    log.add(info('e'));
    await setImmediate();
    expect(lines(texts[2]!)).toEqual(['lost before this one: 3 lines of this log, not taken', 'd']);
    expect(lines(texts[3]!)).toEqual(['e']);
    next(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    log.add(info('f'));
    await setImmediate();
    expect(lines(texts[4]!)[0]).toBe('lost before this one: 1 line of this log, not taken');
  });

  it('writes to a file without its stream', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sv2-log-'));
    const path = join(directory, 'log');
    const fd = openSync(path, 'w');
    const log = logTo(Object.assign(new PassThrough(), { fd }));
    log.add(info('a'));
    await log.end();
    expect(lines(readFileSync(path, 'utf8'))).toEqual(['a']);
    closeSync(fd);
    log.add(info('b'));
    await log.end();
    rmSync(directory, { recursive: true });
  });

  it('has its last lines written before the end', async () => {
    const output = new PassThrough();
    const log = logTo(output);
    log.add(info('last'));
    await log.end();
    expect(lines(String(output.read()))).toEqual(['last']);
  });
});

describe('lines that remotes can cause', () => {
  it('keeps nothing of an interval that is over', () => {
    let ring = (): unknown => undefined;
    let released = 0;
    const scheduler = {
      now: () => 0,
      schedule(work: () => unknown) {
        ring = work;
        return new Subscription(() => (released += 1));
      },
    } as unknown as SchedulerLike;
    const line$ = new Subject<LogLine>();
    const running = line$.pipe(coalesceLines(1_000, scheduler)).subscribe();
    for (let count = 0; count < 100; count++) {
      line$.next(info('share rejected', 'rejects'));
      line$.next(info('share rejected', 'rejects'));
      ring();
    }
    running.unsubscribe();
    expect(released).toBe(1); // the one interval that was not over
  });

  it('are written once, and counted once an interval for as long as they come', () => {
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
    say(20_001, 'a5', 'a');
    say(30_001, 'a6', 'a');
    say(55_000, 'a7', 'a');
    scheduler.flush();
    expect(written).toEqual([
      ...['0 a1', '1 b1', '3 no kind', '4 no kind', '10000 2 more within 10 s: a3'],
      ...[
        '20000 1 more within 10 s: a4',
        '30000 1 more within 10 s: a5',
        '40000 1 more within 10 s: a6',
        '55000 a7',
      ],
    ]);
    subscription.unsubscribe();
  });

  it('are of a bounded number of kinds', () => {
    const scheduler = new VirtualTimeScheduler();
    const written: string[] = [];
    const flood = Array.from({ length: 5 * maxKinds }, (_, index) =>
      info(`line ${index}`, `class: ${index}`),
    );
    const subscription = concat(of(...flood), NEVER)
      .pipe(coalesceLines(10_000, scheduler))
      .subscribe(({ text }) => written.push(text));
    expect(written).toHaveLength(maxKinds + 1);
    scheduler.flush();
    expect(written.at(-1)).toBe(`${4 * maxKinds - 1} more within 10 s: line ${5 * maxKinds - 1}`);
    expect(written).toHaveLength(maxKinds + 2);
    subscription.unsubscribe();
  });

  it('are counted by their class when there are too many kinds', () => {
    const scheduler = new VirtualTimeScheduler();
    const written: string[] = [];
    const flood = Array.from({ length: maxKinds }, (_, index) => info(`line ${index}`, `class: ${index}`));
    const more = ['closed: 1', 'closed: 2', 'opened: 1', 'opened: 2'].map((kind) => info(kind, kind));
    const subscription = concat(of(...flood, ...more), NEVER)
      .pipe(coalesceLines(10_000, scheduler))
      .subscribe(({ text }) => written.push(text));
    scheduler.flush();
    expect(written.slice(maxKinds)).toEqual([
      ...['closed: 1', 'opened: 1', '1 more within 10 s: closed: 2', '1 more within 10 s: opened: 2'],
    ]);
    subscription.unsubscribe();
  });

  it('are written as often as their burst says before they are counted', () => {
    const scheduler = new VirtualTimeScheduler();
    const written: string[] = [];
    const line = (index: number) => several(info(`channel ${index}`, 'opened: 1'));
    const subscription = of(...Array.from({ length: 25 }, (_, index) => line(index)))
      .pipe(coalesceLines(10_000, scheduler))
      .subscribe(({ text }) => written.push(text));
    subscription.unsubscribe();
    expect(written).toHaveLength(21);
    expect(written.at(-1)).toBe('5 more within 1 s: channel 24');
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
      () => role(concat(of(info('a')), NEVER)),
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
      role(concat(of(...many, info('other')), EMPTY)),
    );
    expect(lines(String(stdout.read())).slice(1, -1)).toEqual([
      'rejected 0',
      'other',
      '499 more within 1 s: rejected 499',
    ]);
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
      () => role(throwError(() => new Sv2Error('x', 'gone\x1b'))),
    );
    expect([exitCode, String(stderr.read())]).toEqual([1, 'sv2: gone\\u001b\n']);
  });

  /** Runs a role to its end, and what it has written. */
  async function written(of: Role) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    let exitCode = 0;
    const setExitCode = (code: number) => (exitCode = code);
    await runRole({ stdin, stdout, stderr, interrupt$: NEVER, setExitCode }, () => of);
    const text = (stream: PassThrough) => String(stream.read() ?? '');
    return { stdout: text(stdout), stderr: text(stderr), exitCode };
  }

  it('says first what it runs with, without what is secret, and last what it did', async () => {
    const settings = {
      ...{ listen_address: { host: '::1', port: 1 }, authority_secret_key: 'sesame', password: 'sesame' },
      ...{ alert_webhook: 'https://hooks.example/sesame' },
      ...{ bitcoin_rpc: 'http://user:sesame@127.0.0.1:8332', seed: undefined, script: Uint8Array.of(1, 255) },
      ...{
        template_provider_type: { Sv2Tp: { address: { host: 'tp', port: 2 }, encryption: true } },
        name: 'a b\n',
      },
    };
    const { stdout } = await written(role(EMPTY, settings, () => '5 shares'));
    expect(lines(stdout)).toEqual([
      'sv2 0.1.0 test: log_format = text, log_level = info, listen_address = "[::1]":1, authority_secret_key = (hidden), ' +
        'password = (hidden), alert_webhook = (hidden), bitcoin_rpc = "http://(hidden)@127.0.0.1:8332", script = 01ff, ' +
        'template_provider_type.Sv2Tp.address = tp:2, template_provider_type.Sv2Tp.encryption = true, name = "a b\\n"',
      'test ended after 0:00: 5 shares',
    ]);
  });

  it('tells of details to who asks for them', async () => {
    const line$ = of(detail('share'), info('a'));
    expect(lines((await written(role(line$))).stdout).slice(1, -1)).toEqual(['a']);
    const { stdout } = await written(role(line$, { log_level: 'debug' }));
    expect(lines(stdout).slice(1, -1)).toEqual(['share', 'a']);
  });

  it('tells of trouble alone if asked to', async () => {
    const line$ = of(info('a'), trouble('b'));
    expect(await written(role(line$, { log_level: 'warn' }))).toMatchObject({
      ...{ stdout: '', stderr: expect.stringMatching(/^\S+ b\n$/) as unknown },
    });
  });

  it('writes JSON, an object a line, with the outcome, however it came about', async () => {
    const outcome = { type: 'ShareRejected', clientId: 1, hash: Uint8Array.of(7), reason: '\u202e\x9b' };
    const line = { ...trouble('rejected'), kind: 'rejected' };
    const told = () => about(outcome, line) as LogLine;
    const { stdout, stderr } = await written(
      role(of(info('plain'), told(), told(), told()), { log_format: 'json' }),
    );
    const objects = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((json) => JSON.parse(json) as Record<string, unknown>);
    expect(objects(stdout)).toMatchObject([
      { level: 'info', role: 'test', message: expect.stringMatching(/^sv2 /) as unknown },
      { message: 'plain', time: expect.stringMatching(/^20\d\d-.*Z$/) as unknown },
      { message: 'test ended after 0:00: nothing' },
    ]);
    const [first, more] = objects(stderr);
    expect(first).toMatchObject({ level: 'warn', side: 'server', message: 'rejected' });
    expect(outcomeFromJson(first?.['outcome'])).toEqual(outcome);
    expect(more).toMatchObject({ message: '2 more within 1 s: rejected', repeated: 2 });
    expect(stderr).not.toMatch(/[\u202e\x9b]/);
  });

  it('has no line of JSON that a remote could make as long as it likes', () => {
    const outcome = { type: 'rejected', clientId: 1, message: { payload: new Uint8Array(1e6) } };
    const line = jsonFormat('pool')(about(outcome, info('x')) as LogLine, 0);
    expect(line.length).toBeLessThan(maxJsonLine);
    expect(JSON.parse(line)).toMatchObject({ outcome: { type: 'rejected' }, isShortened: true });
  });

  it('adds its log to a file, too, and opens that anew upon SIGHUP', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sv2-log-'));
    const path = join(directory, 'log');
    const line$ = new Subject<LogLine>();
    const running = written(role(line$, { log_file: path }));
    line$.next(info('one'));
    await eventually(() => readFileSync(path, 'utf8').includes('one'));
    renameSync(path, `${path}.1`);
    line$.next(info('two'));
    await eventually(() => readFileSync(`${path}.1`, 'utf8').includes('two'));
    process.emit('SIGHUP');
    line$.next(trouble('three'));
    line$.complete();
    const { stdout, stderr } = await running;
    expect(lines(readFileSync(path, 'utf8'))).toEqual([
      'the log file was opened anew',
      'three',
      expect.stringMatching(/^test ended/),
    ]);
    expect(lines(readFileSync(`${path}.1`, 'utf8')).slice(1)).toEqual(['one', 'two']);
    expect(lines(stdout).slice(1, 3)).toEqual(['one', 'two']);
    expect(lines(stderr)).toEqual(['three']);
    expect(process.listenerCount('SIGHUP')).toBe(0);
    rmSync(directory, { recursive: true });
  });

  it('goes on with the old file when it cannot be opened anew', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sv2-log-'));
    const folder = join(directory, 'folder');
    mkdirSync(folder);
    const log = logToFile(join(folder, 'log'));
    renameSync(folder, `${folder}.1`);
    log.reopen();
    log.add(info('after'));
    await log.end();
    expect(lines(readFileSync(join(`${folder}.1`, 'log'), 'utf8'))).toEqual([
      'the log file cannot be opened anew: ENOENT',
      'after',
    ]);
    rmSync(directory, { recursive: true });
  });

  it('does not start with a file that cannot be written', async () => {
    const { exitCode, stderr } = await sv2(['template-provider', '--log-file', '/nowhere/log']);
    expect([exitCode, stderr]).toEqual([2, 'sv2: log_file: /nowhere/log cannot be opened: ENOENT\n']);
  });
});

/** Waits until it is so, a minute at most. */
async function eventually(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !isSo() && Date.now() < end;) await setImmediate();
  expect(isSo()).toBe(true);
}
