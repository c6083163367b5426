/** Servers in processes of their own, which answer commands. */
import { setTimeout } from 'node:timers/promises';
import { fork } from 'node:child_process';
import { once } from 'node:events';

/** Milliseconds of a clock that all processes of this machine have in common. */
export const machineTime = (): number => Number(process.hrtime.bigint()) / 1e6;

/** The memory of a process. */
export interface Usage {
  /** Bytes of JavaScript objects and of the buffers they hold, after garbage collection. */
  readonly heap: number;
  /** Bytes of memory the system gave the process. */
  readonly resident: number;
}

/** A server in another process. */
export interface ServerProcess {
  readonly port: number;
  readonly pid: number;
  /** Has it run one of its commands, and returns the answer. */
  command<T>(name: string): Promise<T>;
  /** Its memory, after garbage collection. */
  usage(): Promise<Usage>;
  /** Milliseconds of processor time since it began. */
  processorTime(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts a server, and waits until it listens.
 * @param file a module that calls `serve`, seen from here
 */
export async function startServer(file: string | URL, ...args: readonly string[]): Promise<ServerProcess> {
  const child = fork(new URL(file, import.meta.url), args);
  const exited = once(child, 'exit');
  const receive = async (): Promise<unknown> => {
    const [answer] = (await Promise.race([
      once(child, 'message'),
      exited.then(([code]) => Promise.reject(new Error(`${String(file)} ended with code ${String(code)}`))),
    ])) as [unknown];
    return answer;
  };
  const command = <T>(name: string): Promise<T> => {
    child.send(name);
    return receive() as Promise<T>;
  };
  const { port } = (await receive()) as { port: number };
  return {
    port,
    pid: child.pid as number,
    command,
    usage: () => command<Usage>('usage'),
    processorTime: () => command<number>('processorTime'),
    async stop() {
      child.disconnect();
      await exited;
    },
  };
}

/**
 * Makes this process a server: tells the one that started it that it listens, answers commands, and ends with it.
 * @param commands by name; `usage` and `processorTime` are there already
 */
export function serve(port: number, commands: Readonly<Record<string, () => unknown>> = {}): void {
  const all: Readonly<Record<string, () => unknown>> = { usage, processorTime, ...commands };
  process.on('message', (name: string) => {
    // nobody may be there any more to hear it
    process.send?.(all[name]?.() ?? null, undefined, undefined, () => undefined);
  });
  process.on('disconnect', () => process.exit());
  process.on('SIGINT', () => undefined); // Ctrl-C reaches the one that started it, too
  process.send?.({ port });
}

/** The memory this process uses, after garbage collection. */
export function usage(): Usage {
  if (gc === undefined) throw new Error('needs node --expose-gc');
  gc();
  gc(); // what the first leaves to a second pass
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Usage of memory once what was under way is done. */
export async function settled(server: ServerProcess): Promise<Usage> {
  await setTimeout(500);
  await server.usage();
  await setTimeout(100);
  return server.usage();
}
