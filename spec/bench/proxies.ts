import { setTimeout } from 'node:timers/promises';
import { miningFleet } from './mining-fleet.js';
import { answerLength, rawFleet, requestLength, type Fleet } from './fleets.js';
import { median, quantile, takeTurns } from './measure.js';
import { perConnection, perSocket } from './per-connection.js';
import { machineTime, startServer, type ServerProcess, type Usage } from './processes.js';
import { amount, percent, reach, type Row, type Section } from './table.js';

const rounds = 3;
const miners = 1_000;
/** Shares of each miner in a turn. */
const each = 10;
/** Shares that are timed one by one in a turn. */
const timed = 500;
/** Milliseconds in which the pool accepts no share after which none is waited for any more. */
const patience = 20_000;

/** What most of a share's time in a proxy goes into. */
const limit = 'validation, a share of the upstream channel and its verdict, AEAD on both sides';

/** Shares through `proxy` in both modes, every one of them forwarded, and what a miner takes of its memory. */
export async function proxySections(): Promise<readonly Section[]> {
  const pool = await startServer('servers/pool.ts', 'easy');
  const start = (mode: string) => startServer('servers/proxy.ts', String(pool.port), mode);
  const aggregate = await start('aggregate');
  const passThrough = await start('pass-through');
  const raw = await startServer('servers/raw.ts', String(requestLength), String(answerLength));
  const pipe = await startServer('servers/pipe.ts', String(raw.port));
  const sections = [
    await memory({ aggregate, passThrough }, raw),
    await shares(pool, { pipe, aggregate, passThrough }),
    await addedLatency(pool, { direct: pool, aggregate, passThrough }),
  ];
  await Promise.all([aggregate, passThrough, raw, pipe].map((server) => server.stop()));
  await pool.stop();
  return sections;
}

type Mode = 'aggregate' | 'passThrough';

/**
 * When the pool has accepted so many shares, by the clock of the machine, in order.
 * @throws Error when it gets no more of them
 */
async function acceptances(pool: ServerProcess, count: number): Promise<readonly number[]> {
  const times: number[] = [];
  let last = performance.now();
  while (times.length < count) {
    const more = await pool.command<readonly number[]>('arrivals');
    times.push(...more);
    if (more.length > 0) last = performance.now();
    else if (performance.now() - last > patience)
      throw new Error(`of ${count} shares the pool has accepted ${times.length}`);
    else await setTimeout(20);
  }
  if (times.length > count) throw new Error(`of ${count} shares the pool has accepted ${times.length}`);
  return times;
}

async function shares(
  pool: ServerProcess,
  servers: Readonly<Record<'pipe' | Mode, ServerProcess>>,
): Promise<Section> {
  const processor: Record<keyof typeof servers, number[]> = { pipe: [], aggregate: [], passThrough: [] };
  let started: number | undefined;
  const open = ({ port }: ServerProcess) => miningFleet(port, miners, () => (started ??= machineTime()));
  const fleets = {
    pipe: await rawFleet(servers.pipe.port, miners),
    aggregate: await open(servers.aggregate),
    passThrough: await open(servers.passThrough),
  };
  const turn = (name: keyof typeof servers, run: () => Promise<number>) => async (): Promise<number> => {
    const before = await servers[name].processorTime();
    const rate = await run();
    processor[name].push((((await servers[name].processorTime()) - before) * 1_000) / (miners * each));
    return rate;
  };
  /** A proxy answers before the pool does: a turn ends when the last share is accepted by both. */
  const forwarded = (fleet: Fleet) => async (): Promise<number> => {
    started = undefined;
    const rate = await fleet.run(each);
    const last = (await acceptances(pool, miners * each)).at(-1) as number;
    return Math.min(rate, (miners * each * 1_000) / (last - Number(started)));
  };
  const rates = await takeTurns(rounds, {
    pipe: turn('pipe', () => fleets.pipe.run(each)),
    aggregate: turn('aggregate', forwarded(fleets.aggregate)),
    passThrough: turn('passThrough', forwarded(fleets.passThrough)),
  });
  Object.values(fleets).forEach((fleet) => fleet.close());
  const cost = (name: keyof typeof servers): string => amount(median(processor[name]), 'µs');
  const row = (what: string, name: Mode): Row => ({
    what: `${miners.toLocaleString('en')} miners, ${what}`,
    figure: amount(rates[name], '/s'),
    baseline: amount(rates.pipe, '/s'),
    ratio: percent(rates[name], rates.pipe),
    limit: `${limit}; proxy ${cost(name)} of CPU each, piped ${cost('pipe')}`,
  });
  return {
    title: 'Shares through a proxy in its own process, both sides encrypted, all of them forwarded',
    baseline: 'piped raw sockets, same bytes',
    rows: [row('one channel for all', 'aggregate'), row('a channel each', 'passThrough')],
  };
}

