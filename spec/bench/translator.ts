import { rawFleet } from './fleets.js';
import { median, takeTurns } from './measure.js';
import { perConnection, perSocket } from './per-connection.js';
import { startServer, type ServerProcess, type Usage } from './processes.js';
import { sv1Fleet, sv1RequestLength, sv1AnswerLength } from './sv1-fleet.js';
import { amount, percent, type Section } from './table.js';

const rounds = 3;
const miners = 1_000;
/** Shares of each miner in a turn. */
const each = 12;

/** Shares of Stratum V1 miners through `translator`, and what a miner takes of its memory. */
export async function translatorSections(): Promise<readonly Section[]> {
  const pool = await startServer('servers/pool.ts');
  const translator = await startServer('servers/translator.ts', String(pool.port));
  const raw = await startServer('servers/raw.ts', String(sv1RequestLength), String(sv1AnswerLength));
  const sections = [await memory(translator, raw), await shares(translator, raw)];
  await Promise.all([translator.stop(), raw.stop()]);
  await pool.stop();
  return sections;
}

async function shares(translator: ServerProcess, raw: ServerProcess): Promise<Section> {
  const processor: Record<'translator' | 'raw', number[]> = { translator: [], raw: [] };
  const servers = { translator, raw };
  const fleets = {
    translator: await sv1Fleet(translator.port, miners),
    raw: await rawFleet(raw.port, miners, sv1RequestLength, sv1AnswerLength),
  };
  const turn = (name: keyof typeof servers) => async (): Promise<number> => {
    const before = await servers[name].processorTime();
    const rate = await fleets[name].run(each);
    processor[name].push((((await servers[name].processorTime()) - before) * 1_000) / (miners * each));
    return rate;
  };
  const rates = await takeTurns(rounds, { translator: turn('translator'), raw: turn('raw') });
  Object.values(fleets).forEach((fleet) => fleet.close());
  const cost = (name: keyof typeof servers): string => amount(median(processor[name]), 'µs');
  return {
    title: 'Shares of Stratum V1 miners at a translator, one channel for all, in its own process',
    baseline: 'raw sockets, same bytes',
    rows: [
      {
        what: `${miners.toLocaleString('en')} miners, a share and its answer`,
        figure: amount(rates.translator, '/s'),
        baseline: amount(rates.raw, '/s'),
        ratio: percent(rates.translator, rates.raw),
        limit: `JSON, a merkle path, validation twice; translator ${cost('translator')} of CPU each, raw ${cost('raw')}`,
      },
    ],
  };
}

async function memory(translator: ServerProcess, raw: ServerProcess): Promise<Section> {
  const usage = await perConnection(
    translator,
    miners,
    async (count) => (await sv1Fleet(translator.port, count)).close,
  );
  const rawUsage = await perSocket(raw, miners);
  const row = (what: string, of: keyof Usage) => ({
    what,
    figure: `${(usage[of] / 1_024).toFixed(1)} KiB`,
    baseline: `${(rawUsage[of] / 1_024).toFixed(1)} KiB`,
    ratio: `${(usage[of] / rawUsage[of]).toFixed(1)} × the size`,
    limit: 'the socket, a session, a channel, the jobs that were told',
  });
  return {
    title: `Memory of a Stratum V1 miner at a translator (${miners.toLocaleString('en')} of them, each with a job)`,
    baseline: 'raw sockets',
    rows: [row('objects and buffers after gc', 'heap'), row('resident set', 'resident')],
  };
}
