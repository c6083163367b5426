/** What remotes say, on every way to a terminal or a log: each text field of each outcome of each role is tried. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { from, VirtualTimeScheduler, type Observable } from 'rxjs';
import { countsByType } from '../../src/cli/counts-by-type.js';
import { demoState, type DemoOutcome } from '../../src/cli/demo/state.js';
import { demoLine } from '../../src/cli/demo/view.js';
import { jdClientLine } from '../../src/cli/jd-client-log.js';
import { jdServerLog } from '../../src/cli/jd-server-log.js';
import { jsonFormat, maxJsonLine, textFormat } from '../../src/cli/log-format.js';
import { about, type LogLine } from '../../src/cli/log-line.js';
import { minerLine } from '../../src/cli/miner-log.js';
import { sv1MinerLine } from '../../src/cli/miner-sv1.js';
import { poolLine } from '../../src/cli/pool-log.js';
import { quoted } from '../../src/cli/printable.js';
import { proxyLine } from '../../src/cli/proxy-log.js';
import { reportLines } from '../../src/cli/report.js';
import { clientLine } from '../../src/cli/role-client.js';
import { sv1Line } from '../../src/cli/sv1-log.js';
import { templateProviderLog } from '../../src/cli/template-provider-log.js';
import type { MiningToClient } from '../../src/messages/directions.js';
import { CloseChannel, UpdateChannelError } from '../../src/messages/index.js';
import { httpError, rpcError } from '../../src/node/bitcoin-rpc-errors.js';
import { connectionError } from '../../src/node/tcp-errors.js';
import { formatAddress } from '../../src/node/tcp-stream.js';
import { outcomeFromJson } from '../../src/observe/json.js';
import { poolFold } from '../../src/observe/pool-state.js';
import { SetupRefusedError } from '../../src/service/setup/client-setup.js';
import { proxyNetwork } from '../mining/aggregation/support.js';
import { NOW, openExtended, prevHashFor, server, template } from '../mining/support.js';
import { outcomesWith, type FieldValues } from '../observe/outcome-arbitraries.js';
import type { Outcomes } from '../observe/roles.js';
import { connected, opened, share } from '../observe/support.js';

const seed = 9;

/** What looks like another part of a line, ends lines, moves cursors, turns the direction of text and is invisible. */
const evil = 'x: 5 accepted, ALL IS WELL by "y"\n2026-01-01T00:00:00Z z\x1b[2J\x9b2J\u202e\u2028\u200b';

/** What no terminal and no log may be given. */
const dangerous = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Whether a text has what a remote said in it as if it were ours. */
const isRaw = (text: string): boolean => text.replaceAll(quoted(evil), '').includes('ALL IS WELL');

const evilValues: FieldValues = {
  texts: fc.constant(evil),
  bigints: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  numbers: fc.integer({ min: 1, max: 200 }),
  bytes: fc.constant(new Uint8Array(32).fill(1)),
  errors: fc.constant(new Error(evil)),
  anything: fc.constant(evil),
};

interface Outcome {
  readonly type: string;
}

/** Values that an Observable emits at once. */
function emitted<T>(value$: Observable<T>): readonly T[] {
  const values: T[] = [];
  const subscription = value$.subscribe((value) => values.push(value));
  subscription.unsubscribe();
  return values;
}

type LineOf = (outcome: never) => LogLine | undefined;

/** The line that the demo has of an outcome where it has no terminal. */
const ofDemo =
  (from: DemoOutcome['from']): LineOf =>
  (outcome) => {
    const text = demoLine({ from, name: 'name', outcome }, demoState([], 0));
    return text === undefined ? undefined : { text };
  };

/** Whose lines there are: the outcomes that they are of, and how they are made. */
const makers: readonly (readonly [who: string, outcomes: keyof Outcomes, line: LineOf])[] = [
  ['pool', 'PoolOutcome', poolLine],
  ['proxy', 'ProxyOutcome', (outcome) => proxyLine(outcome, 0)],
  ['miner', 'MinerRoleOutcome', (outcome) => clientLine(outcome, 'pool', '--flag') ?? minerLine(outcome)],
  [
    ...(['template provider', 'TemplateProviderRoleOutcome'] as const),
    (outcome) => emitted(templateProviderLog(from([outcome]), new VirtualTimeScheduler()))[0],
  ],
  ['declaration client', 'JobDeclarationClientOutcome', (outcome) => jdClientLine(outcome, 0)],
  [
    ...(['declaration server', 'JobDeclarationServerRoleOutcome'] as const),
    (outcome) => emitted(jdServerLog(from([outcome]), countsByType()))[0],
  ],
  ['miner of Stratum V1', 'Sv1MiningOutcome', sv1MinerLine],
  [
    ...(['miners of Stratum V1', 'Sv1MinerOutcome'] as const),
    (outcome) => sv1Line({ address: '127.0.0.1:1', outcome }),
  ],
  ["demo's pool", 'PoolOutcome', ofDemo('pool')],
  ["demo's miner", 'MinerRoleOutcome', ofDemo('miner')],
  ["demo's template provider", 'TemplateProviderRoleOutcome', ofDemo('templateProvider')],
  ["demo's declaration client", 'JobDeclarationClientOutcome', ofDemo('declarationClient')],
  ["demo's declaration server", 'JobDeclarationServerRoleOutcome', ofDemo('declarationServer')],
];

