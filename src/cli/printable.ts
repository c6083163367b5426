/** The one way for what a remote said to a terminal or a log. */

/**
 * A text in which nothing moves a cursor, ends a line, changes its direction or is invisible: control characters (C0, DEL,
 * C1), format characters (bidi marks, zero-width ones), line and paragraph separators, lone surrogates and what is
 * unassigned become `\\u202e` and the like. That is how JSON writes them, too: in JSON the text stays the same.
 */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
}

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');

/**
 * A printable text that is as many columns wide as it has characters, for tables on a screen: letters of Latin alphabets stay,
 * what may be wide or of no width becomes `\\u77ff` and the like.
 */
export const narrow = (text: string): string => printable(text).replace(/[^\u0020-\u024f\u2026]/gu, escaped);

/**
 * A name that a remote gave, as part of a line: as it is when it is one plain word, else in quotes, as JSON writes it, so that
 * it cannot look like another part of the line.
 */
export function quoted(name: string): string {
  return /^[\p{L}\p{N}._@+/-]+$/u.test(name) ? name : printable(JSON.stringify(name));
}
