/** One miner's conversation with a Stratum V1 server, as a state without I/O. */
import { bytesToHex } from '../codec/hex.js';
import { negotiate } from './configure.js';
import type { Sv1Id } from './define-method.js';
import {
  invalidParams,
  invalidRequest,
  methodNotFound,
  notSubscribed,
  otherError,
  unauthorizedWorker,
  type StratumError,
} from './error-codes.js';
import type { Sv1Message, Sv1Received } from './messages.js';
import type { SuggestTarget } from './methods.js';
import {
  Authorize,
  Configure,
  ExtranonceSubscribe,
  GetTransactions,
  MultiVersion,
  Notify,
  Ping,
  SetDifficulty,
  SetExtranonce,
  SetVersionMask,
  Submit,
  Subscribe,
  SuggestDifficulty,
} from './methods.js';
import { difficultyInPassword } from './password.js';
import {
  fail,
  gather,
  none,
  nonsense,
  say,
  tell,
  type Sv1SessionOutcome,
  type Sv1SessionOutput,
} from './session-output.js';

/** What a session is told. */
export interface Sv1ServerSessionOptions {
  /** The bits of the version that may be rolled; those of BIP 320 unless given. */
  readonly versionMask?: number;
  /** Whether a user may mine here; everybody unless given. */
  readonly isKnownUser?: (user: string) => boolean;
}

/** A job and all that goes with it. */
export interface Sv1Work extends Omit<Notify, 'type' | 'id'> {
  /** Of its shares, above 0. */
  readonly difficulty: number;
  /** 0 to 32 bytes before those that are rolled. */
  readonly extranonce1: Uint8Array;
  /** Bytes that are rolled. */
  readonly extranonce2Size: number;
  /** Whether bits of its version may be rolled by those who have negotiated it. */
  readonly versionRollingAllowed: boolean;
}

/** A miner at a server. See {@link sv1ServerSession}. */
export interface Sv1ServerSession {
  /** Takes what the miner sent. */
  receive(message: Sv1Received): Sv1SessionOutput;
  /** Answers `mining.subscribe`, and what has waited for that. */
  grant(extranonce1: Uint8Array, extranonce2Size: number): Sv1SessionOutput;
  /** Answers `mining.subscribe` with an error; the miner may ask again. */
  refuse(error: StratumError): Sv1SessionOutput;
  /**
   * Gives it work, once it is subscribed and authorised: before the job it is told what is other than it knows of
   * difficulty, extranonce and mask.
   */
  work(work: Sv1Work): Sv1SessionOutput;
  /** Answers a share. @param error null if it is accepted */
  answer(share: Submit, error: StratumError | null): Sv1SessionOutput;
  /** The bits of the version that may be rolled; null if the miner has not asked. */
  readonly versionMask: number | null;
  /** Whether it takes `mining.set_extranonce`. */
  readonly takesExtranonce: boolean;
  /** Whether it has an extranonce and a user, so that it is sent work. */
  readonly isReady: boolean;
}

/** Bits that BIP 320 sets aside for rolling. */
export const BIP320_MASK = 0x1fff_e000;

/** The smallest difficulty that can be asked for; smaller ones count as that: some thousand hashes a share. */
export const leastDifficulty = 1e-6;

/** Requests that may wait for the answer to `mining.subscribe`. */
const maxWaiting = 64;

/** Users that are remembered of one connection: there are controllers that have one for a whole farm. */
const maxUsers = 4_096;

/**
 * A miner's session at a server: negotiates, remembers users, answers every request, and has jobs follow what they
 * need. Requests are answered in their order; nothing goes before the answer to `mining.subscribe`, as there are
 * miners that take the first line for it.
 */
