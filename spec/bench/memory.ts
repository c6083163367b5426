import { perConnection, perSocket } from './per-connection.js';
import { startServer } from './processes.js';
import { openMany, openStratumSocket } from './stratum-socket.js';
import { reach, type Section } from './table.js';

const connections = 1000;
const targetKiB = 40;

/** Memory of a server for each connection that has been set up and is silent, beside raw sockets. */
export async function memorySections(): Promise<readonly Section[]> {
  const raw = await startServer('servers/raw.ts', '1', '1');
  const shares = await startServer('servers/shares.ts');
  const rawUsage = await perSocket(raw, connections);
  const usage = await perConnection(shares, connections, async (count) => {
    const clients = await openMany(count, () => openStratumSocket(shares.port));
    return () => clients.forEach(({ socket }) => socket.destroy());
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
