import { afterEach, describe, expect, it } from '@jest/globals';
import { asyncScheduler, concat, firstValueFrom, map, NEVER, of, Subject, type Subscription } from 'rxjs';
import {
  CoinbaseOutputConstraints,
  cooperativeHasher,
  createServer,
  mineSv1,
  NewTemplate,
  ofMessage,
  send,
  SetNewPrevHashTemplate,
  targetFromNbits,
} from '../../src/index.js';
import { connectSv1, listen, type ListenAddress } from '../../src/node.js';
import { runExample, type Program } from './support.js';

const nBits = 0x207fffff;
const newTemplate = NewTemplate({
  templateId: 7n,
  futureTemplate: true,
  version: 0x20000000,
  coinbaseTxVersion: 2,
  coinbasePrefix: Uint8Array.of(0x51),
  coinbaseTxInputSequence: 0,
  coinbaseTxValueRemaining: 312_500_000n,
  coinbaseTxOutputsCount: 0,
  coinbaseTxOutputs: new Uint8Array(0),
  coinbaseTxLocktime: 0,
  merklePath: [],
});
const prevHash = new Uint8Array(32).fill(0xab);
const tip = SetNewPrevHashTemplate({
  templateId: 7n,
  prevHash,
  headerTimestamp: 1_700_000_000,
  nBits,
  target: targetFromNbits(nBits),
});

