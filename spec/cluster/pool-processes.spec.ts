/** A pool of several processes that pays its users: statements of its blocks, checked by what was exported alone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Statement } from '../../src/index.js';
import { poolOfProcesses, processAt } from '../cli/pool-processes-support.js';
import { sv2 } from '../cli/support.js';
import { addressOf } from '../ledger/support.js';

const { directory, startPool, minersAtBoth } = poolOfProcesses();

/** What a command prints. */
const printed = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await sv2(args);
  expect([exitCode, stderr]).toEqual([0, '']);
  return stdout;
};

describe('sv2 pool --processes 2', () => {
  it('kills a front that hangs, and starts another in its place, whose miners do work that nobody has done', async () => {
    const { pool } = await startPool();
    const [one, two] = await minersAtBoth(pool);
    const heard = await Promise.all([one.atLeast(5), two.atLeast(5)]);
    const hung = await processAt(pool, 1);
    process.kill(hung, 'SIGSTOP');
    await pool.printed(
      new RegExp(`front 1 \\(process ${hung}, server id 0\\) hangs: no sign of life for 11 s; it is killed`),
    );
    await pool.printed(/front 1 \(process \d+, server id 0\) ended: SIGKILL/);
    expect(await processAt(pool, 1, 2)).not.toBe(hung);
    await Promise.all([one.atLeast(heard[0] + 10), two.atLeast(heard[1] + 10)]);
    expect(pool.output.stdout).not.toMatch(/duplicate/);
    expect(await pool.stop('SIGTERM')).toBe(0);
  }, 120_000);
});

describe('sv2 pool --processes 2 --payout pplns', () => {
  it('pays the miners of both fronts by their work, books it, and anybody can check that from an export', async () => {
    const { pool, ledger } = await startPool(
      ...['--payout', 'pplns', '--payout-confirmations', '3', '--fee', '100'],
    );
    const [one, two] = await minersAtBoth(pool, (number) => `${addressOf(number)}.rig${number}`);
    await Promise.all([one.atLeast(10), two.atLeast(10)]);
    await pool.printed(/is deep enough: what it paid counts for good/);
    process.kill(await processAt(pool, 1), 'SIGKILL');
    await pool.printed(/front 1 \(process \d+, server id \d+\) ended: SIGKILL/);
    const before = pool.output.stdout.split('is deep enough').length;
    await pool.printed(new RegExp(`(?:is deep enough[^]*?){${before + 3}}`));
    expect(await pool.stop('SIGTERM')).toBe(0);

    const blocks = (await printed('ledger', 'statements', '--ledger', ledger)).trimEnd().split('\n');
    expect(blocks.length).toBeGreaterThan(3);
    const records = join(directory, 'records.jsonl');
    writeFileSync(records, await printed('ledger', 'export', '--ledger', ledger));
    const contributors = new Set<string>();
    for (const line of blocks) {
      const { hash } = JSON.parse(line) as { readonly hash: string };
      const text = await printed('ledger', 'statements', '--block', hash, '--ledger', ledger);
      for (const { user } of (JSON.parse(text) as Statement).contributions) contributors.add(user);
      const statement = join(directory, `${hash}.json`);
      writeFileSync(statement, text);
      expect(await printed('audit', statement, '--records', records)).toMatch(
        /^right: block [0-9a-f]{64}, by/,
      );
    }
    expect(contributors).toContain(one.user);
    expect(contributors).toContain(two.user);
    expect(pool.output.stdout).not.toContain('the ledger does not know what it pays');
  }, 120_000);
});
