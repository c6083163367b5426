/** A relay on real sockets, encrypted on both sides, each by keys of its own. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { firstValueFrom, map, ReplaySubject, type Subscription } from 'rxjs';
import { defaultCrypto } from '../../src/crypto/index.js';
import { NewTemplate, SetupConnectionSuccess, UnknownMessage } from '../../src/messages/index.js';
import { connect } from '../../src/node/connect.js';
import { listen, type ListenAddress } from '../../src/node/listen.js';
import { generateAuthorityKeyPair } from '../../src/noise/index.js';
import { relay, type RelayOutcome } from '../../src/service/index.js';
import { setupConnection } from '../../src/testing/index.js';
import type { Connection } from '../../src/transport/index.js';
import { log } from '../transport/support.js';
import { connectTo, eventually, handles, startListener, type TestListener } from './support.js';

const poolKeys = generateAuthorityKeyPair(defaultCrypto);
const relayKeys = generateAuthorityKeyPair(defaultCrypto);

const template = NewTemplate({
  templateId: 1n,
  futureTemplate: false,
  version: 2,
  coinbaseTxVersion: 2,
  coinbasePrefix: new Uint8Array(255).fill(1),
  coinbaseTxInputSequence: 0,
  coinbaseTxValueRemaining: 1n,
  coinbaseTxOutputsCount: 1,
  coinbaseTxOutputs: new Uint8Array(40_000).fill(2),
  coinbaseTxLocktime: 0,
  merklePath: Array.from({ length: 12 }, (_, index) => new Uint8Array(32).fill(index)),
});

describe('a relay between sockets', () => {
  let running: Subscription | undefined;
  let pool: TestListener;
  const outcomes: RelayOutcome[] = [];

  /** Starts a pool and a relay before it; a client and what the pool has of it. */
  async function relayed(): Promise<{ client: Connection; server: Connection }> {
    outcomes.length = 0;
    pool = await startListener({ authority: poolKeys });
    const listening$ = new ReplaySubject<ListenAddress>(1);
    running = relay({
      listen: listen({ port: 0, authority: relayKeys, listeningObserver: listening$ }),
      connect: connect({ host: pool.host, port: pool.port, authorityPublicKey: poolKeys.publicKey }),
      toServer: (message$) => message$.pipe(map((message) => message)),
    }).subscribe((outcome) => outcomes.push(outcome));
    const address = await firstValueFrom(listening$);
    const client = await connectTo(address, { authorityPublicKey: relayKeys.publicKey });
    client.send(setupConnection('templateDistribution'));
    return { client, server: await firstValueFrom(pool.connection$) };
  }

  afterEach(async () => {
    running?.unsubscribe();
    pool.close();
    await eventually(() => handles().length === 0);
  });

  it('passes a template that is larger than any SetupConnection, and what it does not know', async () => {
    const { client, server } = await relayed();
    const vendors = UnknownMessage({
      extensionType: 0x4001,
      messageType: 1,
      channelMessage: false,
      payload: Uint8Array.of(1),
    });
    const [atClient, atServer] = [log(client.message$), log(server.message$)];
    await eventually(() => atServer.values.length === 1);
    server.send(SetupConnectionSuccess({ usedVersion: 2, flags: 0 }), template, vendors);
    await eventually(() => atClient.values.length === 3);
    expect(atClient.values.slice(1)).toEqual([template, vendors]);
    client.send(vendors);
    await eventually(() => atServer.values.length === 2);
    expect(atServer.values).toEqual([setupConnection('templateDistribution'), vendors]);

    client.close();
    await eventually(() => atServer.completed);
    expect(outcomes.map(({ type }) => type)).toEqual(['connected', 'disconnected']);
    expect(outcomes[1]).toMatchObject({ by: 'client', reason: { code: 'peer-closed' } });
  });

  it('has a pool wait for a client that does not read, and delivers all when it does, though the pool has gone', async () => {
    const { client, server } = await relayed();
    const atServer = log(server.message$);
    await eventually(() => atServer.values.length === 1);
    const count = 780; // 32 MB: more than the sockets on the way hold
    server.send(SetupConnectionSuccess({ usedVersion: 2, flags: 0 }));
    for (let sent = 0; sent < count; sent += 1) {
      server.send(template);
      await setImmediate(); // a write of its own
    }
    // nothing moves any more, and much of it is still at the pool
    let [before, stood] = [0, 0];
    await eventually(() => {
      stood = server.queuedBytes === before ? stood + 1 : 0;
      before = server.queuedBytes;
      return stood === 500;
    });
    expect(server.queuedBytes).toBeGreaterThan(1_000_000);

    const atClient = log(client.message$);
    await eventually(() => server.queuedBytes === 0);
    server.close();
    await eventually(() => atClient.completed);
    expect(atClient.values).toHaveLength(count + 1);
    expect(outcomes[1]).toMatchObject({
      type: 'disconnected',
      by: 'server',
      reason: { code: 'peer-closed' },
    });
  });
});
