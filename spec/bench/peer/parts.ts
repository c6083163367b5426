/** The measurements of `npm run bench:peer`, each with its rows of the table. */
import { jobDistribution } from '../job-distribution.js';
import { reach, type Row, type Section } from '../table.js';
import { limits } from './limits.js';
import { processes } from './processes-part.js';
import { comparison, results, withSpread, type Comparison, type Measured, type Results } from './results.js';
import { floorOf, openSite, pools, restless, still } from './site.js';
import type { Tools } from './tools.js';

/** How long everything takes. */
export interface Effort {
  readonly rounds: number;
  /** For which shares are counted in a run. */
  readonly seconds: number;
  /** For which they are submitted before that. */
  readonly warmUp: number;
  /** Tips in a run. */
  readonly tips: number;
}

/** What a part is given. */
export interface Setting {
  readonly tools: Tools;
  readonly firstPort: number;
  readonly effort: Effort;
  /** Told what is being done. */
  say(text: string): void;
}

/** What a part has to say: rows of the table, and runs that did not go as they should. */
export interface Finding {
  readonly section: Section;
  readonly spoilt: readonly string[];
}

export type Part = (setting: Setting) => Promise<Finding>;

/** Loads by what they are, each for a pool that was just started: options of the load generator. */
type Loads = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Has the pools, and raw sockets where those do as much, take turns under all loads, round after round. */
async function takeTurns(
  { tools, firstPort, effort, say }: Setting,
  templateFlags: readonly string[],
  loads: Loads,
  hasFloor: boolean,
): Promise<Readonly<Record<string, Results>>> {
  const all = Object.fromEntries(Object.keys(loads).map((what) => [what, results(what)]));
  const site = await openSite(tools, firstPort, templateFlags);
  try {
    for (let round = 1; round <= effort.rounds; round += 1) {
      for (const [what, options] of Object.entries(loads)) {
        for (const name of pools) {
          say(`round ${round}: ${what}, ${name}`);
          const pool = await site.startPool(name);
          try {
            all[what]?.add(name, await site.load(pool, options));
          } finally {
            await pool.stop();
          }
        }
        if (!hasFloor) continue;
        say(`round ${round}: ${what}, raw sockets`);
        all[what]?.add('floor', await floorOf(tools, options));
      }
    }
  } finally {
    await site.close();
  }
  return all;
}

const finding = (title: string, all: Readonly<Record<string, Results>>, rows: readonly Row[]): Finding => ({
  section: { title, baseline: 'pool_sv2 0.7.0', rows },
  spoilt: Object.values(all).flatMap(({ spoilt }) => spoilt),
});

/** The results of a measurement that was made. */
const of = (all: Readonly<Record<string, Results>>, what: string): Results => {
  const found = all[what];
  if (found === undefined) throw new Error(`there are no results of ${what}`);
  return found;
};

const count = (n: number): string => n.toLocaleString('en');

/** What raw sockets take beside what a pool does. */
const floor = (measured: Results, { what, figure, unit, per = 1 }: Omit<Comparison, 'limit'>): Row => ({
  what: `the floor, ${what}`,
  figure: withSpread(measured.median('floor', figure), measured.spread('floor', figure), unit, per),
  ...{ baseline: '', ratio: '', limit: limits.floor },
});

