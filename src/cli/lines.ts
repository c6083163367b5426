import { Sv2Error } from '../codec/errors.js';
import { printable } from './printable.js';
import { write, type CommandIo } from './io.js';

/** A line of the largest frame in hex or JSON has about half of that. */
const maxLineLength = 2 ** 26;

/**
 * Cuts text into lines, without line ends, and yields those that each chunk completes. The next chunk is read when
 * the lines of this one are done with.
 * @param input chunks of UTF-8 bytes or text
 * @throws Sv2Error `line-too-long` for a line of more than 2^26 characters
 */
export async function* readLines(
  input: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of input) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    lines[0] = rest + (lines[0] as string);
    rest = lines.pop() as string;
    if (rest.length > maxLineLength) {
      throw new Sv2Error('line-too-long', `a line of input has more than ${maxLineLength} characters`);
    }
    if (lines.length > 0) yield lines.map((line) => line.replace(/\r$/, ''));
  }
  rest += decoder.decode();
  if (rest !== '') yield [rest];
}

/** The form of an error on its line of output. */
export function errorLine(code: string, message: string): string {
  return printable(JSON.stringify({ error: { code, message } }));
}

/**
 * Writes one line for each line of input that is not blank. One that cannot be converted becomes an error line, and
 * the others go on.
 * @param lines trimmed before they are converted
 * @param convert throws Sv2Error for a line that it cannot convert
 * @returns the exit status: 1 if there was an error line
 */
export async function convertLines(
  { stdout }: CommandIo,
  lines: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  convert: (line: string) => string,
): Promise<0 | 1> {
  let status: 0 | 1 = 0;
  for await (const batch of lines) {
    let text = '';
    for (const line of batch) {
      const trimmed = line.trim();
      if (trimmed === '') continue;
      try {
        text += `${convert(trimmed)}\n`;
      } catch (error) {
        if (!(error instanceof Sv2Error)) throw error;
        text += `${errorLine(error.code, error.message)}\n`;
        status = 1;
      }
    }
    if (text !== '' && !(await write(stdout, text))) break;
  }
  return status;
}
