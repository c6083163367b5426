/** Our client at a server that speaks with the reference implementation's codec. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Reconnect,
  SubmitSharesExtended,
  userIdentityTlv,
  type Message,
} from '../../../src/messages/index.js';
import { encodeAuthoritySecretKey } from '../../../src/noise/index.js';
import { SetupRefusedError } from '../../../src/service/index.js';
import { catalog, cases, frameHash } from '../support/catalog.js';
import {
  authority,
  authorityText,
  modes,
  otherAuthorityText,
  protocols,
  startClient,
  stopOurs,
  type Mode,
  type OurClient,
} from '../support/ours.js';
import { startPeer } from '../support/peer.js';
import { stopPrograms } from '../support/process.js';

afterEach(async () => {
  stopOurs();
  await stopPrograms();
});

/** A server of the reference, and how our client reaches it. */
const startReference = async (mode: Mode, ...args: readonly string[]) => {
  const peer = startPeer(
    'server',
    ...(mode === 'plaintext'
      ? ['--plaintext']
      : ['--authority-secret', encodeAuthoritySecretKey(authority.secretKey)]),
    ...args,
  );
  const { port } = await peer.event('listening');
  const where =
    mode === 'plaintext'
      ? { port: port!, encrypted: false }
      : { port: port!, authorityPublicKey: authorityText };
  return { peer, where };
};

const setUp = async (mode: Mode, protocol: number, ...args: readonly string[]) => {
  const { peer, where } = await startReference(mode, ...args);
  const client = startClient(protocols[protocol]!, where);
  await client.outcome('connected');
  await peer.frame('SetupConnection');
  await client.outcomes.take('the answer', isReceived('SetupConnection.Success'));
  return { peer, client, where };
};

type Outcome = OurClient['outcomes']['rest'][number];
const isReceived = (type: string) => (outcome: Outcome) =>
  outcome.type === 'received' && outcome.message.type === type;

const endOf = async (client: OurClient): Promise<unknown> =>
  (await client.end.take('the end', () => true)).error;

