/** What a remote said, as a part of a sentence of ours: of an error's message, or of a line of a log. */

/**
 * A text in which nothing moves a cursor, ends a line, changes its direction or is invisible: control characters (C0, DEL,
 * C1), format characters (bidi marks, zero-width ones), line and paragraph separators, lone surrogates and what is
 * unassigned become `\\u202e` and the like. That is how JSON writes them, too: in JSON the text stays the same.
 */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
}

/** Each unit of UTF-16 as JSON may write it. */
export const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');

/**
 * What a remote said, as a part of a sentence: as it is when it is one plain word, else in quotes, as JSON writes it, so that
 * it cannot look like another part of the sentence.
 */
export function quoted(text: string): string {
  return /^[\p{L}\p{N}._@+/-]+$/u.test(text) ? text : printable(JSON.stringify(text));
}
