import { NEVER, Subject, tap, type Observable } from 'rxjs';
import { encodeFrame } from '../../src/framing/index.js';
import { SetupConnection, type Message } from '../../src/messages/index.js';
import { SetTarget } from '../../src/messages/index.js';
import type { ByteStream } from '../../src/transport/index.js';

/** A stream whose other end is the spec. */
export interface FakeStream extends ByteStream {
  readonly incoming$: Subject<Uint8Array>;
  readonly writes: Uint8Array[];
  readonly events: string[];
  readonly drained$: Subject<never>;
  queuedBytes: number;
}

export function fakeStream(): FakeStream {
  const incoming$ = new Subject<Uint8Array>();
  const drained$ = new Subject<never>();
  const writes: Uint8Array[] = [];
  const events: string[] = [];
  return {
    address: 'peer.example:34254',
    incoming$,
    writes,
    events,
    chunk$: incoming$,
    closed$: NEVER,
    queuedBytes: 0,
    drained$,
    write(bytes) {
      writes.push(bytes);
      events.push('write');
    },
    end: () => void events.push('end'),
    destroy: () => void events.push('destroy'),
  };
}

/** Everything a stream did. */
export interface Log<T> {
  readonly values: T[];
  error: unknown;
  completed: boolean;
}

/** Subscribes and writes down what happens. */
export function log<T>(source$: Observable<T>): Log<T> & { unsubscribe(): void } {
  const seen: Log<T> = { values: [], error: undefined, completed: false };
  const subscription = source$.subscribe({
    next: (value) => seen.values.push(value),
    error: (error: unknown) => (seen.error = error),
    complete: () => (seen.completed = true),
  });
  return Object.assign(seen, { unsubscribe: () => subscription.unsubscribe() });
}

/** A message with a few bytes in every field. */
export const setup = (vendor = 'rx-sv2') =>
  SetupConnection({
    protocol: 0,
    minVersion: 2,
    maxVersion: 2,
    flags: 1,
    endpointHost: 'pool.example',
    endpointPort: 34254,
    vendor,
    hardwareVersion: '1',
    firmware: '2',
    deviceId: '3',
  });

/** A small message that can be told from others by its channel id. */
export const setTarget = (channelId: number) =>
  SetTarget({ channelId, maximumTarget: new Uint8Array(32).fill(channelId) });

/** The frames of messages, one behind the other. */
export function frames(...messages: readonly Message[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((message) => [...encodeFrame(message)]));
}

/** Does something at each value, in the order of a timeline. */
export function at<T>(timeline$: Observable<T>, action: (value: T) => void): void {
  log(timeline$.pipe(tap(action)));
}
