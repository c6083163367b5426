import type { Observable } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { decodeMessage, encodeFrames } from '../framing/frame.js';
import type { Frame } from '../framing/frame-assembler.js';
import { FramingError, headerSize, writeHeader, type FrameHeader } from '../framing/header.js';
import { isUnknownExtension, type Message } from '../messages/registry.js';
import { NoiseError } from '../noise/errors.js';
import type { ByteStream } from './byte-stream.js';
import type { Connection, Peer } from './connection.js';
import { TransportError } from './errors.js';
import type { FrameChannel } from './frame-channel.js';
import { setupLimit, type SetupLimit } from './setup-limit.js';
import { framesPerStep, type ConnectionLimits } from './limits.js';
import { StreamConnection, type Cutting, type SharedLimits } from './stream-connection.js';

/**
 * A Stratum V2 connection over a stream whose handshake is done: frames, `framesPerStep` in one step.
 * @param early bytes that arrived behind the handshake
 * @param shared what it shares with the other connections of its listener
 */
export function messageConnection(
  stream: ByteStream,
  channel: FrameChannel,
  peer: Peer,
  limits: Required<ConnectionLimits>,
  early: Uint8Array | undefined,
  shared: SharedLimits | undefined,
): Connection {
  return new MessageConnection(stream, channel, peer, limits, early, shared);
}

// A class, as every connection has one: closures, and a dictionary for what was written down with a getter, took 2 KiB.
class MessageConnection implements Connection, Cutting {
  readonly peer: Peer;
  readonly #channel: FrameChannel;
  readonly #connection: StreamConnection;
  /** Until the limit of payloads is settled. */
  #setup: SetupLimit | undefined;
  /** Hands a frame to the receiver. */
  #deliver: FrameReceiver = () => undefined;
  readonly #onFrame: FrameReceiver;

  constructor(
    stream: ByteStream,
    channel: FrameChannel,
    peer: Peer,
    limits: Required<ConnectionLimits>,
    early: Uint8Array | undefined,
    shared: SharedLimits | undefined,
  ) {
    this.peer = peer;
    this.#channel = channel;
    this.#setup = setupLimit((bytes) => this.limitPayload(bytes));
    this.#onFrame = (header, payload) => {
      if (!this.#connection.isReceiving) return;
      this.#setup?.frame({ header, payload }, 'received');
      this.#deliver(header, payload);
    };
    this.#connection = new StreamConnection(stream, this, limits, early, shared);
  }

  get message$(): Observable<Message> {
    return this.#received(decodeMessage);
  }

  get frame$(): Observable<Frame> {
    return this.#received((header, payload) => ({ header, payload }));
  }

  #received<T>(project: (header: FrameHeader, payload: Uint8Array) => T): Observable<T> {
    return this.#connection.received<T>((subscriber) => {
      this.#deliver = (header, payload) => subscriber.next(project(header, payload));
    });
  }

  send(...messages: readonly Message[]): void {
    if (!this.#connection.open || messages.length === 0) return;
    const bytes = encodeFrames(messages);
    for (const message of messages) this.#setup?.message(message, 'sent');
    this.#connection.enqueue(bytes);
  }

  sendFrames(...frames: readonly Frame[]): void {
    if (!this.#connection.open) return;
    for (const frame of frames) this.#setup?.frame(frame, 'sent');
    for (const frame of frames) this.#connection.enqueue(bytesOf(frame));
  }

  get queuedBytes(): number {
    return this.#connection.queuedBytes;
  }

  get drained$(): Observable<never> {
    return this.#connection.drained$;
  }

  pause(until$: Observable<unknown>): void {
    this.#connection.pause(until$);
  }

  limitPayload(bytes: number): void {
    this.#setup = undefined;
    this.#channel.limit(bytes, isOfUnknownExtension);
  }

  close(): void {
    this.#connection.close();
  }

  take(chunk: Uint8Array): number {
    try {
      return this.#channel.open(chunk, this.#onFrame, framesPerStep);
    } catch (error) {
      throw this.#setup === undefined ? error : beforeSetup(error, this.peer);
    }
  }

  ended(): void {
    if (this.#channel.incomplete) throw truncatedStream(this.peer);
  }

  seal(parts: readonly Uint8Array[]): Uint8Array {
    return this.#channel.seal(parts);
  }

  clear(): void {
    this.#channel.clear();
  }
}

type FrameReceiver = (header: FrameHeader, payload: Uint8Array) => void;

const isOfUnknownExtension = ({ extensionType }: FrameHeader): boolean => isUnknownExtension(extensionType);

function bytesOf({ header, payload }: Frame): Uint8Array {
  const bytes = new Uint8Array(headerSize + payload.length);
  writeHeader(bytes, 0, header);
  bytes.set(payload, headerSize);
  return bytes;
}

/** The error of a frame that is larger than what may come before the subprotocol is agreed upon. */
function beforeSetup(error: unknown, { address }: Peer): unknown {
  if (!(error instanceof Sv2Error) || error.code !== 'frame-too-large') return error;
  const message = `${address}: ${error.message}, until a SetupConnection.Success has passed or limitPayload is called`;
  return error instanceof NoiseError
    ? new NoiseError('frame-too-large', message, error.detail)
    : new FramingError(error.code, message, error.detail);
}

function truncatedStream({ address }: Peer): TransportError {
  return new TransportError('truncated-stream', `${address} closed in the middle of a frame`, { address });
}
