/** Mines at a server of Stratum V1, from one connection to the next. */
import {
  asyncScheduler,
  bufferTime,
  concat,
  defer,
  EMPTY,
  endWith,
  filter,
  finalize,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  repeat,
  share,
  skip,
  switchMap,
  takeUntil,
  throwError,
  timeout,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { serialiseBlockHeader } from '../../bitcoin/block-header.js';
import { concatBytes } from '../../bitcoin/consensus-bytes.js';
import { targetFromDifficulty } from '../../bitcoin/target.js';
import { Sv2Error } from '../../codec/errors.js';
import { requirePayout } from '../../ledger/payout-check.js';
import type { PayoutDemand } from '../../ledger/payout-demand.js';
import { jobMerkleRoot } from '../../mining/work/merkle-root.js';
import type { ReconnectPolicy } from '../../service/upstreams/backoff.js';
import { sv1ClientSession, type Sv1ClientOutcome, type Sv1Share } from '../../sv1/client-session.js';
import type { Sv1Connection, Sv1Connector } from '../../sv1/connection.js';
import type { StratumError } from '../../sv1/error-codes.js';
import type { Sv1Work } from '../../sv1/server-session.js';
import type { Hasher, HashEvent } from './hasher.js';
import { shareLimit, type MaySend } from './share-limit.js';
import { sv1Upstreams, type Sv1Disconnected } from './sv1-upstreams.js';

/** What a miner of Stratum V1 is told. */
export interface Sv1MiningOptions {
  /** Dials the server, or the servers, the preferred one first: the others are for while it does not work. */
  readonly connect: Sv1Connector | readonly [Sv1Connector, ...Sv1Connector[]];
  /** The user, usually with a worker's name behind a dot. */
  readonly user: string;
  /** `x` unless given. */
  readonly password?: string;
  /** Emits what computes hashes; subscribed to while the miner runs. */
  readonly hasher$: Observable<Hasher>;
  /** A difficulty to ask for. */
  readonly suggestedDifficulty?: number;
  /** What each job has to pay; a server is left at the first that does not, before it is mined. */
  readonly payout?: PayoutDemand;
  /** How it comes back to the server; after 1 s up to 30 s unless given. */
  readonly reconnect?: ReconnectPolicy;
  /** Random numbers from 0 up to 1 for the backoff; `Math.random` unless given. */
  readonly random?: () => number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** What happens at a miner of Stratum V1. */
export type Sv1MiningOutcome =
  | {
      readonly type: 'Sv1Connected';
      /** Which of the servers, from 0 on. */
      readonly upstream: number;
      readonly address: string;
      readonly encrypted: boolean;
    }
  | Sv1Disconnected
  | { readonly type: 'JobStarted'; readonly jobId: string }
  | { readonly type: 'DifficultyChanged'; readonly difficulty: number }
  | { readonly type: 'ShareFound'; readonly jobId: string }
  /** So many shares were found within a second and not sent; what is a block is sent all the same. */
  | { readonly type: 'SharesWithheld'; readonly count: number }
  | { readonly type: 'ShareAccepted'; readonly jobId: string }
  | { readonly type: 'ShareRejected'; readonly jobId: string; readonly error: StratumError }
  /** Hashes per second, measured over the last second. */
  | { readonly type: 'HashRate'; readonly hashesPerSecond: number }
  | { readonly type: 'MessageShown'; readonly text: string }
  | { readonly type: 'ServerNonsense'; readonly reason: string };

/** Milliseconds of silence after which a server is dialled anew, as devices in the field do. */
const silenceLimit = 180_000;

/** Milliseconds within which a server that is preferred has to give work, or it is not gone back to. */
const proofLimit = 30_000;

/** A server that says nothing but nonsense is left after so much of it. */
const maxNonsense = 100;

/**
 * Mines while subscribed, on one connection after the other, for ever, and goes back to a server that is preferred (`sv1Upstreams`). Errors when `hasher$` does.
 * It rolls nonce and extranonce, not the version: a processor has enough to do with them.
 */
export function mineSv1(options: Sv1MiningOptions): Observable<Sv1MiningOutcome> {
  const { connect, hasher$, reconnect = { maxDelay: 30_000 }, random = Math.random } = options;
  const { scheduler = asyncScheduler } = options;
  return hasher$.pipe(
    switchMap((hasher) =>
      sv1Upstreams({
        connectors: isList(connect) ? connect : [connect],
        reconnect,
        random,
        scheduler,
        run: (connection, upstream) => conversation(connection, upstream, options, hasher, scheduler),
        respond: (connection) => helloTo(connection, options, scheduler),
      }),
    ),
  );
}

const isList = (
  connect: Sv1MiningOptions['connect'],
): connect is readonly [Sv1Connector, ...Sv1Connector[]] => Array.isArray(connect);

const sessionOf = ({ user, password, suggestedDifficulty }: Sv1MiningOptions) =>
  sv1ClientSession({
    user,
    ...(password === undefined ? {} : { password }),
    ...(suggestedDifficulty === undefined ? {} : { suggestedDifficulty }),
  });

/** Says hello, and emits each job of a server that is not mined at. */
function helloTo(
  connection: Sv1Connection,
  options: Sv1MiningOptions,
  scheduler: SchedulerLike,
): Observable<unknown> {
  return defer(() => {
    const session = sessionOf(options);
    const work$ = connection.message$.pipe(
      timeout({ each: silenceLimit, scheduler }),
      mergeMap((message) => {
        const { messages, outcomes } = session.receive(message);
        connection.send(...messages);
        for (const outcome of outcomes) shown(outcome); // throws what ends a conversation
        return outcomes.filter(({ type }) => type === 'Work');
      }),
      timeout({ first: proofLimit, scheduler }),
    );
    const hello$ = defer(() => {
      connection.send(...session.start());
      return EMPTY;
    });
    return merge(work$, hello$).pipe(finalize(() => connection.close()));
  });
}

/** What hashing comes to; `withheld` for shares that are not sent, see `shareLimit`. */
type Hashed =
  | Extract<HashEvent, { readonly type: 'hashed' }>
  | { readonly type: 'found'; readonly share: Sv1Share }
  | { readonly type: 'withheld' };

function conversation(
  connection: Sv1Connection,
  upstream: number,
  options: Sv1MiningOptions,
  hasher: Hasher,
  scheduler: SchedulerLike,
): Observable<Sv1MiningOutcome> {
  const { payout } = options;
  return defer(() => {
    const session = sessionOf(options);
    const maySend = shareLimit(scheduler);
    const outcome$ = connection.message$.pipe(
      timeout({ each: silenceLimit, scheduler }),
      mergeMap((message) => {
        const { messages, outcomes } = session.receive(message);
        connection.send(...messages);
        for (const outcome of outcomes)
          if (payout !== undefined && outcome.type === 'Work') checkPayout(payout, outcome.work);
        return outcomes;
      }),
      share(),
    );
    const hashed$ = outcome$.pipe(
      filter((outcome) => outcome.type === 'Work'),
      switchMap(({ work }) => concat(of(work), hashing(work, hasher, maySend))),
      takeUntil(outcome$.pipe(ignoreElements(), endWith(undefined))),
      share(),
    );
    return merge(
      of<Sv1MiningOutcome>({ type: 'Sv1Connected', upstream, ...connection.peer }),
      hashed$.pipe(
        mergeMap((event): readonly Sv1MiningOutcome[] => {
          if (!('type' in event)) return [{ type: 'JobStarted', jobId: event.jobId }];
          if (event.type !== 'found') return [];
          connection.send(session.submit(event.share));
          return [{ type: 'ShareFound', jobId: event.share.jobId }];
        }),
      ),
      hashed$.pipe(
        map((event) => ('type' in event && event.type === 'hashed' ? event.hashes : 0)),
        bufferTime(1_000, scheduler),
        map((second): Sv1MiningOutcome => {
          return { type: 'HashRate', hashesPerSecond: second.reduce((sum, hashes) => sum + hashes, 0) };
        }),
      ),
      hashed$.pipe(
        filter((event) => 'type' in event && event.type === 'withheld'),
        bufferTime(1_000, scheduler),
        filter((second) => second.length > 0),
        map(({ length }): Sv1MiningOutcome => ({ type: 'SharesWithheld', count: length })),
      ),
      outcome$.pipe(mergeMap(shown)),
      outcome$.pipe(
        filter(({ type }) => type === 'Nonsense'),
        skip(maxNonsense),
        mergeMap(() => throwError(() => left('too-much-nonsense', 'the server talks nonsense'))),
      ),
      // last, so that everything above is there for the answers
      defer(() => {
        connection.send(...session.start());
        return EMPTY;
      }),
    ).pipe(finalize(() => connection.close()));
  });
}

/** Hashes a job, one extranonce after the other. */
function hashing(work: Sv1Work, hasher: Hasher, maySend: MaySend): Observable<Hashed> {
  const { jobId, version, prevHash, nbits, ntime, extranonce1, extranonce2Size, difficulty } = work;
  const content = {
    merklePath: work.merkleBranch,
    coinbase: { coinbaseTxPrefix: work.coinbase1, coinbaseTxSuffix: work.coinbase2 },
  };
  const target = targetFromDifficulty(difficulty);
  const extranonce2 = new Uint8Array(extranonce2Size);
  return defer(() => {
    const rolled = extranonce2.slice();
    countUp(extranonce2);
    const merkleRoot = jobMerkleRoot(content, extranonce1, rolled);
    const headerOf = (nonce: number) =>
      serialiseBlockHeader({ version, prevHash, merkleRoot, ntime, nbits, nonce });
    return hasher.hash({ header: headerOf(0), target, versionRollingAllowed: false }).pipe(
      map((event): Hashed => {
        if (event.type === 'hashed') return event;
        const { nonce } = event;
        if (!maySend(() => headerOf(nonce), nbits)) return { type: 'withheld' };
        return { type: 'found', share: { jobId, extranonce2: rolled, ntime, nonce, versionBits: null } };
      }),
    );
  }).pipe(repeat());
}

/** @throws Sv2Error `payout-missing`, `invalid-coinbase` */
function checkPayout(demand: PayoutDemand, work: Sv1Work): void {
  const { coinbase1, coinbase2, extranonce1, extranonce2Size, jobId } = work;
  const coinbase = concatBytes([coinbase1, extranonce1, new Uint8Array(extranonce2Size), coinbase2]);
  requirePayout(demand, coinbase, jobId);
}

/** The next number, big-endian; zero after the last. */
function countUp(bytes: Uint8Array): void {
  for (let index = bytes.length - 1; index >= 0; index--) {
    bytes[index] = (bytes[index] ?? 0) + 1;
    if (bytes[index] !== 0) return;
  }
}

/** What a session's outcome is to those who watch; what ends the conversation is thrown. */
function shown(outcome: Sv1ClientOutcome): readonly Sv1MiningOutcome[] {
  switch (outcome.type) {
    case 'DifficultyChanged':
    case 'MessageShown':
      return [outcome];
    case 'ShareAccepted':
      return [{ type: 'ShareAccepted', jobId: outcome.share.jobId }];
    case 'ShareRejected':
      return [{ type: 'ShareRejected', jobId: outcome.share.jobId, error: outcome.error }];
    case 'Nonsense':
      return [{ type: 'ServerNonsense', reason: outcome.reason }];
    case 'Refused':
      throw left('refused', `${outcome.request} was refused: ${outcome.error.text} (${outcome.error.code})`);
    case 'ReconnectAsked':
      // to anywhere else nobody may be sent who trusts one server
      throw left('reconnect', 'the server asks for another connection');
    default:
      return [];
  }
}

const left = (code: string, message: string): Sv2Error => new Sv2Error(code, message);
