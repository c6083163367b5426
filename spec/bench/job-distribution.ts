import type { Socket } from 'node:net';
import {
  encryptedLength,
  headerSize,
  miningSetupFlags,
  NewMiningJob,
  OpenStandardMiningChannel,
} from 'rx-sv2';
import { takeTurns } from './measure.js';
import { machineTime, startServer } from './processes.js';
import { openFrames, openMany, openSocket, openStratumSocket } from './stratum-socket.js';
import { amount, speed, type Section } from './table.js';

const rounds = 9;
const channels = 1000;
/** Bytes of an encrypted NewMiningJob that is not a future one. */
const jobLength = encryptedLength(headerSize) + encryptedLength(NewMiningJob.schema.maxSize);

/**
 * From a template to the last of so many channels having its job, beside a loop that writes as many bytes. One after the other: the
 * sockets of both would be more than a process may have open.
 * @returns medians in milliseconds
 */
export async function jobDistribution(
  channels: number,
  rounds: number,
): Promise<{ readonly ours: number; readonly raw: number }> {
  const raw = await rawDistribution(channels, rounds);
  return { raw, ours: await poolDistribution(channels, rounds) };
}

async function rawDistribution(channels: number, rounds: number): Promise<number> {
  const server = await startServer('servers/raw.ts', '1', '1', String(jobLength));
  const sockets = await openMany(channels, () => openSocket(server.port));
  const { raw } = await takeTurns(rounds, {
    raw: async () => (await untilAllHave(sockets, () => server.command<number>('broadcast'))).elapsed,
  });
  sockets.forEach((socket) => socket.destroy());
  await server.stop();
  return raw;
}

async function poolDistribution(channels: number, rounds: number): Promise<number> {
  const server = await startServer('servers/pool.ts');
  const miners = await openMany(channels, (index) => openMiner(server.port, index));
  const { pool } = await takeTurns(rounds, {
    async pool() {
      const { elapsed, received } = await untilAllHave(
        miners.map(({ socket }) => socket),
        () => server.command<number>('template'),
      );
      miners.forEach(({ opener }, index) => {
        const messages = openFrames(opener, Buffer.concat(received[index] ?? []));
        if (messages.length !== 1 || messages[0]?.type !== 'NewMiningJob')
          throw new Error(`expected a job, got ${messages.map(({ type }) => type).join(', ')}`);
      });
      return elapsed;
    },
  });
  miners.forEach(({ socket }) => socket.destroy());
  await server.stop();
  return pool;
}

/** As above for 1,000 channels. */
export async function jobDistributionSections(): Promise<readonly Section[]> {
  const { ours, raw } = await jobDistribution(channels, rounds);
  return [
    {
      title: 'New template to the last job',
      baseline: 'a loop of raw writes, same bytes',
      rows: [
        {
          what: `${channels.toLocaleString('en')} connections, a standard channel each`,
          figure: amount(ours, 'ms'),
          baseline: amount(raw, 'ms'),
          ratio: speed(ours, raw),
          limit: '13 double SHA-256 for each channel, in JavaScript',
        },
      ],
    },
  ];
}

async function openMiner(port: number, index: number) {
  const miner = await openStratumSocket(port, miningSetupFlags.requiresStandardJobs);
  const messages = await miner.request(
    [
      OpenStandardMiningChannel({
        requestId: index,
        userIdentity: `miner.${index}`,
        nominalHashRate: 1e14,
        maxTarget: new Uint8Array(32).fill(0xff),
      }),
    ],
    3, // success, a future job, and the tip that makes it the present one
  );
  const types = messages.map(({ type }) => type).join();
  if (types !== 'OpenStandardMiningChannel.Success,NewMiningJob,SetNewPrevHash')
    throw new Error(`opening a channel was answered with ${types}`);
  return miner;
}

/** Waits until all sockets have received a job's bytes; milliseconds since the server began, and the bytes. */
async function untilAllHave(
  sockets: readonly Socket[],
  begin: () => Promise<number>,
): Promise<{ readonly elapsed: number; readonly received: readonly Uint8Array[][] }> {
  const received = sockets.map((): Uint8Array[] => []);
  const finished = new Promise<number>((resolve) => {
    let waiting = sockets.length;
    sockets.forEach((socket, index) => {
      let missing = jobLength;
      const onData = (chunk: Buffer): void => {
        received[index]?.push(chunk);
        missing -= chunk.length;
        if (missing > 0) return;
        socket.off('data', onData).pause();
        waiting -= 1;
        if (waiting === 0) resolve(machineTime());
      };
      socket.on('data', onData).resume();
    });
  });
  const started = await begin();
  return { elapsed: (await finished) - started, received };
}
