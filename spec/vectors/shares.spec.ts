import { expect, it, test } from '@jest/globals';
import { replay, type Step } from '../interop/shares/replay.js';
import { differencesIn, type DifferenceName } from './differences.js';
import { readVectors } from './support.js';

const { sessions } = readVectors<{ sessions: readonly { name: string; steps: readonly Step[] }[] }>('shares');

const seen = new Set<DifferenceName>();

test.each(sessions)("session of the reference implementation's channels: $name", ({ steps }) => {
  replay(steps).forEach(({ command, ours, theirs, difference }, step) => {
    if (difference !== undefined) seen.add(difference);
    if (difference === undefined || ours !== null) {
      expect({ step, command, answer: ours }).toEqual({ step, command, answer: theirs });
    }
  });
});

it('differ where the list of differences says so, and nowhere else', () => {
  expect([...seen].sort()).toEqual(differencesIn('shares'));
});
