/** Monitoring as an operator: outcomes pass, and meanwhile HTTP tells what they come to. */
import {
  asyncScheduler,
  catchError,
  connect,
  defer,
  EMPTY,
  endWith,
  from,
  ignoreElements,
  merge,
  mergeMap,
  takeUntil,
  tap,
  throwError,
  type MonoTypeOperatorFunction,
  type NextObserver,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { AlertOptions } from '../../observe/alerts.js';
import type { Sv1MinerEvent } from '../../roles/translator/sv1-miners.js';
import { ServiceError } from '../../service/errors.js';
import { TransportError } from '../../transport/errors.js';
import type { ListenAddress } from '../tcp-options.js';
import { postAlerts, webhook } from './alert-webhook.js';
import type { ShareSettings } from './downstream-view.js';
import { historyFile } from './history-file.js';
import { keptHistory } from './kept-history.js';
import { ledgerAccounts, type ShownLedger } from './ledger-accounts.js';
import { watchedRoles, type WatchedRole, type WatchedRoleName } from './roles.js';
import { timelineForm } from './timeline.js';
import { vigil } from './vigil.js';
import { watch } from './watch.js';
import type { StateTimes } from '../../observe/fold.js';

/** How a role is monitored. */
export interface MonitoringOptions extends Partial<ShareSettings> {
  /** Whose outcomes they are. */
  readonly role: WatchedRoleName;
  /** An address of this machine; `127.0.0.1` unless given, which only this machine can reach. */
  readonly host?: string;
  /** 1 to 65535, or 0 for any that is free; nothing is served unless given. */
  readonly port?: number;
  /** Whether any other port will do when that one is taken; `false` unless given. */
  readonly orAnyPort?: boolean;
  /** What readers have to show: `Authorization: Bearer …`. Nobody can change anything, with it or without. */
  readonly token?: string;
  /** Whether other machines may read without a token; `false` unless given. */
  readonly isOpen?: boolean;
  /** Origins whose pages may read, such as `https://dashboard.example`; none unless given. */
  readonly corsOrigins?: readonly string[];
  /** Milliseconds for which answers may be old; 5,000 unless given. */
  readonly refreshInterval?: number;
  /** When there is an alert. */
  readonly alerts?: AlertOptions;
  /**
   * Where alerts are posted (see `postAlerts`): `https:` or `http:`. It may hold a secret, as those of chats do, and is
   * shown nowhere.
   */
  readonly alertWebhook?: string;
  /**
   * A file for the history, of this role alone: what was seen is written to it once a minute, 600 KB at most, and read after a
   * restart. Unless given the history is in memory alone. What is wrong with the file is told and stops nothing.
   */
  readonly historyFile?: string;
  /** What happens at a translator's miners, whose names are shown then: what `TranslatorOptions.observer` is told. */
  readonly sv1Event$?: Observable<Sv1MinerEvent>;
  /** A pool's ledger, whose accounts are shown. */
  readonly ledger?: ShownLedger;
  /** Of the program, as answers tell it; `unknown` unless given. */
  readonly version?: string;
  /** Told where it listens, once it does. */
  readonly listeningObserver?: NextObserver<ListenAddress>;
  /** Told of errors while answering, of which those who asked hear only that there was one, and of alerts that could not be posted. */
  readonly errorObserver?: NextObserver<unknown>;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** Whether only this machine can reach an address. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/i.test(host);

/**
 * Passes outcomes on as they are, and serves what they come to over HTTP while subscribed: the reference implementation's
 * monitoring API, Prometheus metrics, events as they happen, and a dashboard at `/`. It costs a role little: answers are
 * made when somebody asks, from snapshots, and a slow reader waits alone.
 *
 * ```text
 * outcome$     --c-cs-ssss---|
 *   monitored()
 *              --c-cs-ssss---|     http://127.0.0.1:9090/ meanwhile
 * ```
 * @example pool(options).start().pipe(monitored({ role: 'pool', port: 9090 })).subscribe(log);
 * @returns fails with a TransportError such as `address-in-use` when it cannot listen
 * @throws ServiceError `invalid-configuration` for an address that other machines can reach without a token, unless `isOpen`
 */
export function monitored<O extends { readonly type: string }>(
  options: MonitoringOptions,
): MonoTypeOperatorFunction<O> {
  const {
    role,
    host = '127.0.0.1',
    port,
    token,
    isOpen = false,
    corsOrigins = [],
    version = 'unknown',
  } = options;
  const {
    sharesPerMinute = 6,
    shareBatchSize = 10,
    refreshInterval = 5_000,
    scheduler = asyncScheduler,
  } = options;
  const { orAnyPort = false, alertWebhook, historyFile: historyPath, ledger, sv1Event$ = EMPTY } = options;
  if (!isLoopback(host) && token === undefined && !isOpen)
    throw new ServiceError(
      'invalid-configuration',
      `monitoring at ${host}: other machines could read everything; expected a token, or isOpen`,
      { host },
    );
  if (token !== undefined && !/^[\w.~+/-]+=*$/.test(token))
    throw new ServiceError(
      'invalid-configuration',
      'monitoring: a token is made of letters, digits and any of - . _ ~ + / (RFC 6750 §2.1)',
    );
  if (alertWebhook !== undefined && !isWebhook(alertWebhook))
    throw new ServiceError(
      'invalid-configuration',
      'alert webhook: expected a URL such as https://chat.example/hooks/…, without a user name and password',
    );
  return (outcome$) =>
    defer(() => {
      const watched = watch(watchedRoles[role] as unknown as WatchedRole<StateTimes>, {
        settings: { sharesPerMinute, shareBatchSize },
        ...{ refreshInterval, version, scheduler, hasAccounts: ledger !== undefined },
      });
      const tell = (error: unknown) => options.errorObserver?.next(error);
      const settingsAt = (actualPort: number) => ({
        ...{ host, port: actualPort, corsOrigins, watch: watched, role, version, scheduler },
        ...(token === undefined ? {} : { token }),
        onlyLoopback: isLoopback(host) && !isOpen,
        failed: tell,
        ...(ledger === undefined
          ? {}
          : { accounts: ledgerAccounts(ledger, refreshInterval, () => scheduler.now()) }),
      });
      const served$ =
        port === undefined
          ? EMPTY
          : from(import('./serve.js')).pipe(
              mergeMap((module) =>
                module
                  .serve(settingsAt(port))
                  .pipe(
                    catchError((error: unknown) =>
                      orAnyPort && error instanceof TransportError && error.code === 'address-in-use'
                        ? module.serve(settingsAt(0))
                        : throwError(() => error),
                    ),
                  ),
              ),
              tap((address) => options.listeningObserver?.next(address)),
            );
      const alert$ = vigil(watched, options.alerts ?? {}, scheduler);
      const kept$ =
        port === undefined || historyPath === undefined
          ? EMPTY
          : keptHistory({
              ...{ history: watched.history, form: timelineForm, file: historyFile(historyPath), scheduler },
            }).pipe(tap(tell));
      const looked$ =
        alertWebhook === undefined
          ? alert$
          : alert$.pipe(
              postAlerts(webhook(alertWebhook), {
                ...{ origin: new URL(alertWebhook).origin, role, version, scheduler },
              }),
              tap(
                (outcome) =>
                  outcome.type === 'AlertsNotPosted' && tell(new Sv2Error('alert', outcome.message)),
              ),
            );
      return outcome$.pipe(
        tap((outcome) => watched.note(outcome)),
        connect((all$) =>
          merge(
            all$,
            merge(served$, kept$, looked$, sv1Event$.pipe(tap(watched.noteSv1))).pipe(
              ignoreElements(),
              takeUntil(all$.pipe(ignoreElements(), endWith(null))),
            ),
          ),
        ),
      );
    });
}

/** Whether alerts can be posted there: `https:` or `http:`, without a user name and password, which `fetch` does not take. */
export function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
}
