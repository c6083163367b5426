import { InvalidArgumentError, type Command } from 'commander';
import {
  asyncScheduler,
  auditTime,
  defer,
  endWith,
  finalize,
  fromEvent,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  scan,
  share,
  startWith,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  throwError,
  timeout,
  EMPTY,
  type Observable,
} from 'rxjs';
import { counted } from '../codec/counted.js';
import { Sv2Error } from '../codec/errors.js';
import type { ListenAddress } from '../node/listen.js';
import { isLoopback } from '../node/monitoring/monitored.js';
import { hostPort } from './config.js';
import { calibrate, nbitsForInterval } from './demo/calibration.js';
import { demoNetwork, type DemoMiner } from './demo/network.js';
import { screen } from './demo/screen.js';
import { demoState, withOutcome, type DemoOutcome, type DemoState } from './demo/state.js';
import { calibrationLine, demoLine, renderDemo } from './demo/view.js';
import type { CommandContext } from './io.js';
import { printable } from './printable.js';

const standing: readonly DemoMiner[] = [
  { name: 'demo.standard', channel: 'standard' },
  { name: 'demo.extended', channel: 'extended' },
];

/** Beside them, when job declaration is to be seen. */
const chooser = { name: 'demo.choosing', channel: 'extended', chooses: true } as const;

/** Seconds between blocks on average, at the hash rate measured; a little more with everything else running. */
const blockInterval = 8;

/** Milliseconds without an accepted block after which something must be wrong. */
const patience = 180_000;

const redrawInterval = 250;

/** Where its dashboard is unless told; if that port is taken, at another. */
const dashboard: ListenAddress = { host: '127.0.0.1', port: 9090 };

/** Gives `sv2 demo` its options and what it does. */
export function registerDemo(command: Command, context: CommandContext): void {
  command
    .option('--blocks <N>', 'end after N accepted blocks', positiveInteger)
    .option('--job-declaration', 'with a miner more that chooses the transactions of its blocks itself')
    .option('--monitoring <HOST:PORT>', 'where to serve its dashboard', listenAddress, dashboard)
    .option('--no-monitoring', 'serve no dashboard')
    .addHelpText(
      'after',
      `
The services talk over TCP with Noise on the loopback interface and do real proof of work on a simulated chain.
In a terminal it shows a live view, otherwise plain lines. Exit status: 0 when interrupted, when nobody reads its output
any more or when N blocks were accepted, 1 with a reason otherwise.

With --job-declaration the pool has a declaration server, and a third miner is behind a declaration client with a template
provider of its own, which knows transactions that the pool's does not.`,
    )
    .action(async (options: DemoOptions) => {
      const { blocks, jobDeclaration = false, monitoring } = options;
      const miners = jobDeclaration ? [...standing, chooser] : standing;
      await demo({ blocks, miners, monitoring: monitoring === false ? undefined : monitoring }, context);
    });
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 up.');
  return Number(text);
}

function listenAddress(text: string): ListenAddress {
  const { data, error } = hostPort(0).safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(`${error?.issues[0]?.message ?? ''}.`);
  if (!isLoopback(data.host))
    throw new InvalidArgumentError('Expected an address of this machine alone: the demo has no token.');
  return data;
}

/** A step of the demo: what happened, and how things are after it. */
interface Step {
  readonly event: DemoOutcome;
  readonly state: DemoState;
}

/** What is asked for on the command line. */
interface DemoOptions {
  readonly blocks?: number;
  readonly jobDeclaration?: boolean;
  readonly monitoring: ListenAddress | false;
}

interface DemoSettings {
  readonly blocks: number | undefined;
  readonly miners: readonly DemoMiner[];
  readonly monitoring: ListenAddress | undefined;
}

