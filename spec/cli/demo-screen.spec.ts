import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { screen } from '../../src/cli/demo/screen.js';
import type { Output } from '../../src/cli/io.js';

/** What a terminal shows that knows the sequences which the demo's screen uses, and no others. */
function terminal(columns: number, rows: number) {
  const output: Output = Object.assign(new PassThrough(), { columns, rows });
  const grid = (): string[][] => Array.from({ length: rows }, () => Array<string>(columns).fill(' '));
  let cells = grid();
  const before: string[] = [];
  let [isOwn, isCursorShown, x, y, scrolled] = [false, true, 0, 0, 0];
  const put = (character: string) => {
    if (x === columns) throw new Error('a line is broken');
    cells[y]![x] = character;
    x += 1;
  };
  const newline = () => {
    if (y === rows - 1) scrolled += 1;
    else y += 1;
  };
  const look = () => {
    const text = String((output as PassThrough).read() ?? '');
    // eslint-disable-next-line no-control-regex -- that is what terminals are told by
    for (const [token] of text.matchAll(/\x1b\[[?\d]*[A-Za-z]|[^]/g)) {
      if (token === '\x1b[?1049h') isOwn = true;
      else if (token === '\x1b[?1049l') isOwn = false;
      else if (token === '\x1b[?25l') isCursorShown = false;
      else if (token === '\x1b[?25h') isCursorShown = true;
      else if (!isOwn) before.push(token);
      else if (token === '\x1b[H') [x, y] = [0, 0];
      else if (token === '\x1b[2K') cells[y]!.fill(' ');
      else if (token === '\x1b[J') cells = cells.map((row, index) => (index < y ? row : row.map(() => ' ')));
      else if (token === '\r') x = 0;
      else if (token === '\n') newline();
      else if (token.startsWith('\x1b')) throw new Error(`unknown: ${JSON.stringify(token)}`);
      else put(token);
    }
    const lines = cells.map((row) => row.join('').trimEnd());
    return { lines, isOwn, isCursorShown, scrolled, before: before.join('') };
  };
  return { output, look };
}

describe("the demo's place in a terminal", () => {
  it('shows what was drawn last and nothing of what was before', () => {
    const { output, look } = terminal(10, 4);
    const area = screen(output);
    area.draw(['0123456789', 'abc', 'def', 'ghi']);
    expect(look()).toMatchObject({ lines: ['0123456789', 'abc', 'def', 'ghi'], isCursorShown: false });
    area.draw(['xyz', '9876543210']);
    expect(look().lines).toEqual(['xyz', '9876543210', '', '']);
    area.draw(['a', 'b', 'c', '0123456789']);
    expect(look()).toMatchObject({ lines: ['a', 'b', 'c', '0123456789'], scrolled: 0 });
    area.draw([]);
    expect(look().lines).toEqual(['', '', '', '']);
  });

  it('is given back, with the last lines behind what was there', () => {
    const { output, look } = terminal(10, 4);
    const area = screen(output);
    area.draw(['a']);
    area.end(['last', 'lines']);
    expect(look()).toMatchObject({ isOwn: false, isCursorShown: true, before: 'last\nlines\n' });
  });
});
