/** Loaded into a pool's process before its command: tells its memory, after garbage collection, to whoever started it. */
import process from 'node:process';

process.on('message', () => {
  globalThis.gc();
  globalThis.gc(); // what the first leaves to a second pass
  const { heapUsed, external } = process.memoryUsage();
  process.send(heapUsed + external, undefined, undefined, () => undefined);
});
process.channel.unref(); // the command ends when it would end without this
