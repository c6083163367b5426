import {
  asapScheduler,
  defer,
  EMPTY,
  endWith,
  ignoreElements,
  merge,
  Observable,
  Subject,
  take,
  type Subscriber,
  type Subscription,
} from 'rxjs';
import type { ByteStream } from '../transport/byte-stream.js';

/**
 * Makes the two ends of a byte stream. What is written at one end arrives at the other through
 * `asapScheduler`, in the pieces in which it was written.
 * @param farAddress what the first end calls its peer
 * @param nearAddress what the second end calls its peer
 */
export function memoryStreams(
  farAddress = 'server',
  nearAddress = 'client',
): readonly [near: ByteStream, far: ByteStream] {
  const near = memoryEnd(farAddress);
  const far = memoryEnd(nearAddress);
  near.join(far);
  far.join(near);
  return [near, far];
}

interface MemoryEnd extends ByteStream {
  join(other: MemoryEnd): void;
  /** Bytes that arrived and were not read. */
  readonly unread: number;
  /** Emits when that becomes 0. */
  readonly allRead$: Observable<unknown>;
  arrive(bytes: Uint8Array): void;
  arriveEnd(): void;
  cutOff(): void;
}

function memoryEnd(address: string): MemoryEnd {
  let peer: MemoryEnd;
  let inbox: Uint8Array[] = [];
  let reader: Subscriber<Uint8Array> | undefined;
  let delivery: Subscription | undefined;
  let writing = true;
  let reading = true;
  const closed$ = new Subject<never>();
  const allRead$ = new Subject<void>();

  const checkClosed = () => {
    if (!writing && !reading) closed$.complete();
  };
  const stopReading = () => {
    reading = false;
    inbox = [];
    allRead$.next();
    const completing = reader;
    reader = undefined;
    completing?.complete();
    checkClosed();
  };

  let peerEnded = false;
  const deliver = () => {
    delivery = undefined;
    while (reader !== undefined && inbox.length > 0) reader.next(inbox.shift() as Uint8Array);
    if (inbox.length === 0) allRead$.next();
    if (reader !== undefined && peerEnded) stopReading();
  };
  const scheduleDelivery = () => {
    if (reader !== undefined) delivery ??= asapScheduler.schedule(deliver);
  };

  return {
    address,
    chunk$: new Observable((subscriber) => {
      if (!reading) {
        subscriber.complete();
        return undefined;
      }
      reader = subscriber;
      if (inbox.length > 0 || peerEnded) scheduleDelivery();
      return () => {
        if (reader === subscriber) reader = undefined;
      };
    }),
    closed$,
    get queuedBytes() {
      return peer.unread;
    },
    drained$: defer(() =>
      peer.unread === 0
        ? EMPTY
        : merge(peer.allRead$, closed$.pipe(endWith(undefined))).pipe(take(1), ignoreElements()),
    ),
    allRead$,
    write(bytes) {
      if (writing) peer.arrive(bytes);
    },
    end() {
      if (!writing) return;
      writing = false;
      peer.arriveEnd();
      checkClosed();
    },
    destroy() {
      if (writing) {
        writing = false;
        peer.arriveEnd();
      }
      if (reading) stopReading();
      peer.cutOff();
    },
    join(other) {
      peer = other;
    },
    get unread() {
      return reader === undefined ? inbox.reduce((total, { length }) => total + length, 0) : 0;
    },
    arrive(bytes) {
      if (!reading) return;
      inbox.push(bytes);
      scheduleDelivery();
    },
    arriveEnd() {
      peerEnded = true;
      scheduleDelivery();
    },
    cutOff() {
      writing = false;
      checkClosed();
    },
  };
}
