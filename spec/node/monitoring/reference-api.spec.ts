import { afterEach, describe, expect, it, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import {
  ErrorResponse,
  GlobalInfo,
  Sv2ClientChannelsResponse,
  Sv2ClientsResponse,
} from '../../../src/node/monitoring/reference-schemas.js';
import { openApiDocument } from '../../../src/node/monitoring/openapi.js';
import { describedRoutes } from '../../../src/node/monitoring/own-routes.js';
import { translatorHardware } from '../../../src/roles/translator/sv1-setup.js';
import { accepted, acknowledged, all, connected, opened, rejected, serving, stopServing } from './support.js';

interface Facts {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly operationId: string;
        readonly parameters: readonly string[];
        readonly responses: Readonly<Record<string, string>>;
      }
    >
  >;
  readonly schemas: Readonly<Record<string, Readonly<Record<string, string>> | readonly string[]>>;
}

/** Names, types and what is required, of the OpenAPI document 0.1.0 of the reference implementation (as sv2-ui 1c81ce5 has it). */
const facts = JSON.parse(readFileSync('spec/node/monitoring/reference-api.json', 'utf8')) as Facts;

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
}
interface Document {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly get: {
          readonly operationId: string;
          readonly parameters: readonly { readonly name: string }[];
          readonly responses: Readonly<
            Record<string, { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }>
          >;
        };
      }
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
const document = openApiDocument(describedRoutes, '0') as unknown as Document;

/** A schema's type in the words of the facts. */
function typeOf({ $ref, type, anyOf, items, additionalProperties }: Schema): string {
  if ($ref !== undefined) return $ref.split('/').at(-1) ?? '';
  if (anyOf !== undefined) return anyOf.map(typeOf).sort().join('|');
  if (Array.isArray(type)) return [...(type as string[])].sort().join('|');
  if (type === 'array') return `${typeOf(items ?? {})}[]`;
  if (type === 'object' && additionalProperties !== undefined) return `{${typeOf(additionalProperties)}}`;
  return String(type);
}

afterEach(stopServing);

describe('the document of the API says what that of the reference implementation says', () => {
  test.each(Object.entries(facts.paths))('of %s', (path, { operationId, parameters, responses }) => {
    const get = document.paths[path]?.get;
    expect(get?.operationId).toBe(operationId);
    expect(get?.parameters.map(({ name }) => name)).toEqual(parameters);
    expect(
      Object.fromEntries(
        Object.entries(get?.responses ?? {}).map(([status, { content }]) => [
          status,
          typeOf(content['application/json']?.schema ?? {}),
        ]),
      ),
    ).toEqual(responses);
  });

  test.each(Object.entries(facts.schemas))('of %s', (name, fields) => {
    const schema = document.components.schemas[name] ?? {};
    if (Array.isArray(fields)) {
      expect(schema.enum).toEqual(fields);
      return;
    }
    const { properties = {}, required = [] } = schema;
    const own = Object.entries(properties).map(([field, type]) => [
      required.includes(field) ? field : `${field}?`,
      typeOf(type),
    ]);
    expect(Object.fromEntries(own)).toEqual(fields);
  });
});

/** Whether a body is what the document says, field by field. */
const checked = (schema: { parse(value: unknown): unknown }, body: unknown): void =>
  expect(schema.parse(body)).toEqual(body);

