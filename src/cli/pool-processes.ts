/** `sv2 pool --processes`: what it can do, what its fronts are told, and the core's side of them. */
import {
  asyncScheduler,
  concat,
  defer,
  EMPTY,
  from,
  ignoreElements,
  merge,
  Observable,
  Subject,
  switchMap,
  tap,
  type NextObserver,
} from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import type { CustomBlock } from '../declaration/declared-block.js';
import type { PayoutPlan } from '../ledger/payout-plan.js';
import type { LedgerStore } from '../ledger/store.js';
import { fronts, type Front, type FrontEvent } from '../node/cluster/fronts.js';
import { clientIds, takenOutcomes } from '../node/cluster/outcome-batches.js';
import { coreLedger, type CoreLedger, type CoreLedgerOptions } from '../roles/cluster/core-ledger.js';
import { fieldsOf } from '../roles/cluster/plain-fields.js';
import { servedLedger } from '../roles/cluster/port-ledger.js';
import type { Port, PortMessage } from '../roles/cluster/port.js';
import { leasedInLedger, serverIds } from '../roles/cluster/server-ids.js';
import { coreSibling } from '../roles/cluster/siblings.js';
import { poolCore, type PoolCoreOptions } from '../roles/pool/pool-core.js';
import type { PoolOutcome } from '../roles/pool/pool.js';
import { CustomBlockFound, TipArrived } from '../roles/pool/triggers.js';
import type { Sibling } from '../service/siblings.js';
import { ConfigError } from './config.js';
import { formatDuration } from './format.js';
import { frontOutcomes } from './front-outcomes.js';
import { info, trouble, type LogLine } from './log-line.js';
import type { PoolSettings } from './pool-settings.js';

/** Settings that hold for the whole pool and are shared out among its fronts. */
const shared = [
  'max_connections',
  'max_connections_per_address',
  'max_channels',
  'max_channels_per_address',
] as const;

/**
 * A front's part of a pool's settings: of what is limited for all miners together, each front has the same part, so that all
 * of them have no more.
 * @param tokenKey by which fronts judge custom jobs, where the core has a declaration server: 32 bytes
 * @throws ConfigError for what several processes cannot do
 */
export function frontSettings(settings: PoolSettings, tokenKey?: Uint8Array): PoolSettings {
  const { processes } = settings;
  const problems = shared
    .filter((key) => settings[key] < processes)
    .map(
      (key) => `${key}: ${settings[key]} for ${processes} processes; expected 1 for each of them at least`,
    );
  if (settings.server_id + processes - 1 > 0xffff)
    problems.push(
      `server_id: ${settings.server_id} leaves no ids for ${processes} processes; each takes one, from it on`,
    );
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    ...settings,
    ...(tokenKey === undefined ? {} : { jds: undefined, declarator: { token_key: tokenKey } }),
    ...Object.fromEntries(shared.map((key) => [key, Math.floor(settings[key] / processes)])),
  };
}

/** What a front is told first. */
export interface Welcome extends PortMessage {
  readonly type: 'welcome';
  readonly settings: PoolSettings;
  readonly file: string | null;
  readonly serverId: number;
  /** Of its server id. */
  readonly life: number;
  readonly hasLedger: boolean;
  /** How blocks are paid by the core's ledger; null when everything goes to the pool's own script. */
  readonly payout: PayoutPlan | null;
  /** Whether blocks on custom jobs are for the core, which has a declaration server. */
  readonly isDeclaring: boolean;
}

/** What the core's side of a pool of several processes needs. */
export interface PoolProcessesOptions {
  readonly settings: PoolSettings;
  /** What of them each front is told: see {@link frontSettings}. */
  readonly front: PoolSettings;
  readonly file: string | undefined;
  readonly core: Omit<PoolCoreOptions, 'sibling'>;
  readonly store: LedgerStore | undefined;
  /** How blocks are paid by the ledger, if they are. */
  readonly payout: Pick<CoreLedgerOptions, 'plan' | 'confirmations' | 'journal'> | undefined;
  /** Is handed blocks on custom jobs, where this process has a declaration server. */
  readonly customBlockObserver: NextObserver<CustomBlock> | undefined;
}

/** A pool of several processes, this one being its core: cold until started. */
export interface PoolProcesses {
  /** Runs it while subscribed; fronts end in good order after that. Errors when a front cannot listen from the beginning. */
  start(): Observable<PoolOutcome>;
  /** What its fronts have to say, and what becomes of them. */
  readonly line$: Observable<LogLine>;
  /** Resolves when all fronts have ended, and what they had accepted is in the ledger. */
  written(): Promise<void>;
}

