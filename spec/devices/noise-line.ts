/** A device's line over TCP, inside Noise. */
import { createConnection } from 'node:net';
import { Observable, Subject } from 'rxjs';
import { nodeCrypto } from '../../src/node/crypto.js';
import { act2Length, createInitiator } from '../../src/noise/handshake.js';
import { createFrameOpener, sealFrames } from '../../src/noise/encrypted-frame.js';
import type { Line } from './device.js';
import { joined } from './wire.js';

/**
 * Dials on subscription.
 * @param where `host:port`, read when it dials
 * @param authorityPublicKey 32 bytes
 */
export const noiseLine = (where: () => string, authorityPublicKey: Uint8Array): Observable<Line> =>
  new Observable((subscriber) => {
    const [host, port] = where().split(':') as [string, string];
    const socket = createConnection({ host, port: Number(port), noDelay: true });
    const chunk$ = new Subject<Uint8Array>();
    const initiator = createInitiator(nodeCrypto, authorityPublicKey);
    let answer = new Uint8Array(0);
    let open: ((bytes: Uint8Array) => void) | undefined;

    const shakeHands = (bytes: Uint8Array): void => {
      answer = joined(answer, bytes);
      if (answer.length < act2Length) return;
      const { send, receive } = initiator.finish(answer.subarray(0, act2Length), Date.now() / 1_000);
      const opener = createFrameOpener(receive, 0xffffff);
      open = (sealed) => void opener.push(sealed, (header, payload) => chunk$.next(joined(header, payload)));
      subscriber.next({
        chunk$,
        write: (plain) => void (socket.writable && socket.write(sealFrames(send, plain))),
        close: () => socket.destroy(),
      });
      if (answer.length > act2Length) open(answer.subarray(act2Length));
    };
    socket
      .on('connect', () => socket.write(initiator.act1))
      .on('data', (bytes) => (open ?? shakeHands)(new Uint8Array(bytes)))
      .on('error', () => undefined)
      .on('close', () => {
        chunk$.complete();
        subscriber.complete();
      });
    return () => socket.destroy();
  });
