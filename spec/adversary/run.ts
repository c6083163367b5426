/** One attack on one site: what honest miners notice of it, and what it leaves. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HonestMiner } from './honest/miner.js';
import { commands } from './sites/commands.js';
import type { Site } from './sites/site.js';
import type { Target } from './targets.js';

/** What is demanded while an attack lasts. */
export const limits = { p99: 250, max: 1_000, memory: 32 * 1024 * 1024 };

/** Milliseconds between two shares of the miner that is measured. */
const pace = 25;
/** Milliseconds for which it is measured before an attack. */
const calm = 2_000;
/** Milliseconds that what was attacked has to let go of what an attack left. */
const recovery = 20_000;

export interface Result {
  readonly before: readonly number[];
  readonly during: readonly number[];
  /** Milliseconds in which newcomers got their first answer. */
  readonly newcomers: readonly number[];
  readonly memory: { readonly before: number; readonly peak: number; readonly after: number };
  readonly logged: number;
  /** Honest miners that were. */
  readonly lost: readonly string[];
  /** Shares of theirs that were refused. */
  readonly refused: number;
  readonly counted: Readonly<Record<string, number>>;
}

/** Has a miner submit shares at its pace until told to stop; returns the round trips in milliseconds. */
async function measure(miner: HonestMiner, over: () => boolean): Promise<number[]> {
  const trips: number[] = [];
  while (!over() && miner.lost === undefined) {
    const trip = await miner.share().catch(() => undefined);
    if (trip !== undefined) trips.push(trip);
    await sleep(pace);
  }
  return trips;
}

/** Runs an attack in a process of its own. Returns what it counted. */
async function attackWith(
  names: readonly string[],
  port: number,
  milliseconds: number,
): Promise<Record<string, number>> {
  const child = fork(new URL('attack.ts', import.meta.url), [...names, String(port), String(milliseconds)], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  let counted: Record<string, number> = {};
  child.on('message', (message) => (counted = message as Record<string, number>));
  await once(child, 'exit');
  return counted;
}

/** Honest miners that come while an attack lasts, one after the other. */
async function comeAndGo(site: Site, over: () => boolean, lost: string[]): Promise<number[]> {
  const times: number[] = [];
  while (!over()) {
    const started = performance.now();
    try {
      const miner = await site.miner('newcomer');
      await miner.share();
      times.push(performance.now() - started);
      miner.close();
    } catch (error) {
      lost.push(`a newcomer: ${String(error)}`);
    }
    await sleep(500);
  }
  return times;
}

/** Starts a target, attacks it, and stops it. */
export async function run(targetName: string, target: Target, name: string): Promise<Result> {
  const milliseconds = target.attacks[name]?.milliseconds ?? 4_000;
  const all = commands();
  try {
    const site = await target.start(all);
    const miners = await Promise.all(
      ['measured', 'quiet 1', 'quiet 2', 'quiet 3'].map((miner) => site.miner(miner)),
    );
    const [measured] = miners as [HonestMiner];
    const lost: string[] = [];
    let stop = performance.now() + calm;
    const before = await measured.share().then(() => measure(measured, () => performance.now() >= stop));
    const atFirst = await site.memory();

    let over = false;
    let peak = site.resident();
    const residentAtFirst = peak;
    const logAtFirst = site.logged();
    const watching = setInterval(() => (peak = Math.max(peak, site.resident())), 100);
    const [counted, during, newcomers] = await Promise.all([
      attackWith([targetName, name], site.port, milliseconds).finally(() => (over = true)),
      measure(measured, () => over),
      comeAndGo(site, () => over, lost),
    ]);
    clearInterval(watching);

    for (const miner of miners) await miner.share().catch(() => undefined);
    miners.forEach((miner, index) => {
      if (miner.lost !== undefined)
        lost.push(`${index === 0 ? 'the measured' : 'a quiet'} miner: ${miner.lost}`);
    });
    if (!site.alive) lost.push('what was attacked');
    if ((counted['lost'] ?? 0) > 0) lost.push(`${counted['lost']} of those that returned`);
    stop = performance.now() + recovery;
    let after = await site.memory();
    while (after - atFirst > limits.memory / 4 && performance.now() < stop) {
      await sleep(500);
      after = await site.memory();
    }
    miners.forEach((miner) => miner.close());
    const refused = miners.reduce((sum, miner) => sum + miner.refused, 0);
    const logged = site.logged() - logAtFirst;
    const memory = { before: atFirst, peak: atFirst + peak - residentAtFirst, after };
    return { before, during, newcomers, memory, logged, lost, refused, counted };
  } finally {
    await all.stop();
  }
}
