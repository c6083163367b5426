/** Double SHA-256 of block headers per second on one core, beside noble's: `npx tsx spec/bitcoin/nonce-search.bench.ts`. */
import { sha256 } from '@noble/hashes/sha2.js';
import { createHeaderHasher, doubleSha256 } from '../../src/bitcoin/index.js';

const header = Uint8Array.from({ length: 80 }, (_, index) => index);
const unreachable = new Uint8Array(32);

/** Millions a second: the median of five runs, after one to warm up. */
const rate = (count: number, run: (count: number) => void): number => {
  run(count);
  const rates = Array.from({ length: 5 }, () => {
    const start = performance.now();
    run(count);
    return count / (performance.now() - start) / 1000;
  });
  return rates.sort((a, b) => a - b)[2] ?? 0;
};

const hasher = createHeaderHasher(header);
const search = rate(1_000_000, (count) => hasher.search(0, count, unreachable));
const each = (hash: (bytes: Uint8Array) => Uint8Array): number =>
  rate(200_000, (count) => {
    for (let nonce = 0; nonce < count; nonce++) hash(header);
  });
const ours = each(doubleSha256);
const noble = each((bytes) => sha256(sha256(bytes)));
const beside = (figure: number): string =>
  `${figure.toFixed(2)} MH/s (${(figure / noble).toFixed(1)} times noble)`;
console.log(`nonce search ${beside(search)}, doubleSha256 ${beside(ours)}, noble ${noble.toFixed(2)} MH/s`);
