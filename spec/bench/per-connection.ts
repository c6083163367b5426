/** What connections add to a server's memory. */
import { settled, type ServerProcess, type Usage } from './processes.js';
import { openMany, openSocket } from './stratum-socket.js';

/** As many come and go before memory is counted, so that code is compiled and pools are filled. */
const warmUp = 100;

/**
 * What each connection adds to a server, in bytes.
 * @param open opens so many, and returns what closes them
 */
export async function perConnection(
  server: ServerProcess,
  connections: number,
  open: (count: number) => Promise<() => void>,
): Promise<Usage> {
  (await open(warmUp))();
  const before = await settled(server);
  const close = await open(connections);
  const after = await settled(server);
  close();
  return {
    heap: (after.heap - before.heap) / connections,
    resident: (after.resident - before.resident) / connections,
  };
}

/** What each socket that says nothing adds to a server, in bytes: what others are compared with. */
export const perSocket = (server: ServerProcess, connections: number): Promise<Usage> =>
  perConnection(server, connections, async (count) => {
    const sockets = await openMany(count, () => openSocket(server.port));
    return () => sockets.forEach((socket) => socket.destroy());
  });
