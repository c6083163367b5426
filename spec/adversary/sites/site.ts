/** What is attacked, and the honest miners beside it. */
import type { HonestMiner } from '../honest/miner.js';
import type { RunningCommand } from './commands.js';

/** A process that is attacked: its figures are those of the report. */
export interface Site extends Omit<RunningCommand, 'printed'> {
  /** Where attackers connect to on 127.0.0.1. */
  readonly port: number;
  /** Lets an honest miner in, and waits until it has work. */
  miner(name: string): Promise<HonestMiner>;
}

/** A site whose figures are a process's. */
export const siteOf = (attacked: RunningCommand, port: number, miner: Site['miner']): Site => ({
  port,
  miner,
  get alive() {
    return attacked.alive;
  },
  memory: () => attacked.memory(),
  resident: () => attacked.resident(),
  logged: () => attacked.logged(),
});
