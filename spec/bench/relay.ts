import { rawFleet, answerLength, requestLength, sealedFleet, type Fleet } from './fleets.js';
import { median, quantile, takeTurns } from './measure.js';
import { startServer, type ServerProcess } from './processes.js';
import { amount, percent, reach, type Row, type Section } from './table.js';

const rounds = 3;
const connections = 100;
/** Round trips of each connection in a turn. */
const each = 40;
/** Round trips that are timed one by one in a turn. */
const timed = 1_000;

/** Shares through `relay`, beside sockets that are piped, and beside no relay at all. */
export async function relaySections(): Promise<readonly Section[]> {
  const raw = await startServer('servers/raw.ts', String(requestLength), String(answerLength));
  const shares = await startServer('servers/shares.ts');
  const pipe = await startServer('servers/pipe.ts', String(raw.port));
  const sealedPipe = await startServer('servers/pipe.ts', String(shares.port));
  const unchanged = await startServer('servers/relay.ts', String(shares.port));
  const operators = await startServer('servers/relay.ts', String(shares.port), 'operators');
  const sections = [
    await throughput(pipe, unchanged, operators),
    await addedLatency({ direct: shares, pipe: sealedPipe, unchanged, operators }),
  ];
  await Promise.all([raw, shares, pipe, sealedPipe, unchanged, operators].map((server) => server.stop()));
  return sections;
}

async function throughput(
  pipe: ServerProcess,
  unchanged: ServerProcess,
  operators: ServerProcess,
): Promise<Section> {
  const relays = { pipe, unchanged, operators };
  const fleets = {
    pipe: await rawFleet(pipe.port, connections),
    unchanged: await sealedFleet(unchanged.port, connections),
    operators: await sealedFleet(operators.port, connections),
  };
  const processor: Record<keyof typeof relays, number[]> = { pipe: [], unchanged: [], operators: [] };
  // a round trip is two messages: a share and the answer to it
  const turn = (name: keyof typeof relays, fleet: Fleet) => async (): Promise<number> => {
    const before = await relays[name].processorTime();
    const rate = await fleet.run(each);
    const after = await relays[name].processorTime();
    processor[name].push(((after - before) * 1000) / (2 * connections * each));
    return 2 * rate;
  };
  const rates = await takeTurns(rounds, {
    pipe: turn('pipe', fleets.pipe),
    unchanged: turn('unchanged', fleets.unchanged),
    operators: turn('operators', fleets.operators),
  });
  Object.values(fleets).forEach((fleet) => fleet.close());

  const cost = (name: keyof typeof relays): string => amount(median(processor[name]), 'µs');
  const row = (what: string, name: keyof typeof relays): Row => ({
    what: `${connections} × ${what}`,
    figure: amount(rates[name], '/s'),
    baseline: amount(rates.pipe, '/s'),
    ratio: percent(rates[name], rates.pipe),
    target: reach('≥ 25 %', rates[name] >= 0.25 * rates.pipe),
    limit: `AEAD on both sides, writing to sockets; relay ${cost(name)} of CPU each, piped ${cost('pipe')}`,
  });
  return {
    title: 'Messages through a relay in its own process, both sides encrypted',
    baseline: 'piped raw sockets, same bytes',
    rows: [row('messages unchanged', 'unchanged'), row('through operators both ways', 'operators')],
  };
}

type Way = 'direct' | 'pipe' | 'unchanged' | 'operators';

async function addedLatency(servers: Readonly<Record<Way, ServerProcess>>): Promise<Section> {
  const p50: Record<Way, number> = { direct: 0, pipe: 0, unchanged: 0, operators: 0 };
  const p99 = { ...p50 };
  const times: Record<Way, number[]> = { direct: [], pipe: [], unchanged: [], operators: [] };
  const ways = Object.keys(servers) as Way[];
  const fleets = await Promise.all(
    ways.map(async (way) => {
      let last: number | undefined;
      // one share is under way at a time: from one to the next is a round trip
      const fleet = await sealedFleet(servers[way].port, 1, () => {
        const now = performance.now();
        if (last !== undefined) times[way].push((now - last) * 1000);
        last = now;
      });
      return {
        way,
        async run(trips: number): Promise<void> {
          last = undefined;
          await fleet.run(trips);
        },
        close: () => fleet.close(),
      };
    }),
  );
  for (let round = 0; round <= rounds; round += 1)
    for (const { way, run } of fleets) {
      await run(timed);
      if (round === 0) times[way] = []; // a turn that does not count
    }
  fleets.forEach(({ close }) => close());
  for (const way of ways) [p50[way], p99[way]] = [quantile(times[way], 0.5), quantile(times[way], 0.99)];

  const row = (what: string, way: Way, figures: typeof p50, target?: number): Row => {
    const added = figures[way] - figures.direct;
    return {
      what,
      figure: amount(figures[way], 'µs'),
      baseline: amount(figures.direct, 'µs'),
      ratio: `+ ${amount(added, 'µs')}`,
      ...(target === undefined ? {} : { target: reach(`≤ ${target} µs added`, added <= target) }),
      limit: `the way through another process: piped + ${amount(figures.pipe - figures.direct, 'µs')}`,
    };
  };
  return {
    title: 'A share and its answer through a relay',
    baseline: 'a direct connection',
    rows: [
      row('unchanged, p50', 'unchanged', p50, 300),
      row('unchanged, p99', 'unchanged', p99),
      row('through operators both ways, p50', 'operators', p50, 300),
      row('through operators both ways, p99', 'operators', p99),
    ],
  };
}
