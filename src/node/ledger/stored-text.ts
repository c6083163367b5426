/** Names as databases can keep them: anything can be in a name, and not everything in a text of SQL. */

/**
 * A text without control characters and lone surrogates, each of which becomes `\uXXXX`, as a backslash does.
 * @param text as `decodeText` returns it
 */
export const storedText = (text: string): string => text.replace(unstorable, escaped);

const unstorable =
  // eslint-disable-next-line no-control-regex -- these are what it is for
  /[\u0000-\u001f\u007f\\]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The text that {@link storedText} made this of. */
export const readText = (stored: string): string =>
  stored.replace(/\\u([0-9a-f]{4})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
