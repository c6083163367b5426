/** A front of `sv2 pool --processes`: the process that the core has started for a part of the miners. */
import {
  asyncScheduler,
  firstValueFrom,
  filter,
  fromEvent,
  lastValueFrom,
  merge,
  ReplaySubject,
  takeUntil,
  tap,
  type Observable,
} from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { corePort } from '../node/cluster/ipc-port.js';
import { toldOutcomes } from '../node/cluster/outcome-batches.js';
import { portLedger } from '../roles/cluster/port-ledger.js';
import type { Port, PortMessage } from '../roles/cluster/port.js';
import { signsOfLife } from '../roles/cluster/signs-of-life.js';
import { frontSibling } from '../roles/cluster/siblings.js';
import { poolFront, type PoolFrontOutcome } from '../roles/pool/pool-front.js';
import { CustomBlockFound } from '../roles/pool/triggers.js';
import type { LogLine } from './log-line.js';
import { poolMiners } from './pool-miners.js';
import type { Welcome } from './pool-processes.js';

const isOf = (value: unknown, type: string): boolean =>
  (value as { readonly type?: unknown } | null | undefined)?.type === type;

/** What a front tells its core besides its outcomes. */
type FrontMessage = PortMessage & Readonly<Record<string, unknown>>;

const say = (port: Port, message: FrontMessage): void => port.send(message);

/**
 * Runs a front until its core tells it to end, or is gone. Ctrl-C, which a terminal sends to all processes, is for the core;
 * SIGTERM ends this front, and another takes its place.
 */
export async function runFront(): Promise<void> {
  process.on('SIGINT', () => undefined);
  const port = corePort();
  const signs = signsOfLife(port, asyncScheduler).subscribe();
  const stop$ = new ReplaySubject<unknown>(1);
  const stops = merge(
    port.message$.pipe(filter((value) => isOf(value, 'stop'))),
    fromEvent(process, 'SIGTERM'),
  ).subscribe(stop$);
  const welcome$ = port.message$.pipe(filter((value): value is Welcome => isOf(value, 'welcome')));
  const welcomed = firstValueFrom(welcome$);
  say(port, { type: 'hello' });
  try {
    await serve(port, await welcomed, stop$);
  } catch (error) {
    const { code, message } =
      error instanceof Sv2Error
        ? error
        : {
            code: 'unexpected',
            message: error instanceof Error ? (error.stack ?? error.message) : String(error),
          };
    say(port, { type: 'failed', code, message });
    process.exitCode = 1;
  } finally {
    signs.unsubscribe();
    stops.unsubscribe();
    if (process.connected) process.disconnect();
  }
}

async function serve(
  port: Port,
  { settings, file, serverId, life, hasLedger, payout, isDeclaring }: Welcome,
  stop$: Observable<unknown>,
): Promise<void> {
  const miners = poolMiners(settings, file ?? undefined);
  const sibling = frontSibling(port);
  const front = poolFront({
    ...miners.options,
    ...{ serverId, life, sibling },
    ...(isDeclaring
      ? { customBlockObserver: { next: (block) => sibling.next(CustomBlockFound(block)) } }
      : {}),
    ...(hasLedger ? { ledger: { store: portLedger(port), durability: settings.durability } } : {}),
    ...(payout === null ? {} : { corePayout: payout }),
  });
  const outcome$: Observable<PoolFrontOutcome> = front.start().pipe(
    tap((outcome) => {
      if (outcome.type === 'LedgerConflict') throw new Sv2Error('ledger-conflict', outcome.message);
    }),
    takeUntil(stop$),
  );
  const line$ = miners.line$.pipe(tap((line) => say(port, lineMessage(line))));
  const lines = line$.subscribe();
  try {
    await lastValueFrom(toldOutcomes(outcome$, port), { defaultValue: undefined });
  } finally {
    await front.written();
    lines.unsubscribe();
  }
}

const lineMessage = ({ text, kind, isTrouble = false, isDetail = false }: LogLine): FrontMessage => ({
  ...{ type: 'line', text, isTrouble, isDetail },
  kind: kind ?? null,
});
