import type { Output } from '../io.js';

const ownScreen = '\x1b[?1049h';
const screenBefore = '\x1b[?1049l';
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const home = '\x1b[H';
const clearLine = '\x1b[2K';
const clearBelow = '\x1b[J';

/** A terminal that is drawn on again and again. */
export interface Screen {
  /** Replaces what was drawn before. There must be no more lines than rows, and none longer than there are columns. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back as it was, with these lines added. */
  end(lines: readonly string[]): void;
}

/**
 * Takes the terminal's other screen, as editors do: whatever is drawn there can be replaced, also after the terminal
 * has got another size, when lines would be broken anew and be somewhere else.
 */
export function screen(output: Output): Screen {
  output.write(`${ownScreen}${hideCursor}`);
  return {
    // a line is cleared before it is written: behind one as long as the terminal is wide, its last character would be
    draw(lines) {
      const drawn = lines.map((line) => `${clearLine}${line}`).join('\r\n');
      const isFull = lines.length >= (output.rows ?? Infinity);
      output.write(`${home}${drawn}${isFull ? '' : `${lines.length === 0 ? '' : '\r\n'}${clearBelow}`}`);
    },
    end: (lines) =>
      void output.write(`${screenBefore}${showCursor}${lines.map((line) => `${line}\n`).join('')}`),
  };
}
