/** All that is known of one worker. */
import { useEffect, useRef } from 'preact/hooks';
import type { LiveRow } from '../../observe/live-rows.js';
import { defaultWindows } from '../../observe/windows.js';
import { ago, count, difficulty, duration, hashRate, inWords, percent } from '../format.js';
import { nameOf, statusOf } from '../table.js';
import { shown } from '../text.js';
import { reasonInWords } from '../words.js';

/** Names of 255 bytes are shown whole here. */
const whole = 300;

/** A dialogue over the page; Escape closes it. */
export function Worker({
  row,
  now,
  onClose,
}: {
  readonly row: LiveRow;
  readonly now: number;
  readonly onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const all = row.accepted + row.rejected;
  return (
    <dialog
      ref={dialog}
      aria-labelledby="worker"
      onClose={onClose}
      onClick={({ target, currentTarget }) => target === currentTarget && currentTarget.close()}
    >
      <div class="inside">
        <h2 id="worker">
          <bdi>{shown(nameOf(row), whole)}</bdi>
          <button type="button" aria-label="Close" onClick={() => dialog.current?.close()}>
            ✕
          </button>
        </h2>
        <dl class="pairs">
          <dt>Now</dt>
          <dd>
            {statusOf(row, now)},{' '}
            {row.isConnected ? `seen since ${duration(now - row.since)}` : 'not connected'}
          </dd>
          {defaultWindows.map((name) => (
            <>
              <dt>Hash rate, {name}</dt>
              <dd>
                {inWords(hashRate(row.hashRate[name]))}
                {name === '15m' && row.high !== null && (
                  <span class="dim">
                    {' '}
                    ({inWords(hashRate(row.low))} – {inWords(hashRate(row.high))})
                  </span>
                )}
              </dd>
            </>
          ))}
          <dt>Difficulty</dt>
          <dd>{difficulty(row.difficulty)}</dd>
          <dt>Accepted</dt>
          <dd>
            {count(row.accepted)}, the last {ago(row.lastAcceptedAt, now)}
          </dd>
          <dt>Work</dt>
          <dd>{difficulty(row.work)}</dd>
          <dt>Best share</dt>
          <dd>{difficulty(row.bestDifficulty)}</dd>
          <dt>Blocks</dt>
          <dd>{count(row.blocksFound)}</dd>
          <dt>Rejected</dt>
          <dd>
            {count(row.rejected)}
            {row.rejected > 0 && ` (${percent(row.rejected, all)}), the last ${ago(row.lastRejectedAt, now)}`}
            <ul class="plain">
              {Object.entries(row.rejectedByCode)
                .sort(([, a], [, b]) => b - a)
                .map(([code, times]) => (
                  <li key={code}>
                    {count(times)} {reasonInWords(code)} <span class="dim mono">{shown(code, 64)}</span>
                  </li>
                ))}
            </ul>
          </dd>
          <dt>Device</dt>
          <dd>
            <bdi>{shown(row.device, whole) || 'says nothing of itself'}</bdi>
          </dd>
          <dt>Address</dt>
          <dd class="mono">{shown(row.address)}</dd>
          <dt>Connection</dt>
          <dd>
            client {row.clientId}, channel {row.channelId}
          </dd>
        </dl>
      </div>
    </dialog>
  );
}
