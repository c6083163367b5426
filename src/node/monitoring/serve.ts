/** Serves the API and the dashboard of a role that is watched. Loaded when it is asked for: HTTP is in nobody else's way. */
import { createHash } from 'node:crypto';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';
import { defer, finalize, Subject, type Observable, type SchedulerLike } from 'rxjs';
import type { ListenAddress } from '../tcp-options.js';
import type { Access } from './access.js';
import { monitoringApp } from './app.js';
import { httpServer } from './http-server.js';
import { jsonPieces, textStream } from './json-stream.js';
import { metricsOf } from './metrics.js';
import { openApiDocument } from './openapi.js';
import { apiRoutes, describedRoutes, listing, type ApiSource } from './own-routes.js';
import { page, type PageFile } from './page.js';
import { streams } from './streams.js';
import type { Watch } from './watch.js';

/** What is served, and where. */
export interface ServeOptions extends ListenAddress, Access, Pick<ApiSource, 'accounts'> {
  readonly watch: Watch;
  readonly role: string;
  readonly version: string;
  readonly scheduler: SchedulerLike;
  /** Told of errors of answers. */
  readonly failed: (error: unknown) => void;
}

const eventHeaders = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx, and those that do as it does, would hold it back
  'X-Accel-Buffering': 'no',
};

/** A stream of events, or why there is none. */
const eventResponse = (context: Context, body: ReadableStream<Uint8Array> | undefined): Response =>
  body === undefined
    ? context.json({ error: 'there are too many readers of events at present' }, 503, { 'Retry-After': '30' })
    : context.body(body, 200, eventHeaders);

/** A file of the page, which browsers keep and ask about. */
function fileRoute({ path, contentType, text }: PageFile) {
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
  return {
    path,
    isPublic: true,
    answer: (context: Context): Response => {
      const headers = { ETag: etag, 'Cache-Control': 'no-cache', 'Content-Type': contentType };
      return context.req.header('if-none-match') === etag
        ? context.body(null, 304, headers)
        : context.body(text, 200, headers);
    },
  };
}

/** Whether whoever asks would rather see a page than data. */
const isBrowser = (context: Context): boolean => (context.req.header('accept') ?? '').includes('text/html');

/**
 * Serves while subscribed; emits once where.
 * @returns fails with a TransportError when it cannot listen
 */
export function serve(options: ServeOptions): Observable<ListenAddress> {
  return defer(() => {
    const { watch, role, version, scheduler, failed } = options;
    const end$ = new Subject<void>();
    const readers = streams({ watch, scheduler, end$ });
    const metrics = metricsOf({
      ...{
        view: watch.view,
        gauges: watch.gauges,
        counts: watch.counts,
        alerts: watch.alerts,
        role,
        version,
      },
      readers: () => readers.readers,
    });
    const source: ApiSource = {
      ...{ view: watch.view, unready: watch.unready, alerts: watch.alerts, history: watch.history, metrics },
      ...(options.accounts === undefined ? {} : { accounts: options.accounts }),
      now: () => scheduler.now(),
      document: () => openApiDocument(describedRoutes, version),
    };
    const addressOf = (context: Context): string => getConnInfo(context).remote.address ?? '';
    const [home, ...files] = page === undefined ? [] : page.map(fileRoute);
    const app = monitoringApp({
      routes: apiRoutes,
      source,
      access: options,
      answered: metrics.answered,
      failed,
      others: [
        {
          path: '/',
          isPublic: true,
          answer: (context) =>
            home !== undefined && isBrowser(context) ? home.answer(context) : context.json(listing(version)),
        },
        ...files,
        {
          path: '/api/v1/state',
          isPublic: false,
          answer: (context) =>
            context.body(textStream(jsonPieces(watch.state())), 200, {
              'Content-Type': 'application/json',
              'Cache-Control': 'no-store',
            }),
        },
        {
          path: '/api/v1/events',
          isPublic: false,
          answer: (context) => {
            const types = context.req.query('types')?.split(',').slice(0, 64);
            const stream = readers.events(
              addressOf(context),
              context.req.header('last-event-id'),
              types === undefined ? undefined : new Set(types),
            );
            return eventResponse(context, stream);
          },
        },
        {
          path: '/api/v1/live',
          isPublic: false,
          answer: (context) => eventResponse(context, readers.live(addressOf(context))),
        },
      ],
    });
    return httpServer((request, env) => app.fetch(request, env), options).pipe(finalize(() => end$.next()));
  });
}
