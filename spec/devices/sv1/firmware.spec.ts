/** Each firmware's dialogue with what serves miners of Stratum V1 here, hashing really, in virtual time. */
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { defer, interval, merge, mergeMap, tap, type Observable } from 'rxjs';
import { translator } from '../../../src/roles/translator/translator.js';
import { memoryNetwork, type MemoryNetwork } from '../../../src/testing/memory.js';
import type { ByteStream } from '../../../src/transport/byte-stream.js';
import { poolWithSv1 } from '../../roles/translator/raw-miners.js';
import { during, memoryPool, memoryTemplateProvider, seeded, virtually } from '../../roles/support.js';
import { sv1Device, type Sv1Device, type Sv1Report } from './device.js';
import { sv1Firmware } from './firmware.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const user = `bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.${'rig'.repeat(20)}`;
const hashRate = 1_000;

/** Runs a device on a connection: a hundred milliseconds' hashes every hundred milliseconds. */
function running(stream$: Observable<ByteStream>, device: Sv1Device): Observable<{ readonly type: string }> {
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  return stream$.pipe(
    mergeMap((stream) => {
      const say = (text: string) => void (text === '' || stream.write(encoder.encode(text)));
      let rest = '';
      const heard$ = stream.chunk$.pipe(
        tap((chunk) => {
          const lines = (rest + decoder.decode(chunk)).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) say(device.receive(line));
        }),
      );
      const mined$ = interval(97).pipe(tap(() => say(device.mine(hashRate / 10))));
      const started$ = defer(() => {
        say(device.start());
        return [];
      });
      return merge(heard$, mined$, started$).pipe(mergeMap(() => []));
    }),
  );
}

const provider = (network: MemoryNetwork) =>
  memoryTemplateProvider(network, {
    nbits: 0x1d00ffff,
    seed: 1,
    blockInterval: 11_000,
    refreshInterval: 5_000,
    transactionsPerSecond: 0.2,
  }).start();

const pooled = (network: MemoryNetwork) => ({ pool: poolWithSv1(network).pool.start() });
const translated = (aggregate: boolean) => (network: MemoryNetwork) => ({
  pool: memoryPool(network, { sharesPerMinute: 20 }).start(),
  translator: translator({
    listen: network.listenSv1({ address: 'sv1' }),
    upstreams: [{ connect: network.connect({ address: 'pool', encrypted: false }), userIdentity: 'farm' }],
    aggregate,
    nominalHashRate: hashRate,
    sharesPerMinute: 20,
    randomBytes: seeded(5),
  }).start(),
});

describe.each<
  [string, (network: MemoryNetwork) => Readonly<Record<string, Observable<{ readonly type: string }>>>]
>([
  ["a pool's port for Stratum V1", pooled],
  ['a translator, one channel for all', translated(true)],
  ['a translator, a channel for each', translated(false)],
])('at %s', (_, serve) => {
  const reports = new Map<string, Sv1Report>();

  beforeAll(() => {
    const network = memoryNetwork();
    const devices = sv1Firmware.map((firmware) => ({ firmware, device: sv1Device(firmware, user) }));
    virtually(30, () => ({
      provider: provider(network),
      ...serve(network),
      devices: during(2, 30, merge(...devices.map(({ device }) => running(network.dial('sv1'), device)))),
    }));
    for (const { firmware, device } of devices) reports.set(firmware.name, device.report());
  }, 300_000);

  it.each(sv1Firmware.map(({ name, leastDifficulty }) => [name, leastDifficulty] as const))(
    '%s finds nothing that would break it, is answered everything, and has its shares accepted',
    (name, leastDifficulty) => {
      const { faults, jobs, accepted, rejected, difficulty, unanswered } = reports.get(name) as Sv1Report;
      expect(faults).toEqual([]);
      expect(jobs).toBeGreaterThanOrEqual(3);
      expect(unanswered).toEqual([]);
      // a share that was on its way when a block made its job old
      expect(rejected.filter((error) => !error.startsWith('[21,'))).toEqual([]);
      if (difficulty < 1e-5) expect(accepted).toBeGreaterThanOrEqual(3);
      else expect(difficulty).toBeGreaterThanOrEqual(name === 'NerdMiner v2' ? 0.0001 : leastDifficulty);
    },
  );
});
