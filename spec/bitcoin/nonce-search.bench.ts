/** Hashes of block headers per second on one core, beside noble's double SHA-256: `npx tsx spec/bitcoin/nonce-search.bench.ts`. */
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
const noble = rate(200_000, (count) => {
  for (let nonce = 0; nonce < count; nonce++) doubleSha256(header);
});
// eslint-disable-next-line no-console -- the output of a script
console.log(
  `nonce search ${search.toFixed(2)} MH/s, noble ${noble.toFixed(2)} MH/s: ${(search / noble).toFixed(1)} times`,
);
