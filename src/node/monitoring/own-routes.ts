/** The paths that the reference implementation's monitoring API does not have, as far as they are answered at once. */
import * as z from 'zod';
import type { Metrics } from './metrics.js';
import { referenceRoutes } from './reference-routes.js';
import { ErrorResponse, named } from './reference-schemas.js';
import { json, plain, route, type DescribedRoute, type Route } from './route.js';
import type { Watch } from './watch.js';

/** What answers are made from. */
export interface ApiSource extends Pick<Watch, 'view' | 'unready'> {
  /** Milliseconds since 1970. */
  now(): number;
  readonly metrics: Metrics;
  /** The document of the API. */
  readonly document: () => unknown;
}

const nothing = z.object({});
const onlyPath = { params: nothing, query: nothing };

const ReadyResponse = named(
  'ReadyResponse',
  z.object({ status: z.enum(['ready', 'unready']), problems: z.array(z.string()) }),
);
const LiveResponse = named('LiveResponse', z.object({ status: z.literal('live') }));

/** What the streams are, which other code answers: for the document. */
const streamRoutes: readonly DescribedRoute[] = [
  {
    path: '/api/v1/state',
    operationId: 'state',
    tag: 'state',
    summary: 'Everything that is known of the role, as one object',
    ...onlyPath,
    responses: {
      200: ['The state', z.looseObject({ role: z.string(), time: z.number(), startedAt: z.number() })],
    },
  },
  {
    path: '/api/v1/events',
    operationId: 'events',
    tag: 'state',
    summary: 'What happens, as Server-Sent Events; goes on after Last-Event-ID',
    params: nothing,
    query: z.object({ types: z.string().optional() }),
    responses: { 200: ['Events', 'text/event-stream'], 503: ['There are too many readers', ErrorResponse] },
  },
  {
    path: '/api/v1/live',
    operationId: 'live',
    tag: 'state',
    summary: 'What the dashboard shows, and its changes, as Server-Sent Events',
    ...onlyPath,
    responses: { 200: ['Events', 'text/event-stream'], 503: ['There are too many readers', ErrorResponse] },
  },
];

const answeredRoutes: readonly Route<ApiSource>[] = [
  route({
    path: '/metrics',
    operationId: 'metrics',
    tag: 'metrics',
    summary: 'Prometheus metrics',
    ...onlyPath,
    responses: { 200: ['Metrics', 'text/plain'] },
    answer: async (_, { metrics }) => plain(await metrics.text(), metrics.contentType),
  }),
  route({
    path: '/healthz',
    operationId: 'healthz',
    tag: 'health',
    summary: 'Whether the program runs',
    ...onlyPath,
    isPublic: true,
    responses: { 200: ['It runs', LiveResponse] },
    answer: () => json(200, { status: 'live' }),
  }),
  route({
    path: '/readyz',
    operationId: 'readyz',
    tag: 'health',
    summary: 'Whether the role can do what it is for: its upstream is there, and its template fresh',
    ...onlyPath,
    isPublic: true,
    responses: { 200: ['It can', ReadyResponse], 503: ['It cannot', ReadyResponse] },
    answer: (_, { unready }) => {
      const problems = unready();
      return problems.length === 0
        ? json(200, { status: 'ready', problems })
        : json(503, { status: 'unready', problems });
    },
  }),
  route({
    path: '/api-docs/openapi.json',
    operationId: 'openapi',
    tag: 'health',
    summary: 'OpenAPI specification',
    ...onlyPath,
    isPublic: true,
    responses: { 200: ['The document', z.looseObject({ openapi: z.string() })] },
    answer: (_, { document }) => json(200, document()),
  }),
];

/** All routes that are answered from data. */
export const apiRoutes: readonly Route<ApiSource>[] = [...referenceRoutes, ...answeredRoutes];

/** All routes that the document describes. */
export const describedRoutes: readonly DescribedRoute[] = [...apiRoutes, ...streamRoutes];

/** The body of `/`: what there is. */
export const listing = (version: string) => ({
  service: 'rx-sv2 monitoring API',
  version,
  endpoints: Object.fromEntries(describedRoutes.map(({ path, summary }) => [path, summary])),
});
