/** Holds what examples/deploy runs to the command that was built: what is named there exists, and works. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { exhaustMap, filter, firstValueFrom, map, timer } from 'rxjs';
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

  /** A pool as it is deployed, and where Prometheus asks it. */
  async function scraped() {
    const provider = await startProvider();
    const pool = start(services.pool.command ?? [], {
      ...poolEnvironment(provider.address),
      POOL__MONITORING_CACHE_REFRESH_SECS: '0',
    });
    const [, port = ''] = await pool.line(/pool listening on \S+:(\d+)/);
    const [scrape] = prometheus.scrape_configs;
    return {
      url: `${await monitoringOf(pool)}${scrape?.metrics_path ?? ''}`,
      miners: `stratum2+tcp://rig@127.0.0.1:${port}/${secrets['POOL__AUTHORITY_PUBLIC_KEY'] ?? ''}`,
      end: async () => {
        expect(await pool.interrupt()).toBe(0);
        expect(await provider.program.interrupt()).toBe(0);
      },
    };
  }
  const scrape = async (url: string): Promise<string> =>
    (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();

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

  it('exports every metric of the board and of the alerts to who has the token: of a pool without miners all but what is of channels', async () => {
    const { url, end } = await scraped();
    expect((await fetch(url)).status).toBe(401);
    const text = await scrape(url);
    const exported = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name));
    expect(exported.size).toBeGreaterThan(20);
    expect(queries.length).toBeGreaterThan(20);
    expect(unmet(queries, (name) => exported.has(name))).toEqual([]);
    const samples = samplesOf(text);
    expect(unmet(queries, (name) => samples.has(name))).toEqual([
      'The ten fastest channels: sv2_client_channel_hashrate',
    ]);
    await end();
  });

  it('has on each metric the labels that the board and the alerts go by, and scrapes under the name of the job', async () => {
    const { url, end, miners } = await scraped();
    const miner = start(['miner', miners, '--threads', '1', '--hash-rate', '1000'], {
      PATH: process.env['PATH'] ?? '',
    });
    const samples = await firstValueFrom(
      timer(0, 100).pipe(
        exhaustMap(() => scrape(url)),
        map(samplesOf),
        filter((all) => all.has('sv2_client_channel_hashrate')),
      ),
    );
    const [{ job_name: job = '' } = {}] = prometheus.scrape_configs;
    samples.set('up', [new Map([['job', job]])]);
    // Prometheus puts these on all
    for (const all of samples.values()) for (const labels of all) labels.set('job', job);
    expect(queries.flatMap((query) => mislabelled(query, samples))).toEqual([]);
    expect(await miner.interrupt()).toBe(0);
    await end();
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

/** A query of the board or of an alert, and what it is for. */
interface Query {
  readonly of: string;
  readonly expr: string;
  /** What each line is called, if it has a name: with labels in double braces. */
  readonly legend: string;
}

const queries: readonly Query[] = [
  ...board.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({ of: title, expr, legend: legendFormat })),
  ),
  ...alerts.groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ of: alert, expr, legend: '' }))),
];

/** Metrics of queries that there are not; `up` is Prometheus's own. */
const unmet = (all: readonly Query[], isThere: (name: string) => boolean): readonly string[] =>
  all.flatMap(({ of, expr }) =>
    metricsIn(expr)
      .filter((name) => name !== 'up' && !isThere(name))
      .map((name) => `${of}: ${name}`),
  );

/** The labels of each sample, by metric. */
function samplesOf(text: string): Map<string, Map<string, string>[]> {
  const samples = new Map<string, Map<string, string>[]>();
  for (const [, name = '', list = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const labels = [...list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    const found = new Map(labels.map(([, label = '', value = '']) => [label, value]));
    samples.set(name, [...(samples.get(name) ?? []), found]);
  }
  return samples;
}

/** What a query, or the name of its lines, goes by and no sample has; what an aggregation leaves is all that a name may have. */
function mislabelled(
  { of, expr, legend }: Query,
  samples: ReadonlyMap<string, readonly ReadonlyMap<string, string>[]>,
): readonly string[] {
  const all = (name: string) => samples.get(name) ?? [];
  const selected = [...expr.matchAll(/(\w+)\{([^}]*)\}/g)].flatMap(([, name = '', list = '']) =>
    [...list.matchAll(/(\w+)="([^"]*)"/g)]
      .filter(([, label = '', value]) => !all(name).some((labels) => labels.get(label) === value))
      .map(([selector]) => `${of}: ${name}{${selector}}`),
  );
  const grouped = [...expr.matchAll(/\bby *\(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));
  const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
  const isOn = (label: string) => metricsIn(expr).every((name) => all(name).every((one) => one.has(label)));
  const missing = [...grouped, ...named].filter((label) => !isOn(label));
  const lost = /\b(sum|max|min|avg|count)\b/.test(expr)
    ? named.filter((label) => !grouped.includes(label))
    : [];
  return [...selected, ...[...missing, ...lost].map((label) => `${of}: no label ${label}`)];
}

/** The metrics that a query of Prometheus is about: its words but functions, labels and what is between brackets. */
function metricsIn(query: string): readonly string[] {
  const bare = query
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replace(/\b(by|without|on|ignoring) *\([^)]*\)/g, '');
  const names = [...bare.matchAll(/\b[a-z_]\w*\b(?! *\()/gi)].map(([name]) => name);
  if (names.length === 0) throw new Error(`no metric in ${query}`);
  return names;
}

it.each<[string, string, readonly string[]]>([
  ['a_total{kind="x"}', '{{kind}}', []],
  ['a_total{kind="z"}', '', ['it: a_total{kind="z"}']],
  ['sum by (kind) (a_total)', '{{kind}}', []],
  ['sum by (sort) (a_total)', '', ['it: no label sort']],
  ['sum(a_total)', '{{kind}}', ['it: no label kind']],
])('what %s with the name "%s" lacks is found', (expr, legend, found) => {
  const samples = samplesOf('a_total{kind="x"} 1\na_total{kind="y \\"{}\\""} 2\n');
  expect(mislabelled({ of: 'it', expr, legend }, samples)).toEqual(found);
});

it('the metrics of a query are found', () => {
  expect(metricsIn('60 * sum by (code) (rate(a_total{kind="x"}[5m])) > b')).toEqual(['a_total', 'b']);
});
