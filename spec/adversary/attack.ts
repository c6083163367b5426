/** A process that attacks the pool at a port, as long as it is told. Arguments: name of the attack, port, milliseconds. */
import { attacks } from './attacks.js';

const [name = '', port, milliseconds] = process.argv.slice(2);
const attack = attacks[name];
if (attack === undefined) throw new Error(`no attack is called '${name}'`);
// whatever the pool does to an attacker is right
process.on('uncaughtException', () => undefined).on('unhandledRejection', () => undefined);
process.on('disconnect', () => process.exit());
const deadline = performance.now() + Number(milliseconds);
setTimeout(() => process.exit(), Number(milliseconds) + 2_000);
const done = await attack.run({ port: Number(port), deadline, over: () => performance.now() >= deadline });
if (process.send === undefined) process.exit();
process.send(done ?? {}, () => process.exit()); // once it is told
