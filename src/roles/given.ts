/** Options that are given, for those who are told `undefined` and nothing apart. */

/** Those of the named options that are given. */
export function given<O, K extends keyof O>(
  options: O,
  ...names: readonly K[]
): { readonly [N in K]?: Exclude<O[N], undefined> } {
  return Object.fromEntries(
    names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  ) as { readonly [N in K]?: Exclude<O[N], undefined> };
}
