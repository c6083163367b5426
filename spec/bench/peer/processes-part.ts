/** How many shares a second `sv2 pool --processes 2` has room for, beside one process. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../measure.js';
import { reach } from '../table.js';
import { limits } from './limits.js';
import type { Effort, Part } from './parts.js';
import { openSite, still, type Site } from './site.js';

/**
 * Shares a second for each process: such that pool and load generator have room on two cores, and as many for one process as for each of
 * two, since a share costs less the more of them come in one turn.
 */
const rateOfEach = 10_000;
const connections = 1000;

/** Clock ticks in a second, of Linux on every processor that Node.js runs on. */
const ticks = 100;

/** Seconds of processor time by process: of one and of its children. */
function processorTimes(pid: number): ReadonlyMap<number, number> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const all = [pid, ...children.filter((child) => child !== '').map(Number)];
  return new Map(
    all.map((one) => {
      // the name, the second field, may have blanks in it
      const [, , ...fields] = readFileSync(`/proc/${one}/stat`, 'utf8')
        .replace(/\(.*\)/, '')
        .split(' ');
      return [one, (Number(fields[10]) + Number(fields[11])) / ticks];
    }),
  );
}

interface Room {
  /** Shares a second for which the process that does most has one core to itself. */
  readonly shares: number;
  /** Microseconds of processor time for a share, of all processes. */
  readonly each: number;
}

async function roomOf(site: Site, processes: number, { seconds, warmUp }: Effort): Promise<Room> {
  const flags = processes === 1 ? [] : ['--processes', String(processes)];
  const pool = await site.startPool('ours', 1_500, flags);
  const samples: { readonly at: number; readonly times: ReadonlyMap<number, number> }[] = [];
  let isOver = false;
  const watch = async (): Promise<void> => {
    while (!isOver) {
      samples.push({ at: performance.now() / 1000, times: processorTimes(pool.pid) });
      await sleep(100);
    }
  };
  const watching = watch();
  const rate = rateOfEach * processes;
  const run = await site.load(pool, { n: connections, w: 1, rate, warm: warmUp, secs: seconds });
  isOver = true;
  await watching;
  await pool.stop();
  const last = samples.at(-1)?.at ?? NaN;
  // what is before the last second and a half is under load, but for what opening took
  const counted = samples.filter(({ at }) => at > last - seconds && at < last - 1.5);
  const [from, to] = [counted[0], counted.at(-1)];
  if (from === undefined || to === undefined)
    throw new Error('too short to see anything: --seconds 4 or more');
  const cores = [...to.times].map(
    ([pid, time]) => (time - (from.times.get(pid) ?? time)) / (to.at - from.at),
  );
  const served = run.shares_per_s ?? NaN;
  const sum = cores.reduce((total, one) => total + one, 0);
  return { shares: served / Math.max(...cores), each: (sum / served) * 1e6 };
}

/** Shares a second that fit, the load generator being on other cores: by what the busiest process takes at a rate that all can serve. */
export const processes: Part = async ({ tools, firstPort, effort, say }) => {
  const kinds = { one: 1, two: 2 } as const;
  const counted = { ...effort, seconds: Math.max(effort.seconds, 4) };
  const rooms: Record<keyof typeof kinds, Room[]> = { one: [], two: [] };
  const site = await openSite(tools, firstPort, still);
  try {
    for (let round = 1; round <= effort.rounds; round += 1) {
      for (const kind of ['one', 'two'] as const) {
        say(`round ${round}: room of ${kind} process${kind === 'one' ? '' : 'es'}`);
        rooms[kind].push(await roomOf(site, kinds[kind], counted));
      }
    }
  } finally {
    await site.close();
  }
  const middle = (kind: keyof typeof kinds, figure: keyof Room): number =>
    median(rooms[kind].map((room) => room[figure]));
  const ratio = middle('two', 'shares') / middle('one', 'shares');
  const micros = (kind: keyof typeof kinds): string => `${middle(kind, 'each').toPrecision(3)} µs`;
  return {
    section: {
      title: 'Two processes',
      baseline: 'one process',
      rows: [
        {
          what: 'shares a second that fit, by the busiest process at 10,000 for each',
          figure: `${middle('two', 'shares').toFixed(0)} /s`,
          baseline: `${middle('one', 'shares').toFixed(0)} /s`,
          ratio: `${ratio.toFixed(2)} ×`,
          target: reach('≥ 1.8 ×', ratio >= 1.8),
          limit: limits.processes,
        },
        {
          what: 'CPU per share, all processes',
          figure: micros('two'),
          baseline: micros('one'),
          ratio: `${(middle('two', 'each') / middle('one', 'each')).toFixed(2)} ×`,
          limit: limits.processes,
        },
      ],
    },
    spoilt: [],
  };
};
