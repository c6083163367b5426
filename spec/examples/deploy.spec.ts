/** Holds what examples/deploy runs to the command that was built: what is named there exists, and works. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { exhaustMap, filter, firstValueFrom, timer } from 'rxjs';
import {
  alerts,
  board,
  dockerfile,
  linesOf,
  prometheus,
  read,
  services,
  unit,
  type Service,
} from './deployment.js';
import { runProgram, type Program } from './support.js';

const [healthCheck = '[]'] = [...dockerfile.matchAll(/HEALTHCHECK[^[]*(\[.*\])$/gm)].map(
  ([, words]) => words,
);

/** Asks until a role is ready. */
const isReady = (url: string) =>
  firstValueFrom(
    timer(0, 50).pipe(
      exhaustMap(() => fetch(`${url}/readyz`)),
      filter(({ ok }) => ok),
    ),
  );

describe('the command as it is deployed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rx-sv2-deploy-'));
  const sv2 = join(directory, 'sv2');
  const token = 'a-token-of-some-length';
  let secrets: Readonly<Record<string, string>>;
  let programs: Program[] = [];

  /** As the README has them made, by the same command. */
  beforeAll(() => {
    chmodSync('dist/cli/main.js', 0o755);
    symlinkSync(resolve('dist/cli/main.js'), sv2);
    const [, filter = ''] =
      /docker run --rm rx-sv2 keygen \| (awk .*?) > \.env/.exec(read('README.md')) ?? [];
    const made = execFileSync('bash', ['-c', `"${sv2}" keygen | ${filter}`], { encoding: 'utf8' });
    secrets = {
      ...Object.fromEntries(
        made
          .trim()
          .split('\n')
          .map((line) => line.split('=') as [string, string]),
      ),
      POOL__COINBASE_REWARD_SCRIPT: 'addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)',
      POOL__MONITORING_TOKEN: token,
    };
  });
  afterEach(() => {
    for (const program of programs) program.kill();
    programs = [];
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** The environment of a service, on this machine: at free ports, and with what is in `.env`. */
  function environmentOf(service: Service, others: Readonly<Record<string, string>> = {}) {
    const own = Object.entries(service.environment ?? {}).map(([name, value]) => {
      const inserted = value.replace(/\$\{(\w+):\?[^}]*\}/g, (_, variable: string) => {
        const secret = secrets[variable];
        if (secret === undefined) throw new Error(`${name} needs ${variable}, which README.md has not made`);
        return secret;
      });
      return [
        name,
        inserted
          .replace(/^(0\.0\.0\.0|127\.0\.0\.1):\d+$/, '127.0.0.1:0')
          .replace(/^\/var\/lib\/rx-sv2\//, `${directory}/`),
      ] as const;
    });
    return { PATH: process.env['PATH'] ?? '', ...Object.fromEntries(own), ...others };
  }
  function start(words: readonly string[], environment: Readonly<Record<string, string>>): Program {
    const program = runProgram(sv2, words, environment);
    programs.push(program);
    return program;
  }
  const poolEnvironment = (provider: string) =>
    environmentOf(services.pool, { POOL__TEMPLATE_PROVIDER_TYPE__SV2TP__ADDRESS: provider });
  async function startProvider(): Promise<{ readonly program: Program; readonly address: string }> {
    const service = services['template-provider'];
    const program = start(service.command ?? [], environmentOf(service));
    const [, address = ''] = await program.line(/template provider listening on (\S+)$/);
    return { program, address };
  }
  async function monitoringOf(program: Program): Promise<string> {
    const [, url = ''] = await program.line(/monitoring at (http:\S+)\/$/);
    return url;
  }

  /** The image's health check: its exit status. */
  const health = async (url: string) => {
    const [command = '', ...words] = (JSON.parse(healthCheck) as readonly string[]) ?? [];
    expect(command).toBe('node');
    const check = runProgram(process.execPath, words, { HEALTH_PORT: new URL(url).port });
    return check.exited;
  };

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'takes the environment of compose.yaml, is healthy and ready, and ends at %s with status 0',
    async (signal) => {
      const provider = await startProvider();
      expect(await health(await monitoringOf(provider.program))).toBe(0);
      const pool = start(services.pool.command ?? [], poolEnvironment(provider.address));
      const url = await monitoringOf(pool);
      await pool.line(/pool listening on/);
      expect(await health(url)).toBe(0);
      await isReady(url);
      expect(await pool.interrupt(signal)).toBe(0);
      expect(existsSync(join(directory, 'pool.ledger.sqlite'))).toBe(true);
      expect(await provider.program.interrupt(signal)).toBe(0);
      expect(await health(url)).toBe(1);
    },
  );

  it('exports every metric of the board and of the alerts to who has the token', async () => {
    const provider = await startProvider();
    const pool = start(services.pool.command ?? [], poolEnvironment(provider.address));
    const url = await monitoringOf(pool);
    const [scrape] = prometheus.scrape_configs;
    const path = `${url}${scrape?.metrics_path ?? ''}`;
    expect((await fetch(path)).status).toBe(401);
    const answer = await fetch(path, { headers: { authorization: `Bearer ${token}` } });
    const text = await answer.text();
    const exported = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name));
    expect(exported.size).toBeGreaterThan(20);
    const queries = [
      ...board.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ of: title, expr }))),
      ...alerts.groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ of: alert, expr }))),
    ];
    expect(queries.length).toBeGreaterThan(20);
    const missing = queries.flatMap(({ of, expr }) =>
      metricsIn(expr)
        .filter((name) => name !== 'up' && !exported.has(name))
        .map((name) => `${of}: ${name}`),
    );
    expect(missing).toEqual([]);
    const kinds = queries.flatMap(({ expr }) =>
      [...expr.matchAll(/\w+\{kind="[^"]*"\}/g)].map(([kind]) => kind),
    );
    expect(kinds.filter((kind) => !text.includes(kind))).toEqual([]);
    expect(await pool.interrupt()).toBe(0);
    expect(await provider.program.interrupt()).toBe(0);
  });

  it('starts as the systemd unit has it', async () => {
    const [line = ''] = linesOf(unit, 'ExecStart');
    const [command, ...words] = line.split(' ');
    expect(command).toBe('/usr/local/bin/sv2');
    expect(dockerfile).toContain(`ln -s /app/dist/cli/main.js ${command ?? ''}`);
    expect(linesOf(unit, 'StateDirectory')).toEqual(['rx-sv2']);
    const here = words.map((word) =>
      word.replace('%S/rx-sv2', directory).replace(/^(0\.0\.0\.0|127\.0\.0\.1):\d+$/, '127.0.0.1:0'),
    );
    const pool = start(here, {
      PATH: process.env['PATH'] ?? '',
      ...secrets,
      POOL__TEMPLATE_PROVIDER_TYPE__SV2TP__ADDRESS: '127.0.0.1:1',
    });
    await pool.line(/pool listening on/);
    await monitoringOf(pool);
    const [signal = ''] = linesOf(unit, 'KillSignal');
    expect(await pool.interrupt(signal as 'SIGTERM')).toBe(0);
  });

  it('names a setting that does not exist, with the status that systemd does not start again after', async () => {
    const environment = { ...poolEnvironment('127.0.0.1:1'), POOL__LISTEN_ADRESS: '127.0.0.1:0' };
    const pool = start(['pool'], environment);
    await pool.line(/POOL__LISTEN_ADRESS: unknown setting; did you mean POOL__LISTEN_ADDRESS\?/);
    expect(String(await pool.exited)).toBe(linesOf(unit, 'RestartPreventExitStatus')[0]);
  });

  it('has what sv2-ui starts', () => {
    const started = [...dockerfile.matchAll(/exec sv2 (\S+) "\$@"\\n' > \/app\/(\w+)/g)].map(
      ([, role, path]) => [path, role],
    );
    expect(started).toEqual([
      ['translator_sv2', 'translator'],
      ['jd_client_sv2', 'jd-client'],
    ]);
    for (const [, role = ''] of started)
      expect(execFileSync(sv2, [role, '--help'], { encoding: 'utf8' })).toContain('-c, --config <FILE>');
  });
});

/** The metrics that a query of Prometheus is about: its words but functions, labels and what is between brackets. */
function metricsIn(query: string): readonly string[] {
  const bare = query
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replace(/\b(by|without|on|ignoring) *\([^)]*\)/g, '');
  const names = [...bare.matchAll(/\b[a-z_]\w*\b(?! *\()/gi)].map(([name]) => name);
  if (names.length === 0) throw new Error(`no metric in ${query}`);
  return names;
}

it('the metrics of a query are found', () => {
  expect(metricsIn('60 * sum by (code) (rate(a_total{kind="x"}[5m])) > b')).toEqual(['a_total', 'b']);
});
