import { afterAll, afterEach } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ReplaySubject, Subject } from 'rxjs';
import { run } from '../../src/cli/run.js';

/** What ends a role; only a process of its own can be killed. */
type Signal = 'SIGINT' | 'SIGTERM' | 'SIGKILL';

/** A role that runs. */
export interface RunningRole {
  /** What it has printed so far, to stdout and to stderr. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Waits until it has printed this, anywhere; fails when it ends before that. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Interrupts it and waits for its exit status. */
  stop(signal?: Signal): Promise<number>;
  /** Its exit status. */
  readonly exitCode: Promise<number>;
}

/** For a spec file: stops what it is given after each spec. Returns the role. */
export function keptUntilTheEnd(): (role: RunningRole) => RunningRole {
  const running: RunningRole[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((role) => role.stop()));
  });
  return (role) => {
    running.push(role);
    return role;
  };
}

/** For a spec file: a directory that is gone after it, and files in it that nobody else can read. */
export function temporaryFiles(): { readonly directory: string; file(name: string, text: string): string } {
  const directory = mkdtempSync(join(tmpdir(), 'sv2-spec-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  return {
    directory,
    file(name, text) {
      const path = join(directory, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    },
  };
}

const ledgers = mkdtempSync(join(tmpdir(), 'rx-sv2-ledgers-'));
process.once('exit', () => rmSync(ledgers, { recursive: true, force: true }));
let ledgerNumber = 0;

/** A pool's arguments with a ledger of its own, unless they say where it is, or it has none: the default is the user's. */
function withLedger(argv: readonly string[]): readonly string[] {
  if (argv[0] !== 'pool' || argv.some((word) => /^(--ledger|--config|-c|front)\b/.test(word))) return argv;
  ledgerNumber += 1;
  return [...argv, '--ledger', join(ledgers, `${ledgerNumber}.sqlite`)];
}

/** Runs `sv2` in this process. */
export const startRole = (...argv: readonly string[]): RunningRole => startWithInput([], ...withLedger(argv));

/** Runs `sv2` in this process, and types lines. */
export function startWithInput(lines: readonly string[], ...argv: readonly string[]): RunningRole {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const interrupt$ = new ReplaySubject<void>(1); // the command may not have been loaded yet
  const exitCode = run(argv, { stdin: Readable.from(lines), stdout, stderr }, () =>
    Promise.resolve(interrupt$),
  );
  return runningRole(stdout, stderr, exitCode, () => interrupt$.next(), noThreads);
}

/** What every role with keys says of itself when it runs from its source, where threads have no JavaScript to run. */
const noThreads = /^.*no thread can answer handshakes.*\n/gm;

/** Runs the `sv2` that `npm test` has built in a process of its own. */
export function startProcess(...argv: readonly string[]): RunningRole {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, ...withLedger(argv)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exitCode = new Promise<number>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? -9 : -1)));
  });
  return runningRole(child.stdout, child.stderr, exitCode, (signal) => child.kill(signal));
}

function runningRole(
  stdout: Readable,
  stderr: Readable,
  exitCode: Promise<number>,
  interrupt: (signal: Signal) => void,
  unsaid?: RegExp,
): RunningRole {
  const written = { stdout: '', stderr: '' };
  const output = {
    get stdout() {
      return written.stdout;
    },
    get stderr() {
      return unsaid === undefined ? written.stderr : written.stderr.replaceAll(unsaid, '');
    },
  };
  const changed$ = new Subject<void>();
  stdout.on('data', (chunk) => {
    written.stdout += String(chunk);
    changed$.next();
  });
  stderr.on('data', (chunk) => {
    written.stderr += String(chunk);
    changed$.next();
  });
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output.stdout) ?? pattern.exec(output.stderr);
        if (match === null) return;
        subscription.unsubscribe();
        resolve(match);
      };
      const subscription = changed$.subscribe(look);
      void exitCode.then((code) => {
        look();
        reject(
          new Error(`ended with ${code} before it printed ${pattern}\n${output.stdout}\n${output.stderr}`),
        );
      });
      look();
    });
  return {
    output,
    printed,
    exitCode,
    stop(signal = 'SIGINT') {
      interrupt(signal);
      return exitCode;
    },
  };
}
