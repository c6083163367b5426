/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly baseline: string;
  /** How rx-sv2 does beside the baseline: of its speed, or of its size. */
  readonly ratio: string;
  /** What was to be reached, and whether it was. */
  readonly target?: string;
  /** What limits the figure. */
  readonly limit: string;
}

/** Rows that have a baseline in common. */
export interface Section {
  readonly title: string;
  /** What the baseline is. */
  readonly baseline: string;
  readonly rows: readonly Row[];
}

const headings = ['', 'rx-sv2', 'baseline', 'ratio', 'to reach', 'limited by'] as const;

/** The table as Markdown, which is readable on a terminal too. */
export function formatTable(sections: readonly Section[]): string {
  const lines = [
    [...headings],
    ...sections.flatMap(({ title, baseline, rows }) => [
      [`**${title}**`, '', baseline, '', '', ''],
      ...rows.map(({ what, figure, baseline: beside, ratio, target = '', limit }) => [
        what,
        figure,
        beside,
        ratio,
        target,
        limit,
      ]),
    ]),
  ];
  const widths = headings.map((_, column) => Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)));
  const format = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [head = [], ...body] = lines;
  return [format(head), rule, ...body.map(format)].join('\n');
}

/** A number with three significant digits and its unit. */
export function amount(value: number, unit: string): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return `${value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`;
}

/** `value` as a share of `whole`. */
export const percent = (value: number, whole: number): string => `${((100 * value) / whole).toFixed(0)} %`;

/** How fast something is that takes `time` where the baseline takes `baselineTime`. */
export const speed = (time: number, baselineTime: number): string =>
  `${percent(baselineTime, time)} of speed`;

/** Whether a target is met. */
export const reach = (target: string, reached: boolean): string => `${target}: ${reached ? 'yes' : 'NO'}`;
