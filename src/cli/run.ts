import { CommanderError } from 'commander';
import { Sv2Error } from '../codec/errors.js';
import type { CommandIo, Terminal } from './io.js';
import { createProgram } from './program.js';
import { printable } from './printable.js';
import { withoutKeys } from './secrets.js';

/**
 * Runs the `sv2` command.
 * @param argv the arguments, without program and script
 * @param interrupts makes `CommandIo.interrupt$`, for a command that is run
 * @returns the exit status: 0, 1 if something went wrong, 2 if the arguments make no sense. An error is one line on
 * stderr; an output that nobody reads any more (EPIPE) is not an error.
 */
export async function run(
  argv: readonly string[],
  io: Terminal,
  interrupts: () => Promise<CommandIo['interrupt$']>,
): Promise<number> {
  let exitCode = 0;
  let outputError: Error | undefined;
  const onOutputError = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') outputError ??= error;
  };
  io.stdout.on('error', onOutputError);
  io.stderr.on('error', () => undefined); // there is nowhere left to say so
  try {
    const setExitCode = (code: number) => {
      exitCode = code;
    };
    const program = await createProgram(argv, io, async () => ({
      ...io,
      interrupt$: await interrupts(),
      setExitCode,
    }));
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    io.stderr.write(`sv2: ${describe(error)}\n`);
    return 1;
  }
  if (outputError === undefined) return exitCode;
  io.stderr.write(`sv2: cannot write: ${outputError.message}\n`);
  return 1;
}

/** A line for errors of ours and of the operating system, the stack for those that nobody foresaw. */
function describe(error: unknown): string {
  const expected = error instanceof Sv2Error || (error instanceof Error && 'syscall' in error);
  if (expected) return printable(withoutKeys(error.message.replace(/\s*\n\s*/g, ' ')));
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.split('\n').map(printable).join('\n');
}