/** From the moment in which a miner sends a share to that in which the pool has accepted it. */
async function addedLatency(
  pool: ServerProcess,
  servers: Readonly<Record<'direct' | Mode, ServerProcess>>,
): Promise<Section> {
  const times: Record<keyof typeof servers, number[]> = { direct: [], aggregate: [], passThrough: [] };
  let sent: number[] = [];
  const ways = Object.keys(servers) as (keyof typeof servers)[];
  const fleets = await Promise.all(
    ways.map(async (way) => ({
      way,
      fleet: await miningFleet(servers[way].port, 1, () => sent.push(machineTime())),
    })),
  );
  for (let round = 0; round <= rounds; round += 1)
    for (const { way, fleet } of fleets) {
      sent = [];
      await fleet.run(timed);
      const arrived = await acceptances(pool, timed);
      // the first turn does not count
      if (round > 0) times[way].push(...arrived.map((at, index) => (at - (sent[index] as number)) * 1_000));
    }
  fleets.forEach(({ fleet }) => fleet.close());
  const row = (what: string, way: Mode, of: number, target?: number): Row => {
    const [through, direct] = [quantile(times[way], of), quantile(times.direct, of)];
    const added = through - direct;
    return {
      what,
      figure: amount(through, 'µs'),
      baseline: amount(direct, 'µs'),
      ratio: `+ ${amount(added, 'µs')}`,
      ...(target === undefined ? {} : { target: reach(`≤ ${target} µs added`, added <= target) }),
      limit: 'the way through another process; a share is validated on it',
    };
  };
  return {
    title: 'A share, until the pool has accepted it, through a proxy',
    baseline: 'a direct connection',
    rows: [
      row('one channel for all, p50', 'aggregate', 0.5, 300),
      row('one channel for all, p99', 'aggregate', 0.99),
      row('a channel each, p50', 'passThrough', 0.5, 300),
      row('a channel each, p99', 'passThrough', 0.99),
    ],
  };
}

async function memory(proxies: Readonly<Record<Mode, ServerProcess>>, raw: ServerProcess): Promise<Section> {
  const ofMiners = (server: ServerProcess) =>
    perConnection(server, miners, async (count) => (await miningFleet(server.port, count)).close);
  const usage = {
    aggregate: await ofMiners(proxies.aggregate),
    passThrough: await ofMiners(proxies.passThrough),
  };
  const rawUsage = await perSocket(raw, miners);
  const row = (what: string, mode: Mode, of: keyof Usage, more: string): Row => ({
    what,
    figure: `${(usage[mode][of] / 1_024).toFixed(1)} KiB`,
    baseline: `${(rawUsage[of] / 1_024).toFixed(1)} KiB`,
    ratio: `${(usage[mode][of] / rawUsage[of]).toFixed(1)} × the size`,
    limit: `the socket, two ciphers, a session, a channel and its jobs${more}`,
  });
  const own = '; a channel of the pool, a server for it and its jobs';
  return {
    title: `Memory of a miner at a proxy (${miners.toLocaleString('en')} of them, each with a channel and a job)`,
    baseline: 'raw sockets',
    rows: [
      row('one channel for all: objects and buffers after gc', 'aggregate', 'heap', ''),
      row('one channel for all: resident set', 'aggregate', 'resident', ''),
      row('a channel each: objects and buffers after gc', 'passThrough', 'heap', own),
      row('a channel each: resident set', 'passThrough', 'resident', own),
    ],
  };
}
