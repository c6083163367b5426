/** The applications of the reference implementation with ours, all of them processes. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { defer, filter, firstValueFrom, repeat, timeout } from 'rxjs';
import { startReferencePool, startTranslator } from '../support/apps.js';
import { startMiner, startPool, startTemplateProvider } from '../support/network.js';
import { patience } from '../support/inbox.js';
import { temporaryDirectory } from '../support/node.js';
import { authorityText } from '../support/ours.js';
import { sriPeer } from '../support/paths.js';
import { startProgram, stopPrograms } from '../support/process.js';

let removeDirectory = (): void => undefined;
const newDirectory = (): string => {
  const directory = temporaryDirectory();
  removeDirectory = () => directory.remove();
  return directory.path;
};

afterEach(async () => {
  await stopPrograms();
  removeDirectory();
});

/** 4,096 hashes a block. */
const easy = 'nbits = "1f0fffff"';

const device = (command: 'miner' | 'sv1-miner', address: string, ...args: readonly string[]) => {
  const program = startProgram(sriPeer, [command, '--connect', address, '--interval', '50', ...args]);
  program.lines.push = () => undefined;
  return program;
};

interface Shares {
  readonly accepted: number;
  readonly rejected: number;
  readonly rejectedByCode: Readonly<Record<string, number>>;
}
interface State {
  readonly shares: Shares;
  readonly workers: readonly { readonly user: string; readonly worker: string; readonly shares: Shares }[];
}

/** What a pool is at, once it has judged so many shares. */
const stateWith = (url: string, judged: number): Promise<State> =>
  firstValueFrom(
    defer(async () => (await (await fetch(url)).json()) as State).pipe(
      repeat({ delay: 500 }),
      filter(({ shares: { accepted, rejected } }) => accepted + rejected >= judged),
      timeout({ first: patience }),
    ),
  );

describe('the reference pool', () => {
  it.each(['extended', 'standard'])(
    'has our miner mine on its %s channel, with our templates',
    async (kind) => {
      const directory = newDirectory();
      const provider = await startTemplateProvider(directory, easy);
      const pool = await startReferencePool(directory, provider);
      const miner = startMiner(pool.address, `--${kind}-channels`, '1', '--user', 'ours');
      await miner.line(new RegExp(`^${kind} channel \\d+ opened`));
      await pool.line(/Block Found/);
      await provider.sv2.line(/^block \d+ accepted/);
      await provider.sv2.line(/^block \d+ accepted/);
      await miner.line(/^channel \d+: \d+ shares? accepted/);
      expect(miner.count(/rejected: (?!stale-share)/)).toBe(0);
      // a second block on the same parent comes too late: on this chain nearly every hash is a block
      expect(provider.sv2.count(/rejected: (?!inconclusive|duplicate|stale|bad-prevblk)/)).toBe(0);
      expect(await miner.program.stop()).toBe(0);
    },
  );

  it('has the reference device and the reference translator mine with our templates', async () => {
    const directory = newDirectory();
    const provider = await startTemplateProvider(directory, easy);
    const pool = await startReferencePool(directory, provider);
    const translator = await startTranslator(directory, pool.address, false);
    await translator.line(/[Ll]isten/);
    const sv2Device = device('miner', pool.address, '--authority-public', authorityText, '--shares', '10');
    const sv1Device = device('sv1-miner', translator.address, '--shares', '10', '--user', 'w1');
    expect([await sv2Device.ended, sv2Device.errors.rest]).toEqual([0, []]);
    expect([await sv1Device.ended, sv1Device.errors.rest]).toEqual([0, []]);
    await provider.sv2.line(/^block \d+ accepted/);
  });
});

describe('our pool', () => {
  it.each([
    ['a channel for each device', false],
    ['one channel for all devices', true],
  ])('has the reference translator mine, and Stratum V1 devices behind it: %s', async (_, aggregate) => {
    const directory = newDirectory();
    const provider = await startTemplateProvider(directory, easy);
    const pool = await startPool(
      directory,
      provider,
      'coinbase_reward_script = "raw(51)"',
      'shares_per_minute = 60',
      'share_batch_size = 1',
      'monitoring_address = "127.0.0.1:0"',
      'monitoring_cache_refresh_secs = 1',
    );
    const [, monitoring] = await pool.sv2.line(/monitoring at (http:\/\/\S+?)\/?$/);
    const translator = await startTranslator(directory, pool.address, aggregate);
    await translator.line(/[Ll]isten/);
    const devices = ['w1', 'w2'].map((user) =>
      device('sv1-miner', translator.address, '--shares', '20', '--user', user),
    );
    for (const { ended, errors } of devices) expect([await ended, errors.rest]).toEqual([0, []]);
    expect(pool.sv2.count(/opened it, extended/)).toBe(aggregate ? 1 : 2);
    // lines of a log are told together, so that it is the monitoring that counts
    const { shares, workers } = await stateWith(`${monitoring}/api/v1/state`, 40);
    expect(Object.keys(shares.rejectedByCode).filter((code) => code !== 'stale-share')).toEqual([]);
    await provider.sv2.line(/^block \d+ accepted/);
    const names = workers.filter((one) => one.shares.accepted > 0).map(({ user, worker }) => worker || user);
    expect(names.sort()).toEqual(aggregate ? ['w1', 'w2'] : ['translator.miner1', 'translator.miner2']);
  });
});
