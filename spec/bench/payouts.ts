/** What it costs to settle what a template's blocks pay. */
import {
  divideBlock,
  freezeShared,
  parseFraction,
  sharedWork,
  slidingWindow,
  windowOver,
  windowWorkOf,
  type SlotWork,
} from 'rx-sv2';
import { median } from './measure.js';
import { amount, speed, type Section } from './table.js';

const users = 10_000;
const slots = 144;
const rounds = 5;

/** Weight units of what is paid in coinbases of about 500, 750, 2,250, 6,500 bytes and any. */
const coinbaseWeights = [1_200, 2_200, 8_200, 25_200, 26_000];

const nameOf = (user: number): string => `user${String(user).padStart(5, '0')}`;

/** A witness program of a user's own. */
const scriptOf = (user: string): string => `0014${user.slice(4).padStart(40, '0')}`;

/** Work of all users in a slot. */
const workOf = (slot: number): SlotWork[] =>
  Array.from({ length: users }, (_, user) => ({
    ...{ slot, user: nameOf(user), shares: 1 },
    work: BigInt(1_000 + ((user * 7 + slot) % 911)),
  }));

/** Processor time of what runs, in milliseconds. */
const cpuOf = (run: () => unknown): number => {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
};

/** Another template after another commit, for 10,000 users who share a day's blocks. */
export function payoutSections(): Promise<readonly Section[]> {
  const all = Array.from({ length: slots }, (_, slot) => workOf(slot)).flat();
  const window = slidingWindow();
  window.add(all);
  const reserve = new Uint8Array(22);
  const plan = {
    mode: 'pplns' as const,
    windowMultiple: parseFraction('1'),
    rules: { reserve, minimumPayout: 5_000n, limits: { weight: 26_000, sigops: 800, count: 200 } },
  };
  const windowWork = windowWorkOf(plan, all.reduce((sum, { work }) => sum + work, 0n) - 1n) ?? 1n;
  const payTo = (user: string) => [{ script: scriptOf(user), parts: 10_000 }];
  const state = {
    networkWork: windowWork,
    value: 312_500_000n,
    balances: new Map<string, bigint>(),
    since: [],
    until: [],
  };
  const times: Record<'naive' | 'kept' | 'shared' | 'frozen' | 'sizes', number[]> = {
    naive: [],
    kept: [],
    shared: [],
    frozen: [],
    sizes: [],
  };
  window.over(windowWork);
  for (let round = 0; round < rounds; round += 1) {
    const more = workOf(slots - 1).slice(0, 100);
    all.push(...more);
    times.naive.push(cpuOf(() => windowOver(all, windowWork)));
    window.add(more);
    let own = window.over(windowWork);
    times.kept.push(cpuOf(() => (own = window.over(windowWork))));
    let shared = sharedWork(own, windowWork, payTo);
    times.shared.push(cpuOf(() => (shared = sharedWork(own, windowWork, payTo))));
    times.frozen.push(cpuOf(() => freezeShared(plan, shared, state)));
    times.sizes.push(
      cpuOf(() => {
        const division = divideBlock(state.value, shared.weights, state.balances, plan.rules);
        for (const weight of coinbaseWeights)
          division.outputsWithin({
            ...plan.rules.limits,
            weight: Math.min(weight, plan.rules.limits.weight),
          });
      }),
    );
  }
  const { sizes } = times;
  const [naive, kept, shared, frozen, sized] = [
    ...[times.naive, times.kept, times.shared, times.frozen, sizes],
  ].map(median) as [number, number, number, number, number];
  const once = 'names in their order, big integers';
  return Promise.resolve([
    {
      title: 'What a template pays, PPLNS with 10,000 users and 144 slots (CPU)',
      baseline: 'a window over all work, anew',
      rows: [
        {
          what: 'the window, kept up to date; once for all templates until there is more work',
          figure: amount(kept, 'ms'),
          baseline: amount(naive, 'ms'),
          ratio: speed(kept, naive),
          limit: once,
        },
        {
          what: 'whom it pays, as often',
          figure: amount(shared, 'ms'),
          baseline: '',
          ratio: '',
          limit: 'a map of scripts',
        },
        {
          what: 'its distribution, a line for each user: when a block is found',
          figure: amount(frozen, 'ms'),
          baseline: '',
          ratio: '',
          limit: 'divisions and sorting of 10,000 amounts',
        },
        {
          what: `its outputs for coinbases of ${coinbaseWeights.length} sizes, for each template`,
          figure: amount(sized, 'ms'),
          baseline: amount(coinbaseWeights.length * frozen, 'ms, a distribution for each'),
          ratio: speed(sized, coinbaseWeights.length * frozen),
          limit: 'the same, once',
        },
      ],
    },
  ]);
}