/** Outcomes of every kind, by what they are called in `roles.ts`. */
const samples = [...outcomesWith(evilValues, ...new Set(makers.map(([, name]) => name)))].map(
  ([kind, outcomes]) => ({
    whose: kind.split(' ')[0],
    // those that carry any of a hundred others are tried with each of them
    outcomes: fc.sample(outcomes, { numRuns: kind.includes(' OwnWork ') ? 2_000 : 20, seed }) as Outcome[],
  }),
);
const told = makers.map(([who, name, line]) => ({
  who,
  line: line as (outcome: unknown) => LogLine | undefined,
  outcomes: samples.flatMap(({ whose, outcomes: each }) => (whose === name ? each : [])),
}));

/** Texts of outcomes that are ours, and stand in lines as they are: what a remote said is quoted in them. */
const ours: readonly string[] = [
  // addresses of sockets, and those that were dialled
  ...['connected.client.peer.address', 'connected.server.peer.address', 'Sv1Connected.address'],
  ...['setupRefused.peer.address', 'disconnected.peer.address', 'ExtraSubmission.node'],
  // sentences of ours
  ...['disconnected.reason.message', 'Sv1Disconnected.reason.message', 'switched.left.reason.message'],
  ...['UpstreamLost.reason.message', 'UpstreamFault.message', 'UpstreamNonsense.message'],
  ...['UpstreamUnanswered.reason', 'redirectRefused.reason', 'ChannelRefused.reason', 'ShareRejected.reason'],
  ...[
    'ProviderFault.message',
    'ChainRefused.message',
    'BlockNotNoted.message',
    'BlockNotStated.message',
    'SourceError.message',
    'SourceWarning.message',
    'ProposalUnjudged.message',
  ],
  ...[
    'BlockRejected.message',
    'PushedBlockRejected.message',
    'SolutionRefused.reason',
    'LedgerStalled.message',
  ],
  ...[
    'CustomBlockUnknown.reason',
    'CustomJobRefused.reason',
    'DeclarationIgnored.reason',
    'DeclarationIgnored.message',
  ],
  ...['handlerError.error', 'ChannelFailed.error'],
  // hashes in hex
  ...[
    'PayoutStated.hash',
    'PayoutBooked.hash',
    'PayoutReversed.hash',
    'BlockNotNoted.hash',
    'BlockNotStated.hash',
  ],
];

type Path = readonly string[];

/** Where in an outcome the texts are. */
function textsIn(value: unknown, path: Path = []): readonly Path[] {
  if (value === evil || value instanceof Error) return [path];
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, inner]) => textsIn(inner, [...path, name]));
}

/** The outcome with a plain word in place of all evil texts but that at `path`. */
function onlyAt(value: unknown, path: Path | undefined): unknown {
  if (value === evil) return path === undefined ? 'word' : evil;
  if (value instanceof Error) return new Error(path === undefined ? 'word' : evil);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const [at, ...rest] = path ?? [];
  const inner = Object.entries(value).map(([name, each]) => [
    name,
    onlyAt(each, name === at ? rest : undefined),
  ]);
  return Array.isArray(value) ? inner.map(([, each]) => each) : Object.fromEntries(inner);
}

/** `type.field` without the places in lists, and without the outcome that another one carries. */
const nameOf = ({ type, outcome }: Outcome & { readonly outcome?: Outcome }, path: Path): string =>
  type === 'OwnWork' && outcome !== undefined && path[0] === 'outcome'
    ? nameOf(outcome, path.slice(1))
    : [type, ...path.filter((name) => !/^\d+$/.test(name))].join('.');

/** The kind of an outcome, and of the one that it carries. */
const kindOf = ({ type, outcome }: Outcome & { readonly outcome?: Outcome }): string =>
  type === 'OwnWork' && outcome !== undefined ? `${type} ${outcome.type}` : type;

const messages = ['received', 'sent', 'extensions'];

/** Kinds of outcomes that no line tells of, as there is nothing to be told, by whose they are. */
const untold: Readonly<Record<string, readonly string[]>> = {
  pool: [...messages, 'ChannelUpdated', 'TemplateReceived', 'LedgerConflict'], // the last ends it
  proxy: [...messages, 'ChannelUpdated', 'ShareForwarded', 'ClientUnserved'], // the last disconnects
  miner: [...messages, 'HashRate'],
  'template provider': [...messages, 'undeliverable'],
  'declaration client': [
    ...[...messages, 'ChannelUpdated', 'ShareForwarded', 'ClientUnserved'],
    // of the pool for mining alone: all that concerns its one miner, which is the proxy, or a ledger, which it has not
    ...[
      ...[...messages, 'setupRefused', 'ChannelOpened', 'ChannelRefused', 'ChannelUpdated', 'ChannelClosed'],
      ...['TargetChanged', 'ShareAccepted', 'ShareRejected', 'WeakBlockFound', 'JobTooLong'],
      ...['CustomJobAccepted', 'CustomJobRefused', 'TemplateReceived'],
      ...[
        'LedgerConflict',
        'LedgerFull',
        'LedgerResumed',
        'LedgerStalled',
        'BlockNotNoted',
        'BlockNotStated',
      ],
      ...['PayoutBooked', 'PayoutReversed', 'PayoutStated'],
    ].map((type) => `OwnWork ${type}`),
  ],
  'declaration server': [...messages, 'undeliverable'],
  'miner of Stratum V1': ['HashRate'],
  'miners of Stratum V1': ['Sv1JobSent', 'Sv1ShareAccepted', 'Sv1CoinbaseTooLong'], // it has to go, which says why
};

