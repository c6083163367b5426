import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
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

  it.each([
    [100, 30],
    [60, 16],
    [20, 5],
    [1, 1],
  ])('fits %d columns', (columns, rows) => {
    for (const line of renderDemo(state, columns, rows)) expect(line.length).toBeLessThanOrEqual(columns);
  });

  it('shows every column where there is room, and all but the kind of channel where there is little', () => {
    expect(renderDemo(state, 100, 30).join('\n')).toContain('b      extended  1.23 MH/s');
    const narrow = renderDemo(state, 60, 30).join('\n');
    expect(narrow).toContain('rejected  blocks');
    expect(narrow).not.toContain('extended');
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

  it.each([['0'], ['-1'], ['many'], ['1.5']])('refuses --blocks %s', (count) => {
    const { status, stderr } = sv2('demo', `--blocks=${count}`);
    expect(stderr).toMatch(/--blocks/);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
