/** The thread that answers handshakes: see handshake-workers.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import { wasmCrypto } from '../crypto/wasm.js';
import { respondWithKeys } from '../noise/handshake.js';
import { createStaticKey, type StaticKeyOptions } from '../noise/static-key.js';

/** An initiator to be answered. */
export interface HandshakeOrder {
  /** Comes back with the answer. */
  readonly order: number;
  /** 64 bytes. */
  readonly act1: Uint8Array;
  /** Unix time in seconds. */
  readonly now: number;
}

/** The answer: its keys are moved out of this thread, not copied. */
export interface HandshakeAnswer {
  readonly order: number;
  /** 234 bytes. */
  readonly act2: Uint8Array<ArrayBuffer>;
  /** 32 bytes. */
  readonly sendKey: Uint8Array<ArrayBuffer>;
  /** 32 bytes. */
  readonly receiveKey: Uint8Array<ArrayBuffer>;
}

const port = parentPort;
if (port === null) throw new Error('handshake-worker runs in a worker thread only: use handshakeWorkers()');
const options = workerData as StaticKeyOptions;
const crypto = await wasmCrypto();
const staticKey = createStaticKey(crypto, options);
options.authoritySecretKey.fill(0); // the static key has a copy of its own

port.on('message', ({ order, act1, now }: HandshakeOrder) => {
  const { act2, sendKey, receiveKey } = respondWithKeys(crypto, staticKey.identity(now), act1);
  const answer = { order, act2: own(act2), sendKey: own(sendKey), receiveKey: own(receiveKey) };
  port.postMessage(answer satisfies HandshakeAnswer, [
    answer.act2.buffer,
    answer.sendKey.buffer,
    answer.receiveKey.buffer,
  ]);
});

/** The bytes in a buffer that holds nothing else; what they were in is cleared. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  bytes.fill(0);
  return copy;
}
