/** Processor time per piece of work, as robust as a busy machine allows. */

/** Microseconds of processor time that this process took for `work`. */
export async function processorTime(work: () => void | Promise<void>): Promise<number> {
  const { user, system } = process.cpuUsage();
  await work();
  const after = process.cpuUsage();
  return after.user - user + after.system - system;
}

/** What is compared: how much one piece of work takes, in microseconds. */
export type Measure = () => Promise<number>;

/**
 * How many times as long `subject` takes as `baseline`: the least of each of several rounds that take turns, as
 * whatever else goes on (collection, compilation) only adds. Measured again, up to five times, while it is above
 * `limit`.
 */
export async function ratio(subject: Measure, baseline: Measure, limit: number): Promise<number> {
  let least = { subject: Infinity, baseline: Infinity };
  for (let attempt = 0; attempt < 5; attempt++) {
    for (let round = 0; round < 4; round++) {
      least = {
        subject: Math.min(least.subject, await subject()),
        baseline: Math.min(least.baseline, await baseline()),
      };
    }
    if (least.subject / least.baseline <= limit) break;
  }
  return least.subject / least.baseline;
}

/** Measures something that returns at once, over about a millisecond. */
export function repeated(work: () => void): Measure {
  let times = 16;
  return async () => {
    for (;;) {
      const time = await processorTime(() => {
        for (let count = 0; count < times; count++) work();
      });
      if (time >= 1_000) return time / times;
      times *= 2;
    }
  };
}
