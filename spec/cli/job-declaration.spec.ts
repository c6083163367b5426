import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { coreTemplate, nth, scriptedNode } from '../node/bitcoin-support.js';
import { startRole } from './role-support.js';
import { sv2 } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'sv2-jd-'));
afterAll(() => rmSync(directory, { recursive: true }));
const fileOf = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};

const publicKey = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const secretKey = 'mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n';

/** As the reference implementation's example has it, with nobody at home. */
const reference = `
listening_address = "127.0.0.1:0"
max_supported_version = 2
min_supported_version = 2
authority_public_key = "${publicKey}"
authority_secret_key = "${secretKey}"
cert_validity_sec = 3600
user_identity = "your_username_here"
shares_per_minute = 6.0
share_batch_size = 10
mode = "fulltemplate"
jdc_signature = "Sv2MinerSignature"
coinbase_reward_script = "addr(tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx)"
supported_extensions = [2]
required_extensions = []
monitoring_address = "127.0.0.1:0"
monitoring_cache_refresh_secs = 15
[template_provider_type.Sv2Tp]
address = "127.0.0.1:1"
[[upstreams]]
authority_pubkey = "${publicKey}"
pool_address = "127.0.0.1"
pool_port = 1
jds_address = "127.0.0.1"
jds_port = 1
user_identity = "your_username_here"
`;