describe.each(modes)('our client at the reference server, %s', (mode) => {
  it.each([0, 1, 2])('sets up subprotocol %d', async (protocol) => {
    const { peer, where } = await startReference(mode, '--setup-flags', '1');
    const flags = protocol === 2 ? 0 : 1;
    const client = startClient(protocols[protocol]!, where, { flags, device: { vendor: 'ours' } });
    expect(await peer.event('established')).toMatchObject({ encrypted: mode === 'encrypted' });
    expect(await peer.frame('SetupConnection')).toMatchObject({
      same: true,
      payload: {
        protocol,
        minVersion: 2,
        maxVersion: 2,
        flags,
        endpointHost: '127.0.0.1',
        endpointPort: where.port,
        vendor: 'ours',
      },
    });
    const { server } = await client.outcome('connected');
    expect(server).toMatchObject({ version: 2, flags: 1, peer: { encrypted: mode === 'encrypted' } });
  });

  it('says why it is refused', async () => {
    const refusals: [string[], object, string, number][] = [
      [['--protocol', '2'], {}, 'unsupported-protocol', 0],
      [['--supported-flags', '4'], { flags: 7 }, 'unsupported-feature-flags', 3],
      [[], { versions: { min: 3, max: 4 } }, 'protocol-version-mismatch', 0],
      [['--setup-error', 'go-away', '--setup-error-flags', '9'], {}, 'go-away', 9],
    ];
    for (const [args, options, errorCode, flags] of refusals) {
      const { where } = await startReference(mode, ...args);
      const error = await endOf(startClient('mining', where, options));
      expect(error).toBeInstanceOf(SetupRefusedError);
      expect(error).toMatchObject({ code: 'setup-connection-error', errorCode, flags });
    }
  });

  it('negotiates extensions', async () => {
    const negotiate = async (args: string[], supported: number[], required: number[] = []) => {
      const { peer, where } = await startReference(mode, ...args);
      const client = startClient('mining', where, { extensions: { supported, required } });
      return { peer, client };
    };
    const both = await negotiate(['--extensions', '2,3'], [2, 4]);
    expect(await both.peer.frame('RequestExtensions')).toMatchObject({
      same: true,
      payload: { requestedExtensions: [2, 4] },
    });
    expect((await both.client.outcome('connected')).server.extensions).toEqual([2]);

    const none = await negotiate([], [4]);
    expect((await none.client.outcome('connected')).server.extensions).toEqual([]);

    const theirs = await negotiate(['--extensions', '2,3', '--required-extensions', '3'], [2]);
    expect(await endOf(theirs.client)).toMatchObject({ code: 'extension-required' });

    const ours = await negotiate(['--extensions', '3'], [2, 3], [2]);
    expect(await endOf(ours.client)).toMatchObject({ code: 'extension-unsupported' });
  });

  it.each([0, 1, 2])('sends every message of subprotocol %d', async (protocol) => {
    const { peer, client } = await setUp(mode, protocol);
    const sendable = catalog(
      (message) => message.protocol === protocols[protocol] && message.sentBy !== 'server',
    );
    for (const { name, case: fullness, message, sha256 } of sendable) {
      client.send(message);
      const taken = await peer.frame(name);
      expect([name, fullness, taken.same, taken.sha256]).toEqual([name, fullness, true, sha256]);
    }
    expect(sendable.length).toBeGreaterThan(cases.length);
  });

  it.each([0, 1, 2])('takes every message of subprotocol %d', async (protocol) => {
    const { peer, client } = await setUp(mode, protocol);
    const sendable = catalog(
      ({ name, sentBy, ...message }) =>
        sentBy !== 'client' &&
        (message.protocol === protocols[protocol] || name === 'ChannelEndpointChanged'),
    );
    for (const { name, case: fullness, sha256 } of sendable) {
      peer.command({ cmd: 'sendCatalog', names: [name], cases: [fullness] });
      const received = await client.outcomes.take(name, isReceived(name));
      expect([name, fullness, frameHash((received as { message: Message }).message)]).toEqual([
        name,
        fullness,
        sha256,
      ]);
    }
    expect(sendable.length).toBeGreaterThan(4 * cases.length);
    expect(client.outcomes.rest.filter(({ type }) => type === 'rejected')).toEqual([]);
  });

  it('follows a Reconnect', async () => {
    const { peer } = await setUp(mode, 0);
    const other = await startReference(mode);
    // the catalogue has no host that is here, so the message is made by us
    const frame = Buffer.from(encodeReconnect(other.where.port)).toString('hex');
    peer.command({ cmd: 'send', frames: [frame] });
    expect(await other.peer.frame('SetupConnection')).toMatchObject({
      payload: { endpointPort: other.where.port },
    });
    await peer.event('closed');
  });

  it('names workers in TLVs that the reference reads', async () => {
    const { peer, where } = await startReference(mode, '--extensions', '2');
    const client = startClient('mining', where, { extensions: { supported: [2] } });
    await client.outcome('connected');
    const [share] = catalog(
      ({ name, case: fullness }) => name === 'SubmitSharesExtended' && fullness === 'typical',
    );
    client.send(SubmitSharesExtended(share!.message as SubmitSharesExtended, [userIdentityTlv('w1')]));
    const taken = await peer.frame('SubmitSharesExtended');
    expect(taken.tlvs).toEqual([
      { extensionType: 2, fieldType: 1, value: Buffer.from('w1').toString('hex') },
    ]);
  });

  it('is understood when hundreds of frames come at once, and understands them', async () => {
    const { peer, client } = await setUp(mode, 0, '--echo');
    const shares = catalog(
      ({ name, case: fullness }) => name.startsWith('SubmitShares') && fullness === 'typical',
    );
    const own = shares.filter(({ sentBy }) => sentBy === 'client');
    const many = Array.from({ length: 400 }, (_, index) => own[index % own.length]!);
    client.send(...many.map(({ message }) => message));
    for (const { name, sha256 } of many) {
      expect(await peer.event('frame')).toMatchObject({ name, same: true, sha256 });
    }
    const names = ['SubmitShares.Success', 'NewExtendedMiningJob'];
    peer.command({ cmd: 'sendCatalog', names, cases: ['typical'], repeat: 300, coalesce: true });
    for (let index = 0; index < 300; index++) {
      for (const name of names) await client.outcomes.take(name, isReceived(name));
    }
  });

  it('takes frames that come byte by byte', async () => {
    const { peer, client } = await setUp(mode, 0);
    for (const fullness of ['typical', 'maximal']) {
      const [sent] = catalog(
        (message) => message.name === 'OpenMiningChannel.Error' && message.case === fullness,
      );
      peer.command({
        cmd: 'sendCatalog',
        names: ['OpenMiningChannel.Error'],
        cases: [fullness],
        dribble: true,
      });
      const received = await client.outcomes.take('an error', isReceived('OpenMiningChannel.Error'));
      expect(frameHash((received as { message: Message }).message)).toBe(sent!.sha256);
    }
  });

  it('ends with the error that bytes without a message are', async () => {
    const { peer, client } = await setUp(mode, 0);
    peer.command({ cmd: 'send', frames: ['0080200100000a'] }); // SetNewPrevHash of one byte
    await peer.event('closed');
    expect(await client.outcome('disconnected')).toMatchObject({ reason: { code: 'truncated' } });
    expect(await endOf(client)).toMatchObject({ code: 'truncated' });
  });
});

describe('certificates of the reference server', () => {
  const errorOf = async (peer: Promise<{ where: { port: number } }>, key: string): Promise<unknown> => {
    const { where } = await peer;
    return endOf(startClient('mining', { port: where.port, authorityPublicKey: key }));
  };

  it('of another authority are refused', async () => {
    expect(await errorOf(startReference('encrypted'), otherAuthorityText)).toMatchObject({
      code: 'certificate-wrong-authority',
    });
  });

  it('that have expired are refused', async () => {
    expect(await errorOf(startReference('encrypted', '--expired'), authorityText)).toMatchObject({
      code: 'certificate-expired',
    });
  });

  it('that are not valid yet are refused', async () => {
    const future = startReference('encrypted', '--cert-issued-at', '1000');
    expect(await errorOf(future, authorityText)).toMatchObject({ code: 'certificate-not-yet-valid' });
  });

  it('need no authority if our client trusts anybody', async () => {
    const { where } = await startReference('encrypted');
    const client = startClient('mining', { port: where.port });
    const { server } = await client.outcome('connected');
    expect(server.peer).toMatchObject({ encrypted: true });
  });

  it('cannot come from a plaintext server: our client gives up', async () => {
    const { peer, where } = await startReference('plaintext');
    const client = startClient('mining', {
      port: where.port,
      authorityPublicKey: authorityText,
      handshakeTimeout: 500,
    });
    await peer.event('connected');
    const error = await endOf(client);
    expect(['handshake-timeout', 'peer-closed-during-handshake']).toContain((error as { code: string }).code);
  });
});

const encodeReconnect = (newPort: number): Uint8Array => {
  const payload = Reconnect.encode({ newHost: '', newPort });
  return Uint8Array.of(0, 0, 4, payload.length, 0, 0, ...payload);
};
