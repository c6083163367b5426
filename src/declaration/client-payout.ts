/** The tokens of a declaring client, and whom the pool has blocks pay: by a token's outputs, or by a distribution. */
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { parseOutputs, type TxOut } from '../bitcoin/outputs.js';
import { coinbaseOutputConstraints } from '../bitcoin/script.js';
import { Sv2Error } from '../codec/errors.js';
import { AllocateMiningJobToken, type AllocateMiningJobTokenSuccess } from '../messages/job-declaration.js';
import { CoinbaseOutputConstraints } from '../messages/template-distribution.js';
import { payoutOf, type PoolPayout } from './client-job.js';
import type { ClientOutput } from './client-output.js';
import type { ClientRequests } from './client-requests.js';
import type { DeclaringClientOptions } from './declaring-client-types.js';
import { distributedOutputs } from './payout-distribution.js';
import { distributionOf, type SetPayoutDistribution } from './payout-messages.js';

/** Tokens in stock, so that no template has to wait for one. */
const TOKENS_IN_STOCK = 2;

/** See {@link clientPayout}. */
export interface ClientPayout {
  /** The declarator is there: it is asked for tokens, and templates leave room for what is known already. */
  begin(now: number): void;
  /** Says again what room templates must leave. */
  makeRoomAgain(): void;
  /** Asks for as many tokens as are missing. */
  stock(now: number): void;
  /** A token to be used, in whose place another is asked for; undefined if there is none. */
  take(now: number): Uint8Array | undefined;
  /** Those in stock are worth nothing. */
  discard(): void;
  /** @returns whether it is a token that was asked for */
  allocated(message: AllocateMiningJobTokenSuccess): boolean;
  /** Draft extension 0x0003: blocks are paid by it from now on, if it makes sense. */
  distribute(message: SetPayoutDistribution): void;
  /** Null until it is known; another object when it is another. */
  readonly present: PoolPayout | null;
}

/** Keeps {@link TOKENS_IN_STOCK} tokens, and what they say. */
export const clientPayout = (
  { userIdentifier, payoutDistributions = false }: DeclaringClientOptions,
  requests: ClientRequests,
  out: ClientOutput,
): ClientPayout => {
  let isBegun = false;
  let tokens: Uint8Array[] = [];
  let payout: PoolPayout | null = null;
  /** Those that the last token came with. */
  let tokensOutputs: Uint8Array | null = null;
  let room: CoinbaseOutputConstraints | null = null;

  /** Has templates leave room for outputs. */
  const makeRoom = (outputs: readonly TxOut[]): void => {
    const { coinbaseOutputMaxAdditionalSize: size, coinbaseOutputMaxAdditionalSigops: sigops } =
      coinbaseOutputConstraints(outputs);
    if (size === room?.coinbaseOutputMaxAdditionalSize && sigops === room.coinbaseOutputMaxAdditionalSigops)
      return;
    room = CoinbaseOutputConstraints({
      coinbaseOutputMaxAdditionalSize: size,
      coinbaseOutputMaxAdditionalSigops: sigops,
    });
    // a distribution may come before the template provider is there
    if (isBegun) out.toTemplates(room);
  };

  const makeRoomAgain = (): void => {
    if (room !== null) out.toTemplates(room);
  };

  const stock = (now: number): void => {
    for (let count = tokens.length + requests.count('token'); count < TOKENS_IN_STOCK; count++) {
      const requestId = requests.nextId();
      requests.ask('token', requestId, 'AllocateMiningJobToken', now);
      out.toDeclarator(AllocateMiningJobToken({ userIdentifier, requestId }));
    }
  };

  return {
    begin(now) {
      isBegun = true;
      makeRoomAgain();
      stock(now);
    },
    makeRoomAgain,
    stock,
    take(now) {
      const [token, ...others] = tokens;
      if (token === undefined) return undefined;
      tokens = others;
      stock(now);
      return token;
    },
    discard: () => void (tokens = []),
    allocated({ requestId, miningJobToken, coinbaseTxOutputs }) {
      if (requests.answered('token', requestId) === undefined) return false;
      let outputs: TxOut[];
      try {
        outputs = parseOutputs(coinbaseTxOutputs.slice());
      } catch (error) {
        if (!(error instanceof Sv2Error)) throw error;
        out.fail('invalid-pool-outputs', `the outputs of a token are none: ${error.message}`);
        return false;
      }
      tokens.push(miningJobToken.slice());
      const [first, ...others] = outputs;
      if (first === undefined) {
        // whom blocks pay is told by SetPayoutDistribution
        if (payoutDistributions) return true;
        out.fail(
          'invalid-pool-outputs',
          'a token came without outputs, expected one for the payout of the pool at least',
        );
        return false;
      }
      if (tokensOutputs === null || !sameBytes(coinbaseTxOutputs, tokensOutputs)) {
        tokensOutputs = coinbaseTxOutputs.slice();
        // those that came with others may be good for those alone
        tokens = tokens.slice(-1);
        payout = payoutOf([first, ...others]);
        makeRoom([first, ...others]);
      }
      return true;
    },
    distribute(message) {
      const { distributionId } = message;
      const before = payout?.distributionId;
      if (distributionId <= (before ?? -1n)) {
        out.fail('invalid-payout-distribution', `distribution ${distributionId} came after ${before}`);
        return;
      }
      try {
        const distribution = distributionOf(message);
        const { poolPayout, payouts, additionalOutputs } = distribution;
        payout = { outputsOf: (value) => distributedOutputs(distribution, value), distributionId };
        makeRoom([poolPayout, ...payouts, ...additionalOutputs]);
      } catch (error) {
        if (!(error instanceof Sv2Error)) throw error;
        out.fail('invalid-payout-distribution', `a distribution makes no sense: ${error.message}`);
      }
    },
    get present() {
      return payout;
    },
  };
};
