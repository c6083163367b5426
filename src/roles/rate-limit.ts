/**
 * Says of events whether they are within a rate, in the long run.
 * @param burst how many at once
 * @param perSecond how many a second beyond
 * @returns a function of the time in milliseconds since 1970: whether one more is; one that is not does not count
 */
export function rateLimit(burst: number, perSecond: number): (now: number) => boolean {
  let level = 0;
  let last: number | undefined;
  return (now) => {
    // a clock that was put back makes nothing of it undone
    level = Math.max(0, level - (Math.max(0, now - (last ?? now)) * perSecond) / 1_000);
    last = now;
    if (level + 1 > burst) return false;
    level += 1;
    return true;
  };
}
