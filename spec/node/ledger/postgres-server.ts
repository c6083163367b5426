/** A PostgreSQL of a spec's own: started from the binaries of the machine, killed at any moment, started again. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A server with one empty database. */
export interface PostgresServer {
  /** Of the database. */
  readonly url: string;
  /** Starts it, again after it was killed; resolves when it takes connections. */
  start(): Promise<void>;
  /** Kills it, all of its processes, and waits until they are gone. */
  kill(): Promise<void>;
  /** Ends it for good; its files are gone. */
  end(): Promise<void>;
}

/** The directory of PostgreSQL's own programs; undefined where there are none. */
const programs = ((): string | undefined => {
  const versions = '/usr/lib/postgresql';
  const all = existsSync(versions)
    ? readdirSync(versions)
        .sort((one, other) => Number(other) - Number(one))
        .map((version) => join(versions, version, 'bin'))
    : [];
  const onPath = (process.env['PATH'] ?? '').split(':');
  return [...all, ...onPath].find((folder) => existsSync(join(folder, 'initdb')));
})();

/** Why there is no PostgreSQL here; null when there is. */
export const withoutPostgres: string | null =
  programs === undefined ? 'no PostgreSQL is installed here' : null;

/** Whom it runs as: it refuses to be root. */
const owner = ((): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const of = (flag: string): number => Number(execFileSync('id', [flag, 'nobody']));
  return { uid: of('-u'), gid: of('-g') };
})();

/** A port that nobody listens at. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** The processes that a process has started. */
const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  } catch {
    return [];
  }
};

/** Makes a server's files and starts it. @throws Error when it does not start */
export async function postgresServer(): Promise<PostgresServer> {
  if (programs === undefined) throw new Error('no PostgreSQL is installed here');
  const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-postgres-'));
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const as = { ...owner, cwd: folder };
  const made = ['-D', data, '-U', 'pool', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
  execFileSync(join(programs, 'initdb'), made, { ...as, stdio: 'pipe' });
  const port = await freePort();
  // ends it and removes its files when this process does, however that ends
  const ending =
    'cat >/dev/null; kill -QUIT $(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) 2>/dev/null; rm -rf "$0"';
  const keeper = spawn('sh', ['-c', ending, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  let running: ChildProcess | undefined;

  /** @returns what it said when it ended instead */
  const tryToStart = async (): Promise<string | undefined> => {
    const settings = ['-c', 'shared_buffers=16MB', '-c', 'max_connections=40', '-c', 'log_min_messages=log'];
    const server = spawn(
      join(programs, 'postgres'),
      ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', ...settings],
      { ...as, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const said: string[] = [];
    const isReady = await new Promise<boolean>((resolve) => {
      createInterface({ input: server.stderr }).on('line', (line) => {
        said.push(line);
        if (line.includes('ready to accept connections')) resolve(true);
      });
      server.once('exit', () => resolve(false));
    });
    if (!isReady) return said.join('\n');
    running = server;
    return undefined;
  };

  const server: PostgresServer = {
    url: `postgres://pool@127.0.0.1:${port}/postgres`,
    async start() {
      // what the kernel has not yet taken from the processes before may be in its way
      let why: string | undefined = '';
      for (let attempt = 0; attempt < 20 && why !== undefined; attempt++) why = await tryToStart();
      if (why !== undefined) throw new Error(`PostgreSQL does not start: ${why}`);
    },
    async kill() {
      const { pid } = running ?? {};
      if (running === undefined || pid === undefined) return;
      const exited = once(running, 'exit');
      for (const one of [pid, ...childrenOf(pid)]) {
        try {
          process.kill(one, 'SIGKILL');
        } catch {
          // it has ended by itself
        }
      }
      running = undefined;
      await exited;
    },
    async end() {
      await server.kill();
      const ended = once(keeper, 'exit');
      keeper.stdin.end();
      await ended;
    },
  };
  await server.start();
  return server;
}