/** Shares as fast as they are acknowledged. */
const shares: Part = async (setting) => {
  const { seconds: secs, warmUp: warm } = setting.effort;
  const loads = [1, 8].flatMap((w) => [100, 1000, 5000].map((n) => ({ n, w })));
  const nameOf = ({ n, w }: { readonly n: number; readonly w: number }): string =>
    `${count(n)} connections, ${w} in flight`;
  const options = loads.map((load) => [nameOf(load), { ...load, secs, warm }]);
  const all = await takeTurns(setting, still, Object.fromEntries(options) as Loads, true);
  const cpu = 'cpu_us_per_share';
  const growth = (pool: Measured, w: number): number =>
    of(all, nameOf({ n: 5000, w })).median(pool, cpu) / of(all, nameOf({ n: 100, w })).median(pool, cpu);
  return finding('Shares, as fast as they are acknowledged', all, [
    ...loads.flatMap((load) => {
      const measured = of(all, nameOf(load));
      const shown = { what: `CPU per share: ${nameOf(load)}`, figure: cpu, unit: 'µs' };
      const limit = load.w === 1 ? limits.shareAlone : limits.shareOfMany;
      return [comparison(measured, { ...shown, atMost: 1, limit }), floor(measured, shown)];
    }),
    comparison(of(all, nameOf({ n: 1000, w: 8 })), {
      ...{ what: `shares a second: ${nameOf({ n: 1000, w: 8 })}`, figure: 'shares_per_s', unit: '/s' },
      ...{ atLeast: 1, limit: limits.throughput },
    }),
    ...[1, 8].map((w) => ({
      what: `growth of CPU per share from 100 to ${count(5000)} connections, ${w} in flight`,
      figure: `${growth('ours', w).toFixed(2)} ×`,
      baseline: `${growth('reference', w).toFixed(2)} ×`,
      ratio: `the floor ${growth('floor', w).toFixed(2)} ×`,
      target: reach('≤ 1.25 ×', growth('ours', w) <= 1.25),
      limit: limits.growth,
    })),
  ]);
};

/** Shares at a rate that both pools can serve, for the time they take. */
const paced: Part = async (setting) => {
  const { seconds: secs, warmUp: warm } = setting.effort;
  const rate = 5000;
  const sizes = [1000, 5000];
  const options = sizes.map((n) => [`${count(n)} connections`, { n, w: 1, rate, secs, warm }]);
  const all = await takeTurns(setting, still, Object.fromEntries(options) as Loads, true);
  return finding(
    `Shares at ${count(rate)} a second`,
    all,
    Object.entries(all).flatMap(([what, measured]) => {
      const p50 = { what: `p50: ${what}`, figure: 'rtt_p50_us', unit: 'ms', per: 1000 };
      const p99 = { what: `p99: ${what}`, figure: 'rtt_p99_us', unit: 'ms', per: 1000 };
      return [
        comparison(measured, { ...p50, limit: limits.shareAlone }),
        floor(measured, p50),
        comparison(measured, { ...p99, atMost: 2, limit: limits.p99 }),
        floor(measured, p99),
      ];
    }),
  );
};

/** Many who come at once. */
const burst: Part = async (setting) => {
  const sizes = [1000, 5000];
  const options = sizes.map((n) => [`${count(n)} connections`, { n, w: 0, secs: 0, burst: 256, pause: 0 }]);
  const all = await takeTurns(setting, still, Object.fromEntries(options) as Loads, true);
  return finding(
    'Opening connections with a channel, 256 at a time',
    all,
    Object.entries(all).flatMap(([what, measured]) => {
      const resident = results(what);
      for (const name of [...pools, 'floor'] as const) {
        const grown = measured.median(name, 'rss_opened_mib') - measured.median(name, 'rss0_mib');
        resident.add(name, { kib: (grown * 1024) / measured.median(name, 'opened') });
      }
      const kib = resident.median('ours', 'kib');
      const opening = { what: `CPU per opened channel: ${what}`, figure: 'open_cpu_us', unit: 'µs' };
      const held = { what: `resident per connection: ${what}`, figure: 'kib', unit: 'KiB' };
      return [
        comparison(measured, { ...opening, atMost: 1, limit: limits.opening }),
        floor(measured, opening),
        {
          what: `of it on the thread that serves miners: ${what}`,
          figure: withSpread(
            measured.median('ours', 'open_main_thread_us'),
            measured.spread('ours', 'open_main_thread_us'),
            'µs',
          ),
          ...{ baseline: '', ratio: '', limit: limits.openingHere },
        },
        { ...comparison(resident, { ...held, limit: limits.memory }), target: reach('≤ 16 KiB', kib <= 16) },
        floor(resident, held),
      ];
    }),
  );
};

