/** What hostile miners of Stratum V1 do to a port. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSocket } from '../../bench/stratum-socket.js';
import { again, type Attacks, type Battle, idle, rest, served, sockets, taken } from '../battle.js';

const request = (id: unknown, method: string, ...params: readonly unknown[]): string =>
  `${JSON.stringify({ id, method, params })}\n`;
const subscribe = request(1, 'mining.subscribe', 'attacker/1');
const authorize = (user: string) => request(2, 'mining.authorize', user, 'x');
const share = (id: unknown, jobId: string) =>
  request(id, 'mining.submit', 'mallory.rig', jobId, '00000000', '6553f1a0', '00000001');

/** Connects, says what comes first, and reads whatever is answered. */
async function openMiner({ port }: Battle, ...lines: readonly string[]): Promise<Socket> {
  const socket = await openSocket(port);
  socket.on('error', () => undefined).resume();
  socket.write(lines.join(''));
  return socket;
}

/** Miners that send the same as fast as it is taken, and come back when they are thrown out. */
const flood =
  (miners: number, bytes: (index: number) => Uint8Array | string, ...first: readonly string[]) =>
  (battle: Battle) =>
    again(battle, miners, async (index) => {
      const socket = await openMiner(battle, ...first);
      while (!battle.over() && !socket.destroyed && !socket.readableEnded) {
        socket.write(bytes(index));
        await taken(socket);
      }
      socket.destroy();
      // as long as it takes at least to come again
      await sleep(1);
    });

const lines = (count: number, line: string) => Buffer.from(line.repeat(count));