describe('the examples', () => {
  let programs: Program[] = [];
  let subscription: Subscription | undefined;
  const start = (name: string, ...args: string[]): Program => {
    const program = runExample(name, ...args);
    programs.push(program);
    return program;
  };
  afterEach(() => {
    for (const program of programs) program.kill();
    programs = [];
    subscription?.unsubscribe();
  });

  /** A plaintext template provider; resolves with its URL. */
  async function templateProvider(): Promise<string> {
    const address$ = new Subject<ListenAddress>();
    const address = firstValueFrom(address$);
    subscription = createServer({
      listen: listen({ port: 0, listeningObserver: address$ }),
      templateDistribution: (event$) =>
        event$.pipe(
          ofMessage(CoinbaseOutputConstraints),
          map(({ clientId }) => send(clientId, newTemplate, tip)),
        ),
    })
      .start()
      .subscribe();
    return `stratum2+tcp://127.0.0.1:${(await address).port}`;
  }

  it('template-distribution-client prints templates and tips, and ends on Ctrl-C', async () => {
    const example = start('template-distribution-client', await templateProvider());
    await example.line(/^connected to 127\.0\.0\.1:\d+$/);
    await example.line(/^future template 7 is worth 312500000 sat$/);
    await example.line(/^new tip (ab){32}$/);
    expect(await example.interrupt()).toBe(0);
  });

  it('mining-server gives cpu-miner work and takes its shares', async () => {
    const server = start('mining-server', '0');
    const [, port = ''] = await server.line(/^listening on 127\.0\.0\.1:(\d+), without encryption$/);
    const miner = start('cpu-miner', `stratum2+tcp://127.0.0.1:${port}`);
    await server.line(/^example\.cpu opened a standard channel$/);
    await server.line(/^example\.cpu found a share$/);
    await miner.line(/^\d+ shares found, [1-9]\d* accepted, \d+ kH\/s$/);
    expect(await miner.interrupt()).toBe(0);
    await server.line(/^client 1 left: /);
    expect(await server.interrupt()).toBe(0);
  });

  it('dashboard makes a table of a pool of its own, with the worker that delivers', async () => {
    const dashboard = start('dashboard', await templateProvider(), '0');
    const [, port = ''] = await dashboard.line(/^listening on 127\.0\.0\.1:(\d+)$/);
    await dashboard.line(/^ {2}the next block is worth 312500000 satoshis$/);
    const miner = start('cpu-miner', `stratum2+tcp://127.0.0.1:${port}`);
    await dashboard.line(/^clients: 1, shares: [1-9]\d*, blocks: \d+, [\d.]+ MH\/s \([\d.]+ to [\d.]+\)$/);
    await dashboard.line(
      /^ {2}example\.cpu: [\d.]+ MH\/s \([\d.]+ to [\d.]+\), shares: [1-9]\d* accepted, \d+ rejected$/,
    );
    expect(await miner.interrupt()).toBe(0);
    await dashboard.line(/^clients: 0, shares: [1-9]/);
    expect(await dashboard.interrupt()).toBe(0);
  });

  it('relay puts the name of a farm before those of its miners, and loses nothing', async () => {
    const server = start('mining-server', '0');
    const [, port = ''] = await server.line(/^listening on 127\.0\.0\.1:(\d+), without encryption$/);
    const relay = start('relay', `stratum2+tcp://127.0.0.1:${port}`, '0', 'farm-7');
    const [, relayPort = ''] = await relay.line(/^listening on 127\.0\.0\.1:(\d+)$/);
    const miner = start('cpu-miner', `stratum2+tcp://127.0.0.1:${relayPort}`);
    await relay.line(/^miner 1 has 127\.0\.0\.1:\d+$/);
    await server.line(/^farm-7\.example\.cpu opened a standard channel$/);
    await server.line(/^farm-7\.example\.cpu found a share$/);
    await miner.line(/^\d+ shares found, [1-9]\d* accepted, \d+ kH\/s$/);
    expect(await miner.interrupt()).toBe(0);
    await relay.line(/^miner 1 left: the client closed the connection$/);
    await server.line(/^client 1 left: /);
    expect(await relay.interrupt()).toBe(0);
  });

  it('proxy has cpu-miner mine on a channel of mining-server that others could share', async () => {
    const server = start('mining-server', '0');
    const [, port = ''] = await server.line(/^listening on 127\.0\.0\.1:(\d+), without encryption$/);
    const proxy = start('proxy', `stratum2+tcp://127.0.0.1:${port}`, '0');
    const [, proxyPort = ''] = await proxy.line(/^listening on 127\.0\.0\.1:(\d+)$/);
    const miner = start('cpu-miner', `stratum2+tcp://127.0.0.1:${proxyPort}`);
    await server.line(/^example\.proxy opened a extended channel$/);
    await proxy.line(/^example\.cpu opened a standard channel$/);
    await proxy.line(/^cpu found a share for the pool$/);
    await proxy.line(/^the pool accepted 1$/);
    await server.line(/^example\.proxy found a share$/);
    expect(await miner.interrupt()).toBe(0);
    expect(await proxy.interrupt()).toBe(0);
  });

  it('translator has a miner of Stratum V1 mine on a channel of mining-server', async () => {
    const server = start('mining-server', '0');
    const [, port = ''] = await server.line(/^listening on 127\.0\.0\.1:(\d+), without encryption$/);
    const translator = start('translator', `stratum2+tcp://127.0.0.1:${port}`, '0');
    const [, sv1Port = ''] = await translator.line(/^listening on 127\.0\.0\.1:(\d+)$/);
    subscription = mineSv1({
      connect: connectSv1({ host: '127.0.0.1', port: Number(sv1Port) }),
      user: 'rig1',
      hasher$: concat(of(cooperativeHasher(asyncScheduler)), NEVER),
    }).subscribe();
    await translator.line(/^a miner came: rx-sv2$/);
    await translator.line(/^it mines for rig1$/);
    await translator.line(/^the pool opened a channel for example\.translator$/);
    await translator.line(/^rig1 found a share$/);
    await server.line(/^example\.translator found a share$/);
    expect(await translator.interrupt()).toBe(0);
  });

  it('job-declaration has cpu-miner mine blocks with transactions that the pool did not have', async () => {
    const example = start('job-declaration', '0');
    const [, port = ''] = await example.line(/^listening on 127\.0\.0\.1:(\d+)$/);
    const miner = start('cpu-miner', `stratum2+tcp://127.0.0.1:${port}`);
    await example.line(/^declared: \d+ transactions, 4 of them new to the pool$/);
    await example.line(/^the pool accepted job \d+$/);
    await example.line(/^the pool accepted \d+ shares$/);
    await example.line(/^block \d+ has the transactions that were chosen$/);
    expect(await miner.interrupt()).toBe(0);
    expect(await example.interrupt()).toBe(0);
  });

  it('siblings hand tips one way and comings and goings the other', async () => {
    const example = start('siblings', await templateProvider(), '0');
    const [, port = ''] = await example.line(/^listening on 127\.0\.0\.1:(\d+)$/);
    await example.line(/^the mining server heard of tip (ab){32}$/);
    const miner = start('cpu-miner', `stratum2+tcp://127.0.0.1:${port}`);
    await example.line(/^the template client heard of 1 miner$/);
    miner.kill();
    await example.line(/^the template client heard of -1 miner$/);
    expect(await example.interrupt()).toBe(0);
  });

  it('say what is wrong and fail when nobody listens', async () => {
    const example = start('template-distribution-client', 'stratum2+tcp://127.0.0.1:1');
    await example.line(/127\.0\.0\.1:1/);
    expect(await example.interrupt()).toBe(1);
  });
});
