/** The reference implementation's codec as a client of our server. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { decodeFrame } from '../../../src/framing/index.js';
import { hexToBytes } from '@noble/hashes/utils.js';
import type { SubmitSharesExtended } from '../../../src/messages/index.js';
import { userIdentityOf, type Message } from '../../../src/messages/index.js';
import { catalog, cases, frameHash } from '../support/catalog.js';
import {
  authorityText,
  modes,
  otherAuthorityText,
  protocols,
  startServer,
  stopOurs,
  type Mode,
  type OurServer,
} from '../support/ours.js';
import { startPeer, type Peer } from '../support/peer.js';
import { stopPrograms } from '../support/process.js';
import { readVectors } from '../../vectors/support.js';

afterEach(async () => {
  stopOurs();
  await stopPrograms();
});

const dial = (mode: Mode, { address }: OurServer, ...args: readonly string[]): Peer =>
  startPeer(
    'client',
    '--connect',
    `127.0.0.1:${address.port}`,
    ...(mode === 'plaintext' ? ['--plaintext'] : ['--authority-public', authorityText]),
    ...args,
  );

/** A client that is set up for a subprotocol. */
const setUp = async (mode: Mode, server: OurServer, protocol: number, ...args: readonly string[]) => {
  const peer = dial(mode, server, '--setup-protocol', String(protocol), ...args);
  await peer.frame('SetupConnection.Success');
  const { client } = await server.outcome('connected');
  await server.outcomes.take('SetupConnection', isReceived('SetupConnection'));
  return { peer, client };
};

type Outcome = OurServer['outcomes']['rest'][number];
const isReceived = (type: string) => (outcome: Outcome) =>
  outcome.type === 'received' && outcome.message.type === type;

