import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import {
  doubleSha256,
  targetFromDifficulty,
  targetFromNbits,
  toDisplayHex,
} from '../../src/bitcoin/index.js';
import { nbitsForInterval } from '../../src/cli/demo/calibration.js';
import { demoState, withOutcome, type DemoOutcome, type DemoState } from '../../src/cli/demo/state.js';
import { calibrationLine, demoLine, renderDemo } from '../../src/cli/demo/view.js';
import { targetToBigInt } from '../../src/bitcoin/index.js';
import { identityOf, nameOf } from '../../src/cli/demo/users.js';
import { parseIdentity } from '../../src/ledger/identity.js';
import { startProcess, startRole } from './role-support.js';

const sv2 = (...args: string[]) =>
  spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8', timeout: 300_000 });

const hash = doubleSha256(Uint8Array.of(1));
const opened = (userIdentity: string): DemoOutcome => ({
  from: 'pool',
  outcome: {
    type: 'ChannelOpened',
    clientId: 1,
    channelId: 2,
    kind: 'standard',
    userIdentity,
    nominalHashRate: 1,
    target: targetFromDifficulty(4),
    maxTarget: targetFromDifficulty(1),
  },
});
const shareAccepted: DemoOutcome = {
  from: 'pool',
  outcome: {
    type: 'ShareAccepted',
    clientId: 1,
    channelId: 2,
    userIdentity: 'b',
    worker: '',
    jobId: 1,
    sequenceNumber: 1,
    hash,
    difficulty: 8,
    target: targetFromDifficulty(8),
  },
};
const shareRejected: DemoOutcome = {
  from: 'pool',
  outcome: {
    type: 'ShareRejected',
    clientId: 1,
    channelId: 2,
    userIdentity: 'b',
    worker: '',
    jobId: 1,
    sequenceNumber: 1,
    errorCode: 'stale-share',
    reason: 'late',
  },
};
const blockFound: DemoOutcome = {
  from: 'pool',
  outcome: {
    type: 'BlockFound',
    clientId: 1,
    channelId: 2,
    userIdentity: 'b',
    worker: '',
    jobId: 1,
    hash,
    header: new Uint8Array(80),
    coinbaseTx: new Uint8Array(0),
    solution: null,
    payout: null,
  },
};
const hashing: DemoOutcome = {
  from: 'miner',
  name: 'b',
  outcome: { type: 'HashRate', hashesPerSecond: 1_234_567 },
};

const connected: DemoOutcome = {
  from: 'miner',
  name: 'b',
  outcome: {
    type: 'connected',
    protocol: 'mining',
    server: {
      peer: { address: '127.0.0.1:1', encrypted: true },
      endpoint: undefined,
      upstream: 0,
      protocol: 'mining',
      version: 2,
      flags: 0,
      extensions: [],
    },
  },
};

/** The state after these events, one second apart. */
function after(...events: readonly DemoOutcome[]): DemoState {
  const start = demoState(
    [
      { name: 'a', channel: 'standard' },
      { name: 'b', channel: 'extended' },
    ],
    1_000,
  );
  return events.reduce((state, event, index) => withOutcome(state, event, 2_000 + 1_000 * index), start);
}

describe("the demo's state", () => {
  it('counts shares for whoever found them, and knows the difficulty', () => {
    const { miners } = after(opened('b'), shareAccepted, shareAccepted, shareRejected, hashing);
    expect(miners).toEqual([
      expect.objectContaining({ name: 'a', accepted: 0, rejected: 0, difficulty: undefined, hashRate: 0 }),
      expect.objectContaining({ name: 'b', accepted: 2, rejected: 1, difficulty: 8, hashRate: 1_234_567 }),
    ]);
  });

  it('remembers a found block only until it is judged', () => {
    expect(after(blockFound).finders).toEqual(new Map([[toDisplayHex(hash), 'b']]));
  });
});

