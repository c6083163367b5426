/** Gives tokens out: into the book of this declarator, or sealed for a pool elsewhere. */
import type { TxOut } from '../bitcoin/outputs.js';
import type { DeclaringConnection } from './declarations-under-way.js';
import type { DeclarationTip, JobTerms } from './declared-job.js';
import type { JobDeclaratorOptions, TokenDropped } from './job-declarator-types.js';
import { defaultTokenLimits, tokens as tokenBook, type Tokens, type TokenState } from './tokens.js';

/** A token as its client gets it, and what that led to. */
export interface GivenToken {
  readonly bytes: Uint8Array;
  /** Others that had to make room. */
  readonly dropped: readonly TokenDropped[];
}

/** See {@link givenTokens}. Times are milliseconds since 1970. */
export interface GivenTokens {
  /** Those that are known here. */
  readonly tokens: Tokens;
  /** @param outputs what its coinbases must have, unless they are those of all */
  allocated(
    client: DeclaringConnection,
    userIdentifier: string,
    outputs: readonly [TxOut, ...TxOut[]] | undefined,
    now: number,
  ): GivenToken;
  declared(client: DeclaringConnection, userIdentifier: string, terms: JobTerms, now: number): GivenToken;
}

/** What a declarator is told of its tokens. */
type GivenTokensOptions = Pick<
  JobDeclaratorOptions,
  | 'randomBytes'
  | 'seal'
  | 'coinbaseOnly'
  | 'minPoolShare'
  | 'tokenLifetime'
  | 'maxTokens'
  | 'maxTokensPerAddress'
>;

/** Bytes of a token that is not sealed: nobody guesses one. */
const TOKEN_SIZE = 16;

/**
 * Gives tokens out. Sealed ones are kept here only if a declaration may come with them: what a pool elsewhere judges takes no
 * memory here.
 * @param tipNow the tip; null if none is known
 */
export const givenTokens = (
  options: GivenTokensOptions,
  tipNow: () => DeclarationTip | null,
): GivenTokens => {
  const { randomBytes, seal, coinbaseOnly = true, minPoolShare = 1 } = options;
  const { tokenLifetime = defaultTokenLimits.tokenLifetime } = options;
  const tokens = tokenBook(options);

  /** Keeps a token. */
  const kept = (
    { clientId, holder }: DeclaringConnection,
    userIdentifier: string,
    bytes: Uint8Array,
    expiresAt: number,
    state: TokenState,
    outputs?: readonly [TxOut, ...TxOut[]],
  ): GivenToken => {
    const dropped: TokenDropped[] = [];
    const own = outputs === undefined ? {} : { outputs };
    tokens.give({ bytes, userIdentifier, holder, expiresAt, state, ...own }, ({ userIdentifier: user }) =>
      dropped.push({ type: 'TokenDropped', clientId, userIdentifier: user }),
    );
    return { bytes, dropped };
  };

  return {
    tokens,
    allocated(client, userIdentifier, outputs, now) {
      const { usesDistributions, revealsTransactions } = client;
      const expiresAt = now + tokenLifetime;
      const state = { type: 'allocated' } as const;
      if (seal === undefined)
        return kept(client, userIdentifier, randomBytes(TOKEN_SIZE), expiresAt, state, outputs);
      const { height = 0, minTime = 0, subsidy = 0n } = tipNow() ?? {};
      const bytes = seal.allocated(userIdentifier, {
        ...{ expiresAt, height, minTime, subsidy },
        minPoolShare: usesDistributions ? null : minPoolShare,
        // a pool elsewhere does not know what a distribution pays
        coinbaseOnly: coinbaseOnly && !usesDistributions,
      });
      return revealsTransactions
        ? kept(client, userIdentifier, bytes, expiresAt, state)
        : { bytes, dropped: [] };
    },
    declared(client, userIdentifier, terms, now) {
      const expiresAt = now + tokenLifetime;
      if (seal === undefined)
        return kept(client, userIdentifier, randomBytes(TOKEN_SIZE), expiresAt, { type: 'declared', terms });
      const share = client.usesDistributions ? null : minPoolShare;
      return {
        bytes: seal.declared(userIdentifier, { expiresAt, minPoolShare: share, terms }),
        dropped: [],
      };
    },
  };
};
