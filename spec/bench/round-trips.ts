import { answerLength, connectionFleet, rawFleet, requestLength, sealedFleet } from './fleets.js';
import { providers } from './frames.js';
import { median, takeTurns } from './measure.js';
import { startServer, type ServerProcess } from './processes.js';
import { amount, percent, reach, type Row, type Section } from './table.js';

const rounds = 5;
const loads = [
  { connections: 1, each: 4000 },
  { connections: 1000, each: 12 },
];

/** Encrypted share round trips, beside raw sockets that exchange as many bytes in the same order. */
export async function roundTripSections(): Promise<readonly Section[]> {
  const raw = await startServer('servers/raw.ts', String(requestLength), String(answerLength));
  const noble = await startServer('servers/shares.ts', 'nobleCrypto');
  const portable = await startServer('servers/shares.ts', 'defaultCrypto');
  const standard = await startServer('servers/shares.ts');
  const rows: Row[] = [];

  for (const { connections, each } of loads) {
    const fleets = {
      raw: await rawFleet(raw.port, connections),
      noble: await sealedFleet(noble.port, connections),
      portable: await sealedFleet(portable.port, connections),
      standard: await sealedFleet(standard.port, connections),
      standardBoth: await connectionFleet(standard.port, connections, providers.nodeCrypto),
    };
    const processor = { raw: [], noble: [], portable: [], standard: [], standardBoth: [] } as Record<
      keyof typeof fleets,
      number[]
    >;
    const turn = (name: keyof typeof fleets, server: ServerProcess) => async (): Promise<number> => {
      const trips = name.endsWith('Both') ? Math.ceil(each / 2) : each;
      const before = await server.processorTime();
      const rate = await fleets[name].run(trips);
      const after = await server.processorTime();
      processor[name].push(((after - before) * 1000) / (connections * trips));
      return rate;
    };
    const rates = await takeTurns(rounds, {
      raw: turn('raw', raw),
      noble: turn('noble', noble),
      portable: turn('portable', portable),
      standard: turn('standard', standard),
      standardBoth: turn('standardBoth', standard),
    });
    Object.values(fleets).forEach((fleet) => fleet.close());

    const cost = (name: keyof typeof fleets): string => amount(median(processor[name]), 'µs');
    const row = (what: string, name: keyof typeof rates, limit: string, target?: number): Row => ({
      what: `${connections.toLocaleString('en')} × ${what}`,
      figure: amount(rates[name], '/s'),
      baseline: amount(rates.raw, '/s'),
      ratio: percent(rates[name], rates.raw),
      ...(target === undefined
        ? {}
        : { target: reach(`≥ ${target} %`, rates[name] >= (target / 100) * rates.raw) }),
      limit: `${limit}; server ${cost(name)} of CPU each, raw ${cost('raw')}`,
    });
    rows.push(
      row('server with nobleCrypto', 'noble', 'four AEAD blocks of noble', 25),
      row('server with defaultCrypto', 'portable', 'writing to sockets, then RxJS', 25),
      row('server as listen has it', 'standard', 'writing to sockets, then RxJS', 25),
      row('both ends as listen has it', 'standardBoth', 'as above, twice'),
    );
  }
  await Promise.all([raw.stop(), noble.stop(), portable.stop(), standard.stop()]);
  return [
    { title: 'Share round trips, server in its own process', baseline: 'raw sockets, same bytes', rows },
  ];
}
