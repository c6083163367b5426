/** Contenders that take turns, so that whatever else the machine does meets all of them alike. */
export type Contenders<K extends string> = Readonly<Record<K, () => number | Promise<number>>>;

/**
 * Lets contenders take turns and returns the median of what each of them measured.
 * @param rounds how many turns each has, after one that does not count
 */
export async function takeTurns<K extends string>(
  rounds: number,
  contenders: Contenders<K>,
): Promise<Record<K, number>> {
  const names = Object.keys(contenders) as K[];
  const results = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const result = await contenders[name]();
      if (round > 0) results[name].push(result);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(results[name])])) as Record<K, number>;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = Math.floor(sorted.length / 2);
  const lower = sorted.length % 2 === 1 ? upper : upper - 1;
  return ((sorted[lower] ?? NaN) + (sorted[upper] ?? NaN)) / 2;
}

/** The value that so great a part of all is not above; 0.5 for the middle one, 0.99 for all but the greatest hundredth. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}

/** What computations lead to goes here, lest a compiler leave them out. */
const sink: { last?: unknown } = {};

/**
 * A contender that measures the microseconds of one call.
 * @param run is called with 0, 1, 2 …
 * @param duration milliseconds a turn takes, roughly
 */
export function microseconds(run: (index: number) => unknown, duration = 15): () => number {
  let calls = 1;
  const time = (): number => {
    const start = performance.now();
    for (let index = 0; index < calls; index += 1) sink.last = run(index);
    return performance.now() - start;
  };
  return () => {
    let elapsed = time();
    while (elapsed < duration / 2) {
      calls = Math.ceil(calls * Math.min(10, (1.1 * duration) / Math.max(elapsed, 0.01)));
      elapsed = time();
    }
    return (elapsed * 1000) / calls;
  };
}
