/** The same channels, jobs and 10,000 mutated shares at the reference's `channels_sv2` and at our `miningServer`. */
import { afterEach, expect, it } from '@jest/globals';
import { replay, type Step } from '../shares/replay.js';
import { differences, type DifferenceName } from '../../vectors/differences.js';
import { sriPeer } from '../support/paths.js';
import { startProgram, stopPrograms } from '../support/process.js';

afterEach(stopPrograms);

/** The same every time, unless the environment has another one. */
const seed = Number(process.env['INTEROP_SEED'] ?? 20_240_117);
const count = 10_000;

/** What a session has to contain, so that agreement means something. */
const verdicts = [
  'valid',
  'block',
  'difficulty-too-low',
  'duplicate-share',
  'stale-share',
  'invalid-job-id',
  'invalid-share',
  'bad-extranonce-size',
  'version-rolling-not-allowed',
  'invalid-non-rollable-version-bit',
];

it(`agree on ${count} shares made from seed ${seed}`, async () => {
  const program = startProgram(sriPeer, ['shares', '--seed', String(seed), '--count', String(count)]);
  const steps: Step[] = [];
  program.lines.push = (line) => steps.push(JSON.parse(line) as Step);
  expect(await program.ended).toBe(0);
  expect(steps.filter(({ command }) => command.cmd === 'share')).toHaveLength(count);

  const counts = new Map<string, number>();
  const seen = new Map<DifferenceName, number>();
  replay(steps).forEach(({ command, ours, theirs, difference }, step) => {
    if (difference !== undefined) seen.set(difference, (seen.get(difference) ?? 0) + 1);
    if (difference === undefined || ours !== null) {
      expect({ seed, step, command, answer: ours }).toEqual({ seed, step, command, answer: theirs });
    }
    if (command.cmd !== 'share') return;
    // nothing that happens between shares keeps one from being compared
    expect({ seed, step, command, ours }).not.toMatchObject({ ours: null });
    const { verdict, errorCode = verdict } = theirs as Record<string, string>;
    counts.set(errorCode!, (counts.get(errorCode!) ?? 0) + 1);
  });
  expect([...counts.keys()].sort()).toEqual([...verdicts].sort());
  expect(Object.keys(differences)).toEqual(expect.arrayContaining([...seen.keys()]));
  process.stdout.write(`seed ${seed}: ${table(counts)}\n  listed differences: ${table(seen)}\n`);
});

const table = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, times]) => `${name} ${times}`).join(', ');