describe('the lines of all roles', () => {
  test.each(told.filter(({ who }) => !who.startsWith('demo')))(
    'tell of every kind of outcome, but of those that say nothing: $who',
    ({ who, line, outcomes }) => {
      const kinds = new Set(outcomes.map(kindOf));
      for (const outcome of outcomes) if (line(outcome) !== undefined) kinds.delete(kindOf(outcome));
      expect([...kinds].sort()).toEqual([...(untold[who] ?? [])].sort());
    },
  );

  test('have what a remote said in quotes, whatever field it comes in; the others are known to be ours', () => {
    const raw = new Set<string>();
    let lines = 0;
    for (const { line, outcomes } of told)
      for (const outcome of outcomes)
        for (const path of textsIn(outcome)) {
          const text = line(onlyAt(outcome, path))?.text;
          if (text === undefined) continue;
          lines += 1;
          if (isRaw(text)) raw.add(nameOf(outcome, path));
        }
    expect(lines).toBeGreaterThan(2_000);
    expect([...raw].sort()).toEqual([...ours].sort());
  });

  test.each(told)(
    'are one line each, of visible characters, as text and as JSON: $who',
    ({ line, outcomes }) => {
      for (const outcome of outcomes) {
        // whatever the line is: a log of JSON has the whole outcome beside it
        const shown = about(outcome, line(outcome) ?? { text: evil }) as LogLine;
        expect(textFormat(shown, 0)).not.toMatch(dangerous);
        const json = jsonFormat('pool')(shown, 0);
        expect(json).not.toMatch(dangerous);
        const parsed = JSON.parse(json) as { readonly message: string; readonly outcome: unknown };
        expect(parsed.message).toBe(shown.text);
        if ('isShortened' in parsed) continue;
        expect(json.length).toBeLessThanOrEqual(2 * maxJsonLine);
        expect(outcomeFromJson(parsed.outcome)).toEqual(outcome);
      }
    },
  );
});

test('reports name users and workers in quotes', () => {
  const fold = poolFold(0);
  const before = fold.state(0);
  const whose = { userIdentity: evil, worker: evil };
  for (const outcome of [connected(1), { ...opened(), ...whose }, { ...share(), ...whose }])
    fold.note(outcome, 1);
  const texts = reportLines(before, fold.state(60_000)).map(({ text }) => text);
  expect(texts.filter((text) => text.includes(`${quoted(evil)}, ${quoted(evil)}`))).toHaveLength(1);
  expect(texts.filter(isRaw)).toEqual([]);
});

describe('sentences of ours quote what a remote said', () => {
  /** What is said of a pool that says something to a proxy. */
  const ofPool = (message: (channelId: number) => MiningToClient): string => {
    const network = proxyNetwork();
    const pool = server();
    pool.newTemplate(template(1));
    pool.setNewPrevHash(prevHashFor(1), NOW);
    network.connect(pool);
    network.miner().send(openExtended());
    const [channelId] = [...pool.channels()].map(([, channel]) => channel.channelId);
    const outcomes = network.upstreamSays(message(channelId as number));
    return outcomes.map((outcome) => ('message' in outcome ? outcome.message : '')).join('');
  };
  const ofHost = () =>
    connectionError(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), formatAddress(evil, 1));

  test.each<[string, () => string]>([
    ['a server that refuses a SetupConnection', () => new SetupRefusedError(evil, 1).message],
    ['the host that a Reconnect names', () => ofHost().message],
    ['a certificate of TLS', () => connectionError(new Error(evil), '127.0.0.1:1').message],
    ['an error of a Bitcoin node', () => rpcError('getblock', -1, evil, '127.0.0.1:1').message],
    [
      'a pool that closes a channel',
      () => ofPool((channelId) => CloseChannel({ channelId, reasonCode: evil })),
    ],
    [
      'a pool that refuses a hash rate',
      () => ofPool((channelId) => UpdateChannelError({ channelId, errorCode: evil })),
    ],
  ])('%s', (_, message) => {
    expect(message()).toContain(quoted(evil));
    expect(isRaw(message())).toBe(false);
  });

  test('what is no Bitcoin node, of which the beginning is shown in a line', () => {
    const page = evil.replace(/\s+/g, ' ');
    expect(httpError(500, evil, '127.0.0.1:1').message).toContain(`HTTP 500: ${quoted(page)}`);
  });
});
