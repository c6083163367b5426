/** Mining devices of the reference implementation's client channels at `sv2 pool`. */
import { afterEach, expect, it } from '@jest/globals';
import { authorityText } from '../support/ours.js';
import { startPool, startTemplateProvider } from '../support/network.js';
import { temporaryDirectory } from '../support/node.js';
import { sriPeer } from '../support/paths.js';
import { startProgram, stopPrograms } from '../support/process.js';

const directory = temporaryDirectory();

afterEach(async () => {
  await stopPrograms();
  directory.remove();
});

it('the reference device mines at our pool: standard, extended, with workers', async () => {
  const provider = await startTemplateProvider(directory.path, 'nbits = "1f0fffff"');
  const pool = await startPool(
    directory.path,
    provider,
    'log_level = "debug"',
    'coinbase_reward_script = "raw(51)"',
    'shares_per_minute = 60',
    'share_batch_size = 2',
  );
  const devices: [name: string, ...args: string[]][] = [
    ['standard', '--kind', 'standard'],
    ['standard-jobs', '--kind', 'standard', '--flags', '1'],
    ['extended', '--kind', 'extended'],
    ['workers', '--kind', 'extended', '--worker', 'w1'],
  ];
  const mined = devices.map(async ([name, ...args]) => {
    const device = startProgram(sriPeer, [
      'miner',
      ...['--connect', pool.address, '--authority-public', authorityText, '--user', name, ...args],
      ...['--shares', '10', '--interval', '50'],
    ]);
    device.lines.push = () => undefined;
    return [name, await device.ended, device.errors.rest.join(' ')];
  });
  expect(await Promise.all(mined)).toEqual(devices.map(([name]) => [name, 0, '']));
  await provider.sv2.line(/^block \d+ accepted/);
  expect(await pool.sv2.program.stop()).toBe(0); // which tells of all lines that were kept for later
  for (const name of ['standard', 'standard-jobs', 'extended', 'workers, w1']) {
    expect([name, acceptedShares(pool.sv2.seen, name) >= 10]).toEqual([name, true]);
  }
  expect(pool.sv2.count(/: share\b.* rejected, (?!stale)/)).toBe(0);
});

/** How many shares of somebody a pool's log has as accepted: one a line, or as many as the line stands for. */
const acceptedShares = (lines: readonly string[], name: string): number => {
  const pattern = new RegExp(
    `^(?:(\\d+) more within \\d+ s: )?client \\d+ channel \\d+: share of ${name} accepted,`,
  );
  return lines.reduce((sum, line) => {
    const match = pattern.exec(line);
    return match === null ? sum : sum + Number(match[1] ?? 1);
  }, 0);
};
