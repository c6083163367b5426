/** A miner's side of a conversation with a Stratum V1 server, as a state without I/O. */
import type { Sv1Id } from './define-method.js';
import { methodNotFound, type StratumError } from './error-codes.js';
import { Sv1Error } from './errors.js';
import { own } from './json.js';
import type { Sv1Message, Sv1Received } from './messages.js';
import {
  Authorize,
  Configure,
  ExtranonceSubscribe,
  GetVersion,
  Ping,
  Submit,
  Subscribe,
  SuggestDifficulty,
} from './methods.js';
import { u32 } from './params.js';
import type { Sv1Work } from './server-session.js';

/** Who mines, and how. */
export interface Sv1ClientSessionOptions {
  readonly user: string;
  readonly password?: string;
  /** What it says of itself; `rx-sv2` unless given. */
  readonly userAgent?: string;
  /** Bits of the version that it would roll; none are asked for unless given. */
  readonly versionMask?: number;
  /** A difficulty to ask for. */
  readonly suggestedDifficulty?: number;
}

/** What a server has changed, or answered. */
export type Sv1ClientOutcome =
  | { readonly type: 'Subscribed'; readonly extranonce1: Uint8Array; readonly extranonce2Size: number }
  | { readonly type: 'Authorized' }
  /** The server will not have this miner: it answered one of the three requests of the beginning with an error. */
  | {
      readonly type: 'Refused';
      readonly request: 'mining.subscribe' | 'mining.authorize';
      readonly error: StratumError;
    }
  /** There is a job to mine on instead of the one before. */
  | { readonly type: 'Work'; readonly work: Sv1Work }
  | { readonly type: 'DifficultyChanged'; readonly difficulty: number }
  | { readonly type: 'ShareAccepted'; readonly share: Submit }
  | { readonly type: 'ShareRejected'; readonly share: Submit; readonly error: StratumError }
  /** Null for where it is now. */
  | {
      readonly type: 'ReconnectAsked';
      readonly host: string | null;
      readonly port: number | null;
      readonly wait: number;
    }
  | { readonly type: 'MessageShown'; readonly text: string }
  | { readonly type: 'Nonsense'; readonly reason: string };

/** What an input to a session leads to. */
export interface Sv1ClientOutput {
  readonly messages: readonly Sv1Message[];
  readonly outcomes: readonly Sv1ClientOutcome[];
}

/** What a miner has found. */
export type Sv1Share = Pick<Submit, 'jobId' | 'extranonce2' | 'ntime' | 'nonce' | 'versionBits'>;

/** A miner at a server. See {@link sv1ClientSession}. */
export interface Sv1ClientSession {
  /** What is sent first. */
  start(): readonly Sv1Message[];
  /** Takes what the server sent. */
  receive(message: Sv1Received): Sv1ClientOutput;
  /** The message that hands in a share. */
  submit(share: Sv1Share): Submit;
}

/** Shares that wait for their answer; with more, the oldest is given up. */
const maxPending = 1_024;

/**
 * A miner's session: subscribes, authorises, keeps what jobs need together, and tells which share an answer is for.
 * Jobs that come before the extranonce or a difficulty are kept; without a difficulty it is 1, as miners have it.
 */
