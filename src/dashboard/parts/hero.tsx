/** The hash rate, as large as it can be read across a hall, and its line over time. */
import { defaultWindows, type DefaultWindow } from '../../observe/windows.js';
import type { LiveParts } from '../../observe/live.js';
import { hashRate, inWords } from '../format.js';
import type { RatePoint } from '../rate-points.js';
import { Chart } from './chart.js';

const names: Readonly<Record<DefaultWindow, string>> = {
  '1m': '1 min',
  '5m': '5 min',
  '15m': '15 min',
  '1h': '1 h',
  '1d': '1 day',
};

/** The hash rate. */
export function Hero(props: {
  readonly parts: LiveParts;
  readonly rates: readonly RatePoint[];
  readonly window: DefaultWindow;
  readonly onWindow: (window: DefaultWindow) => void;
  readonly now: number;
  readonly token: string;
}) {
  const { parts, rates, window, onWindow, now, token } = props;
  const rate = parts.hashRate?.[window];
  if (rate === undefined) return null;
  const { value, unit } = hashRate(rate.value);
  const range =
    rate.high === null
      ? 'no share yet'
      : `likely ${inWords(hashRate(rate.low))} to ${inWords(hashRate(rate.high))}`;
  return (
    <section class="panel hero" aria-labelledby="rate">
      <div class="figures">
        <h2 id="rate">Hash rate</h2>
        <p class="big" aria-live="off">
          {value} <span class="unit">{unit}</span>
        </p>
        <p class="dim" title="What is true lies there in 95 of 100 cases, as far as shares tell">
          {range}
        </p>
        <div class="choice" role="group" aria-label="Mean over">
          {defaultWindows.map((name) => (
            <button
              type="button"
              key={name}
              aria-pressed={name === window}
              title={`${inWords(hashRate(parts.hashRate?.[name].value ?? 0))}`}
              onClick={() => onWindow(name)}
            >
              {names[name]}
            </button>
          ))}
        </div>
      </div>
      <Chart rates={rates} now={now} token={token} startedAt={parts.startedAt} />
    </section>
  );
}
