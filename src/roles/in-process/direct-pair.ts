/** Two connections that are each other's peer, without a socket or bytes between them. */
import { asapScheduler, EMPTY, map, Observable, Subscription, type Subscriber } from 'rxjs';
import { decodeMessage, encodeFrame } from '../../framing/frame.js';
import { headerSize, readHeader } from '../../framing/header.js';
import type { Message } from '../../messages/registry.js';
import type { Connection } from '../../transport/connection.js';
import { TransportError } from '../../transport/errors.js';

/** Both ends of a connection inside a process. */
export interface DirectPair {
  readonly near: Connection;
  readonly far: Connection;
  /** Ends both: the near end with an error, once it has what was sent to it. */
  fail(error: Error): void;
}

interface End extends Connection {
  arrive(messages: readonly Message[]): void;
  /** Nothing more arrives. */
  finish(error?: Error): void;
}

/**
 * Makes the two ends. What is sent at one arrives at the other through `asapScheduler`, in order.
 * @param nearName what the far end calls its peer
 * @param farName what the near end calls its peer
 */
export function directPair(nearName: string, farName: string): DirectPair {
  const near: End = end(farName, () => far);
  const far: End = end(nearName, () => near);
  return {
    near,
    far,
    fail(error) {
      near.finish(error);
      far.finish();
    },
  };
}

function end(address: string, peer: () => End): End {
  let inbox: Message[] = [];
  let reader: Subscriber<Message> | undefined;
  let isScheduled = false;
  let isOpen = true;
  let isSubscribed = false;
  let paused = 0;
  const waits = new Subscription();
  /** How it ends, once it does. */
  let ending: { readonly error?: Error } | undefined;

  const deliver = (): void => {
    isScheduled = false;
    while (reader !== undefined && paused === 0) {
      const message = inbox.shift();
      if (message === undefined) break;
      reader.next(message);
    }
    if (reader === undefined || inbox.length > 0 || ending === undefined) return;
    const ended = reader;
    reader = undefined;
    if (ending.error === undefined) ended.complete();
    else ended.error(ending.error);
  };
  const schedule = (): void => {
    if (reader === undefined || isScheduled) return;
    isScheduled = true;
    asapScheduler.schedule(deliver);
  };

  /** Sends what is queued, takes nothing more. */
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    inbox = [];
    waits.unsubscribe();
    peer().finish();
    ending ??= {};
    schedule();
  };

  const message$ = new Observable<Message>((subscriber) => {
    if (isSubscribed) {
      subscriber.error(
        new TransportError('already-subscribed', `message$ of ${address} has a subscriber already`),
      );
      return undefined;
    }
    isSubscribed = true;
    reader = subscriber;
    schedule();
    return () => {
      reader = undefined;
      close();
    };
  });

  return {
    peer: { address, encrypted: false },
    message$,
    frame$: message$.pipe(
      map((message) => {
        const bytes = encodeFrame(message);
        return { header: readHeader(bytes, 0), payload: bytes.subarray(headerSize) };
      }),
    ),
    send(...messages) {
      if (isOpen) peer().arrive(messages);
    },
    sendFrames(...frames) {
      if (isOpen) peer().arrive(frames.map(({ header, payload }) => decodeMessage(header, payload)));
    },
    queuedBytes: 0,
    drained$: EMPTY,
    pause(until$) {
      paused += 1;
      let isOver = false;
      const resume = () => {
        if (isOver) return;
        isOver = true;
        paused -= 1;
        schedule();
      };
      waits.add(until$.subscribe({ error: resume, complete: resume }));
    },
    limitPayload: () => undefined, // nothing here was made by a stranger
    close,
    arrive(messages) {
      if (!isOpen || ending !== undefined) return;
      inbox.push(...messages);
      schedule();
    },
    finish(error) {
      if (ending !== undefined) return;
      ending = error === undefined ? {} : { error };
      isOpen = false;
      schedule();
    },
  };
}
