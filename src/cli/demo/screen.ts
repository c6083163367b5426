import type { Output } from '../io.js';

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearBelow = '\x1b[J';
const up = (lines: number) => (lines === 0 ? '\r' : `\x1b[${lines}F`);

/** A part of the terminal that is drawn again and again in the same place. */
export interface Screen {
  /** Replaces what was drawn before. Lines must fit the terminal's width. */
  draw(lines: readonly string[]): void;
  /** Leaves what was drawn last and gives the cursor back. */
  end(): void;
}

/** Draws below the present line of a terminal, without taking over the whole of it. */
export function screen(output: Output): Screen {
  let drawn = 0;
  output.write(hideCursor);
  return {
    draw(lines) {
      output.write(`${up(drawn)}${clearBelow}${lines.join('\n')}\n`);
      drawn = lines.length;
    },
    end: () => void output.write(showCursor),
  };
}
