/** Keeps secret keys that were put in the wrong place out of everything that the command says. */

/**
 * A text without what could be a key, or the greater part of one: runs of 20 letters and digits or more that mix
 * digits, capitals and small letters, and 40 hex digits or more.
 */
export function withoutKeys(text: string): string {
  return text
    .replace(/[0-9A-Za-z]{20,}/g, (run) => (isMixed(run) ? hidden(run) : run))
    .replace(/[0-9a-f]{40,}/gi, hidden);
}

const isMixed = (run: string): boolean => [/\d/, /[A-Z]/, /[a-z]/].every((kind) => kind.test(run));

const hidden = (run: string): string => `(${run.length} characters, hidden: they may be a secret)`;
