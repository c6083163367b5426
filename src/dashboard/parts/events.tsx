/** What happens, as it happens. */
import { useState } from 'preact/hooks';
import { clock } from '../format.js';
import type { LiveEvent } from '../live.js';
import { eventInWords, eventKinds, type EventKind } from '../words.js';

const kinds = Object.keys(eventKinds) as EventKind[];

/** Events that are listed. */
const listed = 60;

/** What happens; shares are left out at first, as they are many. */
export function Events({ events }: { readonly events: readonly LiveEvent[] }) {
  const [hidden, setHidden] = useState<ReadonlySet<EventKind>>(new Set<EventKind>(['shares']));
  const [isHeld, setIsHeld] = useState(false);
  const [held, setHeld] = useState<readonly LiveEvent[]>([]);
  const all = isHeld ? held : events;
  const told = all
    .map((event) => ({ event, ...eventInWords(event.outcome) }))
    .filter(({ kind }) => !hidden.has(kind));
  const toggle = (kind: EventKind) => {
    const next = new Set(hidden);
    if (!next.delete(kind)) next.add(kind);
    setHidden(next);
  };
  return (
    <section class="panel events" aria-labelledby="events">
      <h2 id="events">
        What happens
        <button
          type="button"
          aria-pressed={isHeld}
          onClick={() => {
            setHeld(events);
            setIsHeld(!isHeld);
          }}
        >
          {isHeld ? 'go on' : 'hold'}
        </button>
      </h2>
      <div class="choice" role="group" aria-label="Show">
        {kinds.map((kind) => (
          <button type="button" key={kind} aria-pressed={!hidden.has(kind)} onClick={() => toggle(kind)}>
            {eventKinds[kind]}
          </button>
        ))}
      </div>
      <ol class="plain log" aria-live="off">
        {told.slice(0, listed).map(({ event, kind, text }) => (
          <li key={event.id} class={kind}>
            <time>{clock(event.at)}</time> {text}
          </li>
        ))}
      </ol>
      {told.length === 0 && <p class="dim">Nothing of this yet.</p>}
    </section>
  );
}
