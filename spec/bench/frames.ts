import { createCipheriv, createDecipheriv } from 'node:crypto';
import {
  CipherState,
  createFrameOpener,
  defaultCrypto,
  encryptedLength,
  headerSize,
  maxBlockPlaintextLength,
  nobleCrypto,
  sealFrames,
  tagLength,
  writeHeader,
  type CryptoProvider,
} from 'rx-sv2';
import { nodeCrypto } from 'rx-sv2/node';
import { takeTurns } from './measure.js';
import { amount, speed, type Row, type Section } from './table.js';

/** The providers, by the names they are exported under. */
export const providers = { nobleCrypto, defaultCrypto, nodeCrypto } as const;
export type ProviderName = keyof typeof providers;

const rounds = 7;
const key = new Uint8Array(32).fill(7);
const sizes = [
  { payloadLength: 24, name: '24 B', frames: 1500 },
  { payloadLength: 1024, name: '1 KiB', frames: 600 },
  { payloadLength: 65536, name: '64 KiB', frames: 12 },
];

/** Sealing and opening frames, beside OpenSSL on the same bytes. */
export async function frameSections(): Promise<readonly Section[]> {
  const rows: Row[] = [];
  for (const { payloadLength, name, frames } of sizes) {
    const frame = new Uint8Array(headerSize + payloadLength).fill(1);
    writeHeader(frame, 0, { extensionType: 0, channelMessage: true, messageType: 0x1a, payloadLength });
    const blocks = blocksOf(frame);
    const sealedLength = encryptedLength(headerSize) + encryptedLength(payloadLength);
    const sealed = sealMany(nobleCrypto, frame, frames);
    const times = await takeTurns(rounds, {
      openSslSeal: () => perFrame(frames, () => openSslSeal(blocks, frames)),
      openSslOpen: () => perFrame(frames, () => openSslOpen(sealed, blocks, frames)),
      ...contenders(frame, frames, sealed),
    });
    for (const provider of Object.keys(providers) as ProviderName[]) {
      for (const [way, baseline] of [
        ['seal', times.openSslSeal],
        ['open', times.openSslOpen],
      ] as const) {
        const time = times[`${provider} ${way}`];
        rows.push({
          what: `${way} ${name} with ${provider}`,
          figure: amount(time, 'µs'),
          baseline: amount(baseline, 'µs'),
          ratio: speed(time, baseline),
          limit: limits[provider][payloadLength > 1024 ? 'long' : 'short'](
            `${(sealedLength / time).toFixed(0)} MB/s`,
          ),
        });
      }
    }
  }
  return [{ title: 'A frame', baseline: 'OpenSSL, same blocks', rows }];
}

const limits: Record<ProviderName, Record<'short' | 'long', (rate: string) => string>> = {
  nobleCrypto: {
    short: () => 'what noble sets up for each of two blocks',
    long: (rate) => `ChaCha20 and Poly1305 in JavaScript, ${rate}`,
  },
  defaultCrypto: {
    short: () => 'ChaCha20 and Poly1305 in JavaScript, two blocks',
    long: (rate) => `ChaCha20 and Poly1305 in JavaScript, ${rate}`,
  },
  nodeCrypto: {
    short: () => 'as defaultCrypto, which does short blocks',
    long: (rate) => `OpenSSL, and copying what it returns, ${rate}`,
  },
};

type Contender = `${ProviderName} ${'seal' | 'open'}`;

function contenders(frame: Uint8Array, frames: number, sealed: Uint8Array): Record<Contender, () => number> {
  const entries = (Object.keys(providers) as ProviderName[]).flatMap((name) => {
    const provider = providers[name];
    return [
      [`${name} seal`, () => perFrame(frames, () => sealMany(provider, frame, frames))],
      [`${name} open`, () => perFrame(frames, () => openMany(provider, sealed, frames))],
    ] as const;
  });
  return Object.fromEntries(entries) as Record<Contender, () => number>;
}

function perFrame(frames: number, run: () => unknown): number {
  const start = performance.now();
  run();
  return ((performance.now() - start) * 1000) / frames;
}

/** Seals a frame many times, each into a buffer of its own, as connections do; returns all of it. */
function sealMany(provider: CryptoProvider, frame: Uint8Array, frames: number): Uint8Array {
  const cipher = new CipherState(provider, key);
  const parts: Uint8Array[] = [];
  for (let count = 0; count < frames; count += 1) parts.push(sealFrames(cipher, frame));
  return Buffer.concat(parts);
}

function openMany(provider: CryptoProvider, sealed: Uint8Array, frames: number): void {
  const opener = createFrameOpener(new CipherState(provider, key));
  const length = sealed.length / frames;
  let opened = 0;
  for (let start = 0; start < sealed.length; start += length) {
    opener.push(sealed.subarray(start, start + length), () => (opened += 1));
  }
  if (opened !== frames) throw new Error(`opened ${opened} of ${frames} frames`);
}

const cipherName = 'chacha20-poly1305';
const options = { authTagLength: tagLength };

function blocksOf(frame: Uint8Array): readonly Uint8Array[] {
  const blocks = [frame.subarray(0, headerSize)];
  for (let start = headerSize; start < frame.length; start += maxBlockPlaintextLength)
    blocks.push(frame.subarray(start, Math.min(start + maxBlockPlaintextLength, frame.length)));
  return blocks;
}

function* nonces(): Generator<Uint8Array> {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  for (let count = 0; ; count += 1) {
    view.setUint32(4, count, true);
    yield nonce;
  }
}

function openSslSeal(blocks: readonly Uint8Array[], frames: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const nonce = nonces();
  for (let count = 0; count < frames; count += 1) {
    for (const block of blocks) {
      const cipher = createCipheriv(cipherName, key, nonce.next().value as Uint8Array, options);
      parts.push(cipher.update(block));
      cipher.final();
      parts.push(cipher.getAuthTag());
    }
  }
  return Buffer.concat(parts);
}

function openSslOpen(sealed: Uint8Array, blocks: readonly Uint8Array[], frames: number): void {
  const nonce = nonces();
  let offset = 0;
  for (let count = 0; count < frames; count += 1) {
    for (const { length } of blocks) {
      const decipher = createDecipheriv(cipherName, key, nonce.next().value as Uint8Array, options);
      decipher.setAuthTag(sealed.subarray(offset + length, offset + length + tagLength));
      decipher.update(sealed.subarray(offset, offset + length));
      decipher.final();
      offset += length + tagLength;
    }
  }
}
