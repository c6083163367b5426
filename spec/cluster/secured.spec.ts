/** A NATS as people run it: encrypted, with certificates of their own, and for those alone who say who they are. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { nkeys } from '@nats-io/transport-node';
import { natsBus, type NatsIdentity } from '../../src/node/cluster/nats.js';
import { openStream } from '../../src/node/cluster/jetstream.js';
import { keptUntilTheEnd, startProcess, temporaryFiles } from '../cli/role-support.js';
import { certificatesIn, textIn } from './certificates.js';
import { credited } from './credited.js';
import { natsServer, type NatsServer } from './nats-server.js';
import { operatorWithUser } from './operator.js';
import { poolSite } from './pool-site.js';

const pool = poolSite();
const kept = keptUntilTheEnd();
const { directory, file } = temporaryFiles();
const own = certificatesIn(directory, 'own');
const others = certificatesIn(directory, 'others');
const encrypted = (more = ''): string => `tls { cert_file: "${own.cert}", key_file: "${own.key}"${more} }\n`;
const password = 'correct-horse:battery@staple';
const withPassword = `authorization { user: pool, password: "${password}" }\n`;
const user = `pool:${encodeURIComponent(password)}`;

let server: NatsServer | undefined;
afterEach(async () => {
  await server?.remove();
  server = undefined;
});

/** Starts a server, and says its URL. */
const started = async (config: string, scheme: 'nats' | 'tls', before = ''): Promise<string> => {
  server = await natsServer(config);
  return `${scheme}://${before}127.0.0.1:${server.port}`;
};

/** Connects, and has something kept. @returns that it is, or why there is no connection */
const tried = async (url: string, identity?: NatsIdentity): Promise<string> => {
  const bus = await natsBus(url, identity).catch((error: unknown) => error as Error);
  if (bus instanceof Error) return bus.message;
  try {
    await openStream(bus, { name: 'spec', subjects: ['spec.*'] });
    return 'kept';
  } finally {
    await bus.close();
  }
};

describe('a NATS that wants to know who comes', () => {
  it('by a password, a token, a key, or what an account says of it, takes who says so, and no other', async () => {
    const url = await started(withPassword, 'nats', `${user}@`);
    expect(await tried(url)).toBe('kept');
    expect(await tried(url.replace('battery', 'buttery'))).toMatch(/Authorization Violation/i);
    await server?.remove();

    const withToken = await started('authorization { token: "s3cret-t0ken" }\n', 'nats', 's3cret-t0ken@');
    expect(await tried(withToken)).toBe('kept');
    expect(await tried(withToken.replace('t0ken', 'other'))).toMatch(/Authorization Violation/i);
    await server?.remove();

    const [known, stranger] = [nkeys.createUser(), nkeys.createUser()];
    const withKey = await started(`authorization { users: [ { nkey: ${known.getPublicKey()} } ] }\n`, 'nats');
    expect(await tried(withKey, { credentials: known.getSeed() })).toBe('kept');
    expect(await tried(withKey, { credentials: stranger.getSeed() })).toMatch(/Authorization Violation/i);
    expect(await tried(withKey)).toMatch(/Authorization Violation/i);
    await server?.remove();

    const { config, credentials } = operatorWithUser();
    const withAccount = await started(config, 'nats');
    expect(await tried(withAccount, { credentials: new TextEncoder().encode(credentials) })).toBe('kept');
    const { credentials: elsewhere } = operatorWithUser();
    expect(await tried(withAccount, { credentials: new TextEncoder().encode(elsewhere) })).toMatch(
      /Authorization Violation/i,
    );
  }, 60_000);

  it('and that is encrypted, is believed by its certificate alone, and never gone to without', async () => {
    const [ca, foreign] = [textIn(own.ca), textIn(others.ca)];
    const url = await started(encrypted(), 'tls');
    expect(await tried(url, { ca })).toBe('kept');
    expect(await tried(url.replace('tls:', 'nats:'), { ca })).toBe('kept');
    for (const identity of [{}, { ca: foreign }])
      expect(await tried(url, identity)).toMatch(/cannot connect to NATS at 127\.0\.0\.1:\d+: .*certificate/);
    await server?.remove();

    const both = await started(encrypted(`, ca_file: "${own.ca}", verify: true`), 'tls');
    expect(await tried(both, { ca, cert: textIn(own.cert), key: textIn(own.key) })).toBe('kept');
    expect(await tried(both, { ca })).toMatch(/cannot connect to NATS/);
    await server?.remove();

    const plain = await started('', 'tls', `${user}@`);
    expect(await tried(plain)).toMatch(/server does not support 'tls'/);
  }, 60_000);
});

describe('sv2 pool at a NATS with a password that is encrypted', () => {
  it('acknowledges shares, also after it was away, and never says the password', async () => {
    const url = await started(encrypted() + withPassword, 'tls', `${user}@`);
    const ledger = join(directory, 'secured.sqlite');
    const core = pool.core(
      undefined,
      ledger,
      '--config',
      file('core.toml', `cluster = "${url}"\ncluster_ca = "${own.ca}"\n`),
    );
    const front = await pool.front(
      undefined,
      0,
      '--config',
      file('front.toml', `cluster = "${url}"\ncluster_ca = "${own.ca}"\n`),
    );
    const miner = pool.mine(front.port, 'alice');
    await miner.more(5);
    await server?.kill();
    await server?.start();
    await miner.more(5);
    expect((await credited(ledger))['alice']).toBeGreaterThanOrEqual(miner.told);
    const wrong = kept(
      startProcess(
        ...['pool', '--coinbase-reward-script', 'raw(51)', '--cluster-role', 'front', '--cluster-ca', own.ca],
        ...['--cluster', url.replace('battery', 'buttery')],
      ),
    );
    expect(await wrong.exitCode).toBe(1);
    expect(wrong.output.stderr).toMatch(
      /cannot connect to NATS at 127\.0\.0\.1:\d+: .*Authorization Violation/i,
    );
    for (const { output } of [core, front.role, wrong])
      expect(output.stdout + output.stderr).not.toMatch(/horse|staple/);
  }, 120_000);
});