/** Runs a pool's fronts, and its core here. */
export function poolProcesses({
  settings,
  front,
  file,
  core,
  store,
  payout,
  customBlockObserver,
}: PoolProcessesOptions): PoolProcesses {
  const { processes } = settings;
  const ids = serverIds(settings.server_id);
  const idsOf = clientIds(processes);
  const front$ = new Subject<Port>();
  const outcome$ = new Subject<PoolOutcome>();
  const line$ = new Subject<LogLine>();
  const said = new Set<string>();
  let hasListened = false;
  let paying: CoreLedger | undefined;

  /** All fronts say the same of what all of them do: where they listen, for one. */
  const tell = (line: LogLine): void => {
    if (line.kind === undefined) {
      if (said.has(line.text)) return;
      if (said.size < 100) said.add(line.text);
    }
    line$.next(line);
  };

  const hear = (value: unknown): void => {
    const { type } = value as PortMessage;
    if (type === 'line') {
      hasListened = true; // before that a front has nothing to say
      tell(lineOf(value));
    } else if (type === 'failed') {
      const fields = fieldsOf(value, 'failure');
      const [code, message] = [fields.text('code', 1_000), fields.text('message', 10_000)];
      if (!hasListened) throw new Sv2Error(code, message);
      line$.next(trouble(`a front ended: ${message}`, `front: ${code}`));
    }
  };

  const passed = frontOutcomes((line) => line$.next(line));
  const pass = (outcome: { readonly type: string }): void => {
    const own = passed(outcome);
    if (own !== undefined) outcome$.next(own);
  };

  const all = fronts({
    processes,
    entry: process.argv[1] ?? '',
    args: ['pool'],
    leases: store?.lease === undefined ? ids : leasedInLedger(ids, store.lease),
    welcome: ({ serverId, life }): Welcome => ({
      ...{ type: 'welcome', settings: front, file: file ?? null },
      ...{ serverId, life, hasLedger: store !== undefined, payout: payout?.plan ?? null },
      isDeclaring: customBlockObserver !== undefined,
    }),
    serve({ place, serverId, port }: Front) {
      const written = paying?.store ?? store;
      return concat(
        merge(
          written === undefined ? EMPTY : servedLedger(port, written, (id) => id === serverId),
          takenOutcomes(port, idsOf(place)).pipe(tap(pass)),
          port.message$.pipe(tap(hear)),
          new Observable<never>((subscriber) => {
            front$.next(port);
            subscriber.complete();
          }),
        ),
        paying?.frontEnded(serverId) ?? EMPTY,
      );
    },
  });

  const sibling = coreSibling(front$, {
    errorObserver: {
      next: (error) => line$.next(trouble(`a front sent what cannot be read: ${String(error)}`, 'front')),
    },
  });

  const run = (): Observable<PoolOutcome> => {
    const noted = noting(sibling, ids.tip, customBlockObserver);
    return merge(
      outcome$,
      paying?.start() ?? EMPTY,
      poolCore({ ...core, sibling: paying?.sibling(noted) ?? noted }).start(),
      all.start().pipe(
        tap((event) => line$.next(frontLine(event))),
        ignoreElements(),
      ),
    );
  };

  return {
    start: () =>
      store === undefined || payout === undefined
        ? run()
        : defer(() => from(coreLedger({ ...payout, store, scheduler: asyncScheduler }))).pipe(
            switchMap((ledger) => {
              paying = ledger;
              return run();
            }),
          ),
    line$: line$.asObservable(),
    async written() {
      await all.ended();
      await paying?.written();
    },
  };
}

/** A sibling of which it is noted which tips it is told of, and which blocks it has on custom jobs. */
const noting = (
  sibling: Sibling,
  tip: (prevHash: Uint8Array) => void,
  customBlockObserver: NextObserver<CustomBlock> | undefined,
): Sibling => ({
  trigger$: sibling.trigger$.pipe(
    tap((trigger) => {
      if (CustomBlockFound.match(trigger)) customBlockObserver?.next(trigger.block);
    }),
  ),
  next(trigger) {
    if (TipArrived.match(trigger)) tip(trigger.tip.prevHash);
    sibling.next(trigger);
  },
});

function lineOf(value: unknown): LogLine {
  const fields = fieldsOf(value, 'line');
  const kind = fields.value('kind') === null ? undefined : fields.text('kind', 10_000);
  const text = fields.text('text', 100_000);
  return {
    ...(fields.flag('isTrouble') ? trouble(text, kind) : info(text, kind)),
    isDetail: fields.flag('isDetail'),
  };
}

function frontLine(event: FrontEvent): LogLine {
  const { place, pid, serverId } = event.front;
  const name = `front ${place + 1} (process ${pid}, server id ${serverId})`;
  switch (event.type) {
    case 'FrontStarted':
      return info(`${name} started`);
    case 'FrontHung':
      return trouble(`${name} hangs: no sign of life for ${event.silence / 1_000} s; it is killed`);
    case 'FrontEnded':
      return trouble(
        `${name} ended: ${event.how}; its miners are disconnected, another starts in ${formatDuration(event.retryIn)}`,
      );
  }
}