export function sv1ClientSession(options: Sv1ClientSessionOptions): Sv1ClientSession {
  const { user, password = 'x', userAgent = 'rx-sv2', versionMask, suggestedDifficulty } = options;
  const requests = new Map<Sv1Id, Sv1Message>();
  const pending = new Map<Sv1Id, Submit>();
  let ids = 0;
  let difficulty = 1;
  let mask = 0;
  let granted: { readonly extranonce1: Uint8Array; readonly extranonce2Size: number } | undefined;
  let authorized = false;

  const nextId = () => (ids += 1);
  const request = <M extends Sv1Message>(message: M): M => {
    requests.set(message.id, message);
    return message;
  };
  const tell = (...outcomes: readonly Sv1ClientOutcome[]): Sv1ClientOutput => ({ messages: [], outcomes });
  const say = (...messages: readonly Sv1Message[]): Sv1ClientOutput => ({ messages, outcomes: [] });

  const answered = (message: Extract<Sv1Received, { readonly type: 'answer' }>): Sv1ClientOutput => {
    const { id, error, result } = message;
    const share = pending.get(id);
    if (share !== undefined) {
      pending.delete(id);
      if (error !== null) return tell({ type: 'ShareRejected', share, error });
      const isAccepted = Submit.resultOf(message);
      return tell(
        isAccepted
          ? { type: 'ShareAccepted', share }
          : { type: 'ShareRejected', share, error: { code: 20, text: 'rejected without a reason' } },
      );
    }
    const asked = requests.get(id);
    requests.delete(id);
    switch (asked?.type) {
      case 'mining.subscribe': {
        if (error !== null) return tell({ type: 'Refused', request: asked.type, error });
        const { extranonce1, extranonce2Size } = Subscribe.resultOf(message);
        granted = { extranonce1, extranonce2Size };
        return tell({ type: 'Subscribed', ...granted });
      }
      case 'mining.authorize':
        authorized = error === null && Authorize.resultOf(message);
        return tell(
          authorized
            ? { type: 'Authorized' }
            : {
                type: 'Refused',
                request: asked.type,
                error: error ?? { code: 24, text: 'not authorised' },
              },
        );
      case 'mining.configure': {
        const value = own(Configure.resultOf(message), 'version-rolling.mask');
        mask = value === undefined || error !== null ? 0 : (u32.read(value) & (versionMask ?? 0)) >>> 0;
        return tell();
      }
      default:
        return result === null && asked === undefined
          ? tell({ type: 'Nonsense', reason: 'an answer to nothing that was asked' })
          : tell();
    }
  };

  const take = (message: Sv1Received): Sv1ClientOutput => {
    switch (message.type) {
      case 'answer':
        return answered(message);
      case 'mining.notify': {
        if (granted === undefined) return tell({ type: 'Nonsense', reason: 'a job before an extranonce' });
        const { type: _type, id: _id, ...job } = message;
        const versionRollingAllowed = mask !== 0;
        return tell({ type: 'Work', work: { ...job, ...granted, difficulty, versionRollingAllowed } });
      }
      case 'mining.set_difficulty':
        if (!(message.difficulty > 0)) return tell({ type: 'Nonsense', reason: 'a difficulty of 0' });
        difficulty = message.difficulty;
        return tell({ type: 'DifficultyChanged', difficulty });
      case 'mining.set_extranonce': {
        const { extranonce1, extranonce2Size } = message;
        granted = { extranonce1, extranonce2Size };
        return tell();
      }
      case 'mining.set_version_mask':
        mask = (message.mask & (versionMask ?? 0)) >>> 0;
        return tell();
      case 'mining.ping':
        return say(Ping.answer(message.id, 'pong'));
      case 'client.get_version':
        return say(GetVersion.answer(message.id, userAgent));
      case 'client.show_message':
        return tell({ type: 'MessageShown', text: message.text });
      case 'client.reconnect': {
        const { host, port, wait } = message;
        return tell({ type: 'ReconnectAsked', host, port, wait: Math.max(0, wait ?? 0) });
      }
      case 'malformed':
        return tell({ type: 'Nonsense', reason: message.error.message });
      default:
        if (message.id === null) return tell({ type: 'Nonsense', reason: message.type });
        return {
          messages: [{ type: 'answer', id: message.id, result: null, error: methodNotFound }],
          outcomes: [{ type: 'Nonsense', reason: message.type }],
        };
    }
  };

  return {
    start: () => [
      ...(versionMask === undefined
        ? []
        : [
            request(
              Configure(
                {
                  extensions: ['version-rolling'],
                  parameters: { 'version-rolling.mask': u32.write(versionMask) },
                },
                nextId(),
              ),
            ),
          ]),
      request(Subscribe({ userAgent, sessionId: null, host: null, port: null }, nextId())),
      request(ExtranonceSubscribe({}, nextId())),
      request(Authorize({ user, password }, nextId())),
      ...(suggestedDifficulty === undefined
        ? []
        : [request(SuggestDifficulty({ difficulty: suggestedDifficulty }, nextId()))]),
    ],
    receive(message) {
      try {
        return take(message);
      } catch (error) {
        if (error instanceof Sv1Error) return tell({ type: 'Nonsense', reason: error.message });
        throw error;
      }
    },
    submit(share) {
      const message = Submit({ user, ...share }, nextId());
      pending.set(message.id, message);
      for (const id of pending.keys()) {
        if (pending.size <= maxPending) break;
        pending.delete(id);
      }
      return message;
    },
  };
}
