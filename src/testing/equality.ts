/** Something that judges a value itself: `like(…)`, or a matcher of Jest or Vitest such as `expect.any(Number)`. */
export interface Matcher {
  asymmetricMatch(actual: unknown): boolean;
}

/**
 * Matches objects that have at least these properties, at any depth: for outcomes of which only a part matters.
 * @param pattern the properties wanted; matchers may be among them
 * @example like({ type: 'disconnected', reason: like({ code: 'inactive' }) })
 */
export function like(pattern: object): Matcher & object {
  return {
    ...pattern,
    asymmetricMatch: (actual: unknown) =>
      typeof actual === 'object' &&
      actual !== null &&
      entriesOf(pattern).every(([key, wanted]) =>
        matches((actual as Record<string, unknown>)[key], isPlain(wanted) ? like(wanted) : wanted),
      ),
  };
}

/**
 * Whether a value is what was expected: same bytes in byte strings, same name, code and message in errors,
 * same properties in other objects (`undefined` is as good as absent), and matchers as they say.
 */
export function matches(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true;
  if (isMatcher(expected)) return expected.asymmetricMatch(actual);
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) {
    return false;
  }
  if (Array.isArray(actual) || Array.isArray(expected)) {
    return Array.isArray(actual) && Array.isArray(expected) && sameItems(actual, expected);
  }
  if (actual instanceof Uint8Array || expected instanceof Uint8Array) {
    return actual instanceof Uint8Array && expected instanceof Uint8Array && sameItems(actual, expected);
  }
  if (actual instanceof Error || expected instanceof Error) {
    return (
      actual instanceof Error && expected instanceof Error && sameItems(identity(actual), identity(expected))
    );
  }
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return false;
  const present = entriesOf(actual);
  const wanted = entriesOf(expected);
  return (
    present.length === wanted.length &&
    wanted.every(([key, value]) => matches((actual as Record<string, unknown>)[key], value))
  );
}

const isMatcher = (value: unknown): value is Matcher =>
  typeof (value as Partial<Matcher> | null | undefined)?.asymmetricMatch === 'function';

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  !isMatcher(value);

const entriesOf = (value: object): [string, unknown][] =>
  Object.entries(value).filter(([, content]) => content !== undefined);

const identity = (error: Error & { readonly code?: unknown }) => [error.name, error.code, error.message];

function sameItems(actual: ArrayLike<unknown>, expected: ArrayLike<unknown>): boolean {
  if (actual.length !== expected.length) return false;
  for (let index = 0; index < expected.length; index++) {
    if (!matches(actual[index], expected[index])) return false;
  }
  return true;
}
