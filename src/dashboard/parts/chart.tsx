/** The hash rate over time, with the band that it lies in. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { clock, dayOf, hashRate, inWords } from '../format.js';
import { polled } from '../polled.js';
import { allPoints, withMinute, type RateHistory, type RatePoint } from '../rate-points.js';
import { useObservable, useRemembered } from './use.js';

/** Seconds that are shown at least. */
const least = 60;

/** Spans of time that can be looked at, in milliseconds. */
const spans = { '10 min': 600_000, '1 h': 3_600_000, '1 day': 86_400_000, '90 days': 7_776_000_000 } as const;
type Span = keyof typeof spans;
const isSpan = (name: string): name is Span => Object.hasOwn(spans, name);

/** Milliseconds after which the server is asked again what it remembers: until then the page sees itself what comes. */
const historyInterval = 300_000;

/** A time on the axis: with seconds if the next is less than a minute away, with the day if it is one. */
function timeOf(at: number, step: number): string {
  if (step >= 86_400) return dayOf(1_000 * at);
  return step < 60 ? clock(1_000 * at) : clock(1_000 * at).slice(0, 5);
}

/** A point in words: of a longer span with its day. */
function inTime({ at, value }: RatePoint, span: number): string {
  const time = span > spans['1 day'] ? `${dayOf(at)} ${clock(at).slice(0, 5)}` : clock(at);
  return `${time} · ${value === null ? 'nothing seen' : inWords(hashRate(value))}`;
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
    // on the right there is room for half a label, as the last one may be of the last moment
    ...{ width, height, legend: { show: false }, padding: [12, 26, 0, 0] },
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

/** Points as the chart wants them. */
const dataOf = (points: readonly RatePoint[]): uPlot.AlignedData => [
  points.map(({ at }) => at / 1_000),
  points.map(({ high }) => high),
  points.map(({ low }) => low),
  points.map(({ value }) => value),
];

/** The chart; under the pointer it says what was when. What was before the page was opened the server remembers. */
export function Chart(props: {
  readonly rates: readonly RatePoint[];
  readonly now: number;
  readonly token: string;
  /** Since when there is anything to remember: a server that was started anew is asked anew. */
  readonly startedAt: number;
}) {
  const { rates, now, token, startedAt } = props;
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const [wanted, setSpan] = useRemembered<string>('span', '1 h');
  const span: Span = isSpan(wanted) ? wanted : '1 h';
  const [pointed, setPointed] = useState<RatePoint>();
  const reach = Math.max(spans['1 day'], spans[span]);
  const clockNow = useRef(now);
  clockNow.current = now;
  const history = useObservable<RateHistory | undefined>(
    () =>
      polled(() => `/api/v1/history?since=${Math.floor(clockNow.current - reach)}`, token, historyInterval),
    undefined,
    [token, reach, startedAt],
  );
  const from = now - spans[span];
  const points = useMemo(
    () =>
      withMinute(
        allPoints(history, rates).filter(({ at }) => at >= from),
        clockNow.current,
      ),
    [history, rates, span],
  );
  const latest = useRef<readonly RatePoint[]>(points);
  latest.current = points;

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
  useEffect(() => chart.current?.setData(dataOf(points)), [points]);

  const last = rates.at(-1);
  return (
    <div class="chart">
      <div class="choice" role="group" aria-label="Time shown">
        {(Object.keys(spans) as Span[]).map((name) => (
          <button type="button" key={name} aria-pressed={name === span} onClick={() => setSpan(name)}>
            {name}
          </button>
        ))}
        <span class="dim pointed">{pointed === undefined ? '5 min mean' : inTime(pointed, spans[span])}</span>
      </div>
      <div
        class="plot"
        ref={place}
        role="img"
        aria-label={`Hash rate over time, ${last === undefined ? 'nothing yet' : `now ${inWords(hashRate(last.value ?? 0))}`}`}
      />
    </div>
  );
}
