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

/**
 * `sv2 template-provider`.
 * @param directory for its configuration
 * @param lines of that, besides keys and address
 */
export const startTemplateProvider = (directory: string, ...lines: readonly string[]): Promise<Listening> => {
  const path = `${directory}/template-provider.toml`;
  const config = configuration(path, ...authorityLines, 'listen_address = "127.0.0.1:0"', ...lines);
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
    'listen_address = "127.0.0.1:0"',
    ...lines,
    '[template_provider_type.Sv2Tp]',
    `address = "${provider.address}"`,
    `public_key = "${authorityText}"`,
  );
  return listening(startSv2(['pool', '--config', config], [/^new block to build on/]));
};

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
      ...['--listen', '127.0.0.1:0', ...args],
    ]),
  );
