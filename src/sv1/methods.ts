/**
 * The methods of Stratum V1, as servers and miners in the field have them: slush's protocol of 2012, BIP 310
 * (`mining.configure`, `mining.set_version_mask`), NiceHash's `mining.set_extranonce`, and what firmware sends besides.
 * Byte strings are in the order of the block header unless said otherwise.
 */
import { defineMethod, type MethodMessage } from './define-method.js';
import type { Json } from './json.js';
import {
  bytes,
  flag,
  hash,
  integer,
  json,
  list,
  number,
  optional,
  prevHash,
  record,
  target,
  text,
  u32,
  type ParamType,
} from './params.js';

/** Bytes of the longest coinbase half that is taken, and nodes of the longest merkle branch. */
const [maxCoinbaseHalf, maxBranch] = [0xffff, 255];

/** What `mining.subscribe` is answered with. */
export interface Subscription {
  /** What is sent from then on, and under which name of the subscription. */
  readonly subscriptions: readonly (readonly [method: string, id: string])[];
  /** What the coinbase has before the bytes that the miner rolls: 0 to 32 bytes. */
  readonly extranonce1: Uint8Array;
  /** How many bytes the miner rolls, 1 to 32. */
  readonly extranonce2Size: number;
}

const extranonce1 = bytes(0, 32);
const extranonce2Size = integer(32);

const subscription: ParamType<Subscription> = {
  kind: { is: 'json' },
  read(value) {
    const [subscriptions, prefix = null, size = null] = list(json, 8).read(value);
    return {
      subscriptions: readSubscriptions(subscriptions ?? null),
      extranonce1: extranonce1.read(prefix),
      extranonce2Size: extranonce2Size.read(size),
    };
  },
  write: ({ subscriptions, ...granted }) => [
    subscriptions.map(([method, id]) => [method, id]),
    extranonce1.write(granted.extranonce1),
    extranonce2Size.write(granted.extranonce2Size),
  ],
};

/** Servers write them as one pair, as pairs, or not at all. */
function readSubscriptions(value: Json): Subscription['subscriptions'] {
  if (!Array.isArray(value)) return [];
  const elements = value as readonly Json[];
  const pairs = typeof elements[0] === 'string' ? [elements] : elements;
  return pairs.flatMap((pair) => {
    const [method, id] = Array.isArray(pair) ? (pair as readonly Json[]) : [];
    return typeof method === 'string' && typeof id === 'string' ? [[method, id] as const] : [];
  });
}

/** `true`, but errors apart whatever the server says counts as that. */
const acceptance: ParamType<boolean> = {
  kind: { is: 'boolean' },
  read: (value) => value !== false && value !== null,
  write: (value) => value,
};

/** Asks for jobs. `sessionId` is an extranonce1 or a subscription of before, to go on with; `host` and `port` what was dialled. */
export const Subscribe = defineMethod('mining.subscribe', {
  sentBy: 'client',
  params: {
    userAgent: optional(text),
    sessionId: optional(text),
    host: optional(json),
    port: optional(json),
  },
  result: subscription,
});
/** What {@link Subscribe} makes. */
export type Subscribe = MethodMessage<typeof Subscribe>;

/** Says for whom is mined. */
export const Authorize = defineMethod('mining.authorize', {
  sentBy: 'client',
  params: { user: text, password: optional(text) },
  result: acceptance,
});
/** What {@link Authorize} makes. */
export type Authorize = MethodMessage<typeof Authorize>;

/** Negotiates extensions (BIP 310): their names, and their parameters, such as `version-rolling.mask`. */
export const Configure = defineMethod('mining.configure', {
  sentBy: 'client',
  params: { extensions: list(text, 32), parameters: optional(record) },
  result: record,
});
/** What {@link Configure} makes. */
export type Configure = MethodMessage<typeof Configure>;

/** A share. `versionBits` are those of the header's version inside of the mask (BIP 310); null without version rolling. */
export const Submit = defineMethod('mining.submit', {
  sentBy: 'client',
  params: {
    user: text,
    jobId: text,
    extranonce2: bytes(0, 64),
    ntime: u32,
    nonce: u32,
    versionBits: optional(u32),
  },
  result: acceptance,
});
/** What {@link Submit} makes. */
export type Submit = MethodMessage<typeof Submit>;

