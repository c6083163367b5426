/**
 * A core and three fronts under the load of thousands of miners, of which everything is killed, cut off and restarted in
 * turn: see README.md. Arguments: miners, 3,000 unless given; rounds of all faults, 1 unless given; the seed of when they come, 1
 * unless given. Exits with 1 and the reasons.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { credited } from '../cluster/credited.js';
import { cutRelay } from '../cluster/cut-relay.js';
import { natsServer } from '../cluster/nats-server.js';
import { freePort } from '../interop/support/node.js';
import { postgresServer, withoutPostgres } from '../node/ledger/postgres-server.js';
import { diceOf } from '../simulation/random.js';
import { fleet } from './cluster-fleet.js';
import { clusterParts, templates, type Part } from './cluster-site.js';

const [miners = '3000', rounds = '1', seed = '1'] = process.argv.slice(2);
const count = Number(miners);
const dice = diceOf(Number(seed));
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

/** Milliseconds within which everybody has work again after a fault, and in a rolling restart. */
const patience = 60_000;
const mostInRestart = 2_000;

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-cluster-'));
const store = withoutPostgres === null ? await postgresServer() : undefined;
const ledger = store?.url ?? join(folder, 'ledger.sqlite');
const nats = await natsServer();
const relay = await cutRelay(() => nats.port);
const provider = await templates();
const troubles = new Map<string, number>();
const parts = clusterParts(
  { ledger, provider: provider.port },
  {
    next(line) {
      const kind = line.replace(/\d+/g, 'N').slice(0, 200);
      if (troubles.size < 200 || troubles.has(kind)) troubles.set(kind, (troubles.get(kind) ?? 0) + 1);
    },
  },
);
let problems = 0;
/** Tells it at once: of a run that ends with an error, too. */
const complain = (problem: string): void => {
  problems += 1;
  say(`WRONG: ${problem}`);
};
say(
  `${count} miners, ${rounds} rounds, seed ${seed}, ledger in ${store === undefined ? 'a file' : 'PostgreSQL'}`,
);

let core = await parts.core(nats.port);
const ports = [await freePort(), await freePort(), await freePort()] as const;
// the third reaches NATS over a line that can be cut
const natsOf = (index: number): number => (index === 2 ? relay.port : nats.port);
const fronts: Part[] = [];
for (const [index, port] of ports.entries()) fronts.push(await parts.front(natsOf(index), port));
const all = fleet(count, ports);

/** Waits until everybody has work. @returns after how many milliseconds; Infinity when it takes too long */
const everybodyBack = async (): Promise<number> => {
  const begun = performance.now();
  while (all.without() > 0) {
    if (performance.now() - begun > patience) return Infinity;
    await pause(20);
  }
  return performance.now() - begun;
};

const totalOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, one) => sum + one, 0);

/** Compares what everybody was told with what is in the ledger. */
const look = async (where: string): Promise<void> => {
  const told = all.acknowledged();
  try {
    const counts = await credited(ledger);
    for (const [user, acknowledged] of told)
      if ((counts[user] ?? 0) < acknowledged)
        complain(`${where}: ${user} was told of ${acknowledged} shares and has ${counts[user] ?? 0}`);
  } catch (error) {
    complain(`${where}: ${String(error)}`);
  }
};

/** Waits until shares are acknowledged again, one for each hundred miners. */
const acknowledgedAgain = async (where: string): Promise<number> => {
  const [begun, before] = [performance.now(), totalOf(all.acknowledged())];
  while (totalOf(all.acknowledged()) < before + count / 100) {
    if (performance.now() - begun > patience) {
      complain(`${where}: shares were not acknowledged any more`);
      return Infinity;
    }
    await pause(50);
  }
  return performance.now() - begun;
};

const faults: Readonly<Record<string, () => Promise<void>>> = {
  async 'front killed'() {
    const index = dice.below(3);
    await fronts[index]?.end('SIGKILL');
    fronts[index] = await parts.front(natsOf(index), ports[index] ?? 0);
  },
  async 'core killed'() {
    await core.end('SIGKILL');
    core = await parts.core(nats.port);
  },
  async 'nats-server killed'() {
    await nats.kill();
    await pause(dice.below(3_000));
    await nats.start();
  },
  async 'store killed'() {
    await store?.kill();
    await pause(dice.below(3_000));
    await store?.start();
  },
  async 'front cut off'() {
    relay.cut();
    await pause(15_000 + dice.below(5_000));
    relay.mend();
  },
  async 'rolling restart'() {
    for (const [index, port] of ports.entries()) {
      await fronts[index]?.end('SIGTERM');
      fronts[index] = await parts.front(natsOf(index), port);
    }
  },
};

try {
  say(`all ${count} have work after ${(await everybodyBack()).toFixed()} ms`);
  all.takeLongest();
  await acknowledgedAgain('the beginning');
  say(
    '| fault | without work, longest, ms | median | all have work, ms after | acknowledged again, ms | acknowledged |',
  );
  say('| --- | --- | --- | --- | --- | --- |');
  for (let round = 1; round <= Number(rounds); round++)
    for (const [name, happen] of Object.entries(faults)) {
      await pause(dice.below(2_000));
      const where = `round ${round}, ${name}`;
      const before = totalOf(all.acknowledged());
      await happen();
      const back = await everybodyBack();
      const again = await acknowledgedAgain(where);
      const longest = all.takeLongest();
      const worst = longest.at(-1) ?? 0;
      if (back === Infinity) complain(`${where}: ${all.without()} miners have no work`);
      if (name === 'rolling restart' && worst > mostInRestart) {
        const late = longest.filter((one) => one > mostInRestart).length;
        complain(
          `${where}: ${late} miners were without work for more than ${mostInRestart} ms, up to ${worst.toFixed()}`,
        );
      }
      await look(where);
      const figures = [worst, longest[Math.floor(longest.length / 2)] ?? 0, back, again].map((one) =>
        one.toFixed(),
      );
      say(`| ${name} | ${figures.join(' | ')} | ${totalOf(all.acknowledged()) - before} |`);
    }
  all.unsubscribe();
  await look('the end');
  say(`acknowledged: ${totalOf(all.acknowledged())}`);
} finally {
  all.unsubscribe();
  parts.end();
  provider.end();
  relay.close();
  await nats.remove();
  await store?.end();
  rmSync(folder, { recursive: true });
}
for (const [line, times] of [...troubles].sort(([, one], [, other]) => other - one).slice(0, 20))
  say(`${times} × ${line}`);
process.exitCode = problems === 0 ? 0 : 1;
