/** How roles write their log: in batches, and without ever waiting for whoever reads it. */
import { fstatSync, write as writeFile } from 'node:fs';
import { asyncScheduler } from 'rxjs';
import type { Output } from './io.js';

/** Characters that may wait for an output that does not take them; lines beyond are lost. */
export const maxWaiting = 2 ** 20;

/** Milliseconds that the end waits for the last lines to be taken. */
const endTimeout = 1_000;

/** A log on its way to an output. */
export interface Log {
  /** Adds a line behind the time in ISO 8601. Never throws and never blocks. */
  add(text: string): void;
  /** Resolves once all lines are written or lost, or a second has passed. */
  end(): Promise<void>;
}

/**
 * A log to an output. Lines of one turn are written together. What an output does not take (nobody reads, the disk is
 * full) is lost and counted, and the log says so once it is taken again; neither is a reason to end.
 */
export function logTo(output: Output): Log {
  const put = writer(output);
  let waiting: string[] = [];
  let characters = 0;
  let underWay = 0;
  let lost = 0;
  let scheduled = false;
  let idle: (() => void) | undefined;

  const stamped = (text: string) => `${new Date(asyncScheduler.now()).toISOString()} ${text}\n`;

  const flush = () => {
    scheduled = false;
    if (underWay > 0 || waiting.length === 0) return;
    const lines = waiting;
    const told = lost;
    const note =
      told === 0 ? '' : stamped(`${told} lines of this log were lost before this one: they were not taken`);
    waiting = [];
    underWay = characters;
    characters = 0;
    put(note + lines.join(''), (failed) => {
      underWay = 0;
      if (failed) lost += lines.length;
      else lost -= told;
      if (waiting.length > 0) flush();
      else idle?.();
    });
  };

  return {
    add(text) {
      const line = stamped(text);
      if (characters + underWay + line.length > maxWaiting) {
        lost += 1;
        return;
      }
      waiting.push(line);
      characters += line.length;
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    },
    async end() {
      if (waiting.length === 0 && underWay === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, endTimeout);
        idle = () => {
          clearTimeout(timer);
          resolve();
        };
        flush();
      });
    },
  };
}

/** Hands text to an output, and tells when it is taken or has failed. One call at a time. */
function writer(output: Output): (text: string, done: (failed: boolean) => void) => void {
  const file = fileOf(output);
  // a stream to a file writes synchronously, and is of no use any more after a full disk
  if (file !== undefined) return (text, done) => writeFile(file, text, (error) => done(error !== null));
  output.on('error', () => undefined);
  return (text, done) => {
    if (output.destroyed) done(true);
    else output.write(text, (error) => done(error !== null && error !== undefined));
  };
}

/** The descriptor of an output that is a file. */
function fileOf(output: Output): number | undefined {
  const { fd } = output as { readonly fd?: unknown };
  try {
    return typeof fd === 'number' && fstatSync(fd).isFile() ? fd : undefined;
  } catch {
    return undefined;
  }
}
