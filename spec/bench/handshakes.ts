import { createECDH } from 'node:crypto';
import {
  createInitiator,
  createStaticKey,
  generateAuthorityKeyPair,
  nobleCrypto,
  respond,
  wasmCrypto,
  type StaticKey,
} from 'rx-sv2';
import { providers as ciphers } from './frames.js';
import { takeTurns } from './measure.js';
import { amount, percent, type Section } from './table.js';

/** The providers that differ in their handshakes, `defaultCrypto` being `nobleCrypto` there. */
const providers = {
  nobleCrypto: ciphers.nobleCrypto,
  nodeCrypto: ciphers.nodeCrypto,
  wasmCrypto: await wasmCrypto(),
};
type ProviderName = keyof typeof providers;

const rounds = 9;
const handshakes = 30;

/** Handshakes of a server, beside the elliptic curve part of one in OpenSSL. */
export async function handshakeSections(): Promise<readonly Section[]> {
  const now = Date.now() / 1000;
  const { secretKey: authoritySecretKey } = generateAuthorityKeyPair(nobleCrypto);
  const staticKeys = Object.fromEntries(
    Object.entries(providers).map(([name, provider]) => [
      name,
      createStaticKey(provider, { authoritySecretKey, certValiditySeconds: 3600 }),
    ]),
  ) as Record<ProviderName, StaticKey>;
  const act1 = Array.from({ length: handshakes }, () => createInitiator(nobleCrypto, undefined).act1);

  const names = Object.keys(providers) as ProviderName[];
  const ours = Object.fromEntries(
    names.map((name) => [
      name,
      () =>
        perSecond(() => {
          for (const message of act1) respond(providers[name], staticKeys[name].identity(now), message);
        }),
    ]),
  ) as Record<ProviderName, () => number>;
  const rates = await takeTurns(rounds, { openSsl: () => perSecond(openSslHandshakes), ...ours });

  const limits: Record<ProviderName, string> = {
    nobleCrypto: 'three multiplications and ElligatorSwift with BigInt',
    nodeCrypto: 'three multiplications of OpenSSL',
    wasmCrypto: 'three multiplications of libsecp256k1, then ElligatorSwift',
  };
  return [
    {
      title: 'Handshakes, server side',
      baseline: 'OpenSSL: key and two ECDH, no ElligatorSwift',
      rows: names.map((name) => ({
        what: `with ${name}`,
        figure: amount(rates[name], '/s'),
        baseline: amount(rates.openSsl, '/s'),
        ratio: `${percent(rates[name], rates.openSsl)} of speed`,
        limit: limits[name],
      })),
    },
  ];
}

function perSecond(run: () => void): number {
  const start = performance.now();
  run();
  return (handshakes * 1000) / (performance.now() - start);
}

const theirs = createECDH('secp256k1').generateKeys();
const identity = createECDH('secp256k1');
identity.generateKeys();

function openSslHandshakes(): void {
  for (let count = 0; count < handshakes; count += 1) {
    const ephemeral = createECDH('secp256k1');
    ephemeral.generateKeys();
    ephemeral.computeSecret(theirs);
    identity.computeSecret(theirs);
  }
}
