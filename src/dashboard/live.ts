/** The page's line to its server: what it is told, folded with the functions that the server made it with. */
import {
  catchError,
  concat,
  defer,
  from,
  map,
  mergeMap,
  Observable,
  of,
  retry,
  scan,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import { withUpdate, type LiveState, type LiveUpdate } from '../observe/live.js';
import { withPoint, type RatePoint } from './rate-points.js';
import { eventParser, type ServerEvent } from './sse.js';
import type { OutcomeFields } from './words.js';

/** Something that happened, as the server tells it. */
export interface LiveEvent {
  readonly id: number;
  readonly at: number;
  readonly outcome: OutcomeFields;
}

/** What the page knows. */
export interface PageState {
  /** `locked` if the server wants a token, or another. */
  readonly line: 'connecting' | 'live' | 'lost' | 'locked';
  /** When the line was lost. */
  readonly lostAt: number | null;
  readonly live: LiveState | undefined;
  /** How far the server's clock is ahead of this one, in milliseconds. */
  readonly clockDifference: number;
  /** The newest first, as many as are shown. */
  readonly events: readonly LiveEvent[];
  /** The oldest first. */
  readonly rates: readonly RatePoint[];
}

/** Events that are kept. */
const maxEvents = 500;

/** Milliseconds without a word, and a server says something each second, after which the line is taken to be lost. */
const silence = 20_000;

/** Milliseconds before the server is asked again. */
const retryDelay = 2_000;

/** The server wants a token. */
class Locked extends Error {}

type Input =
  | { readonly type: 'line'; readonly line: PageState['line'] }
  | { readonly type: 'update'; readonly update: LiveUpdate }
  | { readonly type: 'events'; readonly events: readonly LiveEvent[] };

const nothing: PageState = {
  ...{ line: 'connecting', lostAt: null, live: undefined, clockDifference: 0 },
  ...{ events: [], rates: [] },
};

/** The events of a stream, once. @returns fails when the line is lost, or the server wants a token */
function serverEvents(url: string, token: string): Observable<ServerEvent> {
  return new Observable<ServerEvent>((subscriber) => {
    const aborting = new AbortController();
    const headers: Record<string, string> = token === '' ? {} : { Authorization: `Bearer ${token}` };
    const read = async () => {
      const response = await fetch(url, { headers, signal: aborting.signal, cache: 'no-store' });
      if (response.status === 401 || response.status === 400) throw new Locked('a token is needed');
      if (!response.ok || response.body === null) throw new Error(`the server answers ${response.status}`);
      const parse = eventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        for (const event of parse(value)) subscriber.next(event);
      }
    };
    read().then(
      () => subscriber.error(new Error('the server has ended the line')),
      (error: unknown) => subscriber.error(error),
    );
    return () => aborting.abort();
  }).pipe(timeout({ each: silence }));
}

function inputOf({ event, data }: ServerEvent): readonly Input[] {
  if (event === 'state') return [{ type: 'update', update: JSON.parse(data) as LiveUpdate }];
  if (event === 'events') return [{ type: 'events', events: JSON.parse(data) as readonly LiveEvent[] }];
  return [];
}

/** What the page knows after another input. @param now of the browser's clock, in milliseconds since 1970 */
function withInput(state: PageState, input: Input, now: number): PageState {
  switch (input.type) {
    case 'line': {
      const isLost = input.line === 'lost';
      return { ...state, line: input.line, lostAt: isLost ? (state.lostAt ?? now) : null };
    }
    case 'update': {
      // a server that was started anew begins anew
      const isOther = input.update.isWhole && input.update.parts.startedAt !== state.live?.parts.startedAt;
      const live = withUpdate(state.live, input.update);
      return {
        ...{ line: 'live', lostAt: null, live, clockDifference: live.time - now },
        events: isOther ? [] : state.events,
        rates: withPoint(state.rates, live),
      };
    }
    case 'events': {
      const newest = state.events[0]?.id ?? 0;
      const added = input.events.filter(({ id }) => id > newest).reverse();
      return added.length === 0
        ? state
        : { ...state, events: [...added, ...state.events].slice(0, maxEvents) };
    }
  }
}

/**
 * What the page knows, from now on. A line that is lost is taken up again for ever; what was known stays meanwhile.
 * @param url of the stream
 * @param token to be shown; empty for none
 */
export function pageState(url: string, token: string): Observable<PageState> {
  const line$ = serverEvents(url, token).pipe(
    mergeMap((event) => from(inputOf(event))),
    catchError((error: unknown) =>
      error instanceof Locked
        ? of<Input>({ type: 'line', line: 'locked' })
        : concat(
            of<Input>({ type: 'line', line: 'lost' }),
            throwError(() => error),
          ),
    ),
    retry({ delay: retryDelay }),
  );
  return defer(() => line$).pipe(scan((state, input) => withInput(state, input, Date.now()), nothing));
}

/** The browser's clock, each second, in milliseconds since 1970. */
export const second$: Observable<number> = timer(0, 1_000).pipe(map(() => Date.now()));
