/** Connections of Stratum V1 miners as connections of Stratum V2 clients: for whatever serves those. */
import {
  asapScheduler,
  asyncScheduler,
  ignoreElements,
  map,
  Observable,
  Subject,
  switchMap,
  tap,
  timer,
  type NextObserver,
  type OperatorFunction,
  type SchedulerLike,
} from 'rxjs';
import type { RandomBytes } from '../../crypto/index.js';
import { decodeMessage, encodeFrame } from '../../framing/frame.js';
import { headerSize, readHeader } from '../../framing/header.js';
import type { Message } from '../../messages/registry.js';
import { nonsenseBucket, type NonsenseLimits } from '../../service/sessions/nonsense.js';
import type { Sv1Connection } from '../../sv1/connection.js';
import type { Connection } from '../../transport/connection.js';
import { TransportError } from '../../transport/errors.js';
import { sv1JobIds } from './job-ids.js';
import { sv1Extranonces, type Sv1Extranonce } from './sv1-extranonces.js';
import { sv1Miner, type Sv1MinerOptions } from './sv1-miner.js';
import type { Sv1MinerOutcome, Sv1MinerOutput } from './sv1-miner-output.js';

/** Something that happened at a miner. */
export interface Sv1MinerEvent {
  /** The miner's `host:port`, or name. */
  readonly address: string;
  /** What happened; `Sv1Ended` says why it had to go. */
  readonly outcome:
    Sv1MinerOutcome | { readonly type: 'Sv1Ended'; readonly code: string; readonly reason: string };
}

/** How the miners of a listener are served. */
export interface Sv1MinersOptions extends Partial<Omit<Sv1MinerOptions, 'userIdentity'>>, NonsenseLimits {
  /**
   * Whose channels they have: one identity for all, or one for each, by a number that counts them from 1 on. The miner's
   * own user unless given.
   */
  readonly userIdentity?: string | ((miner: number) => string);
  /** Milliseconds without a job after which the last one is sent again with another time; 60,000 unless given, 0 for never. */
  readonly keepAliveInterval?: number;
  /** Told what happens at miners. */
  readonly observer?: NextObserver<Sv1MinerEvent>;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
  /** Where job ids and extranonces begin; Web Crypto unless given. */
  readonly randomBytes?: RandomBytes;
}

/** Hashes per second that a miner is taken to have until it shows otherwise: a Bitaxe's. */
const defaultHashRate = 1e12;

/**
 * Has miners that speak Stratum V1 served as Stratum V2 clients, each with an extended channel of its own: what comes out
 * can be listened to by `pool`, `proxy`, `relay` or `createServer` beside, or instead of, connections of `listen`. Nothing
 * is encoded in between.
 *
 * ```text
 * listenSv1(…)      ----s--------t------
 *   sv1Miners(…)
 *                   ----S--------T------   message$ of each: SetupConnection once it is authorised, then its shares
 * ```
 * @example pool({ listen: merge(listen(…), listenSv1(…).pipe(sv1Miners())), … })
 */
export function sv1Miners(options: Sv1MinersOptions = {}): OperatorFunction<Sv1Connection, Connection> {
  const nextJobId = sv1JobIds(options.randomBytes);
  const nextExtranonce = sv1Extranonces(sv1JobIds(options.randomBytes));
  let miners = 0;
  return map((connection) => {
    const { userIdentity } = options;
    miners += 1;
    const identity = typeof userIdentity === 'function' ? userIdentity(miners) : userIdentity;
    return clientConnection(connection, options, identity, nextExtranonce(), nextJobId);
  });
}