export const sv1Miners: Attacks = {
  'no-newline': {
    title: 'ten miners send a mebibyte without a line end, again and again',
    run: (() => {
      const mebibyte = Buffer.alloc(1_048_576, '{"id":1,"x":"');
      return flood(10, () => mebibyte);
    })(),
  },
  'unfinished-lines': {
    title: '2,000 miners with 4,000 bytes of a line that never ends, a byte more now and then',
    async run(battle) {
      const opened = await sockets(2_000, battle, (socket) => socket.resume().write('{'.padEnd(4_000)));
      while (!battle.over()) {
        for (const socket of opened) if (socket.writable) socket.write(' ');
        await sleep(500);
      }
      return undefined;
    },
  },
  'deep-json': {
    title: 'ten miners with 2,000 arrays in arrays a line',
    run: flood(10, () => lines(50, `${'['.repeat(2_000)}${']'.repeat(2_000)}\n`), subscribe),
  },
  proto: {
    title: 'ten miners with __proto__, constructor and toString for keys, methods and ids',
    run: flood(
      10,
      () =>
        lines(
          100,
          '{"__proto__":{"method":"mining.submit","isKnown":true},"constructor":{"prototype":1},"id":"__proto__","method":"__proto__"}\n' +
            request('constructor', 'toString', '__proto__') +
            '{"id":9,"method":"mining.configure","params":[["__proto__"],{"__proto__":{"version-rolling.mask":"ffffffff"}}]}\n',
        ),
      subscribe,
    ),
  },
  'duplicated-ids': {
    title: 'ten miners whose shares all have one id, and lines with ten ids each',
    run: flood(
      10,
      () => lines(200, share(7, 'x') + `{${'"id":7,'.repeat(10)}"method":"mining.ping","params":[]}\n`),
      subscribe,
      authorize('mallory.rig'),
    ),
  },
  binary: {
    title: 'fifty connections with bytes at random, behind a line and without',
    run: (battle) =>
      again(battle, 50, async (index) => {
        const socket = await openMiner(battle, ...(index % 2 === 0 ? [subscribe] : []));
        socket.write(randomBytes(16_384));
        await Promise.race([once(socket, 'close'), sleep(100)]);
        socket.destroy();
      }),
  },
  nonsense: {
    title:
      'ten miners with lines of nonsense at full speed: no JSON, no method, empty ones, answers to nothing',
    run: flood(
      10,
      () =>
        lines(200, `hello\n\n{}\n[]\n1\n${request(1, 'mining.dance')}{"id":1,"result":true,"error":null}\n`),
      subscribe,
    ),
  },
  'empty-lines': {
    title: 'ten miners with empty lines alone, 64 KiB at a time',
    run: flood(10, () => lines(65_536, '\n')),
  },
  'invalid-shares': {
    title: 'ten miners with shares for jobs that there are not',
    run: flood(10, () => lines(300, share(9, 'nojob')), subscribe, authorize('mallory.rig')),
  },
  pings: {
    title: 'ten miners with requests that are all right: pings, suggested difficulties, configurations',
    run: flood(
      10,
      (index) =>
        lines(
          100,
          request(1, 'mining.ping') +
            request(2, 'mining.suggest_difficulty', 1 + index) +
            request(3, 'mining.suggest_difficulty', 1_000 + index) +
            request(4, 'mining.configure', ['minimum-difficulty', 'version-rolling'], {
              'minimum-difficulty.value': 1 + index,
              'version-rolling.mask': 'ffffffff',
            }) +
            request(5, 'mining.extranonce.subscribe'),
        ),
      subscribe,
      authorize('mallory.rig'),
    ),
  },
  'many-users': {
    title: 'ten miners that authorise 5,000 users each, with long names',
    run: flood(
      10,
      (index) =>
        Array.from({ length: 100 }, () =>
          authorize(`mallory.${index}-${randomBytes(8).toString('hex')}-${'x'.repeat(100)}`),
        ).join(''),
      subscribe,
      authorize('mallory.rig'),
    ),
  },
  'subscribe-flood': {
    title: 'ten miners that subscribe again and again',
    run: flood(10, () => lines(200, subscribe)),
  },
  'open-authorize': {
    title: 'a hundred at a time connect, subscribe, authorise another user each, and are gone at once',
    run: (battle) =>
      again(battle, 100, async () => {
        const socket = await openMiner(
          battle,
          subscribe,
          authorize(`mallory${randomBytes(4).toString('hex')}`),
        );
        await Promise.race([once(socket, 'data'), sleep(200)]);
        socket.resetAndDestroy();
      }),
  },
  'not-reading': {
    title: 'a hundred miners that ask without pause and read nothing',
    run: (battle) =>
      again(battle, 100, async () => {
        const socket = await openSocket(battle.port); // paused
        socket.on('error', () => undefined);
        socket.write(subscribe + authorize('mallory.rig'));
        while (!battle.over() && !socket.destroyed) {
          if (socket.writableLength < 100_000) socket.write(lines(500, request(1, 'mining.subscribe')));
          await sleep(20);
        }
        socket.destroy();
      }),
  },
  idle,
  'only-subscribed': {
    title: '3,000 miners that subscribe, and never authorise',
    async run(battle) {
      await sockets(3_000, battle, (socket) => socket.resume().write(subscribe));
      await rest(battle);
      return undefined;
    },
  },
  returning: {
    title: '2,000 miners that return at once',
    milliseconds: 20_000,
    // milliseconds until the last of them has a job
    atMost: { last: 10_000 },
    run: (battle) =>
      served(2_000, async (index) => {
        const socket = await openMiner(battle, subscribe, authorize(`farm.rig${index}`));
        if (!(await says(socket, '"mining.notify"', battle.deadline))) throw new Error('it has no job');
      }),
  },
};

/** Whether a peer says something before the deadline; the socket stays open. */
function says(socket: Socket, words: string, deadline: number): Promise<boolean> {
  const heard = new Promise<boolean>((resolve) => {
    let said = '';
    socket.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('latin1')).slice(-4_096);
      if (said.includes(words)) resolve(true);
    });
    socket.on('close', () => resolve(false));
  });
  return Promise.race([heard, sleep(Math.max(0, deadline - performance.now()), false, { ref: false })]);
}
