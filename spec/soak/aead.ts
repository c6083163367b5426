/**
 * Our ChaCha20-Poly1305 beside @noble/ciphers and OpenSSL, for hours if one likes. Arguments: how many messages,
 * 10,000,000 unless given; the seed, the time unless given. Exits with 1 if any of them differ.
 */
import { chacha20Poly1305Key } from '../../src/crypto/chacha20-poly1305.js';
import { differences } from '../crypto/differential.js';

const rounds = Number(process.argv[2] ?? 10_000_000);
const seed = Number(process.argv[3] ?? Date.now() >>> 0);
const parts = 20;

const started = performance.now();
const found: string[] = [];
for (let part = 0; part < parts && found.length === 0; part++) {
  found.push(...differences(chacha20Poly1305Key, Math.ceil(rounds / parts), seed + part));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(
    `${Math.ceil((rounds / parts) * (part + 1))} messages, seed ${seed}, ${seconds} s: ${found.length} differences\n`,
  );
}
for (const difference of found) process.stdout.write(`FAILED: ${difference}\n`);
process.exitCode = found.length === 0 ? 0 : 1;