async function demo({ blocks, miners, monitoring }: DemoSettings, context: CommandContext): Promise<void> {
  const { stdout, stderr, interrupt$, setExitCode } = context;
  const now = () => asyncScheduler.now();
  let accepted = 0;
  let failed = false;
  let isWanted = true;

  const step$ = defer(() => calibrate(miners.length)).pipe(
    switchMap((hashRate) => {
      const start = demoState(miners, now());
      const nbits = nbitsForInterval(hashRate, blockInterval);
      if (stdout.isTTY !== true) print(calibrationLine(hashRate, nbits), now(), context);
      return demoNetwork({ miners, hashRate: hashRate / miners.length, nbits, monitoring }).pipe(
        scan<DemoOutcome, Step, undefined>(
          (step, event) => ({ event, state: withOutcome(step?.state ?? start, event, now()) }),
          undefined,
        ),
      );
    }),
    tap(({ state }) => (accepted = state.blocks.length)),
    takeWhile(({ state }) => blocks === undefined || state.blocks.length < blocks, true),
    share(),
  );
  // a network that finds no blocks any more has failed, whatever it is still saying
  const stalled$ = step$.pipe(
    map(({ state }) => state.blocks.length),
    startWith(0),
    scan((last, length) => ({ length, isNew: length !== last.length }), { length: -1, isNew: true }),
    mergeMap(({ isNew }) => (isNew ? of(true) : EMPTY)),
    timeout({
      each: patience,
      with: () =>
        throwError(() => new Sv2Error('no-block', `no block was accepted for ${patience / 1_000} s`)),
    }),
    mergeMap(() => EMPTY),
  );
  // as for other commands whose output is what they are for: when nobody reads it any more they end
  const unwanted$ = merge(interrupt$, fromEvent(stdout, 'close'), fromEvent(stdout, 'error')).pipe(
    tap(() => (isWanted = false)),
  );

  await new Promise<void>((resolve, reject) => {
    const shown$ = stdout.isTTY === true ? live(step$, context) : log(step$, context);
    merge(shown$, stalled$)
      .pipe(takeUntil(unwanted$), finalize(resolve))
      .subscribe({
        error: (error: unknown) => {
          failed = true;
          if (error instanceof Sv2Error) stderr.write(`sv2: ${printable(error.message)}\n`);
          else reject(error instanceof Error ? error : new Error(String(error)));
        },
      });
  });
  if (isWanted && !failed && blocks !== undefined && accepted < blocks) {
    stderr.write(`sv2: ended after ${accepted} of ${counted(blocks, 'block')}\n`);
    failed = true;
  }
  if (failed) setExitCode(1);
}

/** Draws the state a few times a second, and when the terminal has got another size. */
function live(step$: Observable<Step>, { stdout }: CommandContext): Observable<unknown> {
  return defer(() => {
    const area = screen(stdout);
    let last: DemoState | undefined;
    // a terminal that does not know its size says 0
    const lines = (): string[] =>
      last === undefined ? [] : renderDemo(last, stdout.columns || 80, stdout.rows || 24);
    const seen$ = step$.pipe(
      tap(({ state }) => (last = state)),
      auditTime(redrawInterval),
    );
    const resized$ = fromEvent(stdout, 'resize').pipe(
      takeUntil(step$.pipe(ignoreElements(), endWith(undefined))),
    );
    // before anything is said of how it ended
    const end = () => area.end(lines());
    return merge(seen$, resized$).pipe(
      tap({ next: () => area.draw(lines()), complete: end, error: end, unsubscribe: end }),
    );
  });
}

/** Prints a line for everything worth one. */
function log(step$: Observable<Step>, context: CommandContext): Observable<unknown> {
  return step$.pipe(
    tap(({ event, state }) => {
      const line = demoLine(event, state);
      if (line !== undefined) print(line, state.now, context);
    }),
  );
}

/** Prints a line behind its time, milliseconds since 1970. */
function print(line: string, at: number, { stdout }: CommandContext): void {
  stdout.write(`${new Date(at).toISOString()} ${printable(line)}\n`);
}
