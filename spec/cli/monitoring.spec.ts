import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess, startRole } from './role-support.js';

const payout = ['--coinbase-reward-script', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'];
const away = ['--template-provider', '127.0.0.1:1', '--no-template-provider-encryption'];

describe('sv2 pool --monitoring', () => {
  it('tells where it is, and is there: the API, the metrics, and what it waits for', async () => {
    const pool = startRole(
      'pool',
      '--listen',
      '127.0.0.1:0',
      ...payout,
      ...away,
      '--monitoring',
      '127.0.0.1:0',
    );
    const [, url = ''] = await pool.printed(/monitoring at (http:\/\/127\.0\.0\.1:\d+\/)/);
    const global: unknown = await (await fetch(`${url}api/v1/global`)).json();
    expect(global).toMatchObject({ sv2_clients: { total_clients: 0 } });
    expect(await (await fetch(`${url}metrics`)).text()).toContain(
      'rxsv2_build_info{version="0.1.0",role="pool"} 1',
    );
    expect((await fetch(`${url}readyz`)).status).toBe(503);
    expect(await pool.stop()).toBe(0);
    await expect(fetch(`${url}healthz`)).rejects.toThrow();
  });

  it('has the dashboard in what is built', async () => {
    const pool = startProcess(
      'pool',
      '--listen',
      '127.0.0.1:0',
      ...payout,
      ...away,
      '--monitoring',
      '[::1]:0',
    );
    const [, url = ''] = await pool.printed(/monitoring at (http:\/\/\[::1\]:\d+\/)/);
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const [, script = ''] = /src="\/([^"]+)"/.exec(await page.text()) ?? [];
    const answer = await fetch(`${url}${script}`);
    expect((await answer.text()).length).toBeGreaterThan(50_000);
    const etag = answer.headers.get('etag') ?? '';
    expect((await fetch(`${url}${script}`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect(((await (await fetch(url)).json()) as { service: string }).service).toBe('rx-sv2 monitoring API');
    expect(await pool.stop()).toBe(0);
  });

  it('serves nothing to other machines without a token that nobody asked for, and says what would do', async () => {
    const pool = startRole('pool', ...payout, ...away, '--monitoring', '0.0.0.0:0');
    expect(await pool.exitCode).toBe(2);
    expect(pool.output.stderr).toMatch(
      /monitoring_address: other machines could read everything.*monitoring_token.*monitoring_open/,
    );
  });

  it('takes the rest from the configuration file, with keys of the reference implementation; the token is not told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-monitoring-'));
    const file = join(folder, 'pool.toml');
    writeFileSync(
      file,
      'monitoring_address = "127.0.0.1:0"\nmonitoring_cache_refresh_secs = 15\nmonitoring_token = "a-token-of-some-length"\n',
      { mode: 0o600 },
    );
    const pool = startRole('pool', '-c', file, '--listen', '127.0.0.1:0', ...payout, ...away);
    const [, url = ''] = await pool.printed(/monitoring at (http:\/\/127\.0\.0\.1:\d+\/)/);
    expect((await fetch(`${url}api/v1/global`)).status).toBe(401);
    const headers = { authorization: 'Bearer a-token-of-some-length' };
    expect((await fetch(`${url}api/v1/global`, { headers })).status).toBe(200);
    expect(await pool.stop()).toBe(0);
    expect(pool.output.stdout + pool.output.stderr).not.toContain('a-token-of');
    rmSync(folder, { recursive: true });
  });

  it('does not repeat the URL that alerts cannot be posted to, which may hold a secret', async () => {
    const pool = startRole('pool', ...payout, ...away, '--alert-webhook', 'ftp://chat.example/very-secret');
    expect(await pool.exitCode).toBe(2);
    expect(pool.output.stderr).toMatch(/--alert-webhook: expected a URL such as https:/);
    expect(pool.output.stderr).not.toContain('very-secret');
  });

  it('says so when another program has the port, with status 1', async () => {
    const first = startRole(
      'pool',
      '--listen',
      '127.0.0.1:0',
      ...payout,
      ...away,
      '--monitoring',
      '127.0.0.1:0',
    );
    const [, port = ''] = await first.printed(/monitoring at http:\/\/127\.0\.0\.1:(\d+)/);
    const second = startRole(
      'pool',
      '--listen',
      '127.0.0.1:0',
      ...payout,
      ...away,
      '--monitoring',
      `127.0.0.1:${port}`,
    );
    expect(await second.exitCode).toBe(1);
    expect(second.output.stderr).toContain(`127.0.0.1:${port}`);
    await first.stop();
  });
});
