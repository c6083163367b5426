import { describe, expect, it } from '@jest/globals';
import {
  startRole,
  startWithInput,
  keptUntilTheEnd,
  temporaryFiles,
  type RunningRole,
} from './role-support.js';
import { sv2 } from './support.js';

const payout = ['--coinbase-reward-script', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'];
const provider = ['--template-provider', '127.0.0.1:1']; // nobody is there, and miners wait

const kept = keptUntilTheEnd();
const { file: fileOf } = temporaryFiles();

/** A pool with these flags, and where it listens. */
const startPool = async (...flags: readonly string[]) => {
  const role = kept(startRole('pool', '--listen', '127.0.0.1:0', ...provider, ...payout, ...flags));
  const [, address] = await role.printed(/listening on (127\.0\.0\.1:\d+)/);
  return { role, url: `stratum2+tcp://${address}` };
};

/** A client that sends messages. */
const client = (url: string, ...messages: readonly object[]): RunningRole =>
  kept(
    startWithInput(
      messages.map((message) => `${JSON.stringify(message)}\n`),
      ...['connect', url, '--no-encryption'],
    ),
  );

const maxTarget = 'ff'.repeat(32);
const openStandard = (requestId: number) => ({
  name: 'OpenStandardMiningChannel',
  payload: { requestId, userIdentity: 'alice', nominalHashRate: 1e12, maxTarget },
});
const openExtended = (minExtranonceSize: number) => ({
  name: 'OpenExtendedMiningChannel',
  payload: { requestId: 1, userIdentity: 'alice', nominalHashRate: 1e12, maxTarget, minExtranonceSize },
});
const opened = /OpenStandardMiningChannel\.Success.*"requestId":1[^\d]/;
const refused = /OpenMiningChannel\.Error.*"errorCode":"too-many-channels"/;

describe('the limits of sv2 pool', () => {
  it('let no more connections in than --max-connections', async () => {
    const { role, url } = await startPool('--max-connections', '1');
    await client(url).printed(/SetupConnection\.Success/);
    client(url);
    await role.printed(/was not let in: .*1 connections are open/);
  });

  it('let no more connections of one address in than --max-connections-per-address', async () => {
    const { role, url } = await startPool('--max-connections-per-address', '1');
    await client(url).printed(/SetupConnection\.Success/);
    client(url);
    await role.printed(/was not let in: .*1 clients of its address/);
  });

  it('open no more channels on one connection than --max-channels-per-connection', async () => {
    const { url } = await startPool('--max-channels-per-connection', '1');
    const proxy = client(url, openStandard(1), openStandard(2));
    await proxy.printed(opened);
    await proxy.printed(refused);
    await client(url, openStandard(1)).printed(opened);
  });

  it.each(['--max-channels-per-address', '--max-channels'])(
    'open no more channels on all connections than %s',
    async (flag) => {
      const { url } = await startPool(flag, '1');
      await client(url, openStandard(1)).printed(opened);
      await client(url, openStandard(1)).printed(refused);
    },
  );

  it('let a client go that talks more nonsense than --nonsense-burst', async () => {
    const { role, url } = await startPool('--nonsense-burst', '2');
    const noChannel = {
      name: 'UpdateChannel',
      payload: { channelId: 7, nominalHashRate: 1, maximumTarget: maxTarget },
    };
    client(url, ...Array.from({ length: 12 }, () => noChannel));
    await role.printed(/disconnected: more messages had to be refused than 2 at once/);
  });

  it('let extended channels roll --extranonce-size bytes', async () => {
    const { url } = await startPool('--extranonce-size', '8');
    await client(url, openExtended(2)).printed(/OpenExtendedMiningChannel\.Success.*"extranonceSize":8[^\d]/);
    await client(url, openExtended(9)).printed(/OpenMiningChannel\.Error.*min-extranonce-size-too-large/);
  });

  it('come from the file, too', async () => {
    const file = fileOf(
      'pool.toml',
      `max_connections = 30000
max_connections_per_address = 20000
max_channels = 30000
max_channels_per_address = 20000
max_channels_per_connection = 1
nonsense_burst = 10000
extranonce_size = 7
`,
    );
    const { url } = await startPool('--config', file);
    const proxy = client(url, openExtended(2), openStandard(2));
    await proxy.printed(/OpenExtendedMiningChannel\.Success.*"extranonceSize":7[^\d]/);
    await proxy.printed(refused);
  });

  const whole = 'expected a whole number from 1 to 1000000';
  it.each([
    ['--max-connections', '0', whole],
    ['--max-connections-per-address', '1000001', whole],
    ['--max-channels', '1.5', whole],
    ['--max-channels-per-address', '-1', whole],
    ['--max-channels-per-connection', 'many', whole],
    ['--nonsense-burst', '0', whole],
    ['--extranonce-size', '0', 'expected a whole number from 1 to 26 (bytes)'],
    ['--extranonce-size', '27', 'expected a whole number from 1 to 26 (bytes)'],
  ])('are refused out of range: %s %s', async (flag, value, problem) => {
    const { exitCode, stderr } = await sv2(['pool', ...provider, ...payout, flag, value]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `sv2: ${flag}: ${problem}\n` });
  });

  it('leave the coinbase room for its signature', async () => {
    const flags = ['--pool-signature', 'x'.repeat(64), '--extranonce-size', '10'];
    const { exitCode, stderr } = await sv2(['pool', ...provider, ...payout, ...flags]);
    expect(exitCode).toBe(2);
    expect(stderr).toBe('sv2: extranonce_size must be 1 to 9 beside this pool_signature, got 10\n');
  });
});
