/** What a thread that answers handshakes is sent, and sends. */

import { act2Length, type ResponderKeys } from '../noise/handshake.js';

/** Initiators to be answered: several in one message, as a message costs each thread as much as a tenth of an answer. */
export interface HandshakeOrders {
  /** Comes back with the answers. */
  readonly first: number;
  readonly count: number;
  /** 64 bytes of each. */
  readonly act1s: Uint8Array;
  /** Unix time in seconds. */
  readonly now: number;
}

/** The answers, in a buffer that is moved out of this thread, not copied. */
export interface HandshakeAnswers {
  readonly first: number;
  /** Of each 234 bytes to send, 32 of the key to send with, 32 of the key to receive with. */
  readonly answers: Uint8Array<ArrayBuffer>;
}

/** Bytes of a key of the connection. */
const keyLength = 32;
/** Bytes of an answer. */
export const answerLength = act2Length + 2 * keyLength;

/** An answer out of several, as views: clearing them clears it. */
export function keysAt(answers: Uint8Array, start: number): ResponderKeys {
  const sendKey = start + act2Length;
  const receiveKey = sendKey + keyLength;
  return {
    act2: answers.subarray(start, sendKey),
    sendKey: answers.subarray(sendKey, receiveKey),
    receiveKey: answers.subarray(receiveKey, receiveKey + keyLength),
  };
}
