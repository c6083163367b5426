/**
 * Tokens that say themselves what they are worth, under a key that a declarator and its pool share: the pool judges custom
 * jobs by them alone, wherever the declarator is.
 */
import { concatBytes, sameBytes } from '../bitcoin/consensus-bytes.js';
import { U256 } from '../codec/bytes.js';
import { Sv2Error } from '../codec/errors.js';
import { Reader } from '../codec/reader.js';
import { BOOL, U32, U64, U8 } from '../codec/scalars.js';
import { structCodec, type Fields, type FieldValues, type StructCodec } from '../codec/struct.js';
import { Writer } from '../codec/writer.js';
import { defaultCrypto, type CryptoProvider } from '../crypto/index.js';
import { hashed, type CustomJobTerms } from './custom-job-terms.js';
import type { JobTerms } from './declared-job.js';
import { accountOf } from './token-user.js';

/** Bytes of a key: those of the HMAC's output. */
export const TOKEN_KEY_SIZE = 32;

/** Options of {@link tokenSeal}. */
export interface TokenSealOptions {
  /** 32 secret bytes, the same for declarator and pool. */
  readonly key: Uint8Array;
  /** Of tokens that were sealed before the key was changed; none unless given. */
  readonly previousKey?: Uint8Array;
  /** What of a user identity a token belongs to; all up to the first dot unless given. Tokens of the empty text are everybody's. */
  readonly accountOf?: (userIdentity: string) => string;
  readonly crypto?: Pick<CryptoProvider, 'hmacSha256' | 'sha256' | 'randomBytes'>;
}

/** What every sealed token says. */
interface Sealed {
  /** Milliseconds since 1970, in whole seconds. */
  readonly expiresAt: number;
  /** The part of a block's value that the pool must get, 0 to 1; null for a job that is paid by a distribution (draft 0x0003). */
  readonly minPoolShare: number | null;
}

/** What a token says that was given out and nothing was declared with. */
export interface SealedAllocation extends Sealed {
  /** Whether it is good for a custom job whose transactions were not declared. */
  readonly coinbaseOnly: boolean;
  /** Of the next block when it was given out, as the declarator knew; 0 if it knew none. */
  readonly height: number;
  /** The smallest ntime of that block, seconds since 1970. */
  readonly minTime: number;
  /** Of that block, in satoshis. */
  readonly subsidy: bigint;
}

/** What the token of a declared job says. */
export interface SealedDeclaration extends Sealed {
  readonly terms: CustomJobTerms;
}

/** A token that was sealed with a key of ours. */
export type OpenedToken = {
  /** Unlike that of any other token. */
  readonly nonce: bigint;
  /** Whether it may be used on a user's channel. */
  isOf(userIdentity: string): boolean;
} & (
  ({ readonly type: 'allocated' } & SealedAllocation) | ({ readonly type: 'declared' } & SealedDeclaration)
);

/** Makes tokens, and reads them. See {@link tokenSeal}. */
export interface TokenSeal {
  /** @returns 98 bytes */
  allocated(userIdentifier: string, allocation: SealedAllocation): Uint8Array;
  /** @returns 234 bytes */
  declared(userIdentifier: string, declaration: Sealed & { readonly terms: JobTerms }): Uint8Array;
  /**
   * Reads a token; whether its time has come is not looked at.
   * @param token any bytes at all
   * @returns undefined if it was not sealed with one of the keys, or was changed since
   */
  open(token: Uint8Array): OpenedToken | undefined;
}

/** What every token begins with. */
const common = {
  /** Which of the two forms, as there may be others. */
  kind: U8,
  /** Seconds since 1970. */
  expiresAt: U32,
  /** SHA-256 of the account; zeros for the empty one. */
  account: U256,
  nonce: U64,
  /** Millionths of a block's value, or {@link BY_DISTRIBUTION}. */
  minPoolShare: U32,
};

const allocatedFields = { ...common, coinbaseOnly: BOOL, height: U32, minTime: U32, subsidy: U64 };

const declaredFields = {
  ...common,
  version: U32,
  coinbaseTxVersion: U32,
  coinbaseTxInputNSequence: U32,
  coinbaseTxLocktime: U32,
  extranonceSize: U8,
  prevHash: U256,
  nbits: U32,
  minTime: U32,
  /** SHA-256, as the two after it. */
  coinbasePrefix: U256,
  coinbaseTxOutputs: U256,
  merklePath: U256,
};

const allocatedForm = structCodec('an allocated token', allocatedFields);
const declaredForm = structCodec("a declared job's token", declaredFields);

const KINDS = { allocated: 1, declared: 2 } as const;
const MAC_SIZE = 32;

/** Parts of a block's value that shares are written in. */
const MILLION = 1_000_000;

/** In place of a share. */
const BY_DISTRIBUTION = 0xffff_ffff;

/** Nobody's account. */
const NOBODY = new Uint8Array(32);

