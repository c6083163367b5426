/** A whole pool and its template provider over real sockets, a miner that behaves, and peers that do not. */
import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect } from '@jest/globals';
import {
  config,
  filter,
  firstValueFrom,
  map,
  ReplaySubject,
  Subject,
  tap,
  VirtualTimeScheduler,
  type SchedulerLike,
} from 'rxjs';
import { blockHash } from '../../src/bitcoin/block-header.js';
import { meetsTarget } from '../../src/bitcoin/target.js';
import { defaultCrypto } from '../../src/crypto/index.js';
import { decodeMessage, encodeFrame } from '../../src/framing/frame.js';
import { OpenStandardMiningChannel, type Message } from '../../src/messages/index.js';
import {
  miningClient,
  nextWork,
  shareFrom,
  submission,
  workHeader,
  type MiningServerMessage,
} from '../../src/mining/index.js';
import { act2Length, createInitiator } from '../../src/noise/handshake.js';
import { generateAuthorityKeyPair } from '../../src/noise/index.js';
import { connect } from '../../src/node/connect.js';
import { listen, type ListenAddress } from '../../src/node/listen.js';
import { nodeCrypto } from '../../src/node/crypto.js';
import { pool, type PoolOutcome } from '../../src/roles/pool/pool.js';
import { simulatedSource } from '../../src/roles/template-provider/simulated-source.js';
import {
  templateProvider,
  type TemplateProviderOutcome,
} from '../../src/roles/template-provider/template-provider.js';
import type { ServerOutcome } from '../../src/service/outcomes.js';
import { setupConnection } from '../../src/testing/fixtures.js';
import type { AcceptOptions, Connection, HandshakeFailure } from '../../src/transport/index.js';
import { plainChannel, type FrameChannel } from '../../src/transport/frame-channel.js';
import { noiseChannel } from '../../src/transport/noise-channel.js';
import { eventually, handles } from '../node/support.js';
import { log } from '../transport/support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);

/** What nobody handled; rxjs would throw it in a timer. */
const unhandled: unknown[] = [];
config.onUnhandledError = (error) => unhandled.push(error);

const opened: (() => void)[] = [];

/** Closes whatever a failing spec left open, so that it is the only one to fail. */
export function release(): void {
  for (const close of opened.splice(0)) close();
}

/** Time that passes when the spec says so, from now on. */
export interface Clock extends SchedulerLike {
  advance(milliseconds: number): void;
  /** Timers that are set. */
  readonly pending: number;
}

/** What may not grow: sockets and servers of this process, and timers of the clock. */
export const traces = (clock: Clock): string =>
  JSON.stringify({ handles: [...handles()].sort(), timers: clock.pending });

export function virtualClock(): Clock {
  const time = new VirtualTimeScheduler();
  const begin = Date.now();
  return {
    now: () => begin + time.frame,
    schedule: time.schedule.bind(time),
    advance(milliseconds) {
      time.maxFrames = time.frame + milliseconds;
      time.schedule(() => undefined, milliseconds); // so that the clock gets there
      time.flush();
    },
    get pending() {
      return time.actions.length;
    },
  };
}

/** A server that listens on loopback. */
export interface Target extends ListenAddress {
  /** The authority's key; without one, plaintext. */
  readonly authorityPublicKey: Uint8Array | undefined;
}

/** A pool and its template provider, both open to anyone on loopback. */
export interface Site {
  readonly pool: Target;
  readonly provider: Target;
  readonly scheduler: SchedulerLike;
  /** What happened at the pool's server. */
  readonly outcomes: ServerOutcome[];
  /** What happened at the template provider. */
  readonly providerOutcomes: ServerOutcome<TemplateProviderOutcome>[];
  /** Who was not let in, at either. */
  readonly failures: HandshakeFailure[];
  /** How many miners are connected. */
  clients(): number;
  /** Ends it; fails if anything is left of it or went wrong unseen. */
  stop(): Promise<void>;
}

export interface SiteOptions {
  readonly encrypted: boolean;
  readonly limits?: AcceptOptions;
  readonly clock: Clock;
  readonly inactivityLimit?: number;
}

