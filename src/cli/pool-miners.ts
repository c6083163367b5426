/** The half of `sv2 pool` that miners connect to, as its settings say: in the same process as the rest, or in one of its own. */
import { EMPTY, merge, NEVER, type Observable } from 'rxjs';
import { tokenSeal } from '../declaration/token-seal.js';
import { acceptSealedJobs } from '../roles/jd-server/sealed-jobs.js';
import type { PoolFrontOptions } from '../roles/pool/pool-front.js';
import { ConfigError } from './config.js';
import type { LogLine } from './log-line.js';
import type { FrontSettings } from './pool-settings.js';
import { payoutOf } from './pool-settings.js';
import { roleListener } from './role-server.js';
import { sv1Listener } from './sv1-listener.js';

/** Where a pool's miners come from, what it does with them, and what there is to say of how they come. */
export interface PoolMiners {
  readonly options: Omit<PoolFrontOptions, 'sibling' | 'ledger'>;
  readonly line$: Observable<LogLine>;
}

/**
 * Makes them.
 * @param file the configuration file, if there is one
 * @param acceptUntil$ once it emits, nobody else is let in
 * @throws ConfigError as `roleListener` does
 */
export function poolMiners(
  settings: FrontSettings,
  file: string | undefined,
  acceptUntil$: Observable<unknown> = NEVER,
): PoolMiners {
  const listener = roleListener(settings, 'pool', { file, acceptUntil$ });
  const { script } = payoutOf(settings);
  const { listen_sv1_address: sv1Address, shares_per_minute: sharesPerMinute } = settings;
  const nonsenseBurst = settings.nonsense_burst;
  const sv1 =
    sv1Address === undefined
      ? undefined
      : sv1Listener(
          {
            ...sv1Address,
            maxConnections: settings.max_connections,
            maxConnectionsPerAddress: settings.max_connections_per_address,
            acceptUntil$,
          },
          'pool',
          { sharesPerMinute, nonsenseBurst },
        );
  return {
    options: {
      ...sealedJobsOf(settings, script),
      listen: sv1 === undefined ? listener.listen : merge(listener.listen, sv1.listen),
      whenTemplateOld: settings.when_template_old,
      payoutScript: script,
      poolSignature: settings.pool_signature,
      serverId: settings.server_id,
      sharesPerMinute,
      shareBatchSize: settings.share_batch_size,
      ...(settings.extranonce_size === undefined ? {} : { extranonceSize: settings.extranonce_size }),
      maxChannels: settings.max_channels,
      maxChannelsPerAddress: settings.max_channels_per_address,
      maxChannelsPerClient: settings.max_channels_per_connection,
      nonsenseBurst,
    },
    line$: merge(listener.line$, sv1?.line$ ?? EMPTY),
  };
}

/**
 * What a pool judges custom jobs by whose declaration server is another process; nothing without one.
 * @throws ConfigError for a pool that has both
 */
function sealedJobsOf(
  { jds, declarator }: FrontSettings,
  script: Uint8Array,
): Pick<PoolFrontOptions, 'acceptCustomJob'> {
  if (declarator === undefined) return {};
  if (jds !== undefined) {
    throw new ConfigError([
      'declarator: it is for a declaration server in another process, and [jds] has one in this: leave one of them out',
    ]);
  }
  const { token_key: key, previous_token_key: previousKey } = declarator;
  return {
    acceptCustomJob: acceptSealedJobs({
      seal: tokenSeal({ key, ...(previousKey === undefined ? {} : { previousKey }) }),
      outputs: [{ value: 0n, scriptPubKey: script }],
    }),
  };
}
