/** The one way for what a remote said to a terminal or a log. */
import { escaped, printable } from '../codec/printable.js';

export { printable, quoted } from '../codec/printable.js';

/**
 * A printable text that is as many columns wide as it has characters, for tables on a screen: letters of Latin alphabets stay,
 * what may be wide or of no width becomes `\\u77ff` and the like.
 */
export const narrow = (text: string): string => printable(text).replace(/[^\u0020-\u024f\u2026]/gu, escaped);
