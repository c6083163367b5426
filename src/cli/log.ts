/** How roles write their log: in batches, and without ever waiting for whoever reads it. */
import { constants, closeSync, fstatSync, openSync, write as writeFile } from 'node:fs';
import { asyncScheduler } from 'rxjs';
import { counted } from '../codec/counted.js';
import { ConfigError } from './config.js';
import type { Output } from './io.js';
import { textFormat, type LineFormat } from './log-format.js';
import { info, trouble, type LogLine } from './log-line.js';

/** Characters that may wait for an output that does not take them; lines beyond are lost. */
export const maxWaiting = 2 ** 20;

/** Milliseconds that the end waits for the last lines to be taken. */
const endTimeout = 1_000;

/** A log on its way to an output. */
export interface Log {
  /** Adds a line. Never throws and never blocks. */
  add(line: LogLine): void;
  /** Resolves with the number of lines that were lost and not told of, once all are written or lost, or a second has passed. */
  end(): Promise<number>;
}

/** Hands text on, and tells when it is taken or has failed. One call at a time. */
type Put = (text: string, done: (failed: boolean) => void) => void;

/**
 * A log to an output. Lines of one turn are written together. What an output does not take (nobody reads, the disk is
 * full) is lost and counted, and the log says so once it is taken again; neither is a reason to end.
 */
export const logTo = (output: Output, format: LineFormat = textFormat): Log =>
  logOver(writer(output), format);

/** A log to a file. */
export interface FileLog extends Log {
  /** Opens the file anew, after it was moved away; goes on with the old one, and says so, if that is not possible. */
  reopen(): void;
}

/** Appends; of a FIFO that nobody reads it says so instead of waiting. */
const openLog = (path: string): number =>
  openSync(
    path,
    constants.O_WRONLY |
      constants.O_APPEND |
      constants.O_CREAT |
      ((constants.O_NONBLOCK as number | undefined) ?? 0),
  );

/**
 * A log that is added to a file; see {@link logTo}.
 * @param failed is told the error's code when the file does not take lines any more, once until it does again
 * @throws ConfigError if it cannot be opened
 */
export function logToFile(
  path: string,
  format: LineFormat = textFormat,
  failed: (code: string) => void = () => undefined,
): FileLog {
  let file: number;
  try {
    file = openLog(path);
  } catch (error) {
    throw new ConfigError([`log_file: ${path} cannot be opened: ${codeOf(error)}`]);
  }
  let stale: number | undefined;
  let isBusy = false;
  let isFailing = false;
  const closeStale = (): void => {
    if (stale !== undefined && !isBusy) closeSync(stale);
    if (!isBusy) stale = undefined;
  };
  const put = fileWriter(() => file);
  const log = logOver((text, done) => {
    isBusy = true;
    put(text, (error) => {
      isBusy = false;
      closeStale();
      if (error !== null && !isFailing) failed(codeOf(error));
      isFailing = error !== null;
      done(isFailing);
    });
  }, format);
  return {
    ...log,
    async end() {
      const lost = await log.end();
      if (!isBusy) closeSync(file);
      return lost;
    },
    reopen() {
      try {
        const fresh = openLog(path);
        // what is being written goes to the old one, which at most one write holds open
        if (stale !== undefined) closeSync(file);
        else stale = file;
        file = fresh;
        closeStale();
        log.add(info('the log file was opened anew'));
      } catch (error) {
        log.add(trouble(`the log file cannot be opened anew: ${codeOf(error)}`));
      }
    },
  };
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

function logOver(put: Put, format: LineFormat): Log {
  let waiting: string[] = [];
  let characters = 0;
  let underWay: readonly string[] = [];
  let charactersUnderWay = 0;
  let lost = 0;
  let scheduled = false;
  let idle: (() => void) | undefined;

  const formatted = (line: LogLine) => `${format(line, asyncScheduler.now())}\n`;

  const flush = () => {
    scheduled = false;
    if (underWay.length > 0 || waiting.length === 0) return;
    const told = lost;
    const note =
      told === 0
        ? ''
        : formatted(trouble(`lost before this one: ${counted(told, 'line')} of this log, not taken`));
    underWay = waiting;
    charactersUnderWay = characters;
    waiting = [];
    characters = 0;
    put(note + underWay.join(''), (failed) => {
      if (failed) lost += underWay.length;
      else lost -= told;
      underWay = [];
      charactersUnderWay = 0;
      if (waiting.length > 0) flush();
      else idle?.();
    });
  };

  return {
    add(line) {
      const text = formatted(line);
      if (characters + charactersUnderWay + text.length > maxWaiting) {
        lost += 1;
        return;
      }
      waiting.push(text);
      characters += text.length;
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    },
    async end() {
      if (waiting.length > 0 || underWay.length > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, endTimeout);
          idle = () => {
            clearTimeout(timer);
            resolve();
          };
          flush();
        });
      }
      return lost + waiting.length + underWay.length;
    },
  };
}

function writer(output: Output): Put {
  const file = descriptorOf(output);
  if (file !== undefined) {
    const put = fileWriter(() => file, true);
    return (text, done) => put(text, (error) => done(error !== null));
  }
  output.on('error', () => undefined);
  return (text, done) => {
    if (output.destroyed) done(true);
    else output.write(text, (error) => done(error !== null && error !== undefined));
  };
}

/** Milliseconds until an output is tried again that takes nothing for now. */
const retryInterval = 100;

/**
 * Writes all of a text to a file, in a thread. After a text that was cut by an error, the next one begins on a line of its own.
 * @param file which one, by its descriptor, when a text begins
 * @param waits whether to wait for a reader that has stopped, which holds up nobody and does not keep the process from its
 *   end; else that is an error, too
 */
function fileWriter(file: () => number, waits = false) {
  let isCut = false;
  return (text: string, done: (error: Error | null) => void): void => {
    const bytes = Buffer.from(isCut ? `\n${text}` : text);
    const fd = file();
    const from = (offset: number): void =>
      writeFile(fd, bytes, offset, (error, written) => {
        if (error === null && written > 0 && offset + written < bytes.length) {
          from(offset + written);
          return;
        }
        if (waits && error?.code === 'EAGAIN') {
          setTimeout(() => from(offset), retryInterval).unref();
          return;
        }
        isCut = error === null ? false : offset > 0 || isCut;
        done(error);
      });
    from(0);
  };
}

/**
 * The descriptor of an output, for writing without its stream: that would write to a file, or a terminal, at once, whatever
 * that takes; is of no use any more once a disk was full; and would not let the process end before a reader that has
 * stopped goes on. Nothing that is written to it waits for a reader: pipes are set up so by their streams, terminals here.
 */
function descriptorOf(output: Output): number | undefined {
  const { fd } = output as { readonly fd?: unknown };
  try {
    if (typeof fd !== 'number') return undefined;
    const stat = fstatSync(fd);
    if (stat.isCharacterDevice()) return unwaitingTerminal(fd);
    const isPipe = (stat.isFIFO() || stat.isSocket()) && process.platform !== 'win32';
    return stat.isFile() || isPipe ? fd : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A terminal that says that its reader has stopped (Ctrl-S), where the system can open it once more: a thread that waits in it
 * could not be ended, and neither could the process.
 */
function unwaitingTerminal(fd: number): number {
  const { O_WRONLY, O_NOCTTY, O_NONBLOCK } = constants;
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NOCTTY | O_NONBLOCK);
  } catch {
    return fd;
  }
}
