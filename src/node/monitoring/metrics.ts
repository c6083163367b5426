/** Prometheus metrics: the reference implementation's gauges under its names, and true counters under a prefix of our own. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { alertKinds, type Alert } from '../../observe/alerts.js';
import { seededCodes, type OutcomeCounts } from './outcome-counts.js';
import {
  hashRateOf,
  type ReferenceClient,
  type ReferenceServer,
  type ReferenceView,
} from './reference-view.js';

/** A value of now that a role has beside those of the reference implementation; its name gets the prefix `rxsv2_`. */
export interface RoleGauge {
  readonly name: string;
  readonly help: string;
  readonly value: number;
}

/** What metrics are made of. */
export interface MetricsSource {
  readonly view: () => ReferenceView;
  readonly gauges: () => readonly RoleGauge[];
  readonly counts: OutcomeCounts;
  readonly alerts: () => readonly Alert[];
  readonly role: string;
  readonly version: string;
  /** Readers of event streams that are connected. */
  readonly readers: () => number;
}

/** The metrics of a role. */
export interface Metrics {
  /** Counts an answer. */
  answered(path: string, status: number): void;
  /** All of them as text, in Prometheus's format 0.0.4. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Channels that have labels of their own: with the codes of rejected shares some 12,000 lines. The rest is added up. */
const maxLabelled = 1_000;

/** What the gauges of a channel are made from, on either side. */
interface ChannelGauges {
  readonly labels: Readonly<Record<string, string>>;
  readonly hashRate: number | null | undefined;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly work: number;
  readonly blocks: number;
}

/** The first channels as they are, and the sum of the others under `other`. */
function capped(channels: readonly ChannelGauges[]): readonly ChannelGauges[] {
  if (channels.length <= maxLabelled) return channels;
  const others = channels.slice(maxLabelled);
  const rejected: Record<string, number> = {};
  for (const channel of others)
    for (const [code, count] of Object.entries(channel.rejected))
      rejected[code] = (rejected[code] ?? 0) + count;
  const sum = (of: (channel: ChannelGauges) => number) =>
    others.reduce((total, channel) => total + of(channel), 0);
  const labels = Object.keys(channels[0]?.labels ?? {}).map((name) => [name, 'other'] as const);
  return [
    ...channels.slice(0, maxLabelled),
    {
      labels: Object.fromEntries(labels),
      hashRate: sum(({ hashRate }) => hashRate ?? 0),
      accepted: sum(({ accepted }) => accepted),
      rejected,
      work: sum(({ work }) => work),
      blocks: sum(({ blocks }) => blocks),
    },
  ];
}

const serverChannels = ({ server }: ReferenceView): readonly ChannelGauges[] =>
  server === undefined
    ? []
    : [...server.extended_channels, ...server.standard_channels].map((channel) => ({
        labels: { channel_id: String(channel.channel_id), user_identity: channel.user_identity },
        hashRate: channel.nominal_hashrate,
        accepted: channel.shares_acknowledged,
        rejected: channel.shares_rejected_by_reason,
        work: channel.validated_work_sum,
        blocks: channel.blocks_found,
      }));

const clientChannels = ({ sv2Clients = [] }: ReferenceView): readonly ChannelGauges[] =>
  sv2Clients.flatMap(({ client_id, extended_channels, standard_channels }) =>
    [...extended_channels, ...standard_channels].map((channel) => ({
      labels: {
        client_id: String(client_id),
        channel_id: String(channel.channel_id),
        user_identity: channel.user_identity,
      },
      hashRate: channel.nominal_hashrate,
      accepted: channel.shares_accepted,
      rejected: channel.shares_rejected_by_reason,
      work: channel.share_work_sum,
      blocks: channel.blocks_found,
    })),
  );

/** Remembers the last value made from a view: many metrics are made from the same. */
function once<T>(view: () => ReferenceView, make: (view: ReferenceView) => T): () => T {
  let last: { readonly from: ReferenceView; readonly value: T } | undefined;
  return () => {
    const from = view();
    if (last?.from !== from) last = { from, value: make(from) };
    return last.value;
  };
}

/** The gauges of one side: `sv2_server_…` or `sv2_client_…`. */
function registerSide(
  registers: Registry[],
  side: 'server' | 'client',
  labelNames: readonly string[],
  view: () => ReferenceView,
): void {
  const channels = once(view, (present) =>
    capped(side === 'server' ? serverChannels(present) : clientChannels(present)),
  );
  const lists = (): readonly (ReferenceServer | ReferenceClient)[] => {
    const { server, sv2Clients = [] } = view();
    return side === 'client' ? sv2Clients : server === undefined ? [] : [server];
  };
  const gauge = (
    name: string,
    help: string,
    labels: readonly string[],
    set: (metric: Gauge) => void,
  ): Gauge =>
    new Gauge({
      name: `sv2_${side}_${name}`,
      help,
      labelNames: labels,
      registers,
      collect() {
        this.reset();
        set(this);
      },
    });
  const perChannel = (
    name: string,
    help: string,
    value: (channel: ChannelGauges) => number | null | undefined,
  ) =>
    gauge(name, help, labelNames, (metric) => {
      for (const channel of channels()) {
        const known = value(channel);
        if (known !== null && known !== undefined) metric.set({ ...channel.labels }, known);
      }
    });

  gauge('channels', `Number of ${side} channels by type`, ['channel_type'], (metric) => {
    for (const type of ['extended', 'standard'] as const)
      metric.set(
        { channel_type: type },
        lists().reduce((sum, list) => sum + list[`${type}_channels`].length, 0),
      );
  });
  gauge('hashrate_total', `Total hashrate of ${side} channels`, [], (metric) =>
    metric.set(
      lists().reduce((sum, list) => sum + hashRateOf(list.extended_channels, list.standard_channels), 0),
    ),
  );
  gauge('blocks_found_total', `Blocks found on all present ${side} channels`, [], (metric) =>
    metric.set(channels().reduce((sum, { blocks }) => sum + blocks, 0)),
  );
  perChannel('channel_hashrate', `Hashrate of a ${side} channel`, ({ hashRate }) => hashRate);
  perChannel('shares_accepted_total', `Shares accepted on a ${side} channel`, ({ accepted }) => accepted);
  if (side === 'client')
    perChannel('channel_share_work_total', 'Validated work of a client channel', ({ work }) => work);
  gauge(
    'shares_rejected_total',
    `Shares rejected on a ${side} channel by error code`,
    [...labelNames, 'error_code'],
    (metric) => {
      for (const { labels, rejected } of channels()) {
        for (const code of seededCodes) metric.set({ ...labels, error_code: code }, 0);
        for (const [code, count] of Object.entries(rejected))
          metric.set({ ...labels, error_code: code }, count);
      }
    },
  );
}

/** Counters of our own: they only ever grow, whichever channels come and go. */
function registerCounters(registers: Registry[], counts: OutcomeCounts): void {
  const counter = (name: string, help: string, value: () => number) =>
    new Counter({
      name: `rxsv2_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  const byWord = (name: string, help: string, label: string, values: () => ReadonlyMap<string, number>) =>
    new Counter({
      name: `rxsv2_${name}`,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [word, count] of values()) this.inc({ [label]: word }, count);
      },
    });
  counter('shares_accepted_total', 'Accepted shares', () => counts.accepted);
  counter(
    'share_difficulty_total',
    'Sum of the difficulties that accepted shares are credited with',
    () => counts.difficulty,
  );
  counter('blocks_found_total', 'Blocks found', () => counts.blocks);
  byWord('shares_rejected_total', 'Rejected shares by error code', 'error_code', () => counts.rejected);
  byWord('disconnections_total', 'Ended connections by reason', 'reason', () => counts.disconnections);
  byWord('outcomes_total', 'Outcomes by type', 'type', () => counts.outcomes);
}

/** The metrics of a role. */
export function metricsOf(source: MetricsSource): Metrics {
  const { view, gauges, counts, alerts, role, version, readers } = source;
  const registry = new Registry();
  const registers = [registry];
  const single = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  // which sides a role has is the same from the start on
  const { server, sv2Clients, sv1Clients } = view();
  single('sv2_uptime_seconds', 'Server uptime in seconds', () => view().uptimeSeconds);
  if (server !== undefined) registerSide(registers, 'server', ['channel_id', 'user_identity'], view);
  if (sv2Clients !== undefined) {
    single('sv2_clients_total', 'Total number of connected clients', () => view().sv2Clients?.length ?? 0);
    registerSide(registers, 'client', ['client_id', 'channel_id', 'user_identity'], view);
  }
  if (sv1Clients !== undefined) {
    single('sv1_clients_total', 'Total number of Sv1 clients', () => view().sv1Clients?.length ?? 0);
    single('sv1_hashrate_total', 'Total hashrate of Sv1 clients', () =>
      (view().sv1Clients ?? []).reduce((sum, { hashrate }) => sum + (hashrate ?? 0), 0),
    );
  }

  new Gauge({
    name: 'rxsv2_build_info',
    help: 'Version and role',
    labelNames: ['version', 'role'],
    registers,
  }).set({ version, role }, 1);
  single('rxsv2_event_stream_readers', 'Readers of event streams that are connected', readers);
  new Gauge({
    name: 'rxsv2_alerts',
    help: 'What somebody should look after, by kind',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const kind of alertKinds)
        this.set({ kind }, alerts().filter((alert) => alert.kind === kind).length);
    },
  });
  for (const { name, help } of gauges())
    single(`rxsv2_${name}`, help, () => gauges().find((gauge) => gauge.name === name)?.value ?? NaN);
  registerCounters(registers, counts);
  const answers = new Counter({
    name: 'rxsv2_http_answers_total',
    help: 'Answers by path and status',
    labelNames: ['path', 'status'],
    registers,
  });
  collectDefaultMetrics({ register: registry });
  return {
    answered: (path, status) => answers.inc({ path, status: String(status) }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