export async function startSite({
  encrypted,
  limits = {},
  clock: scheduler,
  inactivityLimit,
}: SiteOptions): Promise<Site> {
  const providerOutcomes: ServerOutcome<TemplateProviderOutcome>[] = [];
  const outcomes: ServerOutcome[] = [];
  const failures: HandshakeFailure[] = [];
  const errors: unknown[] = [];
  const security = encrypted ? { authority } : {};
  const place = () => {
    const address$ = new ReplaySubject<ListenAddress>(1);
    const listen$ = listen({
      port: 0,
      scheduler,
      ...security,
      ...limits,
      listeningObserver: address$,
      handshakeErrorObserver: { next: (failure) => failures.push(failure) },
    });
    const target = async (): Promise<Target> => ({
      ...(await firstValueFrom(address$)),
      authorityPublicKey: encrypted ? authority.publicKey : undefined,
    });
    return { listen$, target };
  };

  const atProvider = place();
  const atPool = place();
  const source = simulatedSource({
    nbits: 0x1d00ffff,
    initialTransactions: 20,
    refreshInterval: 0x7fff_ffff,
    scheduler,
  });
  const providing = templateProvider({ listen: atProvider.listen$, source, scheduler })
    .start()
    .subscribe({
      next: (outcome) => providerOutcomes.push(outcome),
      error: (error: unknown) => errors.push(error),
    });
  const providerTarget = await atProvider.target();

  const pooling = pool({
    listen: atPool.listen$,
    templateProvider: dial(providerTarget, scheduler),
    payoutScript: Uint8Array.of(0x51),
    sharesPerMinute: 60_000, // for the least hash rate, every hash is a share
    shareBatchSize: 1,
    scheduler,
    ...(inactivityLimit === undefined ? {} : { inactivityLimit }),
  });
  const running = pooling
    .start()
    .subscribe({ next: (outcome) => keep(outcome), error: (error: unknown) => errors.push(error) });
  const keep = (outcome: PoolOutcome): void => {
    if ('clientId' in outcome || outcome.type === 'handlerError') outcomes.push(outcome as ServerOutcome);
  };

  const end = (): void => {
    running.unsubscribe();
    providing.unsubscribe();
  };
  opened.push(end);
  return {
    pool: await atPool.target(),
    provider: providerTarget,
    scheduler,
    outcomes,
    providerOutcomes,
    failures,
    clients: () => pooling.clients().size,
    async stop() {
      end();
      await eventually(() => handles().length === 0);
      expect(scheduler.pending).toBe(0);
      expect(errors).toEqual([]);
      expect(unhandled.splice(0)).toEqual([]);
      const unexpected = [...outcomes, ...providerOutcomes].filter(
        (outcome) =>
          outcome.type === 'handlerError' ||
          (outcome.type === 'disconnected' && outcome.reason.code === 'unexpected-error'),
      );
      expect(unexpected).toEqual([]);
    },
  };
}

/** A connector to a server. */
export const dial = ({ host, port, authorityPublicKey }: Target, scheduler: SchedulerLike) =>
  connect({
    host,
    port,
    scheduler,
    ...(authorityPublicKey === undefined ? { encrypted: false } : { authorityPublicKey }),
  });

/** A miner that does everything right. */
export interface GoodMiner {
  /** Finds a share, submits it, and waits until the pool has accepted it. */
  share(): Promise<void>;
  readonly connection: Connection;
}

const openingRequest = (userIdentity: string) =>
  OpenStandardMiningChannel({
    requestId: 1,
    userIdentity,
    nominalHashRate: 1_000,
    maxTarget: new Uint8Array(32).fill(0xff),
  });

