import { settled, startServer, type ServerProcess } from './processes.js';
import { openMany, openSocket, openStratumSocket } from './stratum-socket.js';
import { reach, type Section } from './table.js';

const connections = 1000;
/** As many come and go before anything is counted, so that code is compiled and pools are filled. */
const warmUp = 100;
const targetKiB = 40;

/** Memory of a server for each connection that has been set up and is silent, beside raw sockets. */
export async function memorySections(): Promise<readonly Section[]> {
  const raw = await startServer('servers/raw.ts', '1', '1');
  const shares = await startServer('servers/shares.ts');
  const rawUsage = await perConnection(raw, async () => {
    const socket = await openSocket(raw.port);
    return () => socket.destroy();
  });
  const usage = await perConnection(shares, async () => {
    const { socket } = await openStratumSocket(shares.port);
    return () => socket.destroy();
  });
  await Promise.all([raw.stop(), shares.stop()]);

  const kibibytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
  const row = (what: string, of: 'heap' | 'resident', limit: string) => ({
    what,
    figure: kibibytes(usage[of]),
    baseline: kibibytes(rawUsage[of]),
    ratio: `${(usage[of] / rawUsage[of]).toFixed(1)} × the size`,
    target: reach(`≤ ${targetKiB} KiB`, usage[of] <= targetKiB * 1024),
    limit,
  });
  return [
    {
      title: `Memory of an idle encrypted connection (${connections.toLocaleString('en')} of them)`,
      baseline: 'raw sockets',
      rows: [
        row('objects and buffers after gc', 'heap', 'closures and subscriptions, the socket, two ciphers'),
        row('resident set', 'resident', 'the same, and what the allocators keep'),
      ],
    },
  ];
}

/** What each connection adds to a server, in bytes. */
async function perConnection(
  server: ServerProcess,
  open: () => Promise<() => void>,
): Promise<{ readonly heap: number; readonly resident: number }> {
  (await openMany(warmUp, open)).forEach((close) => close());
  const before = await settled(server);
  const closers = await openMany(connections, open);
  const after = await settled(server);
  closers.forEach((close) => close());
  return {
    heap: (after.heap - before.heap) / connections,
    resident: (after.resident - before.resident) / connections,
  };
}