/** Says that `mining.set_extranonce` is understood. */
export const ExtranonceSubscribe = defineMethod('mining.extranonce.subscribe', {
  sentBy: 'client',
  params: {},
  result: acceptance,
});
/** What {@link ExtranonceSubscribe} makes. */
export type ExtranonceSubscribe = MethodMessage<typeof ExtranonceSubscribe>;

/** Asks for a difficulty. */
export const SuggestDifficulty = defineMethod('mining.suggest_difficulty', {
  sentBy: 'client',
  params: { difficulty: number },
  result: acceptance,
});
/** What {@link SuggestDifficulty} makes. */
export type SuggestDifficulty = MethodMessage<typeof SuggestDifficulty>;

/** Asks for a difficulty as a target: 32 bytes, little-endian. */
export const SuggestTarget = defineMethod('mining.suggest_target', {
  sentBy: 'client',
  params: { target },
  result: acceptance,
});
/** What {@link SuggestTarget} makes. */
export type SuggestTarget = MethodMessage<typeof SuggestTarget>;

/** Asks for a job's transactions. */
export const GetTransactions = defineMethod('mining.get_transactions', {
  sentBy: 'client',
  params: { jobId: optional(text) },
  result: json,
});
/** What {@link GetTransactions} makes. */
export type GetTransactions = MethodMessage<typeof GetTransactions>;

/** Asks for several versions of the header; BIP 310 has replaced it. */
export const MultiVersion = defineMethod('mining.multi_version', {
  sentBy: 'client',
  params: { count: optional(json) },
  result: acceptance,
});
/** What {@link MultiVersion} makes. */
export type MultiVersion = MethodMessage<typeof MultiVersion>;

/** Asks for a sign of life; the answer is `pong`. */
export const Ping = defineMethod('mining.ping', { sentBy: 'both', params: {}, result: json });
/** What {@link Ping} makes. */
export type Ping = MethodMessage<typeof Ping>;

/** A job: coinbase halves without BIP 141 fields, the merkle branch from the deepest, numbers as in the header. */
export const Notify = defineMethod('mining.notify', {
  sentBy: 'server',
  params: {
    jobId: text,
    prevHash,
    coinbase1: bytes(0, maxCoinbaseHalf),
    coinbase2: bytes(0, maxCoinbaseHalf),
    merkleBranch: list(hash, maxBranch),
    version: u32,
    nbits: u32,
    ntime: u32,
    cleanJobs: flag,
  },
});
/** What {@link Notify} makes. */
export type Notify = MethodMessage<typeof Notify>;

/** Sets the difficulty of jobs to come. */
export const SetDifficulty = defineMethod('mining.set_difficulty', {
  sentBy: 'server',
  params: { difficulty: number },
});
/** What {@link SetDifficulty} makes. */
export type SetDifficulty = MethodMessage<typeof SetDifficulty>;

/** Sets what goes before the bytes that are rolled, and how many these are, of jobs to come. */
export const SetExtranonce = defineMethod('mining.set_extranonce', {
  sentBy: 'server',
  params: { extranonce1, extranonce2Size },
});
/** What {@link SetExtranonce} makes. */
export type SetExtranonce = MethodMessage<typeof SetExtranonce>;

/** Sets the bits of the version that may be rolled (BIP 310), of jobs to come. */
export const SetVersionMask = defineMethod('mining.set_version_mask', {
  sentBy: 'server',
  params: { mask: u32 },
});
/** What {@link SetVersionMask} makes. */
export type SetVersionMask = MethodMessage<typeof SetVersionMask>;

/** Sends a miner elsewhere, or back here if there is no host, in so many seconds. */
export const ClientReconnect = defineMethod('client.reconnect', {
  sentBy: 'server',
  params: { host: optional(text), port: optional(integer(0xffff)), wait: optional(number) },
});
/** What {@link ClientReconnect} makes. */
export type ClientReconnect = MethodMessage<typeof ClientReconnect>;

/** Has a miner show a text. */
export const ShowMessage = defineMethod('client.show_message', { sentBy: 'server', params: { text } });
/** What {@link ShowMessage} makes. */
export type ShowMessage = MethodMessage<typeof ShowMessage>;

/** Asks a miner what it is. */
export const GetVersion = defineMethod('client.get_version', { sentBy: 'server', params: {}, result: text });
/** What {@link GetVersion} makes. */
export type GetVersion = MethodMessage<typeof GetVersion>;
