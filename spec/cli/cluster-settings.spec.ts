import { describe, expect, it } from '@jest/globals';
import { clusterPlace } from '../../src/cli/cluster-settings.js';
import { effectiveSettings, secretsIn } from '../../src/cli/effective-settings.js';
import { frontSchema } from '../../src/cli/pool-settings.js';
import { startRole, temporaryFiles } from './role-support.js';

const { file } = temporaryFiles();
const payout = ['--coinbase-reward-script', 'raw(0014670caa79e51d78ed0c583b89ff39d9c49b7199e7)'];
const provider = ['--template-provider', '127.0.0.1:1'];
const nats = (role: string) => ['--cluster', 'nats://127.0.0.1:1', '--cluster-role', role];

describe('the settings of a cluster', () => {
  it.each([
    [['--cluster', 'http://127.0.0.1:4222', ...provider], '--cluster: expected nats:// or tls://'],
    [['--cluster', 'nats://a b', ...provider], '--cluster: expected a host and a port as number 1'],
    [['--cluster', 'nats://127.0.0.1:1', ...provider], 'cluster_role is missing: expected core or front'],
    [['--cluster-role', 'front', ...provider], 'cluster_role: of no use without cluster'],
    [['--advertise-address', 'a:1', ...provider], 'advertise_address: of no use without cluster'],
    [nats('both'), '--cluster-role: expected core or front'],
    [
      [...nats('front'), '--cluster-name', 'a.b'],
      '--cluster-name: expected 1 to 32 letters, digits, - and _',
    ],
    [nats('core'), 'template_provider_type is missing: expected a table [template_provider_type.Sv2Tp]'],
    [[...nats('core'), ...provider, '--ledger', 'none'], 'ledger: a cluster has one'],
    [
      [...nats('core'), ...provider, '--advertise-address', 'a:1'],
      'advertise_address: of no use for the core',
    ],
    [[...nats('front'), ...provider], 'template_provider_type: the core has it'],
    [[...nats('front'), '--ledger', 'some.sqlite'], 'ledger: the core has it'],
    [[...nats('front'), '--processes', '2'], 'processes: of no use with cluster'],
    [[...nats('front'), '--cluster-cert', 'some.pem'], 'cluster_key is missing: a certificate has a key'],
    [
      [...nats('front'), '--cluster-credentials', '/no/such/file'],
      'cluster_credentials: /no/such/file cannot be read (ENOENT)',
    ],
  ])('%j are refused in words', async (flags, problem) => {
    const role = startRole('pool', ...payout, ...flags);
    expect(await role.exitCode).toBe(2);
    expect(role.output.stderr).toContain(problem);
  });

  it('a server that does not answer is named, and what stands before its host is never shown', async () => {
    for (const user of ['pool:hunter-two', 'some-token']) {
      const url = `nats://${user}@127.0.0.1:1`;
      const role = startRole('pool', ...payout, '--cluster', url, '--cluster-role', 'front');
      expect(await role.exitCode).toBe(1);
      expect(role.output.stderr).toContain('cannot connect to NATS at 127.0.0.1:1: connection refused');
      expect(role.output.stdout).toContain('cluster = "nats://(hidden)@127.0.0.1:1"');
      expect(JSON.stringify(role.output)).not.toMatch(/hunter|some-token/);
      expect(secretsIn({ cluster: url })).toEqual(['cluster']);
    }
    expect(effectiveSettings({ cluster: 'tls://a:b@c:1,d:2' })).toBe('cluster = "tls://(hidden)@c:1,d:2"');
    expect(secretsIn({ cluster: 'nats://127.0.0.1:4222' })).toEqual([]);
  });

  it('credentials and certificates are read from files', () => {
    const seed = `SU${'A'.repeat(56)}`;
    const settings = frontSchema.parse({
      coinbase_reward_script: 'raw(51)',
      ...{ cluster: 'tls://nats.example', cluster_role: 'front', cluster_name: 'village' },
      cluster_credentials: file('pool.creds', seed),
      ...{
        cluster_ca: file('ca.pem', 'a'),
        cluster_cert: file('cert.pem', 'b'),
        cluster_key: file('key.pem', 'c'),
      },
    });
    expect(clusterPlace(settings)).toMatchObject({
      ...{ url: 'tls://nats.example', role: 'front', name: 'village' },
      identity: { ca: 'a', cert: 'b', key: 'c' },
    });
    expect(new TextDecoder().decode(clusterPlace(settings)?.identity.credentials)).toBe(seed);
    const wrong = { ...settings, cluster_credentials: file('wrong.creds', 's3cret') };
    expect(() => clusterPlace(wrong)).toThrow(
      /^cluster_credentials: \S+wrong\.creds: expected a user's JWT and seed/,
    );
    expect(() => clusterPlace(wrong)).not.toThrow(/s3cret/);
    expect(clusterPlace(frontSchema.parse({ coinbase_reward_script: 'raw(51)' }))).toBeUndefined();
  });
});
