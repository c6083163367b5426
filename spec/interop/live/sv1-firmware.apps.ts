/** The firmware of miners that speak Stratum V1, scripted, at the reference's translator and at ours, by one configuration. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { sv1Firmware } from '../../devices/sv1/firmware.js';
import { startReferencePool, startTranslator, translatorConfiguration } from '../support/apps.js';
import { startOurTranslator, startPool, startProxy, startTemplateProvider } from '../support/network.js';
import { temporaryDirectory } from '../support/node.js';
import { sriPeer } from '../support/paths.js';
import { startProgram, stopPrograms } from '../support/process.js';
import { runSv1Device, type LiveReport } from '../support/sv1-devices.js';

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

/** Some 16 million hashes a block, so that jobs last. */
const hard = 'nbits = "1d00ffff"';

const pools = {
  'our pool': async (directory: string) =>
    (
      await startPool(
        directory,
        await startTemplateProvider(directory, hard),
        'coinbase_reward_script = "raw(51)"',
        'shares_per_minute = 60',
        'share_batch_size = 1',
      )
    ).address,
  'the reference pool': async (directory: string) =>
    (await startReferencePool(directory, await startTemplateProvider(directory, hard))).address,
};

/** All firmware at once, as on a farm. */
const runAll = (address: string): Promise<readonly (readonly [string, LiveReport])[]> =>
  Promise.all(
    sv1Firmware.map(
      async (firmware, index) =>
        [firmware.name, await runSv1Device(address, firmware, `farm.rig${index}`)] as const,
    ),
  );

const tell = (title: string, reports: readonly (readonly [string, LiveReport])[]): void => {
  const lines = reports.map(
    ([name, { accepted, rejected, jobs, difficulty, faults, unanswered, isClosed }]) =>
      [
        name,
        `${accepted} accepted, ${rejected.length} rejected, ${jobs} jobs, difficulty ${difficulty.toPrecision(3)}`,
        ...faults,
        ...new Set(unanswered.map((method) => `no answer to ${method}`)),
        ...(isClosed ? ['disconnected'] : []),
      ].join('; '),
  );
  // eslint-disable-next-line no-console -- what the table in README.md is made of
  console.info([title, ...lines].join('\n'));
};

describe.each(Object.keys(pools) as (keyof typeof pools)[])('at %s', (pool) => {
  it.each([
    ['one channel for all', true],
    ['a channel for each', false],
  ])('our translator serves every firmware: %s', async (how, aggregate) => {
    const directory = newDirectory();
    const config = translatorConfiguration(
      `${directory}/translator.toml`,
      0,
      await pools[pool](directory),
      aggregate,
    );
    const translator = await startOurTranslator(config);
    const reports = await runAll(translator.address);
    tell(`our translator at ${pool}, ${how}`, reports);
    for (const [name, { faults, jobs, accepted, rejected, difficulty, unanswered, isClosed }] of reports) {
      const wrong = rejected.filter((error) => !error.startsWith('[21,'));
      expect({ name, faults, wrong, unanswered, isClosed }).toEqual({
        ...{ name, faults: [], wrong: [], unanswered: [], isClosed: false },
      });
      expect(jobs).toBeGreaterThan(0);
      if (difficulty < 1e-5) expect([name, accepted]).toEqual([name, 3]);
    }
    expect(translator.sv2.count(/rejected later|upstream rejected (?!.*stale)/)).toBe(0);
    expect(await translator.sv2.program.stop()).toBe(0);
  });

  it.each([
    ['one channel for all', true],
    ['a channel for each', false],
  ])('the reference translator serves those that it serves: %s', async (how, aggregate) => {
    const directory = newDirectory();
    const translator = await startTranslator(directory, await pools[pool](directory), aggregate);
    await translator.line(/[Ll]isten/);
    const reports = await runAll(translator.address);
    tell(`the reference translator at ${pool}, ${how}`, reports);
    // that the scripts are right shows in that the reference takes their shares
    expect(reports.filter(([, { accepted }]) => accepted > 0).length).toBeGreaterThanOrEqual(5);
  });
});

describe("the reference's client channels behind our proxy", () => {
  it.each(Object.keys(pools) as (keyof typeof pools)[])('at %s', async (pool) => {
    const directory = newDirectory();
    const proxy = await startProxy(await pools[pool](directory), '--shares-per-minute', '60');
    const device = startProgram(sriPeer, [
      ...['miner', '--connect', proxy.address, '--plaintext'],
      ...['--interval', '50', '--shares', '10'],
    ]);
    device.lines.push = () => undefined;
    expect([await device.ended, device.errors.rest]).toEqual([0, []]);
    await proxy.sv2.line(/the upstream accepted \d+ shares?/);
    expect(await proxy.sv2.program.stop()).toBe(0);
  });
});