export async function goodMiner({ pool: target, scheduler }: Site): Promise<GoodMiner> {
  const connection = await firstValueFrom(dial(target, scheduler));
  opened.push(() => connection.close());
  const message$ = new Subject<Message>();
  const channels = miningClient();
  log(
    connection.message$.pipe(
      tap((message) => channels.handle(message as MiningServerMessage, scheduler.now())),
      tap(message$),
    ),
  );
  const work = () => {
    const [channel] = channels.channels.values();
    return channel === undefined ? null : nextWork(channel, scheduler.now());
  };
  const request = openingRequest('good');
  channels.request(request);
  connection.send(setupConnection('mining'), request);
  await eventually(() => work() !== null);
  let nonce = 0;

  return {
    connection,
    async share() {
      const [channel] = channels.channels.values();
      const current = work();
      if (channel === undefined || current === null) throw new Error('there is no work');
      do nonce += 1;
      while (!meetsTarget(blockHash(workHeader(current, { nonce })), current.target));
      const share = submission(channel, shareFrom(current, { nonce }));
      const answer = firstValueFrom(
        message$.pipe(
          filter(
            (message) =>
              (message.type === 'SubmitShares.Success' &&
                message.lastSequenceNumber === share.sequenceNumber) ||
              (message.type === 'SubmitShares.Error' && message.sequenceNumber === share.sequenceNumber),
          ),
          map(({ type }) => type),
        ),
      );
      connection.send(share);
      expect(await answer).toBe('SubmitShares.Success');
    },
  };
}

/** A peer that says what it likes. */
export interface BadPeer {
  readonly socket: Socket;
  /** Sends frames: sealed one by one if the connection is encrypted, whatever their headers say. */
  send(...frames: readonly Uint8Array[]): void;
  /** What the server said. */
  readonly received: Message[];
  /** Resolves when the server has closed its side, or reset the connection. */
  readonly closed: Promise<unknown>;
}

/** Resolves when the other side has closed, or reset the connection. */
export const gone = (socket: Socket): Promise<unknown> =>
  socket.closed || socket.readableEnded
    ? Promise.resolve()
    : new Promise((resolve) => socket.once('end', resolve).once('close', resolve));

/** A connection without any protocol. */
export async function rawPeer({ host, port }: Target): Promise<Socket> {
  const socket = createConnection({ host, port, allowHalfOpen: true });
  socket.on('error', () => undefined);
  opened.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** A peer whose handshake, if there is one, is done. Reads from then on. */
export async function badPeer(target: Target): Promise<BadPeer> {
  const socket = await rawPeer(target);
  const received: Message[] = [];
  const closed = gone(socket);
  const { channel, seal, early } =
    target.authorityPublicKey === undefined
      ? { channel: plainChannel(0xffffff), seal: (frame: Uint8Array) => frame, early: undefined }
      : await shakeHands(socket, target.authorityPublicKey);
  const read = (chunk: Uint8Array): unknown =>
    channel.open(chunk, (header, payload) => void received.push(decodeMessage(header, payload)));
  if (early !== undefined) read(early);
  socket.on('data', read).resume();
  return {
    socket,
    received,
    closed,
    send(...frames) {
      socket.write(Buffer.concat(frames.map(seal)));
    },
  };
}

/** Does the initiator's part of the handshake by hand. */
export async function shakeHands(
  socket: Socket,
  authorityPublicKey: Uint8Array,
): Promise<{ channel: FrameChannel; seal(frame: Uint8Array): Uint8Array; early: Uint8Array | undefined }> {
  const initiator = createInitiator(nodeCrypto, authorityPublicKey);
  socket.write(initiator.act1);
  let bytes = new Uint8Array();
  while (bytes.length < act2Length) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    bytes = Uint8Array.from([...bytes, ...chunk]);
  }
  socket.pause();
  const { send, receive } = initiator.finish(bytes.subarray(0, act2Length), Date.now() / 1_000);
  return {
    channel: noiseChannel(send, receive, 0xffffff),
    early: bytes.length > act2Length ? bytes.slice(act2Length) : undefined,
    // header and payload each in a block of its own, whatever length the header announces
    seal(frame) {
      const payload = frame.subarray(6);
      const sealed = new Uint8Array(22 + (payload.length > 0 ? payload.length + 16 : 0));
      send.encrypt(new Uint8Array(), frame, 0, 6, sealed, 0);
      if (payload.length > 0) send.encrypt(new Uint8Array(), frame, 6, frame.length, sealed, 22);
      return sealed;
    },
  };
}

/** The frame of a message, cut or with bytes added, its header's length as it then is unless given. */
export function spoilt(message: Message, payloadLength: number, announced = payloadLength): Uint8Array {
  const frame = encodeFrame(message);
  const bytes = new Uint8Array(6 + payloadLength);
  bytes.set(frame.subarray(0, bytes.length));
  new DataView(bytes.buffer).setUint16(3, announced & 0xffff, true);
  bytes[5] = announced >>> 16;
  return bytes;
}