/**
 * Seals tokens: each is what it says in one of the two forms above, and the HMAC-SHA-256 of that (32 bytes). A token may
 * have 255 bytes (spec §6.4.3, B0_255).
 * @throws Sv2Error `out-of-range` for keys of another size
 */
export const tokenSeal = (options: TokenSealOptions): TokenSeal => {
  const { key, previousKey, crypto = defaultCrypto, accountOf: accountIn = accountOf } = options;
  const { hmacSha256, sha256, randomBytes } = crypto;
  for (const [option, bytes] of Object.entries({ key, previousKey })) {
    if (bytes === undefined || bytes.length === TOKEN_KEY_SIZE) continue;
    throw new Sv2Error('out-of-range', `${option} must have ${TOKEN_KEY_SIZE} bytes, got ${bytes.length}`, {
      option,
    });
  }
  const keys = previousKey === undefined ? [key] : [key, previousKey];

  const digestOf = (userIdentity: string): Uint8Array => {
    const account = accountIn(userIdentity);
    return account === '' ? NOBODY : sha256(new TextEncoder().encode(account));
  };

  const headOf = (
    kind: number,
    userIdentifier: string,
    { expiresAt, minPoolShare }: Sealed,
  ): FieldValues<typeof common> => ({
    kind,
    expiresAt: Math.floor(expiresAt / 1_000),
    account: digestOf(userIdentifier),
    nonce: new Reader(randomBytes(8)).u64(),
    minPoolShare: minPoolShare === null ? BY_DISTRIBUTION : Math.round(minPoolShare * MILLION),
  });

  /** Puts the HMAC behind what was written. */
  const sealed = (token: Uint8Array): Uint8Array => {
    const said = token.subarray(0, -MAC_SIZE);
    token.set(hmacSha256(key, said), said.length);
    return token;
  };

  const isAuthentic = (token: Uint8Array): boolean =>
    keys.some((used) =>
      sameSecret(hmacSha256(used, token.subarray(0, -MAC_SIZE)), token.subarray(-MAC_SIZE)),
    );

  const readHead = ({ expiresAt, account, nonce, minPoolShare }: FieldValues<typeof common>) => ({
    nonce,
    expiresAt: expiresAt * 1_000,
    minPoolShare: minPoolShare === BY_DISTRIBUTION ? null : minPoolShare / MILLION,
    isOf: (userIdentity: string) => sameBytes(account, NOBODY) || sameBytes(account, digestOf(userIdentity)),
  });

  return {
    allocated(userIdentifier, allocation) {
      const token = new Uint8Array(allocatedForm.minSize + MAC_SIZE);
      const head = headOf(KINDS.allocated, userIdentifier, allocation);
      allocatedForm.write(new Writer(token), { ...allocation, ...head });
      return sealed(token);
    },
    declared(userIdentifier, declaration) {
      const token = new Uint8Array(declaredForm.minSize + MAC_SIZE);
      const { tip, ...terms } = declaration.terms;
      declaredForm.write(new Writer(token), {
        ...terms,
        ...tip,
        ...headOf(KINDS.declared, userIdentifier, declaration),
        coinbasePrefix: sha256(terms.coinbasePrefix),
        coinbaseTxOutputs: sha256(terms.coinbaseTxOutputs),
        merklePath: sha256(concatBytes(terms.merklePath)),
      });
      return sealed(token);
    },
    open(bytes) {
      const form = bytes[0] === KINDS.allocated ? allocatedForm : declaredForm;
      if (bytes.length !== form.minSize + MAC_SIZE || !isAuthentic(bytes)) return undefined;
      const token = bytes.slice(); // what is read of it are views
      if (token[0] === KINDS.allocated) {
        const said = read(allocatedForm, token);
        const { coinbaseOnly, height, minTime, subsidy } = said;
        return { ...readHead(said), type: 'allocated', coinbaseOnly, height, minTime, subsidy };
      }
      if (token[0] !== KINDS.declared) return undefined;
      const said = read(declaredForm, token);
      const { prevHash, nbits, minTime, coinbasePrefix, coinbaseTxOutputs, merklePath, ...numbers } = said;
      const terms = {
        ...numbers,
        tip: { prevHash, nbits, minTime },
        coinbasePrefix: hashed(coinbasePrefix, crypto),
        coinbaseTxOutputs: hashed(coinbaseTxOutputs, crypto),
        merklePath: hashed(merklePath, crypto),
      };
      return { ...readHead(said), type: 'declared', terms };
    },
  };
};

const read = <F extends Fields>(form: StructCodec<F>, token: Uint8Array): FieldValues<F> => {
  const said: Record<string, unknown> = {};
  form.read(new Reader(token), said);
  return said as FieldValues<F>;
};

/** Whether two byte strings of one length are the same, in a time that does not tell where they differ. */
const sameSecret = (a: Uint8Array, b: Uint8Array): boolean =>
  a.reduce((difference, byte, index) => difference | (byte ^ (b[index] as number)), 0) === 0;
