/**
 * The bodies of the reference implementation's monitoring API (sv2-apps, `stratum-apps/src/monitoring`, version 0.1.0 of
 * its OpenAPI document), to the field name: what sv2-ui and dashboards of others read.
 */
import * as z from 'zod';

/** The schemas that have a name, which a document refers to. */
export const components = z.registry<{ id: string }>();

/** Gives a schema its name. */
export function named<S extends z.ZodType>(id: string, schema: S): S {
  components.add(schema, { id });
  return schema;
}

/** A whole number from 0 up; sums of work can pass 2^53, and are then the nearest double. */
export const integer = () => z.number().min(0).meta({ type: 'integer' });

export const ErrorResponse = named('ErrorResponse', z.object({ error: z.string() }));
export const HealthResponse = named('HealthResponse', z.object({ status: z.string(), timestamp: integer() }));

/** Rejected shares by error code. */
const byReason = () => z.record(z.string(), integer());

const telemetry = {
  management_ip: z.string().nullish(),
  miner_telemetry: named(
    'MinerTelemetry',
    z.object({
      make: z.string().nullish(),
      model: z.string().nullish(),
      firmware_version: z.string().nullish(),
      reported_hashrate_hs: z.number().nullish(),
      power_consumption_w: z.number().nullish(),
      efficiency_j_per_th: z.number().nullish(),
      average_temperature_c: z.number().nullish(),
      uptime_secs: integer().nullish(),
      is_mining: z.boolean().nullish(),
    }),
  ).nullish(),
  miner_telemetry_status: named(
    'MinerTelemetryStatus',
    z.enum(['matched', 'unmatched', 'duplicate_worker_name', 'fetch_failed']),
  ).nullish(),
};

/** What both kinds of a client's channels have. Hash rates are hashes per second; targets big-endian, 64 digits. */
const clientChannel = {
  channel_id: integer(),
  user_identity: z.string(),
  nominal_hashrate: z.number(),
  stable_hashrate: z.boolean(),
  target_hex: z.string(),
  requested_max_target_hex: z.string(),
  extranonce_prefix_hex: z.string(),
  expected_shares_per_minute: z.number(),
  shares_accepted: integer(),
  shares_rejected: integer(),
  shares_rejected_by_reason: byReason(),
  share_work_sum: z.number(),
  last_share_sequence_number: integer(),
  best_diff: z.number(),
  last_batch_accepted: integer(),
  last_batch_work_sum: integer(),
  share_batch_size: integer(),
  blocks_found: integer(),
};
const extranonceSizes = { full_extranonce_size: integer(), rollable_extranonce_size: integer() };

export const ExtendedChannelInfo = named(
  'ExtendedChannelInfo',
  z.object({ ...clientChannel, ...extranonceSizes }),
);
export const StandardChannelInfo = named('StandardChannelInfo', z.object(clientChannel));

/** What both kinds of channels at an upstream have. */
const serverChannel = {
  channel_id: integer(),
  user_identity: z.string(),
  nominal_hashrate: z.number().nullish(),
  target_hex: z.string(),
  extranonce_prefix_hex: z.string(),
  shares_acknowledged: integer(),
  shares_submitted: integer(),
  shares_rejected: integer(),
  shares_rejected_by_reason: byReason(),
  acknowledged_work_sum: integer(),
  validated_work_sum: z.number(),
  best_diff: z.number(),
  blocks_found: integer(),
};

export const ServerExtendedChannelInfo = named(
  'ServerExtendedChannelInfo',
  z.object({ ...serverChannel, ...extranonceSizes, version_rolling: z.boolean() }),
);
export const ServerStandardChannelInfo = named('ServerStandardChannelInfo', z.object(serverChannel));

const channelCounts = {
  total_channels: integer(),
  extended_channels: integer(),
  standard_channels: integer(),
  total_hashrate: z.number(),
};
const ServerSummary = named('ServerSummary', z.object(channelCounts));
const Sv2ClientsSummary = named(
  'Sv2ClientsSummary',
  z.object({ total_clients: integer(), ...channelCounts }),
);
const Sv1ClientsSummary = named(
  'Sv1ClientsSummary',
  z.object({ total_clients: integer(), total_hashrate: z.number() }),
);
export const GlobalInfo = named(
  'GlobalInfo',
  z.object({
    uptime_secs: integer(),
    server: ServerSummary.nullish(),
    sv2_clients: Sv2ClientsSummary.nullish(),
    sv1_clients: Sv1ClientsSummary.nullish(),
  }),
);

export const Sv2ClientKind = named('Sv2ClientKind', z.enum(['miner', 'translator_proxy', 'unknown']));
const clientMetadata = {
  client_id: integer(),
  client_kind: Sv2ClientKind,
  extended_channels_count: integer(),
  standard_channels_count: integer(),
  total_hashrate: z.number(),
  ...telemetry,
};
const Sv2ClientMetadata = named('Sv2ClientMetadata', z.object(clientMetadata));
export const Sv2ClientResponse = named('Sv2ClientResponse', z.object(clientMetadata));

export const Sv1ClientInfo = named(
  'Sv1ClientInfo',
  z.object({
    client_id: integer(),
    channel_id: integer().nullish(),
    connection_ip: z.string(),
    sv1_username: z.string(),
    sv1_worker_name: z.string(),
    target_hex: z.string(),
    hashrate: z.number().nullish(),
    stable_hashrate: z.boolean(),
    extranonce1_hex: z.string(),
    extranonce2_len: integer(),
    version_rolling_mask: z.string().nullish(),
    version_rolling_min_bit: z.string().nullish(),
    ...telemetry,
  }),
);

export const ServerResponse = named(
  'ServerResponse',
  z.object({
    extended_channels_count: integer(),
    standard_channels_count: integer(),
    total_hashrate: z.number(),
  }),
);

const page = { offset: integer(), limit: integer() };
const channelPage = { ...page, total_extended: integer(), total_standard: integer() };
export const ServerChannelsResponse = named(
  'ServerChannelsResponse',
  z.object({
    ...channelPage,
    extended_channels: z.array(ServerExtendedChannelInfo),
    standard_channels: z.array(ServerStandardChannelInfo),
  }),
);
export const Sv2ClientChannelsResponse = named(
  'Sv2ClientChannelsResponse',
  z.object({
    client_id: integer(),
    ...channelPage,
    extended_channels: z.array(ExtendedChannelInfo),
    standard_channels: z.array(StandardChannelInfo),
  }),
);
export const Sv2ClientsResponse = named(
  'Sv2ClientsResponse',
  z.object({ ...page, total: integer(), items: z.array(Sv2ClientMetadata) }),
);
export const Sv1ClientsResponse = named(
  'Sv1ClientsResponse',
  z.object({ ...page, total: integer(), items: z.array(Sv1ClientInfo) }),
);
