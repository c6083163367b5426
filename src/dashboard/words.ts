/** Codes and outcomes in words. */
import { difficulty, inWords, hashRate } from './format.js';
import { brief, shown } from './text.js';

const reasons: Readonly<Record<string, string>> = {
  'stale-share': 'too late: there was a new block',
  'difficulty-too-low': 'below the difficulty that was asked for',
  'duplicate-share': 'sent twice',
  'invalid-job-id': 'of a job that is not known',
  'invalid-channel-id': 'of a channel that is not open',
  'bad-extranonce-size': 'extranonce of the wrong length',
  'version-rolling-not-allowed': 'changed the version, which it may not',
  'invalid-non-rollable-version-bit': 'changed version bits that it may not',
  'invalid-share': 'its time is out of range',
  other: 'other reasons',
};

/** Why shares were rejected, in words; the code itself if it is none that is known. */
export const reasonInWords = (code: string): string => reasons[code] ?? shown(code, 40);

/** The reason of most rejected shares, and how many there were of all. */
export function mainReason(byCode: Readonly<Record<string, number>>): string {
  const [most] = Object.entries(byCode).sort(([, a], [, b]) => b - a);
  return most === undefined ? '' : reasonInWords(most[0]);
}

/** What became of a block, in words. */
export const fates = {
  sent: 'sent to the template provider',
  held: 'held: the template provider is away',
  unanswered: 'sent, and not built on yet',
  confirmed: 'on the chain',
  lost: 'lost: the chain went on without it',
  declared: 'sent by whoever declared the job',
} as const;

/** What kinds of events there are, to be filtered by. */
export const eventKinds = {
  blocks: 'Blocks',
  miners: 'Miners',
  shares: 'Shares',
  rejects: 'Rejects',
  work: 'Work',
  upstream: 'Upstream',
  trouble: 'Trouble',
} as const;

/** A kind of events. */
export type EventKind = keyof typeof eventKinds;

/** An event as it is told. */
export interface Told {
  readonly kind: EventKind;
  readonly text: string;
}

/** An outcome in JSON: whatever fields it has. */
export interface OutcomeFields {
  readonly type: string;
  readonly [field: string]: unknown;
}

const field = (from: unknown, name: string): unknown =>
  typeof from === 'object' && from !== null ? (from as Readonly<Record<string, unknown>>)[name] : undefined;
const word = (value: unknown): string =>
  typeof value === 'string' ? shown(value) : typeof value === 'number' ? String(value) : '';
const bytesOf = (value: unknown): string => word(field(value, '$bytes'));
/** A hash in wire order as people read it. */
const hashOf = (value: unknown): string => (bytesOf(value).match(/../g) ?? []).reverse().join('');
const short = (hash: string): string => (hash.length > 20 ? `${hash.slice(0, 8)}…${hash.slice(-8)}` : hash);

/** Who a share or a channel is of. */
const whose = (outcome: OutcomeFields): string => {
  const worker = word(outcome['worker']);
  const user = brief(word(outcome['userIdentity']));
  return worker === '' ? user || `client ${word(outcome['clientId'])}` : `${user} / ${worker}`;
};
const protocolNames: Readonly<Record<string, string>> = {
  templateDistribution: 'the template provider',
  jobDeclaration: 'the declarator',
};
const protocolName = (outcome: OutcomeFields): string =>
  protocolNames[word(outcome['protocol'])] ?? 'the pool';
const endpointOf = (endpoint: unknown): string =>
  endpoint === undefined ? '' : `${word(field(endpoint, 'host'))}:${word(field(endpoint, 'port'))}`;

type Teller = (outcome: OutcomeFields) => Told;
const teller =
  (kind: EventKind, text: (outcome: OutcomeFields) => string): Teller =>
  (outcome) => ({ kind, text: text(outcome) });

const ofClients = (outcome: OutcomeFields): boolean => typeof outcome['clientId'] === 'number';

