/** The settings of monitoring, which every role that runs has, and what comes of them. */
import { identity, Subject, type MonoTypeOperatorFunction, type Observable } from 'rxjs';
import * as z from 'zod';
import { ServiceError } from '../service/errors.js';
import { isLoopback, isWebhook, monitored, type MonitoringOptions } from '../node/monitoring/monitored.js';
import { ConfigError, hostPort, number } from './config.js';
import { info, trouble, type LogLine } from './log-line.js';
import { version } from './version.js';

/** Where alerts are posted; what is wrong is said without the URL, which may hold a secret. */
function webhookUrl() {
  const error = 'expected a URL such as https://chat.example/hooks/…, without a user name and password';
  return z.string({ error }).refine(isWebhook, { error });
}

/** The settings of monitoring, for a role's zod schema; keys as in the reference implementation's configuration where it has them. */
export const monitoringSettings = {
  monitoring_address: hostPort(0).optional(),
  monitoring_cache_refresh_secs: number({ min: 0, max: 3_600, unit: 'seconds' }).default(5),
  monitoring_token: z
    .string()
    .regex(/^(?=.{16,255}$)[\w.~+/-]+=*$/, {
      error: 'expected 16 to 255 letters, digits and any of - . _ ~ + /',
    })
    .optional(),
  monitoring_open: z
    .preprocess(
      (value) => (value === 'true' ? true : value === 'false' ? false : value), // in the environment
      z.boolean({ error: 'expected true or false' }),
    )
    .default(false),
  alert_webhook: webhookUrl().optional(),
  monitoring_cors_origins: z
    .array(
      z
        .string()
        .regex(/^https?:\/\/[^/*\s]+$/, { error: 'expected an origin such as https://dashboard.example' }),
      {
        error: 'expected a list of origins',
      },
    )
    .default([]),
};

/** What {@link monitoringSettings} come out as. */
export type MonitoringSettings = z.output<z.ZodObject<typeof monitoringSettings>>;

/** The options of a command whose role can be monitored, as Commander takes them. */
export const monitoringOptions = [
  ['--monitoring <HOST:PORT>', 'where to serve a dashboard, an API and metrics over HTTP (default: nowhere)'],
  ['--alert-webhook <URL>', 'where alerts are posted as JSON, as chats take them (default: nowhere)'],
] as const;

/** What the flags of {@link monitoringOptions} are called in a configuration file. */
export const monitoringFlags = { monitoring: 'monitoring_address' } as const;

/** For the help of a command. */
export const monitoringHelp = `
  monitoring_address = "127.0.0.1:9090"         # dashboard, API and Prometheus metrics over HTTP
  monitoring_cache_refresh_secs = 5             # how old answers may be
  monitoring_token = "…"                        # what readers have to show; of 16 characters or more
  monitoring_open = false                       # true: other machines may read without a token
  monitoring_cors_origins = []                  # whose pages may read, such as "https://dashboard.example"
  alert_webhook = "https://…"                   # where alerts are posted: of Slack, Mattermost, Discord, or your own`;

/** Monitoring of a role, and what there is to say about it. */
export interface RoleMonitoring<O> {
  /** To be put behind the role's outcomes: they pass. */
  readonly operator: MonoTypeOperatorFunction<O>;
  /** The same, with the accounts of a ledger. */
  withLedger(ledger: MonitoringOptions['ledger']): MonoTypeOperatorFunction<O>;
  readonly line$: Observable<LogLine>;
}

/**
 * Monitors a role as the settings say; not at all if they say nothing.
 * @throws ConfigError for an address that other machines can reach, without a token, that was not asked for
 */
export function roleMonitoring<O extends { readonly type: string }>(
  settings: MonitoringSettings,
  role: Pick<
    MonitoringOptions,
    'role' | 'sharesPerMinute' | 'shareBatchSize' | 'alerts' | 'historyFile' | 'sv1Event$'
  >,
): RoleMonitoring<O> {
  const line$ = new Subject<LogLine>();
  const { monitoring_address: address, monitoring_token: token, alert_webhook: alertWebhook } = settings;
  if (address === undefined && alertWebhook === undefined)
    return { operator: identity, withLedger: () => identity, line$ };
  const options: MonitoringOptions = {
    ...role,
    ...address,
    ...(token === undefined ? {} : { token }),
    ...(alertWebhook === undefined ? {} : { alertWebhook }),
    isOpen: settings.monitoring_open,
    corsOrigins: settings.monitoring_cors_origins,
    refreshInterval: 1_000 * settings.monitoring_cache_refresh_secs,
    version: version(),
    listeningObserver: {
      next: ({ host: bound, port }) => {
        const name = bound.includes(':') ? `[${bound}]` : bound;
        line$.next(info(`monitoring at http://${name}:${port}/`));
        if (address !== undefined && !isLoopback(address.host) && token === undefined)
          line$.next(
            trouble('monitoring: anybody who can reach this machine can read it, as monitoring_open says'),
          );
      },
    },
    errorObserver: {
      next: (error) => line$.next(trouble(`monitoring: ${messageOf(error)}`, 'monitoring: error')),
    },
  };
  const withLedger = (ledger: MonitoringOptions['ledger']): MonoTypeOperatorFunction<O> =>
    monitored<O>({ ...options, ...(ledger === undefined ? {} : { ledger }) });
  try {
    return { operator: monitored<O>(options), withLedger, line$ };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new ConfigError([
      'monitoring_address: other machines could read everything about this role there: give monitoring_token, or set ' +
        'monitoring_open = true if that is meant',
    ]);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
