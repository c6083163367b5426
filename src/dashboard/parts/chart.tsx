/** The hash rate over time, with the band that it lies in. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { clock, hashRate, inWords } from '../format.js';
import type { RatePoint } from '../live.js';

/** Seconds that are shown at least. */
const least = 60;

/** Spans of time that can be looked at, in seconds. */
const spans = { '10 min': 600, '1 h': 3_600, all: Infinity } as const;
type Span = keyof typeof spans;

/** A time on the axis: with seconds if the next is less than a minute away, with the day if it is one. */
function timeOf(at: number, step: number): string {
  const date = new Date(1_000 * at);
  if (step >= 86_400) return `${date.getDate()}/${date.getMonth() + 1}`;
  return step < 60 ? clock(1_000 * at) : clock(1_000 * at).slice(0, 5);
}

/** A colour of the style sheet. */
const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(width: number, height: number): uPlot.Options {
  const axis = {
    stroke: () => colour('--dim'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    ...{ width, height, legend: { show: false }, padding: [12, 8, 0, 0] },
    cursor: { y: false, points: { size: 7 } },
    scales: {
      x: { time: true, range: (_, low, high) => [Math.min(low, high - least), high] },
      y: { range: (_, __, high) => [0, high > 0 ? high * 1.15 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        space: 80,
        values: (_, ticks, __, ___, step) => ticks.map((at) => timeOf(at, step)),
      },
      { ...axis, size: 72, values: (_, ticks) => ticks.map((rate) => inWords(hashRate(rate))) },
    ],
    series: [
      {},
      { stroke: 'transparent', points: { show: false } },
      { stroke: 'transparent', points: { show: false } },
      {
        ...{ width: 2, points: { show: false } },
        stroke: () => colour('--accent'),
        fill: (chart) => {
          const gradient = chart.ctx.createLinearGradient(
            0,
            chart.bbox.top,
            0,
            chart.bbox.top + chart.bbox.height,
          );
          gradient.addColorStop(0, colour('--accent-soft'));
          gradient.addColorStop(1, 'transparent');
          return gradient;
        },
      },
    ],
    bands: [{ series: [1, 2], fill: () => colour('--band') }],
  };
}

/** The points of the last seconds, as the chart wants them. */
function dataOf(rates: readonly RatePoint[], from: number): uPlot.AlignedData {
  const points = rates.filter(({ at }) => at >= from);
  return [
    points.map(({ at }) => at / 1_000),
    points.map(({ high }) => high),
    points.map(({ low }) => low),
    points.map(({ value }) => value),
  ];
}

/** The chart; under the pointer it says what was when. */
export function Chart({ rates, now }: { readonly rates: readonly RatePoint[]; readonly now: number }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const [span, setSpan] = useState<Span>('10 min');
  const [pointed, setPointed] = useState<RatePoint>();
  const latest = useRef<readonly RatePoint[]>(rates);
  const from = now - 1_000 * spans[span];
  latest.current = rates.filter(({ at }) => at >= from);

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new uPlot(
      {
        ...options(element.clientWidth, element.clientHeight),
        hooks: { setCursor: [({ cursor }) => setPointed(latest.current[cursor.idx ?? -1])] },
      },
      [[], [], [], []],
      element,
    );
    chart.current = made;
    const sizes = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    sizes.observe(element);
    // other colours
    const look = new MutationObserver(() => made.redraw());
    look.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      sizes.disconnect();
      look.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => chart.current?.setData(dataOf(rates, from)), [rates, span]);

  const last = rates.at(-1);
  return (
    <div class="chart">
      <div class="choice" role="group" aria-label="Time shown">
        {(Object.keys(spans) as Span[]).map((name) => (
          <button type="button" key={name} aria-pressed={name === span} onClick={() => setSpan(name)}>
            {name}
          </button>
        ))}
        <span class="dim pointed">
          {pointed === undefined
            ? '5 min mean'
            : `${clock(pointed.at)} · ${inWords(hashRate(pointed.value))}`}
        </span>
      </div>
      <div
        class="plot"
        ref={place}
        role="img"
        aria-label={`Hash rate over time, ${last === undefined ? 'nothing yet' : `now ${inWords(hashRate(last.value))}`}`}
      />
    </div>
  );
}
