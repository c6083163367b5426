import { defer, map, of, type Observable } from 'rxjs';
import { defaultCrypto } from '../crypto/noble.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeAuthorityPublicKey, decodeAuthoritySecretKey } from '../noise/authority-key.js';
import {
  act1Length,
  act2Length,
  createInitiator,
  respondWithKeys,
  transportCiphers,
  type ResponderKeys,
} from '../noise/handshake.js';
import { createStaticKey, type StaticKeyOptions } from '../noise/static-key.js';
import { TransportError } from './errors.js';
import { noiseChannel } from './noise-channel.js';
import type { Handshake } from './open-connection.js';

/** How a client wants its connection secured. */
export interface ClientSecurity {
  /**
   * The authority that must vouch for the server: 32 bytes x-only, or base58check (spec §4.7). Without one
   * any server is accepted, which is no protection against one in the middle.
   */
  readonly authorityPublicKey?: Uint8Array | string;
  /** `false` for plaintext, which the specification allows on a local network only (§4); `true` unless given. */
  readonly encrypted?: boolean;
  /** What encrypts; `defaultCrypto` unless given, and `nodeCrypto` for `connect` of `rx-sv2/node`. */
  readonly crypto?: CryptoProvider;
}

/** How a server secures its connections. */
export interface ServerSecurity {
  /**
   * The authority that vouches for this server, each key 32 bytes or base58check (spec §4.7). Without one the
   * connections are plaintext, which the specification allows on a local network only (§4).
   */
  readonly authority?: {
    readonly publicKey: Uint8Array | string;
    readonly secretKey: Uint8Array | string;
  };
  /** Seconds a certificate is valid; 3,600 unless given. It is renewed when half of that is over. */
  readonly certificateValidity?: number;
  /** What encrypts; `defaultCrypto` unless given, and `nodeCrypto` for `listen` of `rx-sv2/node`. */
  readonly crypto?: CryptoProvider;
  /**
   * What answers handshakes, such as `handshakeWorkers()` of `rx-sv2/node`; unless given, `crypto` does, on the thread
   * that serves everyone.
   */
  readonly responder?: CreateResponder;
}

/** Answers the handshakes of a listener. */
export interface Responder {
  /** How many it can be given at a time, the others wait for their turn; 1 unless given. */
  readonly atOnce?: number;
  /**
   * Answers an initiator on subscription: emits once, and completes. Unsubscribing before that gives it up.
   * @param act1 the initiator's 64 bytes
   * @param now unix time in seconds
   */
  respond(act1: Uint8Array, now: number): Observable<ResponderKeys>;
  /** Clears the keys. */
  clear(): void;
}

/** Makes a responder whenever listening begins. */
export type CreateResponder = (options: StaticKeyOptions) => Responder;

/** The default of `certificateValidity`, in seconds. */
export const defaultCertificateValidity = 3600;

/** Begins a handshake; called once for every connection. */
export type StartHandshake = () => Handshake;

/** What a listener's handshakes share while it listens. */
export interface ServerHandshakes {
  readonly start: StartHandshake;
  /** How many can be finished at a time: 1, or more if that is done on other threads. */
  readonly atOnce: number;
  /** Clears the keys. */
  clear(): void;
}

/**
 * The initiator's handshakes (spec §4.5), or undefined for plaintext.
 * @param now milliseconds since 1970, to check certificates by
 * @throws NoiseError `authority-key`, TransportError `invalid-option` for a key without encryption
 */
export function clientHandshake(
  { authorityPublicKey, encrypted = true, crypto = defaultCrypto }: ClientSecurity,
  now: () => number,
): StartHandshake | undefined {
  const expected =
    typeof authorityPublicKey === 'string'
      ? decodeAuthorityPublicKey(authorityPublicKey)
      : authorityPublicKey;
  if (expected !== undefined) requireKeyLength('authorityPublicKey', expected);
  if (!encrypted) return undefined;
  return () => {
    const initiator = createInitiator(crypto, expected);
    return {
      opening: initiator.act1,
      expected: act2Length,
      mayFollow: true,
      finish: (act2, maxPayload) =>
        defer(() => {
          const { send, receive } = initiator.finish(act2, now() / 1000);
          return of({
            channel: noiseChannel(send, receive, maxPayload),
            ...(expected === undefined ? {} : { authorityPublicKey: expected }),
          });
        }),
      clear: () => initiator.destroy(),
    };
  };
}

/**
 * Prepares the responder's handshakes (spec §4.5), which share a static key and certificate; undefined for
 * plaintext.
 * @param now milliseconds since 1970, to issue certificates by
 * @returns a function to call whenever listening begins
 * @throws NoiseError `authority-key`, `certificate-validity`; TransportError `invalid-option` if the keys are not a pair
 */
export function serverHandshakes(
  {
    authority,
    certificateValidity: certValiditySeconds = defaultCertificateValidity,
    crypto = defaultCrypto,
    responder: createResponder = responderHere(crypto),
  }: ServerSecurity,
  now: () => number,
): (() => ServerHandshakes) | undefined {
  if (authority === undefined) return undefined;
  const publicKey =
    typeof authority.publicKey === 'string'
      ? decodeAuthorityPublicKey(authority.publicKey)
      : authority.publicKey;
  const authoritySecretKey =
    typeof authority.secretKey === 'string'
      ? decodeAuthoritySecretKey(authority.secretKey)
      : authority.secretKey;
  requireKeyLength('authority.publicKey', publicKey);
  requireKeyLength('authority.secretKey', authoritySecretKey);
  const actual = crypto.xOnlyPublicKey(authoritySecretKey);
  if (actual.some((byte, index) => byte !== publicKey[index])) {
    throw new TransportError('invalid-option', 'authority.publicKey does not belong to authority.secretKey', {
      option: 'authority',
    });
  }
  const options = { authoritySecretKey, certValiditySeconds };
  createStaticKey(crypto, options).destroy(); // complains about options now, not when listening begins
  return () => {
    const responder = createResponder(options);
    return {
      atOnce: responder.atOnce ?? 1,
      start: () => ({
        expected: act1Length,
        mayFollow: false,
        finish: (act1, maxPayload) =>
          defer(() => responder.respond(act1, now() / 1000)).pipe(
            map(({ act2, ...keys }) => {
              const { send, receive } = transportCiphers(crypto, keys);
              return { reply: act2, channel: noiseChannel(send, receive, maxPayload) };
            }),
          ),
        clear: () => undefined,
      }),
      clear: () => responder.clear(),
    };
  };
}

/** Answers on this thread, at once. */
export const responderHere =
  (crypto: CryptoProvider): CreateResponder =>
  (options) => {
    const staticKey = createStaticKey(crypto, options);
    return {
      respond: (act1, now) => defer(() => of(respondWithKeys(crypto, staticKey.identity(now), act1))),
      clear: () => staticKey.destroy(),
    };
  };

function requireKeyLength(option: string, key: Uint8Array): void {
  if (key instanceof Uint8Array && key.length === 32) return;
  throw new TransportError('invalid-option', `${option} must be 32 bytes or base58check`, { option });
}
