/** What was measured, by what was measured and of whom. */
import { median } from '../measure.js';
import { reach, type Row } from '../table.js';
import type { PoolName, Run } from './site.js';

/** The pools, and raw sockets that read and write as much. */
export type Measured = PoolName | 'floor';

/** Runs of one measurement, all rounds of all that were measured. */
export interface Results {
  add(measured: Measured, run: Run): void;
  /** The median of a figure; NaN if there is none. */
  median(measured: Measured, figure: string): number;
  /** The least and the most of it. */
  spread(measured: Measured, figure: string): readonly [number, number];
  /** Runs in which connections were lost or shares rejected. */
  readonly spoilt: readonly string[];
}

export function results(what: string): Results {
  const runs: Record<Measured, Run[]> = { ours: [], reference: [], floor: [] };
  const values = (measured: Measured, figure: string): number[] =>
    runs[measured].flatMap((run) => (typeof run[figure] === 'number' ? [run[figure]] : []));
  return {
    add: (measured, run) => runs[measured].push(run),
    median: (measured, figure) => median(values(measured, figure)),
    spread: (measured, figure) => [
      Math.min(...values(measured, figure)),
      Math.max(...values(measured, figure)),
    ],
    get spoilt() {
      return Object.entries(runs).flatMap(([measured, all]) =>
        all
          .filter(({ dead = 0, rejected = 0 }) => dead !== 0 || rejected !== 0)
          .map((run) => `${what}, ${measured}: ${JSON.stringify(run)}`),
      );
    },
  };
}

/** A figure with its spread. */
export function withSpread(
  value: number,
  [least, most]: readonly [number, number],
  unit: string,
  per = 1,
): string {
  const digits = (number: number): string => (number / per).toPrecision(3).replace(/e\+\d+$/, '');
  const plain = (number: number): string =>
    number / per >= 1000 ? (number / per).toFixed(0) : digits(number);
  return least === most
    ? `${plain(value)} ${unit}`
    : `${plain(value)} (${plain(least)}–${plain(most)}) ${unit}`;
}

/** How a figure is shown beside the reference's. */
export interface Comparison {
  readonly what: string;
  /** The name the load generator gives it. */
  readonly figure: string;
  readonly unit: string;
  /** What of the figure is one of the unit; 1 unless given. */
  readonly per?: number;
  /** What the ratio to the reference's is to be. */
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly limit: string;
}

export function comparison(measured: Results, { what, figure, unit, per = 1, ...rest }: Comparison): Row {
  const [ours, reference] = [measured.median('ours', figure), measured.median('reference', figure)];
  const ratio = ours / reference;
  const { atMost, atLeast, limit } = rest;
  return {
    what,
    figure: withSpread(ours, measured.spread('ours', figure), unit, per),
    baseline: withSpread(reference, measured.spread('reference', figure), unit, per),
    ratio: `${ratio.toFixed(2)} ×`,
    ...(atMost === undefined ? {} : { target: reach(`≤ ${atMost.toFixed(1)} ×`, ratio <= atMost) }),
    ...(atLeast === undefined ? {} : { target: reach(`≥ ${atLeast.toFixed(1)} ×`, ratio >= atLeast) }),
    limit,
  };
}
