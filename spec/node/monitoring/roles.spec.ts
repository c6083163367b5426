/** What is shown of each role: the reference's API as far as it has one for it, the state, metrics, readiness, events. */
import { afterEach, describe, expect, it, test } from '@jest/globals';
import { Subject } from 'rxjs';
import type { Sv1MinerEvent } from '../../../src/roles/translator/sv1-miners.js';
import {
  GlobalInfo,
  ServerChannelsResponse,
  ServerResponse,
  Sv1ClientsResponse,
  Sv2ClientsResponse,
} from '../../../src/node/monitoring/reference-schemas.js';
import { watchedRoles, type WatchedRoleName } from '../../../src/node/monitoring/roles.js';
import { OpenExtendedMiningChannelSuccess } from '../../../src/messages/mining.js';
import { targetFromDifficulty } from '../../../src/bitcoin/target.js';
import { accepted, all, connected, opened, serving, stopServing, supplied } from './support.js';

type Outcome = { readonly type: string };

afterEach(stopServing);

/** Whether a body is what the document says, field by field. */
const checked = (schema: { parse(value: unknown): unknown }, body: unknown): void =>
  expect(schema.parse(body)).toEqual(body);

const hash = new Uint8Array(32).fill(1);
const header = new Uint8Array(80);
const target = targetFromDifficulty(4_000);

const pool = (protocol: string): Outcome =>
  ({
    ...{ type: 'connected', protocol },
    server: {
      ...{ peer: { address: 'pool:3333', encrypted: true }, endpoint: { host: 'pool', port: 3333 } },
      ...{ upstream: 0, protocol, version: 2, flags: 0, extensions: [] },
    },
  }) as Outcome;
const openedAtPool: Outcome = {
  ...{ type: 'received', protocol: 'mining' },
  message: OpenExtendedMiningChannelSuccess({
    ...{ requestId: 1, channelId: 5, target, groupChannelId: 1 },
    ...{ extranoncePrefix: Uint8Array.of(1, 2, 3, 4), extranonceSize: 8 },
  }),
} as Outcome;
const upstreamChannel: readonly object[] = [
  pool('mining'),
  openedAtPool,
  {
    ...{ type: 'UpstreamChannelOpened', upstream: 0, channelId: 5, userIdentity: 'farm', target },
    nominalHashRate: 1e12,
  },
  { type: 'HashRateTold', upstream: 0, channelId: 5, hashRate: 2e12 },
  { type: 'UpstreamJobStarted', upstream: 0, channelId: 5, jobId: 9, prevHash: hash },
];
const own = (outcome: object): object => ({ type: 'OwnWork', pair: 0, outcome });

/** What makes each role ready, and something to see. */
const working: Readonly<Record<WatchedRoleName, readonly object[]>> = {
  pool: [...supplied(), connected(1), ...opened(1, 2, 'farm'), accepted(1, 2, 'farm')],
  proxy: [...upstreamChannel, connected(1), ...opened(1, 2, 'farm')],
  translator: [...upstreamChannel, connected(1), ...opened(1, 2, 'farm.rig1')],
  miner: [
    pool('mining'),
    { type: 'ChannelOpened', kind: 'standard', channelId: 7, difficulty: 2 },
    { type: 'HashRate', hashesPerSecond: 1e6 },
  ],
  'template-provider': [
    { ...connected(1) },
    { type: 'TipChanged', height: 5, prevHash: hash, nbits: 0x207fffff },
    {
      ...{ type: 'TemplateSent', clientIds: [1], templateId: 1n, futureTemplate: true, height: 5 },
      ...{ transactionCount: 3, fees: 900n },
    },
  ],
  'jd-client': [
    own(supplied()[0] as object),
    own({ type: 'OwnJobStarted', jobId: 9, templateId: 1n, prevHash: hash }),
    ...upstreamChannel,
    connected(1),
    ...opened(1, 2, 'rig'),
    own({ type: 'received', protocol: 'templateDistribution', message: { type: 'NewTemplate' } }),
    own({ type: 'OwnBlockFound', jobId: 9, hash, header, isPushed: true }),
  ],
  'jd-server': [
    connected(1),
    { type: 'TokenAllocated', clientId: 1, userIdentifier: 'farm' },
    { type: 'SolutionPushed', clientId: 1, height: 5, hash },
  ],
};
const names = Object.keys(watchedRoles) as WatchedRoleName[];

