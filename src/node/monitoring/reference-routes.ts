/** The paths of the reference implementation's monitoring API, and the answer of each to a snapshot of a role. */
import * as z from 'zod';
import {
  ErrorResponse,
  GlobalInfo,
  HealthResponse,
  integer,
  ServerChannelsResponse,
  ServerResponse,
  Sv1ClientInfo,
  Sv1ClientsResponse,
  Sv2ClientChannelsResponse,
  Sv2ClientResponse,
  Sv2ClientsResponse,
} from './reference-schemas.js';
import {
  hashRateOf,
  type ReferenceClient,
  type ReferenceServer,
  type ReferenceView,
} from './reference-view.js';
import { json, route, type Answer, type Route } from './route.js';

/** Of a list, how many an answer has unless asked for another number, and at most. */
const defaultLimit = 25;
const maxLimit = 100;

/** A whole number in a URL. */
export const digits = () =>
  z
    .string()
    .regex(/^\d{1,15}$/, { error: 'expected a whole number' })
    .transform(Number)
    .pipe(integer());
const pagination = z.object({
  offset: digits().default(0),
  limit: digits()
    .default(defaultLimit)
    .transform((limit) => Math.min(limit, maxLimit)),
});
const clientPath = z.object({ client_id: digits() });
const noQuery = z.object({});

const missing = (error: string): Answer => json(404, { error });
const noServer = () => missing('Server monitoring not available');
const noClients = () => missing('Sv2 clients monitoring not available');
const noSv1Clients = () => missing('Sv1 client monitoring not available');

type Page = z.output<typeof pagination>;
const slice = <T>(items: readonly T[], { offset, limit }: Page): readonly T[] =>
  items.slice(offset, offset + limit);

/** A page of each of the two lists of channels. */
const channelsPage = (
  { extended_channels: extended, standard_channels: standard }: ReferenceServer | ReferenceClient,
  page: Page,
) => ({
  ...page,
  total_extended: extended.length,
  total_standard: standard.length,
  extended_channels: slice<unknown>(extended, page),
  standard_channels: slice<unknown>(standard, page),
});

const metadata = ({ client_id, client_kind, extended_channels, standard_channels }: ReferenceClient) => ({
  client_id,
  client_kind,
  extended_channels_count: extended_channels.length,
  standard_channels_count: standard_channels.length,
  total_hashrate: hashRateOf(extended_channels, standard_channels),
});

const summary = (lists: readonly (ReferenceServer | ReferenceClient)[]) => {
  const count = (kind: 'extended_channels' | 'standard_channels') =>
    lists.reduce((sum, list) => sum + list[kind].length, 0);
  const [extended, standard] = [count('extended_channels'), count('standard_channels')];
  return {
    total_channels: extended + standard,
    extended_channels: extended,
    standard_channels: standard,
    total_hashrate: lists.reduce(
      (sum, { extended_channels, standard_channels }) =>
        sum + hashRateOf(extended_channels, standard_channels),
      0,
    ),
  };
};

/** The body of `/api/v1/global`. */
const globalInfo = ({ uptimeSeconds, server, sv2Clients, sv1Clients }: ReferenceView) => ({
  uptime_secs: Math.floor(uptimeSeconds),
  ...(server === undefined ? {} : { server: summary([server]) }),
  ...(sv2Clients === undefined
    ? {}
    : { sv2_clients: { total_clients: sv2Clients.length, ...summary(sv2Clients) } }),
  ...(sv1Clients === undefined
    ? {}
    : {
        sv1_clients: {
          total_clients: sv1Clients.length,
          total_hashrate: sv1Clients.reduce((sum, { hashrate }) => sum + (hashrate ?? 0), 0),
        },
      }),
});

/** A client by its id, or why there is none. */
const withClient = (
  { sv2Clients }: ReferenceView,
  clientId: number,
  answer: (client: ReferenceClient) => unknown,
): Answer => {
  if (sv2Clients === undefined) return noClients();
  const client = sv2Clients.find(({ client_id: id }) => id === clientId);
  return client === undefined ? missing(`Sv2 client ${clientId} not found`) : json(200, answer(client));
};

