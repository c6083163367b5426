import { encodeAuthoritySecretKey } from '../../../src/noise/index.js';
import { authority, authorityText } from './ours.js';
import { configuration, startSv2, type Sv2 } from './sv2.js';

/** The lines of a configuration with the authority of this run, as rx-sv2's and the reference's roles take them. */
export const authorityLines = [
  `authority_public_key = "${authorityText}"`,
  `authority_secret_key = "${encodeAuthoritySecretKey(authority.secretKey)}"`,
];

/** A process of ours that listens, and where. */
export interface Listening {
  readonly sv2: Sv2;
  /** `host:port`. */
  readonly address: string;
}

const listening = async (sv2: Sv2): Promise<Listening> => {
  const [, address] = await sv2.line(/ listening (?:for Stratum V1 )?on (\S+)/);
  return { sv2, address: address! };
};

/** Any port that is free, unless other lines say where to listen. */
const listenLine = (lines: readonly string[]): readonly string[] =>
  lines.some((line) => line.startsWith('listen_address')) ? [] : ['listen_address = "127.0.0.1:0"'];

/**
 * `sv2 template-provider`.
 * @param directory for its configuration
 * @param lines of that, besides keys and address
 */
export const startTemplateProvider = (directory: string, ...lines: readonly string[]): Promise<Listening> => {
  const path = `${directory}/template-provider.toml`;
  const config = configuration(path, ...authorityLines, ...listenLine(lines), ...lines);
  return listening(startSv2(['template-provider', '--config', config], [/^template \d+ sent/, /^new tip/]));
};

/** `sv2 pool`, with the templates of {@link startTemplateProvider}. */
export const startPool = (
  directory: string,
  provider: Listening,
  ...lines: readonly string[]
): Promise<Listening> => {
  const config = configuration(
    `${directory}/pool.toml`,
    ...authorityLines,
    ...listenLine(lines),
    ...lines,
    '[template_provider_type.Sv2Tp]',
    `address = "${provider.address}"`,
    `public_key = "${authorityText}"`,
  );
  return listening(startSv2(['pool', '--config', config], [/^new block to build on/]));
};

/**
 * `sv2 jd-server`, alone.
 * @param lines of its configuration, besides keys
 */
export const startJdServer = (directory: string, ...lines: readonly string[]): Promise<Listening> => {
  const config = configuration(`${directory}/jd-server.toml`, ...authorityLines, ...lines);
  return listening(startSv2(['jd-server', '--config', config]));
};

/** The lines of a configuration, ours or the reference's, for one pool and its declaration server. */
export const pairLines = (pool: string, declarator: string): readonly string[] => {
  const [poolHost, poolPort] = pool.split(':');
  const [jdsHost, jdsPort] = declarator.split(':');
  return [
    '[[upstreams]]',
    `authority_pubkey = "${authorityText}"`,
    `pool_address = "${poolHost}"`,
    `pool_port = ${poolPort}`,
    `jds_address = "${jdsHost}"`,
    `jds_port = ${jdsPort}`,
    'user_identity = "farm"',
  ];
};

/**
 * The configuration of a declaration client, as ours and the reference's read it.
 * @param lines besides keys, template provider and pair
 */
export const jdClientConfiguration = (
  path: string,
  provider: string,
  pair: readonly string[],
  ...lines: readonly string[]
): string =>
  configuration(
    path,
    ...authorityLines,
    'max_supported_version = 2',
    'min_supported_version = 2',
    'cert_validity_sec = 3600',
    ...lines,
    '[template_provider_type.Sv2Tp]',
    `address = "${provider}"`,
    `public_key = "${authorityText}"`,
    ...pair,
  );

/** `sv2 jd-client`. See {@link jdClientConfiguration}. */
export const startJdClient = (config: string): Promise<Listening> =>
  listening(startSv2(['jd-client', '--config', config]));

/** `sv2 miner` with one thread, at a pool of this authority. */
export const startMiner = (poolAddress: string, ...args: readonly string[]): Sv2 =>
  startSv2(
    [
      ...['miner', `stratum2+tcp://${poolAddress}/${authorityText}`, '--threads', '1'],
      ...['--log-level', 'debug', ...args],
    ],
    [/^share \d+ found/, /^job/],
  );

/** `sv2 translator`, by a configuration file of the reference's. */
export const startOurTranslator = (config: string): Promise<Listening> =>
  listening(startSv2(['translator', '--config', config], [/^miner /]));

/** `sv2 proxy`, in plaintext, with a pool of this authority. */
export const startProxy = (poolAddress: string, ...args: readonly string[]): Promise<Listening> =>
  listening(
    startSv2([
      ...['proxy', `stratum2+tcp://farm@${poolAddress}/${authorityText}`],
      ...['--listen', '127.0.0.1:0', '--log-level', 'debug', ...args],
    ]),
  );
