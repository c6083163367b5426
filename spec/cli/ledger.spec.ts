import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { bookkeeping } from '../../src/ledger/bookkeeping.js';
import { openLedger } from '../../src/node/ledger/open-ledger.js';
import { ledgerPlace, shownPlace } from '../../src/cli/ledger-place.js';
import { killPool } from '../soak/kills.js';
import { shareOf } from '../ledger/support.js';
import { startRole } from './role-support.js';
import { sv2 } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-ledger-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'pool.ledger.sqlite');
const config = join(folder, 'pool.toml');

beforeAll(async () => {
  writeFileSync(config, 'coinbase_reward_script = "raw(51)"\n');
  const { store } = await openLedger(file);
  const books = await bookkeeping(store, 0);
  await books.write([
    shareOf('alice', { serverId: 0, worker: 'rig1', difficulty: 2 }),
    shareOf('=bob', { serverId: 0, difficulty: 3 }),
  ]);
  await store.close();
});

describe('sv2 ledger', () => {
  test.each([
    ['--ledger', () => file],
    ['--config', () => config],
  ])('shows accounts, of %s', async (flag, where) => {
    const { exitCode, stdout } = await sv2(['ledger', 'accounts', flag, where(), '--format', 'json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({ user: '=bob', worker: '', accepted: 1, rejected: 0, difficultySum: 3 }),
      expect.objectContaining({ user: 'alice', worker: 'rig1', accepted: 1, rejected: 0, difficultySum: 2 }),
    ]);
    const table = await sv2(['ledger', 'accounts', flag, where()]);
    expect(table.stdout).toMatch(/accepted +rejected[^\n]*\n +1 +0 .*=bob\n +1 +0 .*alice \(rig1\)\n/);
  });

  it('exports records, of all or of one user', async () => {
    const lines = (text: string) => text.trimEnd().split('\n');
    const all = lines((await sv2(['ledger', 'export', '--ledger', file])).stdout);
    expect(all.map((line) => (JSON.parse(line) as { user: string }).user)).toEqual(['alice', '=bob']);
    const own = lines((await sv2(['ledger', 'export', '--ledger', file, '--user', 'alice'])).stdout);
    expect(own).toEqual(all.slice(0, 1));
    const csv = lines((await sv2(['ledger', 'export', '--ledger', file, '--format', 'csv'])).stdout);
    expect(csv).toHaveLength(3);
    expect(csv[2]).toContain("'=bob");
  });

  it('prints nothing that moves a cursor or turns a line around, whatever somebody calls himself', async () => {
    const strange = join(folder, 'strange.sqlite');
    const user = 'eve\u009b2J\u202e\u200b\u001b[2J\nalice';
    const { store } = await openLedger(strange);
    await (await bookkeeping(store, 0)).write([shareOf(user, { worker: '\u0085rig', difficulty: 2 })]);
    await store.close();
    const printed = async (...args: readonly string[]): Promise<string> => {
      const { stdout } = await sv2(['ledger', ...args, '--ledger', strange]);
      expect(stdout).not.toBe('');
      expect(stdout.replaceAll(/\r?\n/g, '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      return stdout;
    };
    await printed('accounts');
    expect(JSON.parse(await printed('accounts', '--format', 'json'))).toMatchObject([{ user }]);
    const record = await printed('export');
    expect(record.trimEnd()).not.toContain('\n');
    expect(JSON.parse(record)).toMatchObject({ user, worker: '\u0085rig' });
    const csv = await printed('export', '--format', 'csv');
    expect(csv.trimEnd().split('\r\n')).toHaveLength(2);
  });

  it('copies it, to a file that is not there', async () => {
    const copy = join(folder, 'copy.sqlite');
    expect((await sv2(['ledger', 'backup', copy, '--ledger', file])).exitCode).toBe(0);
    expect((await sv2(['ledger', 'accounts', '--ledger', copy])).stdout).toContain('alice');
    expect(await sv2(['ledger', 'backup', copy, '--ledger', file])).toMatchObject({
      exitCode: 1,
      stderr: `sv2: ${copy} exists already: choose another name\n`,
    });
  });

  test.each([
    [['accounts', '--ledger', '/nowhere/at/all'], 'there is no ledger /nowhere/at/all: a pool makes one'],
    [['accounts', '--ledger', 'none'], 'the ledger is none: nothing is kept'],
    [['accounts', '--config', '/nowhere.toml'], '/nowhere.toml: cannot be read: ENOENT'],
    [['statements', '--block', 'ab', '--ledger', file], 'the ledger has no statement of a block ab'],
  ])('says what is wrong: %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await sv2(['ledger', ...args]);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain(message);
  });

  test.each([
    [['ledger', 'accounts', '--format', 'xml'], 'Allowed choices are table, json.'],
    [['ledger', 'export', '--since', 'yesterday'], 'Expected a time such as 2026-01-31T00:00:00Z.'],
    [['audit', 'x.json', '--user', 'x'], '--user says whose records these are: it takes --records FILE'],
  ])('ends with 2 for what it was not asked right: %j', async (args, message) => {
    const { exitCode, stderr } = await sv2(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('sv2 audit says what is wrong', () => {
  const statement = join(folder, 'statement.json');
  test.each([
    [['/nowhere.json'], '/nowhere.json cannot be read: no such file'],
    [[config], 'a statement must be JSON'],
    [[statement, '--records', config], `${config}:1: not a record of an export`],
  ])('%j', async (args, message) => {
    const lists = { contributions: [], payments: [], outputs: [], since: [], until: [] };
    writeFileSync(statement, JSON.stringify({ form: 1, ...lists }));
    const { exitCode, stderr } = await sv2(['audit', ...args]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(message);
  });

  it('of a statement, by exit status and line', async () => {
    const lists = { contributions: [], payments: [], outputs: [], since: [], until: [] };
    writeFileSync(statement, JSON.stringify({ form: 1, ...lists }));
    const { exitCode, stdout } = await sv2(['audit', statement]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^wrong: /);
  });
});

describe("a pool's ledger", () => {
  const flags = [
    '--listen',
    '127.0.0.1:0',
    '--coinbase-reward-script',
    'raw(51)',
    '--template-provider',
    '127.0.0.1:1',
  ];

  it('is beside its configuration, in the directory for data, or where it is told', () => {
    expect(ledgerPlace(undefined, '/etc/sv2/pool.toml')).toBe('/etc/sv2/pool.ledger.sqlite');
    expect(ledgerPlace(undefined, undefined)).toMatch(/rx-sv2\/pool\.ledger\.sqlite$/);
    expect(ledgerPlace('/x', '/etc/sv2/pool.toml')).toBe('/x');
    expect(ledgerPlace('none', '/etc/sv2/pool.toml')).toBeUndefined();
    expect(shownPlace('postgres://pool:s3cret@db/x?password=s3cret')).toBe('postgres://db/x');
  });

  it('is told when it starts, and so is that there is none', async () => {
    const pool = startRole('pool', ...flags, '--ledger', join(folder, 'new', 'one.sqlite'));
    await pool.printed(/ledger: .*new\/one\.sqlite/);
    expect(await pool.stop()).toBe(0);
    const without = startRole('pool', ...flags, '--ledger', 'none');
    await without.printed(/no ledger: what miners deliver is counted in memory alone, and forgotten/);
    expect(await without.stop()).toBe(0);
  });

  it('that cannot be opened ends it', async () => {
    const pool = startRole('pool', ...flags, '--ledger', join(config, 'x'));
    expect(await pool.exitCode).toBe(1);
    expect(pool.output.stderr).toContain('cannot be made: ');
  });

  it('has what it acknowledged, once, though it is killed at any moment', async () => {
    const result = await killPool({
      rounds: 20,
      seed: 20_261_126,
      ledger: join(folder, 'killed.sqlite'),
      main: join(process.cwd(), 'dist/cli/main.js'),
    });
    expect(result.problems).toEqual([]);
    expect(Object.values(result.acknowledged).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(100);
  });
});
