/** Configuration files with the keys that the reference implementation's pool has (config.rs), and in its order. */
import { describe, expect, it } from '@jest/globals';
import { keptUntilTheEnd, startRole, temporaryFiles } from './role-support.js';
import { sv2 } from './support.js';

const kept = keptUntilTheEnd();
const { file: fileOf } = temporaryFiles();

const common = `
authority_public_key = "9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72"
authority_secret_key = "mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n"
cert_validity_sec = 3600
listen_address = "127.0.0.1:0"
coinbase_reward_script = "addr(tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx)"
server_id = 1
pool_signature = "Stratum V2 SRI Pool"
shares_per_minute = 6.0
share_batch_size = 10
supported_extensions = [2, 3]
required_extensions = [2]
monitoring_address = "127.0.0.1:0"
monitoring_cache_refresh_secs = 15
ledger = "none"
`;
const hosted = `
[template_provider_type.Sv2Tp]
address = "127.0.0.1:1"
public_key = "9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72"
`;
const ipc = `
[template_provider_type.BitcoinCoreIpc]
network = "testnet4"
fee_threshold = 100
min_interval = 5
`;

describe("the reference implementation's configuration of a pool", () => {
  it('starts the pool, and what of it has no effect is told by name', async () => {
    const pool = kept(startRole('pool', '--config', fileOf('hosted.toml', common + hosted)));
    await pool.printed(/supported_extensions: 3: not known here, and granted to nobody/);
    await pool.printed(/required_extensions: 2: miners without them are served all the same/);
    await pool.printed(/monitoring at http/);
    await pool.printed(/pool listening on/);
    expect(pool.output.stderr).not.toContain('BitcoinCoreIpc');
  });

  it("starts it with Bitcoin Core's own socket, too, and says where templates are asked for instead", async () => {
    const pool = kept(startRole('pool', '--config', fileOf('ipc.toml', common + ipc)));
    await pool.printed(
      /BitcoinCoreIpc \(network, fee_threshold, min_interval\): not spoken here; templates are asked for at 127\.0\.0\.1:8442/,
    );
    await pool.printed(/pool listening on/);
  });

  it.each([
    ['a key that nobody knows', `pool_signatur = "x"${common}${hosted}`, /pool_signatur: unknown key/],
    [
      'one in a table',
      `${common}${ipc}socket = "x"`,
      /template_provider_type\.BitcoinCoreIpc\.socket: unknown key/,
    ],
    [
      'no template provider',
      `${common}[template_provider_type]\n`,
      /expected a table \[template_provider_type\.Sv2Tp\]/,
    ],
  ])('is refused with %s', async (_, text, problem) => {
    const { exitCode, stderr } = await sv2(['pool', '--config', fileOf('bad.toml', text)]);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(problem)]);
  });
});
