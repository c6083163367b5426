import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { postgresServer, withoutPostgres } from '../node/ledger/postgres-server.js';
import { killPool } from '../soak/kills.js';

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-kills-'));
afterAll(() => rmSync(folder, { recursive: true }));
const main = join(process.cwd(), 'dist/cli/main.js');
const seed = 20_261_127;

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

describe(`what was acknowledged is credited, once, and what is owed is exact (seed ${seed})`, () => {
  it('though the pool is killed at any moment', async () => {
    const result = await killPool({ rounds: 5, seed, folder: join(folder, 'file'), main });
    expect(result.problems).toEqual([]);
    expect(result.killed).toEqual({ pool: 5, store: 0, both: 0 });
    expect(sumOf(result.acknowledged)).toBeGreaterThan(20);
    expect(result.blocks).toBeGreaterThan(0);
  }, 300_000);

  it(`though the pool, its PostgreSQL or both are${withoutPostgres === null ? '' : ` (not tried: ${withoutPostgres})`}`, async () => {
    if (withoutPostgres !== null) return;
    const store = await postgresServer();
    try {
      const result = await killPool({ rounds: 8, seed, folder: join(folder, 'postgres'), store, main });
      expect(result.problems).toEqual([]);
      const { pool, store: database, both } = result.killed;
      expect(Math.min(pool, database, both)).toBeGreaterThan(0);
      expect(sumOf(result.acknowledged)).toBeGreaterThan(20);
      expect(result.blocks).toBeGreaterThan(0);
    } finally {
      await store.end();
    }
  }, 400_000);
});