describe("the demo's screen", () => {
  const state = after(connected, opened('b'), shareAccepted, hashing);

  const numbers = (text: string) => text.match(/[\d.]+/g) ?? [];
  const someState = fc
    .record({
      accepted: fc.nat(),
      rejected: fc.nat(),
      hashRate: fc.double({ min: 0, max: 1e22, noNaN: true }),
      difficulty: fc.option(fc.double({ min: 0, max: 1e15, noNaN: true }), { nil: undefined }),
      trouble: fc.option(fc.string({ unit: 'binary', maxLength: 200 }), { nil: undefined }),
      heights: fc.array(fc.nat(), { maxLength: 20 }),
      elapsed: fc.nat(),
      connected: fc.boolean(),
    })
    .map(({ trouble, heights, elapsed, ...miner }): DemoState => {
      const plain = demoState(
        [
          { name: 'demo.standard', channel: 'standard' },
          { name: 'demo.extended', channel: 'extended' },
        ],
        0,
      );
      return {
        ...plain,
        now: elapsed,
        trouble,
        miners: plain.miners.map((known) => ({ ...known, ...miner, blocks: heights.length })),
        blocks: heights.map((height) => ({
          ...{ height, interval: height, finder: 'demo.standard' },
          hash: toDisplayHex(doubleSha256(Uint8Array.of(height & 0xff))),
        })),
      };
    });

  it('is never wider or taller than the terminal, and cuts no number', () => {
    fc.assert(
      fc.property(
        someState,
        fc.integer({ min: 1, max: 210 }),
        fc.integer({ min: 1, max: 60 }),
        (shown, columns, rows) => {
          const lines = renderDemo(shown, columns, rows);
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
          const text = (state: DemoState, width: number) =>
            renderDemo({ ...state, trouble: undefined }, width, 60)
              .join('\n')
              .replace(/[0-9a-f]+…|[0-9a-f]{64}/g, ''); // a hash says where it was cut
          const known = new Set(numbers(text(shown, 1_000)));
          expect(numbers(text(shown, columns)).filter((number) => !known.has(number))).toEqual([]);
        },
      ),
      { seed: 6 },
    );
  });

  it.each([
    [200, 50],
    [80, 24],
    [40, 10],
  ])('says what matters most at %d × %d', (columns, rows) => {
    const blocks = Array.from({ length: 20 }, (_, height) => ({
      ...{ height: 900_000 + height, finder: 'demo.standard', interval: 1_000 },
      hash: toDisplayHex(hash),
    }));
    const miners = state.miners.map((miner) => ({ ...miner, name: 'demo.extended' }));
    const lines = renderDemo({ ...state, miners, blocks }, columns, rows);
    expect(lines[0]).toMatch(/0:04 {3}1\.23 MH\/s/);
    expect(lines.join('\n')).toMatch(/demo\.extended .*1\.23 MH\/s/);
    expect(lines.join('\n')).toMatch(/900000 {2}demo\.standard/);
    expect(lines.at(-1)).toBe('Ctrl-C ends it.');
  });

  it('leaves out columns from the least important on', () => {
    const shown = (columns: number) => renderDemo(state, columns, 30).join('\n');
    expect(shown(100)).toContain('b      extended  1.23 MH/s');
    expect(shown(60)).toContain('rejected  blocks');
    expect(shown(60)).not.toContain('extended');
    expect(shown(50)).toContain('rejected  blocks');
    expect(shown(50)).not.toContain('difficulty');
    expect(shown(27)).toMatch(/miner +hash rate +accepted$/m);
    expect(shown(4)).not.toMatch(/\d\.\d/);
  });

  it('counts blocks in English', () => {
    const blocks = [{ height: 1, finder: 'b', interval: 1_000, hash: '00' }];
    expect(renderDemo(state, 100, 30)[0]).toContain('0 blocks accepted');
    expect(renderDemo({ ...state, blocks }, 100, 30)[0]).toContain('1 block accepted');
  });

  it('has a line for a rejected share, none for an accepted one', () => {
    expect(demoLine(shareRejected, state)).toBe('pool: share of b rejected: stale-share');
    expect(demoLine(shareAccepted, state)).toBeUndefined();
  });
});

it("the demo's miners have an address each, of no network with coins, and a name that is told from it", () => {
  const names = ['demo.standard', 'demo.extended', 'demo.choosing'];
  const addresses = names.map((name) => {
    const identity = parseIdentity(identityOf(name), ['regtest']);
    expect(identity).toMatchObject({ isPayable: true, worker: name });
    expect(nameOf(identityOf(name))).toBe(name);
    return identity.isPayable ? identity.address : '';
  });
  expect(new Set(addresses).size).toBe(names.length);
  expect(parseIdentity(identityOf('demo.standard'), ['mainnet'])).toMatchObject({ code: 'wrong-network' });
});

describe("the demo's difficulty", () => {
  it.each([
    [1_000_000, 10],
    [50_000, 3],
  ])('at %d hashes per second takes %d seconds a block', (hashesPerSecond, seconds) => {
    const target = targetToBigInt(targetFromNbits(nbitsForInterval(hashesPerSecond, seconds)));
    const hashes = Number((1n << 256n) / (target + 1n));
    expect(hashes / (hashesPerSecond * seconds)).toBeCloseTo(1, 2);
  });
});

it('the demo says what a block takes', () => {
  expect(calibrationLine(1_234_567, 0x1e0fffff)).toBe('blocks for 1.23 MH/s: nbits 1e0fffff');
});

