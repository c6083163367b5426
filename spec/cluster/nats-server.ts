/** A real nats-server with JetStream, whose data is in a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A server that can be killed, and started again with what it has on disk. */
export interface NatsServer {
  readonly port: number;
  /** Kills it, at once. */
  kill(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
  /** Kills it and removes its data. */
  remove(): Promise<void>;
}

/** The command: of `NATS_SERVER`, else what is on the path. */
const command = process.env['NATS_SERVER'] ?? 'nats-server';

/** Starts a server on a free port. @param config what its configuration says besides */
export async function natsServer(config = ''): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-nats-'));
  const file = join(folder, 'nats.conf');
  writeFileSync(file, config);
  let running: ChildProcess | undefined;
  let port = -1; // any that is free

  const start = async (): Promise<void> => {
    const server = spawn(
      command,
      ['-c', file, '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(folder, 'data')],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    running = server;
    const log: string[] = [];
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.once('exit', (code) => reject(new Error(`nats-server ended with ${code}:\n${log.join('\n')}`)));
      createInterface({ input: server.stderr }).on('line', (line) => {
        log.push(line);
        const found = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(line);
        if (found !== null) port = Number(found[1]);
        if (line.includes('Server is ready')) resolve();
      });
    });
  };

  const kill = async (): Promise<void> => {
    const server = running;
    running = undefined;
    if (server === undefined || server.exitCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  };

  await start();
  return {
    get port() {
      return port;
    },
    kill,
    start,
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
