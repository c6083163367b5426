/** Fronts of the soak of commits, in a process of their own: each writes shares to its core, one commit after another, as fast as it is told that they are written. */
import { filter, firstValueFrom } from 'rxjs';
import { bookkeeping, Sv2Error } from '../../src/index.js';
import { frontPorts } from '../../src/node/cluster/front-ports.js';
import { natsWorkQueue } from '../../src/node/cluster/nats-work-queue.js';
import { natsBus } from '../../src/node/cluster/nats.js';
import { streamedLedger } from '../../src/node/cluster/streamed-ledger.js';
import { coreLink } from '../../src/roles/cluster/core-link.js';
import { addressOf, shareOf } from '../ledger/support.js';

/** Users of each front. */
const users = 100;

const [url = '', cluster = '', first = 0, fronts = 1, size = 1, seconds = 1] = process.argv
  .slice(2)
  .map((word, index) => (index < 2 ? word : Number(word))) as [
  string,
  string,
  number,
  number,
  number,
  number,
];

/** Does something. @returns whether it was done; not when the core did not answer */
const tried = async (work: () => Promise<void>): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof Sv2Error && error.code === 'ledger-unavailable') return false;
    throw error;
  }
};

/** One front. @returns how long each of its commits took, in milliseconds */
const front = async (serverId: number): Promise<readonly number[]> => {
  const bus = await natsBus(url);
  const link = coreLink(frontPorts(bus, { cluster }));
  const holding = link.port$.subscribe();
  await firstValueFrom(link.port$.pipe(filter((port) => port !== undefined)));
  const queue = await natsWorkQueue(bus, {
    cluster,
    name: 'shares',
    onError: (error) => console.error(error),
  });
  const books = await bookkeeping(streamedLedger({ cluster, bus, queue }, link.store), serverId);
  const took: number[] = [];
  let written = 0;
  const commit = async (): Promise<void> => {
    const records = Array.from({ length: size }, () => {
      written += 1;
      return shareOf(`${addressOf(serverId)}.rig${written % users}`, { serverId, time: Date.now() });
    });
    const begun = performance.now();
    while (!(await tried(() => books.write(records)))); // as a pool's own front does: the same counts once
    took.push(performance.now() - begun);
  };
  await commit(); // what is only done once
  took.length = 0;
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) await commit();
  holding.unsubscribe();
  await bus.close();
  return took;
};

const all = await Promise.all(Array.from({ length: fronts }, (_, index) => front(first + index)));
process.send?.(all.flat(), () => process.disconnect());