const tellers: Readonly<Record<string, Teller>> = {
  connected: (outcome) => {
    if (!ofClients(outcome)) {
      const server = outcome['server'];
      const where = endpointOf(field(server, 'endpoint')) || word(field(field(server, 'peer'), 'address'));
      return { kind: 'upstream', text: `connected to ${protocolName(outcome)} at ${where}` };
    }
    const client = outcome['client'];
    const setup = field(client, 'setupConnection');
    const device = ['vendor', 'hardwareVersion', 'firmware']
      .map((name) => word(field(setup, name)))
      .filter(Boolean);
    const from = word(field(field(client, 'peer'), 'address'));
    return {
      kind: 'miners',
      text: `client ${word(outcome['clientId'])} connected from ${from} ${device.join(' ')}`.trim(),
    };
  },
  disconnected: (outcome) => {
    const why = word(field(outcome['reason'], 'message'));
    return ofClients(outcome)
      ? { kind: 'miners', text: `client ${word(outcome['clientId'])} disconnected: ${why}` }
      : { kind: 'trouble', text: `connection to ${protocolName(outcome)} lost: ${why}` };
  },
  reconnecting: teller(
    'upstream',
    (outcome) => `dialling ${protocolName(outcome)} again, attempt ${word(outcome['attempt'])}`,
  ),
  switched: teller(
    'trouble',
    (outcome) => `changed over to ${endpointOf(outcome['endpoint']) || 'another server'}`,
  ),
  setupRefused: teller(
    'trouble',
    (outcome) => `client ${word(outcome['clientId'])} was refused: ${word(outcome['errorCode'])}`,
  ),
  rejected: teller(
    'trouble',
    (outcome) => `client ${word(outcome['clientId'])} sent what it may not: ${word(outcome['code'])}`,
  ),
  handlerError: teller(
    'trouble',
    (outcome) => `error: ${word(field(field(outcome['error'], '$error'), 'message'))}`,
  ),
  ChannelOpened: teller('miners', (outcome) => {
    const rate = Number(outcome['nominalHashRate']);
    return `${whose(outcome)} opened ${word(outcome['kind']) === 'standard' ? 'a standard' : 'an extended'} channel, says ${inWords(hashRate(rate))}`;
  }),
  ChannelClosed: teller(
    'miners',
    (outcome) => `channel of ${whose(outcome)} closed: ${word(outcome['reason'])}`,
  ),
  ChannelRefused: teller(
    'trouble',
    (outcome) => `no channel for ${whose(outcome)}: ${word(outcome['errorCode'])}`,
  ),
  ShareAccepted: teller(
    'shares',
    (outcome) => `share of ${whose(outcome)}, difficulty ${difficulty(Number(outcome['difficulty']))}`,
  ),
  SharesAccepted: teller('shares', (outcome) => `${word(outcome['count'])} shares accepted`),
  ShareFound: teller('shares', () => 'share found'),
  ShareRejected: teller(
    'rejects',
    (outcome) => `share of ${whose(outcome)} rejected, ${reasonInWords(String(outcome['errorCode']))}`,
  ),
  BlockFound: teller(
    'blocks',
    (outcome) => `BLOCK found by ${whose(outcome)}: ${short(hashOf(outcome['hash']))}`,
  ),
  SolutionConfirmed: teller(
    'blocks',
    (outcome) => `our block ${short(hashOf(outcome['hash']))} is on the chain`,
  ),
  SolutionLost: teller('blocks', (outcome) => `our block ${short(hashOf(outcome['hash']))} is lost`),
  SolutionHeld: teller('blocks', () => 'a block waits for its template provider'),
  SolutionUnanswered: teller('blocks', () => 'a block was sent and is not built on'),
  NewTip: teller('work', (outcome) => `new block to build on: ${short(hashOf(outcome['prevHash']))}`),
  TemplateReceived: teller('work', (outcome) => `template of block ${word(outcome['height'])}`),
  TemplateOld: teller('trouble', () => 'no new template for too long'),
  TemplateRenewed: teller('work', () => 'there is a new template'),
  TargetChanged: teller(
    'work',
    (outcome) =>
      `another difficulty for channel ${word(outcome['channelId'])} of client ${word(outcome['clientId'])}`,
  ),
  AlertRaised: teller('trouble', (outcome) => `alert: ${brief(word(outcome['message']))}`),
  AlertCleared: teller('trouble', (outcome) => `over: ${brief(word(outcome['message']))}`),
  PayoutStated: teller(
    'blocks',
    (outcome) => `block ${word(outcome['height'])} pays ${word(outcome['outputs'])} outputs by the ledger`,
  ),
  BlockNotStated: teller('trouble', () => 'a block went out, and the ledger does not know what it pays'),
  PayoutBooked: teller('blocks', (outcome) => `what block ${word(outcome['height'])} pays counts for good`),
  PayoutReversed: teller(
    'trouble',
    (outcome) => `what block ${word(outcome['height'])} had paid is owed again: it is not on the chain`,
  ),
  OwnWork: (outcome) => eventInWords(outcome['outcome'] as OutcomeFields),
  OwnJobStarted: teller('work', (outcome) => `job ${word(outcome['jobId'])} of our own given to miners`),
  OwnJobDeclared: teller('work', (outcome) => `job ${word(outcome['jobId'])} declared`),
  OwnJobAccepted: teller('work', (outcome) => `the pool accepted job ${word(outcome['jobId'])}`),
  OwnJobRefused: teller(
    'trouble',
    (outcome) =>
      `job ${word(outcome['jobId'])} refused by the ${word(outcome['by'])}: ${word(outcome['errorCode'])}`,
  ),
  OwnBlockFound: teller('blocks', (outcome) => `BLOCK found: ${short(hashOf(outcome['hash']))}`),
  KeptBlocksLost: teller(
    'trouble',
    (outcome) => `blocks of job ${word(outcome['jobId'])} are not sent to the ${word(outcome['missedBy'])}`,
  ),
  PairReady: teller('upstream', () => 'pool, declarator and template provider are ready'),
  PairFaulty: teller('trouble', (outcome) => `pool and declarator are left: ${word(outcome['message'])}`),
  TokenAllocated: teller('miners', (outcome) => `a token for ${brief(word(outcome['userIdentifier']))}`),
  JobDeclared: teller(
    'work',
    (outcome) =>
      `${brief(word(outcome['userIdentifier']))} declared block ${word(outcome['height'])}, ${word(outcome['transactions'])} transactions`,
  ),
  SolutionPushed: teller(
    'blocks',
    (outcome) => `BLOCK ${word(outcome['height'])} pushed: ${short(hashOf(outcome['hash']))}`,
  ),
  PushedBlockAccepted: teller('blocks', (outcome) => `the node took block ${word(outcome['height'])}`),
  PushedBlockRejected: teller(
    'trouble',
    (outcome) => `the node refused block ${word(outcome['height'])}: ${word(outcome['reason'])}`,
  ),
  ProviderFault: teller('trouble', (outcome) => `the template provider sent ${word(outcome['message'])}`),
  ClockDiffers: teller(
    'trouble',
    (outcome) => `the template provider's clock is ${word(outcome['seconds'])} s ahead of ours`,
  ),
};

/** An event in words: what is known is told, and of others the name. */
export function eventInWords(outcome: OutcomeFields): Told {
  const known = Object.hasOwn(tellers, outcome.type) ? tellers[outcome.type] : undefined;
  if (known !== undefined) return known(outcome);
  const name = shown(outcome.type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase());
  const why = word(outcome['reason']) || word(outcome['errorCode']) || word(outcome['message']);
  return {
    kind: /refused|error|fault|lost|rejected|nonsense|warning/i.test(outcome.type) ? 'trouble' : 'upstream',
    text: why === '' ? name : `${name}: ${why}`,
  };
}