describe('the answers for a pool', () => {
  it('count its clients and channels, and have the names and forms of the document', async () => {
    const served = await serving({ sharesPerMinute: 12, shareBatchSize: 5 });
    const shares = Array.from({ length: 3 }, () => accepted(1, 2, 'farm'));
    all(served, connected(1), ...opened(1, 2, 'farm'), ...shares, rejected(1, 2, 'farm', 'stale-share'));
    all(served, acknowledged(1, 2), connected(2, { vendor: 'SRI', hardwareVersion: 'Translator Proxy' }));
    all(served, ...opened(2, 1, 'others', 'standard'), connected(3, { vendor: '', hardwareVersion: '' }));
    all(served, connected(4, { vendor: 'rx-sv2', hardwareVersion: translatorHardware }));

    const { body: global } = await served.json('/api/v1/global');
    checked(GlobalInfo, global);
    const counts = { total_channels: 2, extended_channels: 1, standard_channels: 1, total_hashrate: 2e12 };
    expect(global).toEqual({ uptime_secs: expect.any(Number), sv2_clients: { total_clients: 4, ...counts } });

    const { body: clients } = await served.json('/api/v1/clients');
    checked(Sv2ClientsResponse, clients);
    const client = { client_id: 1, client_kind: 'miner', total_hashrate: 1e12 };
    const first = { ...client, extended_channels_count: 1, standard_channels_count: 0 };
    expect(clients).toMatchObject({ offset: 0, limit: 25, total: 4, items: [first, {}, {}, {}] });
    expect(clients).toMatchObject({
      items: [
        {},
        { client_kind: 'translator_proxy' },
        { client_kind: 'unknown' },
        { client_kind: 'translator_proxy' },
      ],
    });
    expect((await served.json('/api/v1/clients/1')).body).toEqual(first);

    const { body: channels } = await served.json('/api/v1/clients/1/channels');
    checked(Sv2ClientChannelsResponse, channels);
    expect(channels).toMatchObject({
      ...{ client_id: 1, offset: 0, limit: 25, total_extended: 1, total_standard: 0, standard_channels: [] },
      extended_channels: [
        {
          ...{ channel_id: 2, user_identity: 'farm', nominal_hashrate: 1e12, expected_shares_per_minute: 12 },
          ...{ extranonce_prefix_hex: 'aabb01', full_extranonce_size: 11, rollable_extranonce_size: 8 },
          ...{ shares_accepted: 3, shares_rejected: 1, shares_rejected_by_reason: { 'stale-share': 1 } },
          ...{ last_share_sequence_number: 8, last_batch_accepted: 3, last_batch_work_sum: 3_000 },
          ...{ share_batch_size: 5, blocks_found: 0, requested_max_target_hex: 'ff'.repeat(32) },
          target_hex: expect.stringMatching(/^00000000004[0-9a-f]{53}$/),
        },
      ],
    });
  });

  it('are 404 with its words for what a pool does not have, and for clients that are not there', async () => {
    const served = await serving();
    const missing = async (path: string) => {
      const { status, body } = await served.json(path);
      checked(ErrorResponse, body);
      return [status, (body as { error: string }).error];
    };
    expect(await missing('/api/v1/server')).toEqual([404, 'Server monitoring not available']);
    expect(await missing('/api/v1/server/channels')).toEqual([404, 'Server monitoring not available']);
    expect(await missing('/api/v1/sv1/clients')).toEqual([404, 'Sv1 client monitoring not available']);
    expect(await missing('/api/v1/sv1/clients/1')).toEqual([404, 'Sv1 client monitoring not available']);
    expect(await missing('/api/v1/clients/9')).toEqual([404, 'Sv2 client 9 not found']);
    expect(await missing('/api/v1/clients/9/channels')).toEqual([404, 'Sv2 client 9 not found']);
  });

  it('come in pages of 25, and of 100 at most', async () => {
    const served = await serving();
    all(served, ...Array.from({ length: 130 }, (_, index) => connected(index + 1)));
    const page = async (query: string) => {
      const { items, ...rest } = (await served.json(`/api/v1/clients${query}`)).body as {
        readonly items: readonly { readonly client_id: number }[];
      };
      return { ...rest, ids: [items[0]?.client_id, items.at(-1)?.client_id], length: items.length };
    };
    expect(await page('')).toEqual({ offset: 0, limit: 25, total: 130, ids: [1, 25], length: 25 });
    expect(await page('?offset=50&limit=1000')).toEqual({
      offset: 50,
      limit: 100,
      total: 130,
      ids: [51, 130],
      length: 80,
    });
    expect(await page('?offset=500')).toMatchObject({ offset: 500, length: 0 });
  });

  it('say what is wrong with a URL', async () => {
    const served = await serving();
    expect(await served.json('/api/v1/clients?offset=-1')).toEqual({
      status: 400,
      body: { error: 'offset: expected a whole number' },
    });
    expect((await served.json('/api/v1/clients/one')).status).toBe(400);
    expect((await served.json('/api/v1/nothing')).status).toBe(404);
    expect((await served.json('/api/v1/clients', { method: 'POST' })).status).toBe(405);
  });
});

it('has metrics under the names and labels of the reference implementation, and counters of its own that do not fall', async () => {
  const served = await serving();
  all(served, connected(1), ...opened(1, 2, 'farm "a"'), accepted(1, 2, 'farm "a"'));
  all(served, rejected(1, 2, 'farm "a"', 'stale-share'));
  const response = await served.get('/metrics');
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const labels = 'client_id="1",channel_id="2",user_identity="farm \\"a\\""';
  const lines = (await response.text()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE sv2_client_shares_accepted_total gauge',
      'sv2_clients_total 1',
      'sv2_client_channels{channel_type="extended"} 1',
      'sv2_client_channels{channel_type="standard"} 0',
      'sv2_client_hashrate_total 1000000000000',
      `sv2_client_channel_hashrate{${labels}} 1000000000000`,
      `sv2_client_shares_accepted_total{${labels}} 1`,
      `sv2_client_shares_rejected_total{${labels},error_code="stale-share"} 1`,
      `sv2_client_shares_rejected_total{${labels},error_code="duplicate-share"} 0`,
      'sv2_client_blocks_found_total 0',
      '# TYPE rxsv2_shares_accepted_total counter',
      'rxsv2_shares_accepted_total 1',
      'rxsv2_shares_rejected_total{error_code="stale-share"} 1',
    ]),
  );
  expect(lines.filter((line) => /^sv[12]_(server|clients_total)/.test(line))).toEqual([
    'sv2_clients_total 1',
  ]);
  all(served, { type: 'disconnected', clientId: 1, reason: { code: 'peer-closed', message: '' } } as never);
  const after = (await (await served.get('/metrics')).text()).split('\n');
  expect(after.filter((line) => line.startsWith('sv2_client_shares'))).toEqual([]);
  expect(after).toContain('rxsv2_shares_accepted_total 1');
  expect(after).toContain('rxsv2_disconnections_total{reason="peer-closed"} 1');
});

it('gives no more than a thousand channels labels of their own, and adds up the others', async () => {
  const served = await serving();
  const channels = Array.from({ length: 1_003 }, (_, index) => opened(1, index + 1, `user ${index}`));
  all(
    served,
    connected(1),
    ...channels.flat(),
    accepted(1, 1_002, 'user 1001'),
    accepted(1, 1_003, 'user 1002'),
  );
  const lines = (await (await served.get('/metrics')).text()).split('\n');
  const shares = lines.filter((line) => line.startsWith('sv2_client_shares_accepted_total{'));
  expect(shares).toHaveLength(1_001);
  expect(shares).toContain(
    'sv2_client_shares_accepted_total{client_id="other",channel_id="other",user_identity="other"} 2',
  );
});

it('has its document made once, however often it is asked for', () => {
  expect(openApiDocument(describedRoutes, '0')).toBe(document);
  expect(openApiDocument(describedRoutes, '1')).not.toBe(document);
});