describe.each(modes)('the reference client at our server, %s', (mode) => {
  it.each([0, 1, 2])('sets up subprotocol %d', async (protocol) => {
    const server = await startServer(mode, {
      protocols,
    });
    const flags = protocol === 2 ? 0 : 1;
    const peer = dial(mode, server, '--setup-protocol', String(protocol), '--setup-flags', String(flags));
    expect(await peer.event('established')).toMatchObject({ encrypted: mode === 'encrypted' });
    expect(await peer.frame('SetupConnection.Success')).toMatchObject({
      same: true,
      payload: { usedVersion: 2, flags: 0 },
    });
    const { client } = await server.outcome('connected');
    expect(client).toMatchObject({
      protocol: protocols[protocol],
      flags,
      version: 2,
      setupConnection: { vendor: 'sri-peer' },
    });
    expect(client.peer.encrypted).toBe(mode === 'encrypted');
  });

  it('is refused what our server does not have', async () => {
    const server = await startServer(mode, { protocols: ['mining'] });
    const refusals = [
      [['--setup-protocol', '1'], 'unsupported-protocol', 0],
      [['--setup-protocol', '0', '--setup-flags', '2147483652'], 'unsupported-feature-flags', 0x8000_0000],
      [['--setup-protocol', '0', '--min-version', '3', '--max-version', '4'], 'protocol-version-mismatch', 0],
    ] as const;
    for (const [args, errorCode, flags] of refusals) {
      const peer = dial(mode, server, ...args);
      const refused = await peer.frame('SetupConnection.Error');
      expect(refused).toMatchObject({ same: true, payload: { errorCode, flags } });
      expect(await server.outcome('setupRefused')).toMatchObject({ errorCode, flags });
      expect(await peer.event('closed')).toMatchObject({ error: null });
    }
  });

  it('negotiates extensions', async () => {
    const server = await startServer(mode, { extensions: { supported: [2, 3], required: [2] } });
    const { peer } = await setUp(mode, server, 0, '--request-extensions', '2,17185');
    expect(await peer.frame('RequestExtensions.Success')).toMatchObject({
      same: true,
      payload: { supportedExtensions: [2] },
    });
    expect(await server.outcome('extensions')).toMatchObject({ extensions: [2] });

    const { peer: other } = await setUp(mode, server, 0, '--request-extensions', '3,17185');
    expect(await other.frame('RequestExtensions.Error')).toMatchObject({
      same: true,
      payload: { unsupportedExtensions: [17185], requiredExtensions: [2] },
    });
  });

  it('names its workers in TLVs, little-endian as they are there', async () => {
    const server = await startServer(mode, { extensions: { supported: [2] } });
    const { peer } = await setUp(mode, server, 0, '--request-extensions', '2');
    await server.outcome('extensions');
    const { messages } = readVectors<{ messages: { case: string; frame: string; tlvs?: unknown }[] }>(
      'messages',
    );
    const named = messages.filter(({ tlvs }) => tlvs !== undefined);
    for (const { frame } of named) {
      peer.command({ cmd: 'send', frames: [frame] });
      const received = await server.outcomes.take('a share', isReceived('SubmitSharesExtended'));
      const expected = decodeFrame(hexToBytes(frame)) as SubmitSharesExtended;
      const message = received.type === 'received' ? (received.message as SubmitSharesExtended) : expected;
      expect(message).toEqual(expected);
      expect(userIdentityOf(message)).toBeDefined();
    }
    expect(named.length).toBeGreaterThan(4);
  });

  it.each([0, 1, 2])('sends every message of subprotocol %d', async (protocol) => {
    const server = await startServer(mode);
    const { peer } = await setUp(mode, server, protocol);
    const sendable = catalog(
      (message) => message.protocol === protocols[protocol] && message.sentBy !== 'server',
    );
    for (const { name, case: fullness, sha256 } of sendable) {
      peer.command({ cmd: 'sendCatalog', names: [name], cases: [fullness] });
      const received = await server.outcomes.take(name, isReceived(name));
      expect([name, fullness, frameHash((received as { message: Message }).message)]).toEqual([
        name,
        fullness,
        sha256,
      ]);
    }
    expect(sendable.length).toBeGreaterThan(cases.length);
    expect(server.outcomes.rest.filter(({ type }) => type === 'rejected')).toEqual([]);
  });

  it.each([0, 1, 2])('takes every message of subprotocol %d', async (protocol) => {
    const server = await startServer(mode, { protocols: [protocols[protocol]!] });
    const { peer, client } = await setUp(mode, server, protocol);
    const sendable = catalog(
      (message) => [protocols[protocol], 'common'].includes(message.protocol) && message.sentBy !== 'client',
    );
    for (const { name, case: fullness, message, sha256 } of sendable) {
      server.send(client.clientId, message);
      const taken = await peer.frame(name);
      expect(taken).toMatchObject({ name, same: true, sha256 });
      expect([name, fullness, taken.sha256]).toEqual([name, fullness, frameHash(message)]);
    }
    expect(sendable.length).toBeGreaterThan(4 * cases.length);
  });

  it('may send nothing but its own messages, and stays', async () => {
    const server = await startServer(mode);
    const { peer } = await setUp(mode, server, 0);
    for (const [name, code] of [
      ['NewMiningJob', 'unsupported-message'],
      ['SubmitSolution', 'unsupported-protocol'],
      ['UpdateChannel', undefined],
    ] as const) {
      peer.command({ cmd: 'sendCatalog', names: [name], cases: ['typical'] });
      await server.outcomes.take(name, isReceived(name));
      if (code !== undefined) expect(await server.outcome('rejected')).toMatchObject({ code });
    }
  });

  it('is understood when hundreds of frames come in one segment', async () => {
    const server = await startServer(mode);
    const { peer } = await setUp(mode, server, 0);
    const names = ['SubmitSharesStandard', 'SubmitSharesExtended'];
    peer.command({ cmd: 'sendCatalog', names, cases: ['typical', 'empty'], repeat: 200, coalesce: true });
    expect(await peer.event('done')).toMatchObject({ frames: 800 });
    const one = catalog(
      (message) => names.includes(message.name) && ['typical', 'empty'].includes(message.case),
    );
    for (let index = 0; index < 800; index++) {
      const received = await server.outcomes.take('a share', ({ type }) => type === 'received');
      expect(frameHash((received as { message: Message }).message)).toBe(one[index % 4]!.sha256);
    }
  });

  it('is understood when a frame comes byte by byte', async () => {
    const server = await startServer(mode);
    const { peer } = await setUp(mode, server, 0);
    for (const [name, fullness] of [
      ['SubmitSharesExtended', 'typical'],
      ['OpenExtendedMiningChannel', 'maximal'],
    ] as const) {
      const [sent] = catalog((message) => message.name === name && message.case === fullness);
      peer.command({ cmd: 'sendCatalog', names: [name], cases: [fullness], dribble: true });
      const received = await server.outcomes.take(name, isReceived(name));
      expect(frameHash((received as { message: Message }).message)).toBe(sent!.sha256);
    }
  });

  it('understands hundreds of frames sent at once', async () => {
    const server = await startServer(mode);
    const { peer, client } = await setUp(mode, server, 0);
    const jobs = catalog(
      ({ name, case: fullness }) => name.startsWith('SubmitShares.') && fullness === 'typical',
    );
    const many = Array.from({ length: 300 }, (_, index) => jobs[index % jobs.length]!);
    server.send(client.clientId, ...many.map(({ message }) => message));
    for (const { name, sha256 } of many) {
      expect(await peer.event('frame')).toMatchObject({ name, same: true, sha256 });
    }
  });

  it('is disconnected for bytes that are no message, and nobody else is', async () => {
    const server = await startServer(mode);
    const { peer } = await setUp(mode, server, 0);
    const { peer: other } = await setUp(mode, server, 0);
    peer.command({ cmd: 'send', frames: ['00801a0100000a'] }); // SubmitSharesStandard of one byte
    expect(await peer.event('closed')).toBeDefined();
    expect(await server.outcome('disconnected')).toMatchObject({ reason: { code: 'truncated' } });
    other.command({ cmd: 'sendCatalog', names: ['UpdateChannel'], cases: ['typical'] });
    await server.outcomes.take('UpdateChannel', isReceived('UpdateChannel'));
  });
});

