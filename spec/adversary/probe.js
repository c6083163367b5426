/** Loaded into a pool's process before its command: tells its memory, after garbage collection, to whoever started it. */
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

// threads of the pool load it, too, and have no channel: an error here would be the end of them
if (isMainThread) {
  process.on('message', () => {
    globalThis.gc();
    globalThis.gc(); // what the first leaves to a second pass
    const { heapUsed, external } = process.memoryUsage();
    process.send(heapUsed + external, undefined, undefined, () => undefined);
  });
  process.channel.unref(); // the command ends when it would end without this
}
