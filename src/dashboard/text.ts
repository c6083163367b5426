/** What remotes say of themselves, made fit to be looked at: it becomes text, of a line's length, in its own order. */

/** Characters that are shown of a name. */
const maxLength = 80;

/** Controls, and what changes how the characters around it are shown: format characters, separators of lines, surrogates alone. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/gu;

/** More marks on one character than any script has. */
const stacked = /(\p{M}{3})\p{M}+/gu;

/**
 * A text of a remote as it can be shown: whatever cannot be seen, or would change what stands beside it, is `�`; of a long
 * one there is the beginning and the end.
 */
export function shown(text: string, limit = maxLength): string {
  const visible = text.replace(invisible, '\u{fffd}').replace(stacked, '$1');
  const characters = [...visible];
  if (characters.length <= limit) return visible;
  const end = Math.floor(limit / 4);
  return `${characters.slice(0, limit - end - 1).join('')}…${characters.slice(-end).join('')}`;
}

/** Addresses and keys: nobody reads them whole, and what tells workers apart stands behind them. */
const longWord = /[A-Za-z0-9]{26,}/g;

/** A name in which addresses are short: `bcrt1q…gt080.rig`. */
export const brief = (text: string): string =>
  text.replace(longWord, (word) => `${word.slice(0, 6)}…${word.slice(-5)}`);