describe('certificates', () => {
  it('of another authority are refused by the reference client', async () => {
    const server = await startServer('encrypted');
    const peer = startPeer(
      'client',
      '--connect',
      `127.0.0.1:${server.address.port}`,
      '--authority-public',
      otherAuthorityText,
    );
    expect(await peer.event('handshakeFailed')).toMatchObject({ error: 'InvalidCertificate' });
  });

  it.each([
    ['expired', -86_400],
    ['not valid yet', 86_400],
  ])('that are %s are refused by the reference client', async (_, seconds) => {
    const server = await startServer(
      'encrypted',
      {},
      { scheduler: shifted(seconds), certificateValidity: 60 },
    );
    const peer = dial('encrypted', server);
    expect(await peer.event('handshakeFailed')).toMatchObject({ error: 'InvalidCertificate' });
  });

  it('do not matter to a client that trusts anybody', async () => {
    const server = await startServer('encrypted');
    const peer = startPeer('client', '--connect', `127.0.0.1:${server.address.port}`);
    expect(await peer.event('established')).toMatchObject({ encrypted: true });
  });

  it('are not asked for by a plaintext client, which fails without disturbing others', async () => {
    const server = await startServer('encrypted');
    const lost = startPeer(
      'client',
      '--connect',
      `127.0.0.1:${server.address.port}`,
      '--plaintext',
      '--setup-protocol',
      '0',
    );
    lost.command({ cmd: 'raw', hex: '00'.repeat(64) });
    await lost.event('closed');
    await setUp('encrypted', server, 0);
  });
});

/** A clock that is wrong by so many seconds. */
const shifted = (seconds: number): SchedulerLike => ({
  now: () => asyncScheduler.now() + 1000 * seconds,
  schedule: asyncScheduler.schedule.bind(asyncScheduler),
});
