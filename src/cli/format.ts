const units = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z'];

/**
 * A number with a metric unit and three significant digits, such as `1.32 M`.
 * @param value 0 or more
 */
function formatMetric(value: number): string {
  if (!Number.isFinite(value) || value < 0) return String(value);
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1_000;
    unit += 1;
  }
  const digits =
    scaled === 0 ? '0' : unit === 0 && Number.isInteger(scaled) ? String(scaled) : scaled.toPrecision(3);
  return units[unit] === '' ? digits : `${digits} ${units[unit]}`;
}

/** A hash rate for people, such as `1.32 MH/s`. */
export function formatHashRate(hashesPerSecond: number): string {
  const metric = formatMetric(hashesPerSecond);
  return metric.includes(' ') ? `${metric}H/s` : `${metric} H/s`;
}

/** A difficulty for people; small ones, as a CPU miner gets, in scientific notation. */
export function formatDifficulty(difficulty: number): string {
  return difficulty > 0 && difficulty < 0.01 ? difficulty.toExponential(2) : formatMetric(difficulty);
}

/** A time for people, such as `1:05` or `2:00:07`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
