/** A process that attacks a port, as long as it is told. Arguments: the target's name, the attack's, port, milliseconds. */
import { targets } from './targets.js';

const [target = '', name = '', port, milliseconds] = process.argv.slice(2);
const attack = targets[target]?.attacks[name];
if (attack === undefined) throw new Error(`no attack is called '${target}/${name}'`);
// whatever is done to an attacker is right
process.on('uncaughtException', () => undefined).on('unhandledRejection', () => undefined);
process.on('disconnect', () => process.exit());
const deadline = performance.now() + Number(milliseconds);
setTimeout(() => process.exit(), Number(milliseconds) + 2_000);
const done = await attack.run({ port: Number(port), deadline, over: () => performance.now() >= deadline });
if (process.send === undefined) process.exit();
process.send(done ?? {}, () => process.exit()); // once it is told
