/** The streams of events that readers are given: outcomes as they happen, and what the dashboard shows. */
import { timer, type Observable, type SchedulerLike } from 'rxjs';
import { outcomeToJson } from '../../observe/json.js';
import { liveUpdate, piecesOf, type LiveState, type LiveUpdate } from '../../observe/live.js';
import type { LoggedEvent } from './event-log.js';
import { eventStream, type StreamEvent, type StreamSource } from './event-stream.js';
import type { Watch } from './watch.js';

/** Readers of streams at one time, and of those from one address. */
const maxReaders = 32;
const maxReadersPerAddress = 16;

/** Events that are written at once, and rows of the dashboard's table. */
const eventsAtOnce = 200;
const rowsAtOnce = 1_000;

/** Milliseconds between two looks for events. */
const eventInterval = 100;

/** Events that the dashboard is told at first, and at one time at most: as many as it shows. */
const liveEvents = 100;

/** What streams are made from. */
export interface StreamsOptions {
  readonly watch: Watch;
  readonly scheduler: SchedulerLike;
  /** Emits or completes when all are to end. */
  readonly end$: Observable<unknown>;
}

/** Streams for readers, as many as there may be. */
export interface Streams {
  /** How many readers there are. */
  readonly readers: number;
  /**
   * Outcomes from now on, or from the one after `lastEventId` on; undefined if there are too many readers.
   * @param types those wanted; all unless given
   */
  events(
    address: string,
    lastEventId?: string,
    types?: ReadonlySet<string>,
  ): ReadableStream<Uint8Array> | undefined;
  /** What the dashboard shows; undefined if there are too many readers. */
  live(address: string): ReadableStream<Uint8Array> | undefined;
}

/** An event as a dashboard and other readers get it. */
const eventJson = ({ id, at, outcome }: LoggedEvent<{ readonly type: string }>): string =>
  JSON.stringify({ id, at, outcome: outcomeToJson(outcome) });

/** Makes streams of what is watched. */
export function streams({ watch, scheduler, end$ }: StreamsOptions): Streams {
  const { events: log, startedAt } = watch;
  // an id of an earlier run says nothing here
  const run = startedAt.toString(36);
  const byAddress = new Map<string, number>();
  let readers = 0;

  const open = (
    address: string,
    source: Omit<StreamSource, 'end$' | 'scheduler'>,
  ): ReadableStream<Uint8Array> | undefined => {
    const own = byAddress.get(address) ?? 0;
    if (readers >= maxReaders || own >= maxReadersPerAddress) return undefined;
    readers += 1;
    byAddress.set(address, own + 1);
    return eventStream({ ...source, end$, scheduler }, () => {
      readers -= 1;
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left === 0) byAddress.delete(address);
      else byAddress.set(address, left);
    });
  };

  const resumedAt = (lastEventId: string | undefined): number => {
    if (lastEventId === undefined) return log.lastId;
    const [of, id] = lastEventId.split('-');
    return of === run && id !== undefined && /^\d{1,15}$/.test(id) ? Number(id) : 0;
  };

  return {
    get readers() {
      return readers;
    },
    events(address, lastEventId, types) {
      let cursor = resumedAt(lastEventId);
      let isGap = lastEventId !== undefined && !lastEventId.startsWith(`${run}-`);
      const next = (): readonly StreamEvent[] => {
        const found = log.after(cursor, eventsAtOnce, types);
        const missed = isGap || found.isGap;
        isGap = false;
        cursor = found.last;
        return [
          ...(missed ? [{ event: 'missed', data: JSON.stringify({ after: lastEventId ?? null }) }] : []),
          ...found.events.map((event) => ({ id: `${run}-${event.id}`, data: eventJson(event) })),
        ];
      };
      return open(address, { next, more$: log.added$, interval: eventInterval });
    },
    live(address) {
      let known: LiveState | undefined;
      let cursor = Math.max(0, log.lastId - liveEvents);
      let pieces: Iterator<LiveUpdate> = [][Symbol.iterator]();
      const next = (): readonly StreamEvent[] => {
        const waiting = pieces.next();
        if (waiting.done !== true) return [{ event: 'state', data: JSON.stringify(waiting.value) }];
        const present = watch.live();
        const told: StreamEvent[] = [];
        if (present !== known) {
          pieces = piecesOf(liveUpdate(known, present), rowsAtOnce);
          known = present;
          told.push({ event: 'state', data: JSON.stringify(pieces.next().value) });
        }
        // of many only the newest are shown
        const from = Math.max(cursor, log.lastId - liveEvents);
        const skipped = from - cursor;
        const { events, last } = log.after(from, liveEvents);
        cursor = last;
        if (skipped > 0) told.push({ event: 'skipped', data: JSON.stringify({ count: skipped }) });
        if (events.length > 0) told.push({ event: 'events', data: `[${events.map(eventJson).join(',')}]` });
        return told;
      };
      return open(address, { next, more$: timer(1_000, 1_000, scheduler), interval: 0 });
    },
  };
}
