/** What a pool does to whoever gets work from it: the site's own, which is told. */
import { once } from 'node:events';
import { openSocket } from '../../bench/stratum-socket.js';
import { rest, type Attack, type Attacks } from '../battle.js';
import { betrayals } from '../sites/betrayals.js';

/** Has the pool of the site turn, until the battle is over. */
const turn = (name: string, title: string): Attack => ({
  title,
  async run(battle) {
    const socket = await openSocket(battle.port);
    socket.write(name);
    await rest(battle);
    socket.end();
    await once(socket.resume(), 'close');
    return undefined;
  },
});

export const upstreams: Attacks = Object.fromEntries(
  Object.entries(betrayals).map(([name, { title }]) => [name, turn(name, title)]),
);
