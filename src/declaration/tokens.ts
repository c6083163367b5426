/** Tokens for mining jobs: who has which, until when, and what for. */
import { bytesToHex } from '../codec/hex.js';
import type { TxOut } from '../bitcoin/outputs.js';
import type { JobTerms } from './declared-job.js';

/** What a token is worth. */
export type TokenState =
  /** Given out: for one declaration, or for one custom job in coinbase-only mode. */
  | { readonly type: 'allocated' }
  /** Its declaration is being looked at. */
  | { readonly type: 'declaring' }
  /** For the one custom job that was declared. */
  | { readonly type: 'declared'; readonly terms: JobTerms };

/** A token, and whose it is. */
export interface MiningJobToken {
  /** As the client sends it: 255 at most, unlike those of any other. */
  readonly bytes: Uint8Array;
  /** `AllocateMiningJobToken.userIdentifier`: it is theirs on whatever connection. */
  readonly userIdentifier: string;
  /** Who counts for the limit: an address, which stays the same when the client comes again. */
  readonly holder: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** What coinbases must have that come with it; unless given what those of all must have. */
  readonly outputs?: readonly [TxOut, ...TxOut[]];
  state: TokenState;
}

/** Limits of {@link tokens}. */
export interface TokenLimits {
  /** Milliseconds that a token can be used for; an hour unless given. */
  readonly tokenLifetime?: number;
  /** Most tokens of one address at a time; 256 unless given. Its oldest makes room for another. */
  readonly maxTokensPerAddress?: number;
  /** Most tokens in all; 20,000 unless given. The oldest of who has most makes room for another. */
  readonly maxTokens?: number;
}

/** The limits that are not given. */
export const defaultTokenLimits = {
  tokenLifetime: 3_600_000,
  maxTokensPerAddress: 256,
  maxTokens: 20_000,
} as const;

/** Tokens that can be used. Times are milliseconds since 1970. */
export interface Tokens {
  /**
   * Takes one in, which expires after all that are here.
   * @param onDropped is told of another that had to make room
   */
  give(token: MiningJobToken, onDropped?: (dropped: MiningJobToken) => void): void;
  /** One that can be used; undefined for what never was one, or is no more. @param token any bytes */
  find(token: Uint8Array, now: number): MiningJobToken | undefined;
  /** Uses one up. */
  take(token: MiningJobToken): void;
  /** Forgets those whose time has come, and returns them. */
  expire(now: number): readonly MiningJobToken[];
  readonly size: number;
}

/** Tokens in bounded memory. They are bound to a user and can be used once, on any connection. */
export const tokens = (limits: TokenLimits = {}): Tokens => {
  const { maxTokensPerAddress, maxTokens } = { ...defaultTokenLimits, ...limits };
  // both in the order in which they were given out, which is that in which they expire
  const byToken = new Map<string, MiningJobToken>();
  const byHolder = new Map<string, Set<MiningJobToken>>();

  const remove = (token: MiningJobToken): void => {
    if (!byToken.delete(bytesToHex(token.bytes))) return;
    const own = byHolder.get(token.holder);
    own?.delete(token);
    if (own?.size === 0) byHolder.delete(token.holder);
  };

  /** Whose oldest makes room: theirs who are at their limit, or who has most. */
  const crowded = (holder: string): Set<MiningJobToken> | undefined => {
    const own = byHolder.get(holder);
    if (own !== undefined && own.size >= maxTokensPerAddress) return own;
    if (byToken.size < maxTokens) return undefined;
    // of those who have as many the last that came, so that none can be driven out by any number of others
    let most: Set<MiningJobToken> | undefined;
    for (const others of byHolder.values()) if (others.size >= (most?.size ?? 0)) most = others;
    return most;
  };

  return {
    give(token, onDropped) {
      const { bytes, holder } = token;
      const [oldest] = crowded(holder) ?? [];
      if (oldest !== undefined) {
        remove(oldest);
        onDropped?.(oldest);
      }
      byToken.set(bytesToHex(bytes), token);
      const own = byHolder.get(holder);
      if (own === undefined) byHolder.set(holder, new Set([token]));
      else own.add(token);
    },
    find(token, now) {
      const found = byToken.get(bytesToHex(token));
      return found === undefined || found.expiresAt <= now ? undefined : found;
    },
    take: remove,
    expire(now) {
      const expired: MiningJobToken[] = [];
      for (const token of byToken.values()) {
        if (token.expiresAt > now) break;
        expired.push(token);
      }
      expired.forEach(remove);
      return expired;
    },
    get size() {
      return byToken.size;
    },
  };
};
