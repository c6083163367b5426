/** The thread that answers handshakes: see handshake-workers.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import { wasmCrypto } from '../crypto/wasm.js';
import { respondWithKeys } from '../noise/handshake.js';
import { readyKeys } from '../noise/ready-keys.js';
import { createStaticKey, type StaticKeyOptions } from '../noise/static-key.js';
import { answerLength, keysAt, type HandshakeAnswers, type HandshakeOrders } from './handshake-orders.js';

/** Key pairs made ahead: about a second's worth of handshakes, 1 MB. */
const readyPairs = 1_024;

const port = parentPort;
if (port === null) throw new Error('handshake-worker runs in a worker thread only: use handshakeWorkers()');
const options = workerData as StaticKeyOptions;
const crypto = await wasmCrypto();
const staticKey = createStaticKey(crypto, options);
options.authoritySecretKey.fill(0); // the static key has a copy of its own
const ephemerals = readyKeys(crypto, readyPairs);
let preparing = false;

port.on('message', ({ first, count, act1s, now }: HandshakeOrders) => {
  const length = act1s.length / count;
  const answers = new Uint8Array(count * answerLength);
  for (let index = 0; index < count; index += 1) {
    const act1 = act1s.slice(index * length, (index + 1) * length);
    const keys = respondWithKeys(crypto, staticKey.identity(now), act1, () => ephemerals.take());
    const answer = keysAt(answers, index * answerLength);
    answer.act2.set(keys.act2);
    answer.sendKey.set(keys.sendKey);
    answer.receiveKey.set(keys.receiveKey);
    keys.sendKey.fill(0);
    keys.receiveKey.fill(0);
  }
  port.postMessage({ first, answers } satisfies HandshakeAnswers, [answers.buffer]);
  prepare();
});

/** Makes keys ahead one at a time, so that whoever comes meanwhile waits for one at most. */
function prepare(): void {
  if (preparing) return;
  preparing = true;
  const step = (): void => {
    preparing = ephemerals.make();
    if (preparing) setImmediate(step);
  };
  setImmediate(step);
}

prepare();
