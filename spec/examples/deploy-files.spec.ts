/** Holds the files of examples/deploy to each other. */
import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { compose, dockerfile, folder, linesOf, load, prometheus, read, services } from './deployment.js';

describe('the files of a deployment', () => {
  it('lead to each other: every file that is mounted or copied is there', () => {
    const { build } = services.pool;
    expect(resolve(folder, build?.context ?? '')).toBe(resolve('.'));
    const files = [
      build?.dockerfile ?? '',
      ...Object.values(compose.configs).map(({ file }) => join(folder, file)),
      ...(services.grafana.volumes ?? [])
        .filter((volume) => volume.startsWith('./'))
        .map((volume) => join(folder, volume.split(':')[0] ?? '')),
      ...linesOf(dockerfile, 'COPY')
        .flatMap((line) => line.split(' ').slice(0, -1))
        .filter((word) => !word.startsWith('--'))
        .map((path) => path.replace(/^\/app\//, '')),
    ];
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter((path) => !existsSync(path))).toEqual([]);
    for (const rules of prometheus.rule_files)
      expect(services.prometheus.configs?.map(({ target }) => target)).toContain(`/etc/prometheus/${rules}`);
    const source = load('grafana/provisioning/datasources/prometheus.yml');
    expect(source).toMatchObject({
      datasources: [{ uid: 'rx-sv2-prometheus', url: 'http://prometheus:9090' }],
    });
    const provided = load('grafana/provisioning/dashboards/rx-sv2.yml') as {
      readonly providers: readonly { readonly options: { readonly path: string } }[];
    };
    const boards = (services.grafana.volumes ?? []).map((volume) => dirname(volume.split(':')[1] ?? ''));
    expect(boards).toContain(provided.providers[0]?.options.path);
    expect(read('grafana/rx-sv2.json').match(/"uid": "rx-sv2-prometheus"/g)?.length).toBeGreaterThan(20);
  });

  it('name volumes, networks, secrets, services and ports of each other', () => {
    for (const service of Object.values(services)) {
      for (const name of service.networks) expect(compose.networks).toHaveProperty([name]);
      for (const name of service.secrets ?? []) expect(compose.secrets).toHaveProperty([name]);
      for (const name of Object.keys(service.depends_on ?? {})) expect(services).toHaveProperty([name]);
      for (const [, name = ''] of (service.volumes ?? []).map((volume) => /^(\w+):/.exec(volume) ?? []))
        if (name !== '') expect(compose.volumes).toHaveProperty([name]);
    }
    const { environment = {}, ports = [] } = services.pool;
    const listened = Object.values(environment).flatMap(
      (value) => /^0\.0\.0\.0:(\d+)$/.exec(value)?.[1] ?? [],
    );
    expect(ports.map((port) => port.split(':').at(-1)).sort()).toEqual([...listened].sort());
    const [exposed = ''] = linesOf(dockerfile, 'EXPOSE');
    const [, provider = ''] =
      /:(\d+)$/.exec(
        services['template-provider'].environment?.['TEMPLATE_PROVIDER__LISTEN_ADDRESS'] ?? '',
      ) ?? [];
    expect(exposed.split(' ').sort()).toEqual([...listened, provider].sort());
    expect(environment['POOL__TEMPLATE_PROVIDER_TYPE__SV2TP__ADDRESS']).toBe(`template-provider:${provider}`);
    const monitoring = environment['POOL__MONITORING_ADDRESS']?.split(':')[1] ?? '';
    expect(prometheus.scrape_configs[0]?.static_configs[0]?.targets).toEqual([`pool:${monitoring}`]);
    expect(linesOf(dockerfile, 'ARG')).toEqual([`HEALTH_PORT=${monitoring}`]);
    const credentials = prometheus.scrape_configs[0]?.authorization.credentials_file ?? '';
    expect(services.prometheus.secrets?.map((name) => `/run/secrets/${name}`)).toEqual([credentials]);
  });

  it('run as nobody in particular, keep the ledger, and have nothing secret in the image', () => {
    expect(linesOf(dockerfile, 'USER')).toEqual(['node']);
    const [volume = ''] = linesOf(dockerfile, 'VOLUME');
    expect(services.pool.volumes).toContain(`ledger:${volume}`);
    expect(dirname(services.pool.environment?.['POOL__LEDGER'] ?? '')).toBe(volume);
    expect(dockerfile).toContain(`install -d -o node -g node -m 700 ${volume}`);
    expect([...linesOf(dockerfile, 'ENV'), ...linesOf(dockerfile, 'ARG')].join(' ')).not.toMatch(
      /KEY|TOKEN|PASS/,
    );
    expect(read('Dockerfile.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['**/.env', '**/*.toml']),
    );
    for (const [name, value] of Object.entries(services.pool.environment ?? {}))
      if (/KEY|TOKEN|SCRIPT/.test(name)) expect(value).toBe(`\${${name}:?see README.md}`);
    for (const { environment } of Object.values(compose.secrets))
      expect(read('README.md')).toContain(environment);
    expect([...linesOf(dockerfile, 'STOPSIGNAL'), services.pool.stop_signal]).toEqual(['SIGINT', 'SIGTERM']);
  });
});
