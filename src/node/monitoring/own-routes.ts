/** The paths that the reference implementation's monitoring API does not have, as far as they are answered at once. */
import * as z from 'zod';
import { alertKinds } from '../../observe/alerts.js';
import type { PayeeAccount } from '../../ledger/payees.js';
import type { Metrics } from './metrics.js';
import { digits, referenceRoutes } from './reference-routes.js';
import { ErrorResponse, named } from './reference-schemas.js';
import { json, plain, route, type DescribedRoute, type Route } from './route.js';
import type { Watch } from './watch.js';

/** What answers are made from. */
export interface ApiSource extends Pick<Watch, 'view' | 'unready' | 'alerts' | 'history'> {
  /** Milliseconds since 1970. */
  now(): number;
  readonly metrics: Metrics;
  /** Of a ledger, if there is one. */
  readonly accounts?: () => Promise<readonly PayeeAccount[]>;
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

const time = () => z.number().describe('Milliseconds since 1970');
const AlertsResponse = named(
  'AlertsResponse',
  z.object({
    alerts: z.array(
      z.object({
        kind: z.enum(alertKinds),
        subject: z.string(),
        since: time(),
        message: z.string(),
      }),
    ),
  }),
);

const values = (what: string) => z.array(z.number().nullable()).describe(what);
const HistoryResponse = named(
  'HistoryResponse',
  z.object({
    from: time(),
    step: z.number().describe('Milliseconds from each value to the next'),
    hashRate: values('Hashes per second, the mean of five minutes'),
    workers: values('Workers that are connected'),
    acceptedPerMinute: values('Accepted shares a minute'),
    rejectedPerMinute: values('Rejected shares a minute'),
  }),
);

/** Milliseconds of history that are told unless more is asked for. */
const day = 86_400_000;

const satoshis = () => z.number().describe('Satoshis');
const AccountsResponse = named(
  'AccountsResponse',
  z.object({
    offset: z.number(),
    limit: z.number(),
    total: z.number(),
    totals: z.object({ owed: satoshis(), pending: satoshis(), paid: satoshis() }),
    items: z.array(
      z.object({
        payee: z.string(),
        script: z.string().nullable(),
        workers: z.number(),
        accepted: z.number(),
        rejected: z.number(),
        difficultySum: z.number(),
        bestDifficulty: z.number(),
        blocksFound: z.number(),
        lastShareAt: time().nullable(),
        owed: satoshis(),
        pending: satoshis(),
        paid: satoshis(),
      }),
    ),
  }),
);

/** Payees of an answer unless asked for another number, and at most. */
const usualPayees = 100;
const maxPayees = 1_000;

/** A page of payees. All bitcoins there will be are fewer satoshis than a double counts. */
function accountsPage(all: readonly PayeeAccount[], offset: number, limit: number) {
  const sum = (of: 'owed' | 'pending' | 'paid') =>
    Number(all.reduce((total, payee) => total + payee[of], 0n));
  return {
    ...{ offset, limit, total: all.length },
    totals: { owed: sum('owed'), pending: sum('pending'), paid: sum('paid') },
    items: all.slice(offset, offset + limit).map(({ owed, pending, paid, lastShareAt, ...payee }) => ({
      ...payee,
      lastShareAt: lastShareAt === 0 ? null : lastShareAt,
      ...{ owed: Number(owed), pending: Number(pending), paid: Number(paid) },
    })),
  };
}

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
    path: '/api/v1/alerts',
    operationId: 'alerts',
    tag: 'state',
    summary: 'What somebody should look after at present',
    ...onlyPath,
    responses: { 200: ['Alerts', AlertsResponse] },
    answer: (_, { alerts }) => json(200, { alerts: alerts() }),
  }),
  route({
    path: '/api/v1/history',
    operationId: 'history',
    tag: 'state',
    summary: 'How it was: by the minute for a day, by ten minutes for 90 days',
    params: nothing,
    query: z.object({ since: digits().optional() }),
    responses: { 200: ['Means of each step, null where nothing was seen', HistoryResponse] },
    answer: ({ query: { since } }, { history, now }) =>
      json(200, history.answer(since ?? now() - day, now())),
  }),
  route({
    path: '/api/v1/accounts',
    operationId: 'accounts',
    tag: 'state',
    summary: "The ledger's payees: what they delivered, and what they are owed and were paid",
    params: nothing,
    query: z.object({
      offset: digits().default(0),
      limit: digits()
        .default(usualPayees)
        .transform((limit) => Math.min(limit, maxPayees)),
    }),
    responses: { 200: ['Payees', AccountsResponse], 404: ['There is no ledger', ErrorResponse] },
    answer: async ({ query: { offset, limit } }, { accounts }) =>
      accounts === undefined
        ? json(404, { error: 'there is no ledger here' })
        : json(200, accountsPage(await accounts(), offset, limit)),
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