/** From a new tip at the template provider to the last channel's job. */
const tips: Part = async (setting) => {
  const blockInterval = 3;
  const n = 1000;
  const options = { n, w: 0, secs: 0, 'events-secs': blockInterval * setting.effort.tips + 1 };
  const loads: Loads = { [`${count(n)} channels`]: options };
  const all = await takeTurns(setting, restless(blockInterval), loads, false);
  setting.say('10,000 channels beside a loop of raw writes');
  const { ours, raw } = await jobDistribution(10_000, 2 * setting.effort.rounds + 1);
  const found = finding(
    'A new tip',
    all,
    Object.entries(all).map(([what, measured]) =>
      comparison(measured, {
        ...{
          what: `to the last of ${what}`,
          figure: 'tip_last_ms',
          unit: 'ms',
          atMost: 0.8,
          limit: limits.tip,
        },
      }),
    ),
  );
  const row: Row = {
    what: 'a job to the last of 10,000 channels, beside a loop of raw writes',
    figure: `${ours.toFixed(0)} ms`,
    baseline: `${raw.toFixed(0)} ms`,
    ratio: `${(ours / raw).toFixed(2)} ×`,
    target: reach('≤ 2.0 ×', ours / raw <= 2),
    limit: limits.tip,
  };
  return { ...found, section: { ...found.section, rows: [...found.section.rows, row] } };
};

/** One connection. */
const single: Part = async (setting) => {
  const secs = setting.effort.seconds;
  const options = [1, 8].map((w) => [`${w} in flight`, { n: 1, w, secs, warm: 1 }]);
  const all = await takeTurns(setting, still, Object.fromEntries(options) as Loads, true);
  return finding(
    'One connection',
    all,
    Object.entries(all).flatMap(([what, measured]) => {
      const cpu = { what: `CPU per share: ${what}`, figure: 'cpu_us_per_share', unit: 'µs' };
      const p50 = { what: `p50: ${what}`, figure: 'rtt_p50_us', unit: 'µs' };
      return [cpu, p50].flatMap((shown) => [
        comparison(measured, { ...shown, limit: limits.shareAlone }),
        floor(measured, shown),
      ]);
    }),
  );
};

/** A pool that dies with all its miners, and is started again at once. */
const returning: Part = async (setting) => {
  const n = 5000;
  const what = `${count(n)} miners`;
  const measured = results(what);
  const site = await openSite(setting.tools, setting.firstPort, still);
  try {
    for (let round = 1; round <= setting.effort.rounds; round += 1) {
      for (const name of pools) {
        setting.say(`round ${round}: ${what} return, ${name}`);
        let pool = await site.startPool(name);
        const restart = async (): Promise<void> => {
          await pool.stop('SIGKILL');
          pool = await site.startPool(name, 0);
        };
        let restarted: Promise<void> | undefined;
        const options = { n, w: 0, secs: 0, burst: n, pause: 0, 'return-secs': 120 };
        const run = await site.load(pool, options, () => {
          restarted = restart();
        });
        await restarted;
        measured.add(name, run);
        await pool.stop();
      }
    }
  } finally {
    await site.close();
  }
  const seconds = measured.median('ours', 'return_s');
  const row = comparison(measured, {
    ...{ what: `until all ${what} have a job`, figure: 'return_s', unit: 's', limit: limits.returning },
  });
  return finding('Back after a restart', { [what]: measured }, [
    { ...row, target: reach('≤ 4 s', seconds <= 4) },
  ]);
};

/** By the names they are asked for. */
export const parts: Readonly<Record<string, Part>> = {
  shares,
  single,
  burst,
  tips,
  paced,
  returning,
  processes,
};
