/** `sv2 pool --processes`: a core and its fronts as the processes that they are. */
import { describe, expect, it } from '@jest/globals';
import { frontSettings } from '../../src/cli/pool-processes.js';
import { poolSchema } from '../../src/cli/pool-settings.js';
import { address, credited, isAlive, poolOfProcesses, processAt } from './pool-processes-support.js';
import { startRole } from './role-support.js';

const { startPool, minersAtBoth } = poolOfProcesses();

describe('sv2 pool --processes', () => {
  it('mines blocks with miners of all fronts, and a front that is killed takes its own alone', async () => {
    const { pool, ledger } = await startPool();
    const [one, two] = await minersAtBoth(pool);
    const heard = await Promise.all([one.atLeast(5), two.atLeast(5)]);
    await pool.printed(/is on the chain/);

    process.kill(await processAt(pool, 1), 'SIGKILL');
    await pool.printed(/front 1 \(process \d+, server id 0\) ended: SIGKILL; its miners are disconnected/);
    await two.atLeast(heard[1] + 10);
    await processAt(pool, 1, 2); // with the same server id, and another life of it
    await one.atLeast(heard[0] + 10); // it has come back, to either
    const [ofOne, ofTwo] = [one.told, two.told];
    const kept = await credited(ledger);
    expect(kept[one.user]).toBeGreaterThanOrEqual(Math.max(ofOne, heard[0] + 10));
    expect(kept[two.user]).toBeGreaterThanOrEqual(Math.max(ofTwo, heard[1] + 10));
    expect(pool.output.stdout).not.toMatch(
      /client \d+ \([^)]*\) disconnected: (?!the process that served it has ended)/,
    );

    const fronts = [await processAt(pool, 1, 2), await processAt(pool, 2)];
    expect(await pool.stop('SIGTERM')).toBe(0);
    expect(fronts.map(isAlive)).toEqual([false, false]);
    expect(pool.output.stdout).toMatch(/pool ended after [^\n]*: \d+ shares accepted/);
  }, 120_000);

  it('is nothing without its core: when that is killed, its fronts end', async () => {
    const { pool, ledger } = await startPool();
    const [one] = await minersAtBoth(pool);
    const heard = await one.atLeast(3);
    const fronts = [await processAt(pool, 1), await processAt(pool, 2)];
    // they have its stdout: it is closed once all of them have ended
    expect(await pool.stop('SIGKILL')).toBe(-9);
    expect(fronts.map(isAlive)).toEqual([false, false]);
    expect((await credited(ledger))[one.user]).toBeGreaterThanOrEqual(heard);
  }, 120_000);

  it.each([
    [['--max-connections', '3'], 'max_connections: 3 for 4 processes; expected 1 for each of them at least'],
    [['--server-id', '65533'], 'server_id: 65533 leaves no ids for 4 processes; each takes one, from it on'],
    [['--processes', '65'], '--processes: expected a whole number from 1 to 64'],
  ])('is refused with %j, in words', async (flags, problem) => {
    const pool = startRole(
      ...['pool', '--processes', '4', '--template-provider', '127.0.0.1:1'],
      ...['--coinbase-reward-script', address, ...flags],
    );
    expect(await pool.exitCode).toBe(2);
    expect(pool.output.stderr).toContain(problem);
  });

  it('shares out what is limited for all miners together, so that all fronts have no more', () => {
    const settings = poolSchema.parse({
      processes: 3,
      max_connections: 1_000,
      max_channels_per_connection: 500,
      coinbase_reward_script: address,
      template_provider_type: { Sv2Tp: { address: '127.0.0.1:1' } },
    });
    expect(frontSettings(settings)).toEqual({
      ...settings,
      max_connections: 333,
      max_connections_per_address: Math.floor(settings.max_connections_per_address / 3),
      max_channels: 33_333,
      max_channels_per_address: 3_333,
    });
  });
});