/** The routes. `now` is in milliseconds since 1970. */
export const referenceRoutes: readonly Route<{ view(): ReferenceView; now(): number }>[] = [
  route({
    path: '/api/v1/health',
    operationId: 'handle_health',
    tag: 'health',
    summary: 'Health check',
    params: noQuery,
    query: noQuery,
    responses: { 200: ['Service is healthy', HealthResponse] },
    answer: (_, { now }) => json(200, { status: 'ok', timestamp: Math.floor(now() / 1000) }),
  }),
  route({
    path: '/api/v1/global',
    operationId: 'handle_global',
    tag: 'global',
    summary: 'Global statistics',
    params: noQuery,
    query: noQuery,
    responses: { 200: ['Global statistics', GlobalInfo] },
    answer: (_, { view }) => json(200, globalInfo(view())),
  }),
  route({
    path: '/api/v1/server',
    operationId: 'handle_server',
    tag: 'server',
    summary: 'Server metadata',
    params: noQuery,
    query: noQuery,
    responses: {
      200: ['Server metadata', ServerResponse],
      404: ['Server monitoring not available', ErrorResponse],
    },
    answer: (_, { view }) => {
      const { server } = view();
      if (server === undefined) return noServer();
      const { extended_channels, standard_channels, total_hashrate } = summary([server]);
      return json(200, {
        extended_channels_count: extended_channels,
        standard_channels_count: standard_channels,
        total_hashrate,
      });
    },
  }),
  route({
    path: '/api/v1/server/channels',
    operationId: 'handle_server_channels',
    tag: 'server',
    summary: 'Server channels (paginated)',
    params: noQuery,
    query: pagination,
    responses: {
      200: ['Server channels (paginated)', ServerChannelsResponse],
      404: ['Server monitoring not available', ErrorResponse],
    },
    answer: ({ query }, { view }) => {
      const { server } = view();
      return server === undefined ? noServer() : json(200, channelsPage(server, query));
    },
  }),
  route({
    path: '/api/v1/clients',
    operationId: 'handle_clients',
    tag: 'clients',
    summary: 'All Sv2 clients metadata (paginated)',
    params: noQuery,
    query: pagination,
    responses: {
      200: ['List of Sv2 clients (metadata only)', Sv2ClientsResponse],
      404: ['Sv2 clients monitoring not available', ErrorResponse],
    },
    answer: ({ query }, { view }) => {
      const { sv2Clients } = view();
      if (sv2Clients === undefined) return noClients();
      return json(200, {
        ...query,
        total: sv2Clients.length,
        items: slice(sv2Clients, query).map(metadata),
      });
    },
  }),
  route({
    path: '/api/v1/clients/{client_id}',
    operationId: 'handle_client_by_id',
    tag: 'clients',
    summary: 'Single Sv2 client metadata',
    params: clientPath,
    query: noQuery,
    responses: {
      200: ['Sv2 client metadata', Sv2ClientResponse],
      404: ['Sv2 client not found', ErrorResponse],
    },
    answer: ({ params }, { view }) => withClient(view(), params.client_id, metadata),
  }),
  route({
    path: '/api/v1/clients/{client_id}/channels',
    operationId: 'handle_client_channels',
    tag: 'clients',
    summary: 'Sv2 client channels (paginated)',
    params: clientPath,
    query: pagination,
    responses: {
      200: ['Sv2 client channels (paginated)', Sv2ClientChannelsResponse],
      404: ['Sv2 client not found', ErrorResponse],
    },
    answer: ({ params, query }, { view }) =>
      withClient(view(), params.client_id, (client) => ({
        client_id: client.client_id,
        ...channelsPage(client, query),
      })),
  }),
  route({
    path: '/api/v1/sv1/clients',
    operationId: 'handle_sv1_clients',
    tag: 'sv1',
    summary: 'Sv1 clients (paginated)',
    params: noQuery,
    query: pagination,
    responses: {
      200: ['List of Sv1 clients', Sv1ClientsResponse],
      404: ['Sv1 monitoring not available', ErrorResponse],
    },
    answer: ({ query }, { view }) => {
      const { sv1Clients } = view();
      if (sv1Clients === undefined) return noSv1Clients();
      return json(200, { ...query, total: sv1Clients.length, items: slice(sv1Clients, query) });
    },
  }),
  route({
    path: '/api/v1/sv1/clients/{client_id}',
    operationId: 'handle_sv1_client_by_id',
    tag: 'sv1',
    summary: 'Single Sv1 client',
    params: clientPath,
    query: noQuery,
    responses: {
      200: ['Sv1 client details', Sv1ClientInfo],
      404: ['Sv1 client not found', ErrorResponse],
    },
    answer: ({ params }, { view }) => {
      const { sv1Clients } = view();
      if (sv1Clients === undefined) return noSv1Clients();
      const client = sv1Clients.find(({ client_id: id }) => id === params.client_id);
      return client === undefined ? missing(`Sv1 client ${params.client_id} not found`) : json(200, client);
    },
  }),
];
