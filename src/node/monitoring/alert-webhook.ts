/** Posts alerts to a URL: whoever listens there wakes people. */
import {
  catchError,
  defer,
  EMPTY,
  exhaustMap,
  expand,
  map,
  of,
  retry,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import type { Observable, OperatorFunction, SchedulerLike } from 'rxjs';
import { fromFetch } from 'rxjs/fetch';
import { Sv2Error } from '../../codec/errors.js';
import type { AlertChange } from '../../observe/alerts.js';

/** Posts a body once; emits the status of the answer, or fails. */
export type PostRequest = (body: string) => Observable<number>;

/** In whose name alerts are posted, and where, for those who are told that they could not be. */
export interface AlertPostOptions {
  /** Nothing of the URL that is a secret. */
  readonly origin: string;
  readonly role: string;
  readonly version: string;
  readonly scheduler: SchedulerLike;
}

/** What became of alerts that were to be posted. */
export type WebhookOutcome =
  | { readonly type: 'AlertsPosted'; readonly count: number }
  | {
      readonly type: 'AlertsNotPosted';
      readonly count: number;
      /** Why not; without the URL, which may be a secret, but for the server's name. */
      readonly message: string;
    };

/** Changes that wait for those before them; of more the oldest are left out, and counted. */
const maxWaiting = 100;

/** Milliseconds that an answer may take, and pauses between attempts: 2, 4, 8 … 60 s, a quarter of an hour in all. */
const answerLimit = 10_000;
const firstPause = 2_000;
const longestPause = 60_000;
const maxAttempts = 18;

/** Characters of what people read; Discord takes 2,000. */
const maxText = 1_800;

/** Answers after which the same may be tried again. */
const mayPass = (status: number): boolean =>
  status >= 500 || status === 408 || status === 425 || status === 429;

/** It was answered that it is not wanted. */
const unwanted = 'webhook-refused';

/**
 * Posts alerts as JSON, in order, together what has come meanwhile: `text` and `content` are for people, as Slack,
 * Mattermost and Discord show them, `alerts` for programs. What fails is tried again for a quarter of an hour; what is
 * refused, or redirected, is not. It never waits for itself: at most 100 alerts do, of more the oldest are left out.
 *
 * ```text
 * change$   -a-b---------c--|
 *   postAlerts()
 *           --P------P----P-(|)     a is posted, b waits for the answer, or for a server that is back
 * ```
 */
export const postAlerts =
  (request: PostRequest, options: AlertPostOptions): OperatorFunction<AlertChange, WebhookOutcome> =>
  (change$) =>
    defer(() => {
      let waiting: AlertChange[] = [];
      let leftOut = 0;
      function postWaiting(): Observable<WebhookOutcome> {
        if (waiting.length === 0) return EMPTY;
        const changes = waiting;
        const body = bodyOf(changes, leftOut, options);
        [waiting, leftOut] = [[], 0];
        return post(() => request(body), changes.length, options);
      }
      return change$.pipe(
        tap((change) => {
          waiting.push(change);
          if (waiting.length > maxWaiting) {
            waiting.shift();
            leftOut += 1;
          }
        }),
        exhaustMap(() => postWaiting().pipe(expand(postWaiting))),
      );
    });

/** Posts once, and again if that may help. */
function post(
  request: () => Observable<number>,
  count: number,
  { origin, scheduler }: AlertPostOptions,
): Observable<WebhookOutcome> {
  return defer(request).pipe(
    timeout({ first: answerLimit, scheduler }),
    map((status) => {
      if (status >= 200 && status < 300) return;
      throw new Sv2Error(mayPass(status) ? 'webhook-busy' : unwanted, `it answers ${status}`);
    }),
    retry({
      count: maxAttempts - 1,
      delay: (error: unknown, attempt) =>
        error instanceof Sv2Error && error.code === unwanted
          ? throwError(() => error)
          : timer(Math.min(longestPause, firstPause * 2 ** (attempt - 1)), scheduler),
    }),
    map(() => ({ type: 'AlertsPosted' as const, count })),
    catchError((error: unknown) =>
      of({
        type: 'AlertsNotPosted' as const,
        count,
        message: `${count} alerts could not be posted to ${origin}: ${reasonOf(error)}`,
      }),
    ),
  );
}

/**
 * Posts JSON to a URL. Redirects are not followed: where they lead may be inside. Of answers only the status is read.
 * @param url `https:` or `http:`; it may hold a secret, and is told nobody
 */
export function webhook(url: string): PostRequest {
  return (body) =>
    fromFetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'User-Agent': 'rx-sv2' },
      body,
      redirect: 'manual',
      selector: async (response) => {
        await response.body?.cancel();
        return response.status;
      },
    });
}

/** What went wrong; errors of `fetch` may have the URL in them. */
function reasonOf(error: unknown): string {
  if (error instanceof Sv2Error) return error.message;
  const { name = 'unknown', cause } = error as {
    readonly name?: string;
    readonly cause?: { readonly code?: unknown };
  };
  if (name === 'TimeoutError') return `no answer within ${answerLimit / 1_000} s`;
  return typeof cause?.code === 'string' ? cause.code : name;
}

/** A name as chats may show it: nothing that cannot be seen, no markup of links, and nobody is called. */
const harmless = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
    .replaceAll('<', '\u{2039}')
    .replaceAll('>', '\u{203a}')
    .replace(/@(?=(all|channel|here|everyone)\b)/gi, '@ ');

/** What is posted. */
function bodyOf(
  changes: readonly AlertChange[],
  leftOut: number,
  { role, version }: AlertPostOptions,
): string {
  const lines = changes.map(
    ({ type, message }) => `${type === 'AlertRaised' ? '' : 'over: '}${harmless(message)}`,
  );
  if (leftOut > 0) lines.unshift(`${leftOut} alerts before were left out`);
  const text = `rx-sv2 ${role}: ${lines.join('\n')}`.slice(0, maxText);
  return JSON.stringify({
    ...{ service: 'rx-sv2', role, version, text, content: text, allowed_mentions: { parse: [] } },
    alerts: changes,
    leftOut,
  });
}
