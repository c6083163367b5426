import type { CryptoProvider, KeyPair } from '../crypto/provider.js';
import { signCertificate, type SignatureNoiseMessage } from './certificate.js';
import { NoiseError } from './errors.js';

/** What a responder shows to initiators: a static key, and the certificate an authority issued for it. */
export interface ResponderIdentity {
  readonly keyPair: KeyPair;
  readonly certificate: SignatureNoiseMessage;
}

/** The identities of a responder, one after the other. */
export interface StaticKey {
  /**
   * The identity to show now, made anew when half of its validity is over: initiators whose clock is ahead still
   * accept it then. Made anew too when the clock was set back to before it was issued. Its key pair is
   * destroyed when another takes its place, so use it at once and ask again for the next handshake.
   * @param now unix time in seconds, fractions are cut off
   * @throws Sv2Error `key-destroyed`, NoiseError `certificate-validity`
   */
  identity(now: number): ResponderIdentity;
  /** Clears all secret keys; asking for another identity throws. */
  destroy(): void;
}

/**
 * Seconds by which certificates are dated back: initiators whose clock is behind ours by no more than that accept one that
 * was issued just now. Five minutes is what Kerberos (RFC 4120 §7.5.1) lets clocks differ, more than a clock that is
 * ever set drifts; and as the key pair is new, nobody can have used it before.
 */
const certificateBackdating = 300;

/** What a responder's identities are made from. */
export interface StaticKeyOptions {
  /** 32-byte secret key of the authority; copied. */
  readonly authoritySecretKey: Uint8Array;
  /** How long a certificate is valid from when it is issued, in whole seconds, at least 1. */
  readonly certValiditySeconds: number;
}

/**
 * A responder's static key and certificate, for use over many connections (spec §4.5.2, §4.5.3).
 * @throws NoiseError `certificate-validity` if the validity is not a whole number of seconds from 1 to 2^32 - 1,
 * Sv2Error `crypto-input` if the secret key is none
 */
export function createStaticKey(
  crypto: CryptoProvider,
  { authoritySecretKey, certValiditySeconds }: StaticKeyOptions,
): StaticKey {
  if (
    !Number.isInteger(certValiditySeconds) ||
    certValiditySeconds < 1 ||
    certValiditySeconds > 0xffff_ffff
  ) {
    throw new NoiseError(
      'certificate-validity',
      `a certificate's validity must be a whole number of seconds from 1 to 4294967295, got ${certValiditySeconds}`,
      { certValiditySeconds },
    );
  }
  crypto.xOnlyPublicKey(authoritySecretKey); // refuses what is no secret key now, not at the first connection
  const authority = authoritySecretKey.slice();
  let current: ResponderIdentity | undefined;
  let issuedAt = 0;
  let destroyed = false;

  function issue(second: number): ResponderIdentity {
    const validFrom = Math.max(0, second - certificateBackdating);
    // a second that is no U32 is left for signCertificate to refuse
    const notValidAfter = Math.max(second, Math.min(second + certValiditySeconds, 0xffff_ffff));
    const keyPair = crypto.generateKeyPair();
    const certificate = signCertificate(crypto, {
      authoritySecretKey: authority,
      serverPublicKey: keyPair.publicKey.x,
      validFrom,
      notValidAfter,
    });
    return { keyPair, certificate };
  }

  return {
    identity(now) {
      if (destroyed) throw new NoiseError('key-destroyed', "the responder's static key was destroyed");
      const second = Math.floor(now);
      const age = second - issuedAt;
      if (current === undefined || age < 0 || age * 2 >= certValiditySeconds) {
        const next = issue(second);
        current?.keyPair.destroy();
        current = next;
        issuedAt = second;
      }
      return current;
    },
    destroy() {
      destroyed = true;
      authority.fill(0);
      current?.keyPair.destroy();
      current = undefined;
    },
  };
}
