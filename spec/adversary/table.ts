/** How results are told: a line each. */
import type { Attack } from './battle.js';
import { limits, type Result } from './run.js';

const nameWidth = 34;

const quantile = (values: readonly number[], part: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
};

/** Which of the demands were missed. */
export function missed({ during, memory, lost, counted }: Result, { atMost = {} }: Attack): string[] {
  const [p99, max] = [quantile(during, 0.99), quantile(during, 1)];
  return [
    ...(p99 <= limits.p99 ? [] : [`p99 ${p99.toFixed(0)} ms, at most ${limits.p99} allowed`]),
    ...(max <= limits.max ? [] : [`max ${max.toFixed(0)} ms, at most ${limits.max} allowed`]),
    ...(memory.after - memory.before <= limits.memory
      ? []
      : [`${megabytes(memory.after - memory.before)} MB kept`]),
    ...Object.entries(atMost)
      .filter(([what, most]) => !((counted[what] ?? NaN) <= most))
      .map(([what, most]) => `${what} ${counted[what]?.toFixed(0) ?? 'not told'}, at most ${most} allowed`),
    ...(lost.length === 0 ? [] : [`lost: ${[...new Set(lost)].join('; ')}`]),
  ];
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
const times = (values: readonly number[]): string =>
  [0.5, 0.99, 1]
    .map((part) => quantile(values, part).toFixed(quantile(values, part) < 10 ? 1 : 0))
    .join(' / ');

export function line(name: string, result: Result, misses: readonly string[]): string {
  const { before, during, newcomers, memory, logged, lost, refused, counted } = result;
  const also = Object.entries({ ...counted, ...(refused === 0 ? {} : { refused }) }).map(
    ([what, value]) => `${what} ${value.toFixed(0)}`,
  );
  return [
    name.padEnd(nameWidth),
    times(before).padStart(18),
    times(during).padStart(18),
    (newcomers.length === 0 ? '–' : quantile(newcomers, 1).toFixed(0)).padStart(8),
    [memory.before, memory.peak, memory.after].map(megabytes).join(' / ').padStart(16),
    (logged / 1e6).toFixed(1).padStart(6),
    String(lost.length).padStart(4),
    misses.length === 0 ? '  yes' : `  NO: ${misses.join(', ')}`,
    also.length === 0 ? '' : `  (${also.join(', ')})`,
  ].join(' ');
}

/** Above the lines. */
export const heading =
  `${'attack'.padEnd(nameWidth)} ${'before, ms'.padStart(18)} ${'during, ms'.padStart(18)} ${'new, ms'.padStart(8)} ` +
  `${'memory, MB'.padStart(16)} ${'log MB'.padStart(6)} lost   reached (p99 ≤ ${limits.p99}, max ≤ ${limits.max} ms)`;
