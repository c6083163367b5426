import { freePort } from './node.js';
import { authorityText } from './ours.js';
import { inbox, type Inbox } from './inbox.js';
import { apps } from './paths.js';
import { startProgram, type Program } from './process.js';
import { configuration } from './sv2.js';
import { authorityLines, jdClientConfiguration, pairLines, type Listening } from './network.js';

/** An application of the reference implementation, where it listens, and its log without times and colours. */
export interface App {
  readonly program: Program;
  readonly address: string;
  readonly log: Inbox<string>;
  /** The first line that matches. */
  line(pattern: RegExp): Promise<string>;
}

// eslint-disable-next-line no-control-regex -- the escape sequences of terminals begin with one
const decoration = /\x1b\[[0-9;]*m|^\S+Z\s+/g;

const startApp = (name: string, address: string, config: string): App => {
  const program = startProgram(`${apps}/bin/${name}`, ['-c', config], {
    env: { ...process.env, NO_COLOR: '1', RUST_LOG: 'info' },
  });
  const log = inbox<string>(name);
  program.lines.push = (line) => log.push(line.replace(decoration, ''));
  void program.ended.then((status) =>
    log.fail(new Error(`${name} has ended with ${status}: ${program.errors.rest.slice(-5).join('\n')}`)),
  );
  return {
    program,
    address,
    log,
    line: (pattern) => log.take(String(pattern), (line) => pattern.test(line)),
  };
};

/** The reference pool, with templates of ours; waits until it has some. */
export const startReferencePool = async (directory: string, provider: Listening): Promise<App> => {
  const address = `127.0.0.1:${await freePort()}`;
  const config = configuration(
    `${directory}/pool_sv2.toml`,
    ...authorityLines,
    'cert_validity_sec = 3600',
    `listen_address = "${address}"`,
    'coinbase_reward_script = "raw(51)"',
    'server_id = 1',
    'pool_signature = "sri"',
    'shares_per_minute = 60.0',
    'share_batch_size = 2',
    'supported_extensions = [0x0002]',
    '[template_provider_type.Sv2Tp]',
    `address = "${provider.address}"`,
    `public_key = "${authorityText}"`,
  );
  const app = startApp('pool_sv2', address, config);
  await app.line(/ready to accept connections/);
  return app;
};

/** The reference pool with its declaration server, over the socket of Bitcoin Core in a directory; waits until it has templates. */
export const startReferenceDeclarator = async (
  directory: string,
): Promise<App & { readonly declarator: string }> => {
  const address = `127.0.0.1:${await freePort()}`;
  const declarator = `127.0.0.1:${await freePort()}`;
  const config = configuration(
    `${directory}/pool_sv2.toml`,
    ...authorityLines,
    'cert_validity_sec = 3600',
    `listen_address = "${address}"`,
    'coinbase_reward_script = "raw(51)"',
    'server_id = 1',
    'pool_signature = "sri"',
    'shares_per_minute = 60.0',
    'share_batch_size = 1',
    'supported_extensions = []',
    'required_extensions = []',
    '[template_provider_type.BitcoinCoreIpc]',
    'version = 31',
    'network = "regtest"',
    `data_dir = "${directory}"`,
    'fee_threshold = 100',
    'min_interval = 5',
    '[jds]',
    `listen_address = "${declarator}"`,
  );
  const app = startApp('pool_sv2', address, config);
  await app.line(/ready to accept connections/);
  return { ...app, declarator };
};

/**
 * A configuration that both translators read, for a pool of this authority.
 * @param aggregate whether all devices share one channel; then they are named in its shares (extension 0x0002)
 */
export const translatorConfiguration = (
  path: string,
  port: number,
  poolAddress: string,
  aggregate: boolean,
): string => {
  const [upstreamHost, upstreamPort] = poolAddress.split(':');
  return configuration(
    path,
    'downstream_address = "127.0.0.1"',
    `downstream_port = ${port}`,
    'max_supported_version = 2',
    'min_supported_version = 2',
    'downstream_extranonce2_size = 4',
    'verify_payout = false',
    `aggregate_channels = ${aggregate}`,
    'supported_extensions = [0x0002]',
    // the reference asks for those that it requires only
    `required_extensions = [${aggregate ? '0x0002' : ''}]`,
    '[downstream_difficulty_config]',
    'min_individual_miner_hashrate = 1000.0',
    'shares_per_minute = 60.0',
    'enable_vardiff = false',
    'job_keepalive_interval_secs = 60',
    '[[upstreams]]',
    `address = "${upstreamHost}"`,
    `port = ${upstreamPort}`,
    `authority_pubkey = "${authorityText}"`,
    'user_identity = "translator"',
  );
};

/** The reference translator. See {@link translatorConfiguration}. */
export const startTranslator = async (
  directory: string,
  poolAddress: string,
  aggregate: boolean,
): Promise<App> => {
  const port = await freePort();
  const config = translatorConfiguration(`${directory}/translator_sv2.toml`, port, poolAddress, aggregate);
  return startApp('translator_sv2', `127.0.0.1:${port}`, config);
};

/** The reference's declaration client; waits until it listens. */
export const startReferenceJdClient = async (
  directory: string,
  provider: Listening,
  pool: Listening,
  declarator: Listening,
  mode: 'FULLTEMPLATE' | 'COINBASEONLY' = 'FULLTEMPLATE',
): Promise<App> => {
  const address = `127.0.0.1:${await freePort()}`;
  const config = jdClientConfiguration(
    `${directory}/jd_client_sv2.toml`,
    provider.address,
    pairLines(pool.address, declarator.address),
    `listening_address = "${address}"`,
    `mode = "${mode}"`,
    'jdc_signature = "sri"',
    'coinbase_reward_script = "raw(51)"',
    'shares_per_minute = 60.0',
    'share_batch_size = 1',
    'supported_extensions = [0x0002]',
    'required_extensions = []',
  );
  const app = startApp('jd_client_sv2', address, config);
  await app.line(/[Ll]isten/);
  return app;
};
