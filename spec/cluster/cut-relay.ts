/** A TCP relay whose lines can be cut: a network partition on one machine. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** See {@link cutRelay}. */
export interface CutRelay {
  readonly port: number;
  /** Breaks all lines, and takes none until {@link mend}. */
  cut(): void;
  /** Takes lines again. */
  mend(): void;
  /** Lets nothing more through to the other side behind the next bytes that have this text among them, until {@link mend}. */
  stopBehind(text: string): void;
  /** Breaks all lines and stops listening. */
  close(): void;
}

/** Relays connections to a port of this machine. */
export async function cutRelay(to: () => number): Promise<CutRelay> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let last: string | undefined;
  let isStopped = false;
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(to(), '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    far.pipe(near);
    near.on('data', (chunk: Buffer) => {
      if (isStopped || far.destroyed) return;
      far.write(chunk);
      if (last !== undefined && chunk.includes(last)) isStopped = true;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      breakAll();
    },
    mend() {
      isCut = false;
      isStopped = false;
      last = undefined;
    },
    stopBehind(text) {
      last = text;
    },
    close() {
      breakAll();
      server.close();
    },
  };
}
