import { PassThrough, Readable } from 'node:stream';
import { NEVER } from 'rxjs';
import { run } from '../../src/cli/run.js';

/** What a run of the command left behind. */
export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `sv2` with these arguments and this input, in this process. */
export async function sv2(
  argv: readonly string[],
  input: string | Iterable<string | Uint8Array> = [],
): Promise<RunResult> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = [textOf(stdout), textOf(stderr)];
  const stdin = Readable.from(typeof input === 'string' ? [input] : input, { objectMode: false });
  const exitCode = await run(argv, { stdin, stdout, stderr }, () => Promise.resolve(NEVER));
  stdout.end();
  stderr.end();
  const [out, error] = await Promise.all(texts);
  return { exitCode, stdout: out as string, stderr: error as string };
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