export function sv1ServerSession(options: Sv1ServerSessionOptions = {}): Sv1ServerSession {
  const { versionMask: offeredMask = BIP320_MASK, isKnownUser = () => true } = options;
  const users = new Set<string>();
  const waiting: Sv1Received[] = [];
  let subscribing: Subscribe | undefined;
  let granted: { readonly extranonce1: Uint8Array; readonly extranonce2Size: number } | undefined;
  let versionMask: number | null = null;
  let takesExtranonce = false;
  /** What is to be mined, as long as the miner is not ready for it. */
  let next: Sv1Work | undefined;
  let told: { readonly difficulty?: number; readonly mask?: number } = {};

  const isReady = () => granted !== undefined && users.size > 0;

  const begin = (): Sv1SessionOutput => {
    if (next === undefined || !isReady()) return none;
    const work = next;
    next = undefined;
    return give({ ...work, cleanJobs: true });
  };

  const give = (work: Sv1Work): Sv1SessionOutput => {
    const { difficulty, extranonce1, extranonce2Size, versionRollingAllowed, ...job } = work;
    const messages: Sv1Message[] = [];
    if (
      granted === undefined ||
      granted.extranonce2Size !== extranonce2Size ||
      bytesToHex(granted.extranonce1) !== bytesToHex(extranonce1)
    ) {
      if (!takesExtranonce)
        return tell({ type: 'Stranded', reason: 'its extranonce has changed, and it takes no other' });
      granted = { extranonce1, extranonce2Size };
      messages.push(SetExtranonce({ extranonce1, extranonce2Size }));
    }
    if (told.difficulty !== difficulty) messages.push(SetDifficulty({ difficulty }));
    const mask = versionRollingAllowed ? (versionMask ?? 0) : 0;
    if (versionMask !== null && (told.mask ?? versionMask) !== mask) messages.push(SetVersionMask({ mask }));
    told = { difficulty, mask };
    return say(...messages, Notify(job));
  };

  const subscribe = (message: Subscribe): Sv1SessionOutput => {
    if (granted !== undefined) return say(answerOf(message, granted));
    subscribing = message;
    const { userAgent, sessionId } = message;
    return tell({ type: 'Subscribing', userAgent, sessionId });
  };

  const authorize = ({ id, user, password }: Authorize): Sv1SessionOutput => {
    if (!isKnownUser(user)) {
      return gather(fail(id, unauthorizedWorker), tell({ type: 'Unauthorized', user }));
    }
    if (users.size >= maxUsers && !users.has(user))
      return nonsense(id, otherError('Too many workers on one connection'), 'too many workers');
    users.add(user);
    const difficulty = difficultyInPassword(password);
    return gather(
      say(Authorize.answer(id, true)),
      tell({ type: 'Authorized', user }),
      difficulty === null ? none : tell(least(difficulty)),
      begin(),
    );
  };

  const configure = (message: Configure): Sv1SessionOutput => {
    const negotiated = negotiate(message, offeredMask);
    versionMask = negotiated.versionMask ?? versionMask;
    told = told.difficulty === undefined ? {} : { difficulty: told.difficulty }; // the answer tells a mask
    takesExtranonce ||= negotiated.takesExtranonce;
    const { minimumDifficulty } = negotiated;
    return gather(
      say(Configure.answer(message.id, negotiated.result)),
      minimumDifficulty === undefined ? none : tell(least(minimumDifficulty)),
    );
  };

  const suggest = (id: Sv1Id, difficulty: number): Sv1SessionOutput => {
    if (!(difficulty > 0) || difficulty === Infinity)
      return nonsense(id, otherError('Expected a difficulty above 0'), `a difficulty of ${difficulty}`);
    return gather(
      say(SuggestDifficulty.answer(id, true)),
      tell({ type: 'DifficultySuggested', difficulty: Math.max(difficulty, leastDifficulty) }),
    );
  };

  const submit = (share: Submit): Sv1SessionOutput => {
    if (granted === undefined) return nonsense(share.id, notSubscribed, 'a share before mining.subscribe');
    if (!users.has(share.user)) return nonsense(share.id, unauthorizedWorker, 'a share of an unknown user');
    return tell({ type: 'ShareSubmitted', share });
  };

  const answer = (message: Sv1Received): Sv1SessionOutput => {
    switch (message.type) {
      case 'mining.configure':
        return configure(message);
      case 'mining.subscribe':
        return subscribe(message);
      case 'mining.authorize':
        return authorize(message);
      case 'mining.submit':
        return submit(message);
      case 'mining.extranonce.subscribe':
        takesExtranonce = true;
        return say(ExtranonceSubscribe.answer(message.id, true));
      case 'mining.suggest_difficulty':
        return suggest(message.id, message.difficulty);
      case 'mining.suggest_target':
        return suggest(message.id, difficultyOf(message));
      case 'mining.ping':
        return say(Ping.answer(message.id, 'pong'));
      case 'mining.multi_version':
        return say(MultiVersion.answer(message.id, false));
      case 'mining.get_transactions':
        return fail(message.id, otherError(`${GetTransactions.type} is not served here`));
      case 'answer':
        return none; // to client.get_version, or to what a miner takes for a request
      case 'malformed': {
        const { id, method, error } = message;
        if (error.code !== 'invalid-params')
          return nonsense(id, invalidRequest(error.message), error.message);
        const told = method === Submit.type ? otherError(error.message) : invalidParams(error.message);
        return nonsense(id, told, error.message);
      }
      default:
        return nonsense(message.id, methodNotFound, `the method ${message.type}`);
    }
  };

  /** Answers what has waited, until it is to wait again. */
  const goOn = (): Sv1SessionOutput => {
    const outputs: Sv1SessionOutput[] = [];
    while (subscribing === undefined) {
      const message = waiting.shift();
      if (message === undefined) break;
      outputs.push(answer(message));
    }
    return gather(...outputs);
  };

  return {
    receive(message) {
      if (subscribing === undefined) return answer(message);
      if (waiting.length >= maxWaiting) return tell({ type: 'TooManyRequests' });
      waiting.push(message);
      return none;
    },
    grant(extranonce1, extranonce2Size) {
      granted = { extranonce1, extranonce2Size };
      const request = subscribing;
      subscribing = undefined;
      return gather(request === undefined ? none : say(answerOf(request, granted)), goOn(), begin());
    },
    refuse(error) {
      const request = subscribing;
      subscribing = undefined;
      return gather(request === undefined ? none : fail(request.id, error), goOn());
    },
    work(work) {
      if (isReady()) return give(work);
      next = work;
      return none;
    },
    answer: ({ id }, error) =>
      error === null ? say(Submit.answer(id, true)) : say({ type: 'answer', id, result: false, error }),
    get versionMask() {
      return versionMask;
    },
    get takesExtranonce() {
      return takesExtranonce;
    },
    get isReady() {
      return isReady();
    },
  };
}

/** The subscription's name is the extranonce: what a miner sends for its session when it comes again. */
function answerOf(
  { id }: Subscribe,
  { extranonce1, extranonce2Size }: { readonly extranonce1: Uint8Array; readonly extranonce2Size: number },
): Sv1Message {
  const name = bytesToHex(extranonce1);
  const subscriptions = [
    [SetDifficulty.type, name],
    [Notify.type, name],
  ] as const;
  return Subscribe.answer(id, { subscriptions, extranonce1, extranonce2Size });
}

const least = (difficulty: number): Sv1SessionOutcome => ({
  type: 'LeastDifficulty',
  difficulty: Math.max(difficulty, leastDifficulty),
});

/** 0xffff × 2^208: the target of difficulty 1, as a double. */
const difficulty1 = 0xffff * 2 ** 208;

/** The difficulty of a target; Infinity for a target of 0. */
const difficultyOf = ({ target }: SuggestTarget): number =>
  difficulty1 / target.reduce((value, byte, index) => value + byte * 256 ** index, 0);
