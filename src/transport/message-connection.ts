import type { Observable } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { decodeMessage, encodeFrames } from '../framing/frame.js';
import type { Frame } from '../framing/frame-assembler.js';
import { FramingError, headerSize, writeHeader, type FrameHeader } from '../framing/header.js';
import { isUnknownExtension } from '../messages/registry.js';
import { NoiseError } from '../noise/errors.js';
import type { ByteStream } from './byte-stream.js';
import type { Connection, Peer } from './connection.js';
import { TransportError } from './errors.js';
import type { FrameChannel } from './frame-channel.js';
import { setupLimit } from './setup-limit.js';
import { framesPerStep, type ConnectionLimits } from './limits.js';
import { streamConnection, type SharedLimits } from './stream-connection.js';

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
  /** Hands a frame to the receiver. */
  let deliver: (header: FrameHeader, payload: Uint8Array) => void = () => undefined;
  const limitChannel = (bytes: number) =>
    channel.limit(bytes, ({ extensionType }) => isUnknownExtension(extensionType));
  const setup = setupLimit(limitChannel);

  const onFrame = (header: FrameHeader, payload: Uint8Array) => {
    if (!connection.isReceiving) return;
    if (!setup.settled) setup.frame({ header, payload }, 'received');
    deliver(header, payload);
  };

  const connection = streamConnection(
    stream,
    {
      take(chunk) {
        try {
          return channel.open(chunk, onFrame, framesPerStep);
        } catch (error) {
          throw setup.settled ? error : beforeSetup(error, peer);
        }
      },
      ended() {
        if (channel.incomplete) throw truncatedStream(stream);
      },
      seal: (parts) => channel.seal(parts),
      clear: () => channel.clear(),
    },
    limits,
    early,
    shared,
  );

  function received<T>(project: (header: FrameHeader, payload: Uint8Array) => T): Observable<T> {
    return connection.received<T>((subscriber) => {
      deliver = (header, payload) => subscriber.next(project(header, payload));
    });
  }

  return {
    peer,
    message$: received(decodeMessage),
    frame$: received((header, payload) => ({ header, payload })),
    send(...messages) {
      if (!connection.open || messages.length === 0) return;
      const bytes = encodeFrames(messages);
      if (!setup.settled) messages.forEach((message) => setup.message(message, 'sent'));
      connection.enqueue(bytes);
    },
    sendFrames(...frames) {
      if (!connection.open || frames.length === 0) return;
      if (!setup.settled) frames.forEach((frame) => setup.frame(frame, 'sent'));
      frames.forEach((frame) => connection.enqueue(bytesOf(frame)));
    },
    get queuedBytes() {
      return connection.queuedBytes;
    },
    drained$: connection.drained$,
    pause: connection.pause,
    limitPayload(bytes) {
      setup.settle();
      limitChannel(bytes);
    },
    close: connection.close,
  };
}

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

function truncatedStream({ address }: ByteStream): TransportError {
  return new TransportError('truncated-stream', `${address} closed in the middle of a frame`, { address });
}