describe('sv2 jd-client', () => {
  it("runs with the reference implementation's file, and names what of it has no effect", async () => {
    const client = startRole('jd-client', '--config', fileOf('jdc.toml', reference));
    const [, url] = await client.printed(/monitoring at (http:\/\/127\.0\.0\.1:\d+)\//);
    expect(await (await fetch(`${url}/api/v1/global`)).json()).toMatchObject({
      server: { total_channels: 0 },
      sv2_clients: { total_clients: 0 },
    });
    await client.printed(/declaration client listening on 127\.0\.0\.1:\d+/);
    // nobody is there: the next one is mining alone, and it goes on trying
    await client.printed(/going to the upstream number 2 now/);
    expect(await client.stop()).toBe(0);
  });

  it.each<[string, string, RegExp]>([
    ['a misspelt key', 'mode = "FULLTEMPLATE"\nmodes = 1', /modes: unknown key; did you mean mode\?/],
    ['a mode that there is not', 'mode = "HALF"', /mode: expected FULLTEMPLATE, COINBASEONLY or SOLOMINING/],
    ['no template provider', 'mode = "SOLOMINING"', /template_provider_type/],
    [
      'nobody who is paid',
      'mode = "SOLOMINING"\n[template_provider_type.Sv2Tp]\naddress = "127.0.0.1:1"',
      /coinbase_reward_script is missing/,
    ],
    [
      "Bitcoin Core's own socket",
      '[template_provider_type.BitcoinCoreIpc]\nnetwork = "mainnet"',
      /BitcoinCoreIpc: not spoken here; sv2 template-provider --bitcoin-rpc/,
    ],
    [
      'no pools',
      '[template_provider_type.Sv2Tp]\naddress = "127.0.0.1:1"',
      /upstreams: expected tables \[\[upstreams\]\] with authority_pubkey, pool_address/,
    ],
  ])('says what is wrong with %s', async (_, text, problem) => {
    const { exitCode, stderr } = await sv2(['jd-client', '--config', fileOf('bad.toml', text)]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(problem);
  });
});

describe('sv2 jd-server, and [jds] of sv2 pool', () => {
  it('listens, and tells of a node that is away', async () => {
    const server = startRole(
      ...['jd-server', '--listen', '127.0.0.1:0', '--coinbase-reward-script', 'raw(51)'],
      ...['--bitcoin-rpc', 'http://127.0.0.1:1', '--monitoring', '127.0.0.1:0'],
    );
    await server.printed(/declaration server listening on 127\.0\.0\.1:\d+/);
    const [, url] = await server.printed(/monitoring at (http:\/\/127\.0\.0\.1:\d+)\//);
    expect(await (await fetch(`${url}/api/v1/state`)).json()).toMatchObject({ role: 'jd-server' });
    await server.printed(/the Bitcoin node: .*127\.0\.0\.1:1/);
    expect(await server.stop()).toBe(0);
  });

  it('goes on with a node that was stopped and started again, with another cookie, once that is ready', async () => {
    const cookieFile = fileOf('.cookie', '__cookie__:first');
    let isReady = true;
    const nodeWith = (password: string, port = 0) =>
      scriptedNode((request) => {
        const { method, params, authorization, reply, fail, respond } = request;
        const [asked = {}] = params as [{ longpollid?: string }?];
        if (authorization !== `Basic ${Buffer.from(`__cookie__:${password}`).toString('base64')}`)
          respond(401, '');
        else if (!isReady) fail(-28, 'Loading block index…');
        else if (method === 'getrawmempool') reply([]);
        else if (method !== 'getblocktemplate') fail(-32601, 'Method not found', 404);
        else if (asked.longpollid === undefined) reply(coreTemplate({ transactions: [] }));
        // long polls are held
      }, port);
    const first = await nodeWith('first');
    const url = `http://127.0.0.1:${first.port}`;
    const server = startRole(
      ...['jd-server', '--listen', '127.0.0.1:0', '--coinbase-reward-script', 'raw(51)'],
      ...['--bitcoin-rpc', url, '--bitcoin-cookie', cookieFile],
    );
    await server.printed(/declaration server listening on/);
    await nth(first, 'getrawmempool');
    await nth(first, 'getblocktemplate', 1);
    expect(server.output.stderr).not.toMatch(/the Bitcoin node:/);

    await first.stop();
    await server.printed(/the Bitcoin node: .* (closed|refused) the connection/);
    isReady = false;
    const second = await nodeWith('second', first.port);
    fileOf('.cookie', '__cookie__:second');
    await server.printed(/the Bitcoin node: .* is starting: "Loading block index…" \(RPC error -28\)/);
    isReady = true;
    await server.printed(/the Bitcoin node is back/);
    // declared transactions are known from its mempool, too
    await firstValueFrom(second.request$.pipe(filter(({ method }) => method === 'getrawmempool' && isReady)));
    expect(await server.stop()).toBe(0);
    await second.stop();
  });

  it('is beside the pool that has the table', async () => {
    const file = fileOf(
      'pool.toml',
      `listen_address = "127.0.0.1:0"\ncoinbase_reward_script = "raw(51)"
       [template_provider_type.Sv2Tp]\naddress = "127.0.0.1:1"
       [jds]\nlisten_address = "127.0.0.1:0"\nbitcoin_rpc = "http://127.0.0.1:1"`,
    );
    const pool = startRole('pool', '--config', file);
    await pool.printed(/pool listening on/);
    await pool.printed(/declaration server listening on/);
    expect(await pool.stop()).toBe(0);
  });

  it('grants what supported_extensions and required_extensions say, and names what it cannot', async () => {
    const file = (lines: string) =>
      fileOf('jds.toml', `coinbase_reward_script = "raw(51)"\nbitcoin_rpc = "http://127.0.0.1:1"\n${lines}`);
    const bad = await sv2(['jd-server', '--config', file('required_extensions = [2, 7]')]);
    expect(bad.exitCode).toBe(2);
    expect(bad.stderr).toMatch(/required_extensions: expected none but 2.*got 7/);
    const server = startRole(
      ...['jd-server', '--listen', '127.0.0.1:0', '--config', file('supported_extensions = [2, 9]')],
    );
    await server.printed(/supported_extensions: 9: not known here, and granted to nobody/);
    await server.printed(/declaration server listening/);
    expect(await server.stop()).toBe(0);
  });

  it('says what is wrong', async () => {
    const common =
      'coinbase_reward_script = "raw(51)"\n[template_provider_type.Sv2Tp]\naddress = "127.0.0.1:1"\n[jds]\n';
    const problemOf = async (text: string) =>
      (await sv2(['pool', '--config', fileOf('bad-pool.toml', common + text)])).stderr;
    expect(await problemOf('listen_address = "127.0.0.1:0"')).toMatch(/jds\.bitcoin_rpc is missing/);
    expect(await problemOf('listen_address = "127.0.0.1:0"\nbitcoin_rpc = "ftp://a"')).toMatch(
      /jds\.bitcoin_rpc: /,
    );
    const listening = 'listen_address = "127.0.0.1:0"\nbitcoin_rpc = "http://127.0.0.1:1"\n';
    expect(await problemOf(`${listening}min_pool_share = 2`)).toMatch(
      /jds\.min_pool_share: expected a number from 0 to 1/,
    );
    const distribution = async (lines: string) =>
      await problemOf(`${listening}[jds.experimental_payout_distribution]\n${lines}`);
    expect(await distribution('payouts = []')).toMatch(
      /jds\.experimental_payout_distribution: expected a weight above 0, of the pool or of a payout/,
    );
    expect(await distribution('payouts = [{ script = "raw(51)" }]')).toMatch(
      /jds\.experimental_payout_distribution\.payouts\.0\.weight is missing/,
    );
    expect(await distribution('weight = 0.5')).toMatch(/experimental_payout_distribution\.weight: expected/);
  });
});
