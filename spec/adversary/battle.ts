/** What all attacks are made of. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSocket } from '../bench/stratum-socket.js';

export interface Battle {
  /** Where what is attacked listens on 127.0.0.1. */
  readonly port: number;
  /** When it ends, by `performance.now()`. */
  readonly deadline: number;
  over(): boolean;
}

export interface Attack {
  readonly title: string;
  /** Milliseconds, unless 4,000. */
  readonly milliseconds?: number;
  /** What must not be above these figures, of what it counts. */
  readonly atMost?: Readonly<Record<string, number>>;
  /** Returns what it counted, for the report. */
  run(battle: Battle): Promise<Readonly<Record<string, number>> | undefined>;
}

/** Attacks by name. */
export type Attacks = Readonly<Record<string, Attack>>;

/** Waits until the socket has taken what was written, or is gone. */
export const taken = (socket: Socket) =>
  socket.writableLength === 0 || socket.destroyed
    ? sleep(0)
    : Promise.race([once(socket, 'drain'), once(socket, 'close'), sleep(200)]);

/** Repeats with so many at a time until the battle is over; a round that fails is one round. */
export async function again({ over }: Battle, atOnce: number, round: (index: number) => Promise<unknown>) {
  await Promise.all(
    Array.from({ length: atOnce }, async (_, index) => {
      while (!over()) {
        await round(index).catch(() => sleep(5));
      }
    }),
  );
  return undefined;
}

export const repeated = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

/** How many sockets this process may have. */
const socketLimit = (): number =>
  Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1024) - 200;

/** Opens sockets, some at a time. */
export async function sockets(
  count: number,
  { port, over }: Battle,
  each: (socket: Socket, index: number) => unknown,
) {
  const opened: Socket[] = [];
  for (let index = 0; index < count && !over(); index += 50) {
    await Promise.allSettled(
      Array.from({ length: Math.min(50, count - index) }, async (_, offset) => {
        const socket = await openSocket(port);
        socket.on('error', () => undefined);
        opened.push(socket);
        await each(socket, index + offset);
      }),
    );
  }
  return opened;
}

export const rest = ({ deadline }: Battle) => sleep(Math.max(0, deadline - performance.now()));

/** Of who connects and says nothing. */
export const idle: Attack = {
  title: '17,000 sockets (or as many as a process may have) that say nothing',
  milliseconds: 8_000,
  async run(battle) {
    const opened = await sockets(Math.min(17_000, socketLimit()), battle, () => undefined);
    await rest(battle);
    return { sockets: opened.length };
  },
};

/** Milliseconds until the first and the last of so many who come at once are served, and how many were `lost`: not served. */
export async function served(count: number, come: (index: number) => Promise<unknown>) {
  const started = performance.now();
  const times: number[] = [];
  let lost = 0;
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      try {
        await come(index);
        times.push(performance.now() - started);
      } catch {
        lost += 1;
      }
    }),
  );
  return { lost, first: Math.min(...times), last: Math.max(...times) };
}
