/** Numbers as people read them. */

const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];

/** A number and its unit, for the one to be shown larger than the other. */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

/** A number with three digits and a metric prefix: `1.23`, `k`. */
export function scaled(value: number): Quantity {
  if (!Number.isFinite(value)) return { value: '–', unit: '' };
  let power = 0;
  let rest = Math.abs(value);
  while (rest >= 999.5 && power < prefixes.length - 1) {
    rest /= 1_000;
    power += 1;
  }
  const digits =
    rest >= 99.95 || rest === 0 || (power === 0 && Number.isInteger(rest)) ? 0 : rest >= 9.995 ? 1 : 2;
  return { value: `${value < 0 ? '-' : ''}${rest.toFixed(digits)}`, unit: prefixes[power] ?? '' };
}

/** A hash rate: `1.23`, `TH/s`. */
export function hashRate(hashesPerSecond: number): Quantity {
  const { value, unit } = scaled(hashesPerSecond);
  return { value, unit: `${unit}H/s` };
}

/** A quantity in one word. */
export const inWords = ({ value, unit }: Quantity): string => (unit === '' ? value : `${value} ${unit}`);

/** A difficulty: `1.23 M`; `0.00024` on chains that are made up for trying things out. */
export const difficulty = (value: number): string =>
  value === 0 ? '–' : value < 0.1 ? String(Number(value.toPrecision(2))) : inWords(scaled(value));

/** A count: `12 345`. */
export const count = (value: number): string =>
  String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u{202f}');

/** A part of a whole: `1.2 %`. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const value = (100 * part) / whole;
  return `${value === 0 || value >= 9.95 ? value.toFixed(0) : value < 0.1 ? '<0.1' : value.toFixed(1)} %`;
}

/** A time span in its largest unit, and the next if that tells something: `3 d 4 h`, `12 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first === -1) return '0 s';
  // seconds beside minutes change too often to be read
  const [[amount, unit] = [0, 's'], next] = parts.slice(first, first + 2);
  const more = next !== undefined && next[0] > 0 && unit !== 'min' ? ` ${next[0]} ${next[1]}` : '';
  return `${amount} ${unit}${more}`;
}

/** How long ago something was; a dash if it never was. */
export const ago = (at: number | null | undefined, now: number): string =>
  at === null || at === undefined ? '–' : now - at < 1_500 ? 'now' : `${duration(now - at)} ago`;

/** Satoshis in bitcoin: `3.12500000`, without zeros at the end beyond two. */
export const bitcoin = (satoshis: number): string =>
  (satoshis / 1e8).toFixed(8).replace(/(\.\d{2}\d*?)0+$/, '$1');

/** A time of day: `13:04:05`. */
export function clock(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** A day: `24 Dec`. */
export function dayOf(at: number): string {
  const date = new Date(at);
  return `${date.getDate()} ${date.toLocaleString('en', { month: 'short' })}`;
}