test.each(names)(
  '%s: not ready at first unless it needs nobody, then ready, with a state and metrics',
  async (role) => {
    const served = await serving({ role });
    const ready = async () => (await served.get('/readyz')).status;
    expect(await ready()).toBe(role === 'jd-server' ? 200 : 503);
    all(served, ...(working[role] as Outcome[]));
    expect(await ready()).toBe(200);
    expect((await served.get('/healthz')).status).toBe(200);
    expect((await served.json('/api/v1/state')).body).toMatchObject({ role });
    const metrics = await (await served.get('/metrics')).text();
    expect(metrics).toContain(`rxsv2_build_info{version="1.2.3",role="${role}"} 1`);
    const counted = working[role].filter((outcome) => (outcome as Outcome).type !== 'OwnWork');
    expect(metrics).toContain(`rxsv2_outcomes_total{type="${(counted.at(-1) as Outcome).type}"} 1`);
  },
);

describe("the reference's API", () => {
  /** The answers of a role to all lists, or the 404 that there is none. */
  const answersOf = async (role: WatchedRoleName) => {
    const served = await serving({ role });
    all(served, ...(working[role] as Outcome[]));
    const { body: global } = await served.json('/api/v1/global');
    checked(GlobalInfo, global);
    const answer = async (path: string) => {
      const { status, body } = await served.json(path);
      return status === 200 ? body : status;
    };
    return {
      global: global as Readonly<Record<string, unknown>>,
      server: await answer('/api/v1/server'),
      channels: await answer('/api/v1/server/channels'),
      clients: await answer('/api/v1/clients'),
      sv1: await answer('/api/v1/sv1/clients'),
    };
  };

  it.each<[WatchedRoleName, readonly string[]]>([
    ['pool', ['clients']],
    ['proxy', ['server', 'clients']],
    ['translator', ['server', 'sv1']],
    ['jd-client', ['server', 'clients']],
    ['miner', ['server']],
    ['template-provider', []],
    ['jd-server', []],
  ])('of %s has the sections that the role has', async (role, sections) => {
    const answers = await answersOf(role);
    const has = (name: 'server' | 'clients' | 'sv1') => answers[name] !== 404;
    expect((['server', 'clients', 'sv1'] as const).filter(has)).toEqual(sections);
    const keys = { server: 'server', clients: 'sv2_clients', sv1: 'sv1_clients' } as const;
    expect(Object.keys(answers.global).sort()).toEqual(
      ['uptime_secs', ...sections.map((name) => keys[name as keyof typeof keys])].sort(),
    );
    if (has('server')) checked(ServerResponse, answers.server);
    if (has('server')) checked(ServerChannelsResponse, answers.channels);
    if (has('clients')) checked(Sv2ClientsResponse, answers.clients);
    if (has('sv1')) checked(Sv1ClientsResponse, answers.sv1);
  });

  it.each(['proxy', 'translator', 'jd-client'] as const)(
    'of %s has the channel at the pool',
    async (role) => {
      expect((await answersOf(role)).channels).toMatchObject({
        total_extended: 1,
        extended_channels: [
          {
            ...{ channel_id: 5, user_identity: 'farm', nominal_hashrate: 2e12 },
            ...{ extranonce_prefix_hex: '01020304', full_extranonce_size: 12, rollable_extranonce_size: 8 },
          },
        ],
      });
    },
  );

  it('of a translator has miners of Stratum V1', async () => {
    expect((await answersOf('translator')).sv1).toMatchObject({
      total: 1,
      items: [{ client_id: 1, channel_id: 2, sv1_username: 'farm.rig1', sv1_worker_name: 'rig1' }],
    });
  });

  it('of a translator whose miners have a channel each at the pool has which is whose, with their own names', async () => {
    const sv1Event$ = new Subject<Sv1MinerEvent>();
    const served = await serving({ role: 'translator', sv1Event$ });
    const address = (clientId: number) => `192.0.2.${clientId}:4000`;
    const subscribed = (clientId: number) => ({
      ...{ type: 'Sv1Subscribed', userAgent: null, extranonce2Size: 4 },
      extranonce1: Uint8Array.of(0xe1, 0, 0, clientId),
    });
    for (const clientId of [1, 2]) {
      sv1Event$.next({ address: address(clientId), outcome: subscribed(clientId) as never });
      sv1Event$.next({
        address: address(clientId),
        outcome: { type: 'Sv1Authorized', user: `user${clientId}.rig` },
      });
    }
    const atPool = (channelId: number, userIdentity: string) => ({
      ...{
        type: 'UpstreamChannelOpened',
        upstream: 0,
        channelId,
        userIdentity,
        target,
        nominalHashRate: 1e12,
      },
    });
    const share = { clientId: 2, channelId: 2, hash, difficulty: 1, upstreamDifficulty: 1 };
    const forwarded = { type: 'ShareForwarded', upstream: 0, upstreamChannelId: 9, share, isBlock: true };
    all(served, atPool(8, 'farm.miner1'), atPool(9, 'farm.miner2'));
    all(served, connected(1), connected(2), ...opened(1, 2, 'farm.miner1'), ...opened(2, 2, 'farm.miner2'));
    all(served, forwarded);
    const { body } = await served.json('/api/v1/sv1/clients');
    checked(Sv1ClientsResponse, body);
    const extranonce = { extranonce2_len: 4 };
    expect(body).toMatchObject({
      items: [
        {
          client_id: 1,
          channel_id: 8,
          sv1_username: 'user1.rig',
          extranonce1_hex: 'e1000001',
          ...extranonce,
        },
        { client_id: 2, channel_id: 9, sv1_username: 'user2.rig', sv1_worker_name: 'rig' },
      ],
    });
    expect((await served.json('/api/v1/server/channels')).body).toMatchObject({
      extended_channels: [
        { channel_id: 8, nominal_hashrate: 1e12, blocks_found: 0 },
        { channel_id: 9, shares_submitted: 1, blocks_found: 1 },
      ],
    });
    // of two channels of one name it is not known which is whose; who is gone is forgotten
    const peer = { address: address(2) };
    const gone = { type: 'disconnected', clientId: 2, peer, reason: { code: 'peer-closed', message: '' } };
    all(served, gone, atPool(10, 'farm.miner1'), connected(2));
    expect((await served.json('/api/v1/sv1/clients')).body).toMatchObject({
      items: [
        { client_id: 1, channel_id: null },
        { client_id: 2, channel_id: null, sv1_username: '' },
      ],
    });
  });
});

it("a declaration client's own work is counted and told by what it is; messages are no events", async () => {
  const served = await serving({ role: 'jd-client' });
  all(served, ...(working['jd-client'] as Outcome[]));
  const metrics = await (await served.get('/metrics')).text();
  expect(metrics).toContain('rxsv2_outcomes_total{type="OwnBlockFound"} 1');
  expect(metrics).toContain('rxsv2_blocks_found_total 1');
  const state = (await served.json('/api/v1/state')).body;
  expect(state).toMatchObject({ blocks: [{ hash: '01'.repeat(32) }], ownJobs: { started: 1, pair: 0 } });
  const { body } = await served.get('/api/v1/events?since=0', { headers: { 'last-event-id': '0' } });
  const reader = (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('OwnBlockFound')) text += (await reader.read()).value as string;
  await reader.cancel();
  expect(text).toContain('OwnJobStarted');
  expect(text).not.toContain('NewTemplate');
});
