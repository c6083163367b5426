/** The settings of a pool on several machines. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import * as z from 'zod';
import { Sv2Error } from '../codec/errors.js';
import { natsCredentials } from '../node/cluster/nats-credentials.js';
import { natsServers, type NatsIdentity } from '../node/cluster/nats.js';
import { ConfigError, hostPort, loadConfig, text, type Flag } from './config.js';

const expectedFile = 'expected the name of a file';
const file = () => text(1, 4_096).optional();

/** They are in the pool's own table. */
export const clusterSettings = () => ({
  cluster: z
    .string({ error: 'expected nats://HOST:PORT, with ,HOST:PORT for each other server' })
    .superRefine((url, context) => {
      try {
        natsServers(url);
      } catch (error) {
        // says what was expected, and nothing of what it is: there may be a password in it
        const message = error instanceof Sv2Error ? error.message : 'expected nats://HOST:PORT';
        context.issues.push({ code: 'custom', message, input: undefined });
      }
    })
    .optional(),
  cluster_role: z.enum(['core', 'front'], { error: 'expected core or front' }).optional(),
  cluster_name: z
    .string({ error: clusterName() })
    .regex(/^[\w-]{1,32}$/, { error: clusterName() })
    .optional(),
  cluster_credentials: file(),
  cluster_ca: file(),
  cluster_cert: file(),
  cluster_key: file(),
  advertise_address: hostPort().optional(),
});

function clusterName(): string {
  return 'expected 1 to 32 letters, digits, - and _';
}

/** Their options, for the command line. */
export const clusterOptions = [
  ['--cluster <URL>', 'nats://HOST:PORT[,HOST:PORT…], for a pool on several machines (see below)'],
  ['--cluster-role <ROLE>', 'core: templates and ledger; front: miners'],
  ['--cluster-name <NAME>', 'of several pools at one NATS (default: sv2)'],
  ['--cluster-credentials <FILE>', 'for NATS: JWT and seed as nsc writes them, or the seed of an NKey'],
  ['--cluster-ca <FILE>', 'whom to trust for NATS over TLS, in PEM (default: whom Node.js trusts)'],
  ['--cluster-cert <FILE>', 'our own certificate for NATS, in PEM'],
  ['--cluster-key <FILE>', 'and its key'],
  ['--advertise-address <HOST:PORT>', 'where miners reach this front: those of one that ends are sent there'],
] as const;

/** Their part of the help: keys, and what they are for. */
export const clusterHelp = `
  cluster = "nats://127.0.0.1:4222"             # or tls://, USER:PASSWORD@ or TOKEN@ before the host; see below
  cluster_role = "front"                        # or "core"
  cluster_name = "sv2"                          # of several pools at one NATS
  cluster_credentials = "pool.creds"            # JWT and seed as nsc writes them, or the seed of an NKey
  cluster_ca = "ca.pem"                         # for NATS over TLS; cluster_cert and cluster_key are our own
  advertise_address = "front1.example:34254"    # where miners reach this front`;

/** The part of the help that says how a cluster is put together. */
export const clusterText = `On several machines, one sv2 pool with cluster_role = "core" has templates, ledger and monitoring, and any number with
cluster_role = "front" serve miners; they meet at NATS servers that run with JetStream (nats-server -js), and a second core
waits for the first to be gone, and ends when it is not. A front goes on without its core or NATS, for up to nine minutes, and
acknowledges what it has accepted when both are back. NATS servers that are a cluster are to be three, and have everything three
times, so that one can be lost: name them all. A URL with a password belongs into the file or into POOL__CLUSTER: what is on the
command line all users of a machine can read. SIGTERM has a front send its miners to the others, to their
advertise_address, before it ends. coinbase_reward_script, payout and what goes with it have to be the same everywhere. See
examples/cluster.`;

type Settings = z.output<z.ZodObject<ReturnType<typeof clusterSettings>>>;

/** Whether a front is asked for, which has fewer settings than a pool has. */
export function isFrontAsked(flags: readonly Flag[], file: string | undefined): boolean {
  try {
    return loadConfig(z.looseObject({ cluster_role: z.unknown() }), flags, file).cluster_role === 'front';
  } catch {
    return false; // whatever is wrong is said with all the rest
  }
}

/** Where a part of a cluster is, and which. */
export interface ClusterPlace {
  readonly url: string;
  readonly role: 'core' | 'front';
  readonly name: string;
  readonly identity: NatsIdentity;
  /** Who we are to others: host and process. */
  readonly holder: string;
}

/**
 * The cluster that the settings name; undefined if they name none.
 * @throws ConfigError for what is missing, of no use, or a file that cannot be read
 */
export function clusterPlace(settings: Settings): ClusterPlace | undefined {
  const { cluster: url, cluster_role: role, cluster_name: name = 'sv2' } = settings;
  if (url === undefined) {
    const useless = Object.keys(clusterSettings()).filter(
      (key) => key !== 'cluster' && settings[key as keyof Settings] !== undefined,
    );
    if (useless.length > 0) throw new ConfigError(useless.map((key) => `${key}: of no use without cluster`));
    return undefined;
  }
  if (role === undefined)
    throw new ConfigError([
      'cluster_role is missing: expected core or front, one core and any number of fronts',
    ]);
  if (role === 'core' && settings.advertise_address !== undefined)
    throw new ConfigError(['advertise_address: of no use for the core, which serves no miners']);
  const { cluster_credentials: credentials, cluster_ca: ca, cluster_cert: cert, cluster_key: key } = settings;
  if ((cert === undefined) !== (key === undefined))
    throw new ConfigError([
      `cluster_${cert === undefined ? 'cert' : 'key'} is missing: a certificate has a key`,
    ]);
  return {
    ...{ url, role, name },
    identity: {
      ...(credentials === undefined ? {} : { credentials: credentialsIn(credentials) }),
      ...(ca === undefined ? {} : { ca: textOf('cluster_ca', ca) }),
      ...(cert === undefined ? {} : { cert: textOf('cluster_cert', cert) }),
      ...(key === undefined ? {} : { key: textOf('cluster_key', key) }),
    },
    holder: `${hostname()} (process ${process.pid})`,
  };
}

function bytesOf(key: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new ConfigError([`${key}: ${path} cannot be read (${code}); ${expectedFile}`]);
  }
}

function credentialsIn(path: string): Uint8Array {
  const bytes = bytesOf('cluster_credentials', path);
  try {
    natsCredentials(bytes);
    return bytes;
  } catch (error) {
    throw new ConfigError([`cluster_credentials: ${path}: ${(error as Error).message}`]);
  }
}

const textOf = (key: string, path: string): string => new TextDecoder().decode(bytesOf(key, path));
