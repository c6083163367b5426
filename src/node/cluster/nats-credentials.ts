/** Who we are to NATS by a key of ours: what is in a file of credentials. */
import { Sv2Error } from '../../codec/errors.js';

/** See {@link natsCredentials}. */
export interface NatsCredentials {
  /** What an account says of us; none where the server itself knows our key (an NKey user of its configuration). */
  readonly jwt?: string;
  /** The seed of our key, in its text. */
  readonly seed: Uint8Array;
}

/** A JSON Web Token: its header begins with a brace and a quotation mark, in base64. */
const jwtForm = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/;

/** The seed of a user's key: two bytes of what it is, 32 of the seed and two of a checksum, in base32. */
const seedForm = /\bSU[A-Z2-7]{56}\b/;

/**
 * Reads a file of credentials: a JWT and a seed as `nsc` writes them, or a seed alone.
 * @param text in UTF-8
 * @throws Sv2Error `invalid-cluster-credentials`, which says nothing of what is in it
 */
export function natsCredentials(text: Uint8Array): NatsCredentials {
  const all = new TextDecoder().decode(text);
  const [jwt] = jwtForm.exec(all) ?? [];
  const [seed] = seedForm.exec(all) ?? [];
  if (seed === undefined)
    throw new Sv2Error(
      'invalid-cluster-credentials',
      "expected a user's JWT and seed as nsc writes them, or the seed of an NKey user, SU… of 58 characters",
    );
  return { ...(jwt === undefined ? {} : { jwt }), seed: new TextEncoder().encode(seed) };
}