function clientConnection(
  connection: Sv1Connection,
  options: Sv1MinersOptions,
  userIdentity: string | undefined,
  extranonce: Sv1Extranonce,
  nextJobId: () => string,
): Connection {
  const { scheduler = asyncScheduler, keepAliveInterval = 60_000, observer, isKnownUser } = options;
  const { extranonce2Size = 4, nominalHashRate = defaultHashRate, sharesPerMinute = 6 } = options;
  const { mixesAccounts = false, nonsenseBurst = 1_000, nonsensePerSecond = 10 } = options;
  const { peer } = connection;
  const miner = sv1Miner(
    {
      ...{ extranonce2Size, nominalHashRate, sharesPerMinute, mixesAccounts },
      ...(userIdentity === undefined ? {} : { userIdentity }),
      ...(isKnownUser === undefined ? {} : { isKnownUser }),
    },
    extranonce,
    nextJobId,
  );
  const bucket = nonsenseBucket({ nonsenseBurst, nonsensePerSecond }, scheduler);
  const jobSent$ = new Subject<void>();
  let toServer: Message[] = [];
  let deliver: (message: Message) => void = () => undefined;
  let isSubscribed = false;
  let isOpen = true;

  const flush = () => {
    const messages = toServer;
    toServer = [];
    messages.forEach(deliver);
  };

  const end = (code: string, reason: string) => {
    if (!isOpen) return;
    isOpen = false;
    observer?.next({ address: peer.address, outcome: { type: 'Sv1Ended', code, reason } });
    connection.close();
  };

  const take = (output: Sv1MinerOutput) => {
    if (!isOpen) return;
    connection.send(...output.toMiner);
    if (output.toServer.length > 0 && toServer.length === 0) asapScheduler.schedule(flush);
    toServer.push(...output.toServer);
    for (const outcome of output.outcomes) {
      observer?.next({ address: peer.address, outcome });
      if (outcome.type === 'Sv1ShareAccepted') bucket.put(1);
      else if (outcome.type === 'Sv1JobSent') jobSent$.next();
      else if (outcome.type === 'Sv1ShareRejected' || outcome.type === 'Sv1Nonsense') {
        if (!bucket.take(1)) end('too-much-nonsense', 'it goes on sending what is refused');
      }
    }
    if (output.end !== undefined) end(output.end.code, output.end.reason);
  };

  const keptAlive$ =
    keepAliveInterval === 0
      ? jobSent$.pipe(ignoreElements())
      : jobSent$.pipe(
          switchMap(() => timer(keepAliveInterval, scheduler)),
          tap(() => take(miner.keepAlive(scheduler.now()))),
          ignoreElements(),
        );

  const message$ = new Observable<Message>((subscriber) => {
    if (isSubscribed) {
      subscriber.error(
        new TransportError('already-subscribed', `message$ of ${peer.address} has a subscriber already`),
      );
      return;
    }
    isSubscribed = true;
    deliver = (message) => subscriber.next(message);
    subscriber.add(() => {
      isOpen = false;
      extranonce.release();
      connection.close();
    });
    subscriber.add(keptAlive$.subscribe());
    subscriber.add(
      connection.message$
        .pipe(
          tap((message) => take(miner.receive(message, scheduler.now()))),
          ignoreElements(),
        )
        .subscribe({
          error(error: unknown) {
            flush(); // a share that was answered counts, whatever came behind it
            subscriber.error(error);
          },
          complete() {
            flush();
            subscriber.complete();
          },
        }),
    );
  });
  return {
    peer,
    message$,
    frame$: message$.pipe(
      map((message) => {
        const bytes = encodeFrame(message);
        return { header: readHeader(bytes, 0), payload: bytes.subarray(headerSize) };
      }),
    ),
    send: (...messages) => messages.forEach((message) => take(miner.fromServer(message, scheduler.now()))),
    sendFrames: (...frames) =>
      frames.forEach(({ header, payload }) =>
        take(miner.fromServer(decodeMessage(header, payload), scheduler.now())),
      ),
    get queuedBytes() {
      return connection.queuedBytes;
    },
    drained$: connection.drained$,
    pause: connection.pause,
    limitPayload: () => undefined, // lines have a limit of their own
    close() {
      isOpen = false;
      extranonce.release();
      connection.close();
    },
  };
}