describe('sv2 demo', () => {
  it('has a dashboard, at another port if the usual one is taken', async () => {
    const demos = [startProcess('demo'), startProcess('demo')];
    const urls = await Promise.all(
      demos.map((demo) => demo.printed(/dashboard at (http:\/\/127\.0\.0\.1:\d+\/)/)),
    );
    const [first = '', second = ''] = urls.map(([, url = '']) => url);
    expect(first).not.toBe(second);
    for (const url of [first, second]) {
      expect((await fetch(`${url}healthz`)).status).toBe(200);
      const page = await fetch(url, { headers: { accept: 'text/html' } });
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    }
    for (const demo of demos) expect(await demo.stop()).toBe(0);
  });

  it.each([
    ['', [], ['demo.standard', 'demo.extended']],
    [', by blocks of one that chooses too', ['--job-declaration'], ['demo.standard', 'demo.choosing']],
  ] as const)('shows in its dashboard what its miners are owed and were paid%s', async (_, flags, names) => {
    const demo = startProcess('demo', '--monitoring', '127.0.0.1:0', ...flags);
    const [, url = ''] = await demo.printed(/dashboard at (http:\/\/\S+)/);
    const accounts = async () =>
      (await (await fetch(`${url}api/v1/accounts`)).json()) as {
        items: { payee: string; accepted: number; owed: number; pending: number; paid: number }[];
      };
    const miners = names.map((name) => identityOf(name).split('.')[0]);
    const isFound = () => flags.length === 0 || demo.output.stdout.includes('found by demo.choosing');
    let items: Awaited<ReturnType<typeof accounts>>['items'] = [];
    const areAllPaid = () =>
      miners.every((miner) =>
        items.some(({ payee, pending, paid }) => payee === miner && pending + paid > 0),
      );
    const { body } = await fetch(`${url}api/v1/events?types=PayoutStated,PayoutBooked`);
    for await (const _ of body as ReadableStream<Uint8Array>) {
      const found = isFound();
      ({ items } = await accounts());
      if (found && areAllPaid()) break;
    }
    expect(areAllPaid()).toBe(true);
    for (const miner of miners)
      expect(items.find(({ payee }) => payee === miner)?.accepted).toBeGreaterThan(0);
    expect(items.reduce((sum, { owed }) => sum + owed, 0)).toBe(0);
    expect(await demo.stop()).toBe(0);
  });

  it('has none if none is wanted, and none for other machines', async () => {
    const other = startRole('demo', '--monitoring', '0.0.0.0:0');
    expect(await other.exitCode).toBe(2);
    expect(other.output.stderr).toContain('this machine alone');
    const demo = startProcess('demo', '--no-monitoring');
    await demo.printed(/opened (standard|extended) channel/);
    expect(demo.output.stdout).not.toContain('dashboard');
    expect(await demo.stop()).toBe(0);
  });

  it('finds a block, says who found it, and ends with status 0', () => {
    const { status, stdout, stderr } = sv2('demo', '--blocks', '1');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/opened standard channel/);
    expect(stdout).toMatch(/opened extended channel/);
    const [, nbits] = /^\S+ blocks for \d\S* .?H\/s: nbits ([0-9a-f]{8})\n/.exec(stdout) ?? [];
    const [, hash] =
      /block 900000 accepted, found by demo\.(?:standard|extended) after \d+\.\d s: ([0-9a-f]{64})\n$/.exec(
        stdout,
      ) ?? [];
    expect([nbits, hash]).toEqual([expect.any(String), expect.any(String)]);
    const target = targetToBigInt(targetFromNbits(parseInt(nbits!, 16)));
    // not so easy that any hash would do
    expect(target).toBeLessThan((1n << 256n) / 10_000n);
    expect(BigInt(`0x${hash}`)).toBeLessThanOrEqual(target);
    expect(status).toBe(0);
  });

  const piped = (command: string) => {
    const shell = `"$1" dist/cli/main.js demo --blocks 1 ${command}`;
    return spawnSync('bash', ['-c', shell, 'bash', process.execPath], { encoding: 'utf8', timeout: 300_000 });
  };

  it('ends quietly, with status 0, when nobody reads what it says', () => {
    const { stdout, stderr } = piped('| head -n 1; echo "status ${PIPESTATUS[0]}"');
    expect(stdout).toMatch(/^\S+ blocks for .*\nstatus 0\n$/);
    expect(stderr).toBe('');
  });

  if (existsSync('/dev/full')) {
    it('says once that its output cannot be written, and ends with status 1', () => {
      const { status, stderr } = piped('> /dev/full');
      expect([status, stderr]).toEqual([1, expect.stringMatching(/^sv2: cannot write: ENOSPC[^\n]*\n$/)]);
    });

    it('finds its block though nobody takes what goes wrong', () => {
      const { status, stdout } = piped('2> /dev/full');
      expect([status, stdout]).toEqual([0, expect.stringContaining('block 900000 accepted')]);
    });
  }

  it.each([['0'], ['-1'], ['many'], ['1.5']])('refuses --blocks %s', (count) => {
    const { status, stderr } = sv2('demo', `--blocks=${count}`);
    expect(stderr).toMatch(/--blocks/);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
