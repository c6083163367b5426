/** The server's side of job declaration: tokens, declarations, solutions. */
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { serialiseOutputs } from '../bitcoin/outputs.js';
import { Sv2Error } from '../codec/errors.js';
import {
  AllocateMiningJobTokenSuccess,
  type AllocateMiningJobToken,
  type PushSolution,
} from '../messages/job-declaration.js';
import type { Message } from '../messages/registry.js';
import { jobDeclarationSetupFlags } from '../messages/setup-flags.js';
import { judgeCustomJob } from './custom-job-judgement.js';
import type { DeclaringConnection } from './declarations-under-way.js';
import { declarations as declarationBook } from './declarations.js';
import { NOTHING, output, together } from './declarator-output.js';
import type { DeclarationTip } from './declared-job.js';
import { distributions as distributionBook } from './distributions.js';
import { givenTokens } from './given-tokens.js';
import type {
  JobDeclarator,
  JobDeclaratorOptions,
  JobDeclaratorOutcome,
  JobDeclaratorOutput,
} from './job-declarator-types.js';
import { knownTransactions } from './known-transactions.js';
import { distributionIdOf, payoutDistribution } from './payout-messages.js';
import { checkPoolOutputs, type CoinbaseCheck, type PoolOutputs } from './pool-outputs.js';
import { solvedJobs as solvedJobBook } from './solved-jobs.js';
import { sealedCustomJobs } from './sealed-custom-jobs.js';
import { Refusal } from './refusal.js';
import { sameAccount } from './token-user.js';

/** Whether outputs are what a check asks for. */
const isFulfilled = (check: CoinbaseCheck, ...coinbase: Parameters<CoinbaseCheck>): boolean => {
  try {
    check(...coinbase);
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return false;
  }
};

/** Of a token whose jobs are paid by a distribution. */
const NO_OUTPUTS = serialiseOutputs([]);

/**
 * A job declarator (spec chapter 6) without its connections: it takes what clients and a node say, and says what to send
 * to whom, what a node should judge, and which blocks to submit. It does no I/O, reads no clock and throws only at its
 * caller; whatever a client sends is answered, or told of.
 *
 * Tokens belong to a user, not to a connection: one that was given before a reconnection is good after it. Each is good
 * for one declaration, and the one that comes of that for one custom job.
 *
 * Memory: of each connection the last declared jobs are kept for its solutions, and their transactions with them; when those
 * are more bytes than `maxTransactionBytes`, jobs are forgotten of whoever has most. Their clients publish their blocks
 * themselves all the same (spec §6.4.9).
 */
export const jobDeclarator = (options: JobDeclaratorOptions): JobDeclarator => {
  const { coinbaseOnly = true, proposes = false, isSameUser = sameAccount, seal } = options;
  const { maxTransactionBytes = 300_000_000, transactionsTimeout = 30_000 } = options;
  const coinbaseTxOutputs = serialiseOutputs(options.outputs);
  const given = givenTokens(options, () => tip);
  const { tokens } = given;
  const transactions = knownTransactions(maxTransactionBytes);
  const solvedJobs = solvedJobBook(transactions, maxTransactionBytes);
  const clients = new Map<number, DeclaringConnection>();
  const distributions = distributionBook();
  const sealedJobs = seal === undefined ? undefined : sealedCustomJobs({ seal, outputs: options.outputs });
  let tip: DeclarationTip | null = null;

  const checkOf =
    (required: PoolOutputs['outputs']): CoinbaseCheck =>
    (outputs, blockValue) =>
      checkPoolOutputs(outputs, { ...options, outputs: required }, blockValue);

  /**
   * What a coinbase must pay that comes with a token of a user with outputs of its own: as the token says it, or as one says it that is
   * given out now. A client pays what its last token says, and uses those that it got before: their values differ where the subsidy
   * has changed meanwhile, by a halving.
   */
  const checkOfOwn =
    (own: PoolOutputs['outputs'], userIdentifier: string): CoinbaseCheck =>
    (outputs, blockValue) => {
      try {
        checkOf(own)(outputs, blockValue);
      } catch (error) {
        const present = tip === null ? undefined : options.outputsOf?.(userIdentifier, tip.subsidy);
        if (present === undefined || !isFulfilled(checkOf(present), outputs, blockValue)) throw error;
      }
    };

  const declarations = declarationBook({
    tokens,
    given,
    transactions,
    solvedJobs,
    proposes,
    transactionsTimeout,
    checkFor({ usesDistributions }, message, { outputs: own, userIdentifier }, now) {
      if (own !== undefined) return checkOfOwn(own, userIdentifier);
      return usesDistributions
        ? distributions.check(distributionIdOf(message), now)
        : checkOf(options.outputs);
    },
  });

  const allocate = (
    client: DeclaringConnection,
    { userIdentifier, requestId }: AllocateMiningJobToken,
    now: number,
  ): JobDeclaratorOutput => {
    const { clientId, usesDistributions } = client;
    const own = options.outputsOf?.(userIdentifier, tip?.subsidy ?? 0n);
    client.hasOwnOutputs = own !== undefined;
    const { bytes: miningJobToken, dropped } = given.allocated(client, userIdentifier, own, now);
    const usual = usesDistributions ? NO_OUTPUTS : coinbaseTxOutputs;
    const answer = {
      requestId,
      miningJobToken,
      coinbaseTxOutputs: own === undefined ? usual : serialiseOutputs(own),
    };
    const outcomes: JobDeclaratorOutcome[] = [
      { type: 'TokenAllocated', clientId, userIdentifier },
      ...dropped,
    ];
    return output(client, [AllocateMiningJobTokenSuccess(answer)], outcomes);
  };

  const solution = ({ clientId }: DeclaringConnection, message: PushSolution): JobDeclaratorOutput => {
    const solved = solvedJobs.solve(clientId, message);
    if ('reason' in solved)
      return output({ clientId }, [], [{ type: 'SolutionRefused', clientId, reason: solved.reason }]);
    const { hash, height } = solved;
    if ('type' in solved)
      return output({ clientId }, [], [{ type: 'SolutionKnown', clientId, hash, height }]);
    return {
      ...output({ clientId }, [], [{ type: 'SolutionPushed', clientId, hash, height }]),
      blocks: [solved],
    };
  };

  return {
    addClient(clientId, flags, address) {
      clients.set(clientId, {
        clientId,
        holder: address ?? `client ${clientId}`,
        usesDistributions: false,
        hasOwnOutputs: false,
        revealsTransactions: (flags & jobDeclarationSetupFlags.declareTxData) !== 0,
      });
    },
    removeClient(clientId) {
      if (!clients.delete(clientId)) return;
      declarations.removeClient(clientId);
      solvedJobs.removeClient(clientId);
    },
    negotiated(clientId, extensions) {
      const client = clients.get(clientId);
      if (client === undefined) return NOTHING;
      const { present } = distributions;
      client.usesDistributions = extensions.includes(payoutDistribution);
      if (!client.usesDistributions || present === undefined) return NOTHING;
      // it is no message of the specification's, but one that a service declares
      return output(client, [present as unknown as Message], []);
    },
    distribute(distribution, isAfterBlock, now) {
      const message = distributions.set(distribution, isAfterBlock, now) as unknown as Message;
      return together(
        [...clients.values()]
          .filter(({ usesDistributions, hasOwnOutputs }) => usesDistributions && !hasOwnOutputs)
          .map((client) => output(client, [message], [])),
      );
    },
    handle(clientId, message, now) {
      const client = clients.get(clientId);
      if (client === undefined)
        throw new Sv2Error('unknown-client', `there is no client ${clientId}`, { clientId });
      switch (message.type) {
        case 'AllocateMiningJobToken':
          return allocate(client, message, now);
        case 'DeclareMiningJob':
          return declarations.declare(client, message, tip, now);
        case 'ProvideMissingTransactions.Success':
          return declarations.provide(client, message, now);
        case 'PushSolution':
          return solution(client, message);
      }
    },
    template(template) {
      const fees = template.transactions.reduce((sum, { fee }) => sum + fee, 0n);
      const { prevHash, height, nbits, minTime, coinbaseValue, sigopLimit } = template;
      for (const transaction of template.transactions.toReversed()) transactions.add(transaction);
      const before = tip;
      tip = { prevHash, height, nbits, minTime, sigopLimit, subsidy: coinbaseValue - fees };
      if (before === null || sameBytes(before.prevHash, prevHash)) return NOTHING;
      solvedJobs.setTip(prevHash);
      return declarations.tipChanged(height);
    },
    judged: declarations.judged,
    judgeCustomJob(job, channel, now) {
      if (sealedJobs !== undefined) return sealedJobs.judge(job, channel, tip?.height ?? null, now);
      const token = tokens.find(job.miningJobToken, now);
      const refused = judgeCustomJob(job, channel, token, {
        tip,
        coinbaseOnly,
        isSameUser,
        checkFor() {
          const id = distributionIdOf(job);
          if (token?.outputs !== undefined) return checkOfOwn(token.outputs, token.userIdentifier);
          return id === undefined ? checkOf(options.outputs) : distributions.check(id, now);
        },
      });
      if (refused === null && token !== undefined) tokens.take(token);
      return refused;
    },
    learn: (arrived) => arrived.forEach(transactions.add),
    customBlock(block) {
      const solved = solvedJobs.solveCustom(block);
      if ('reason' in solved) {
        const { hash } = block;
        return { ...NOTHING, outcomes: [{ type: 'CustomBlockUnknown', hash, reason: solved.reason }] };
      }
      const { hash, height } = solved;
      const isKnown = 'type' in solved;
      return {
        ...NOTHING,
        outcomes: [{ type: 'CustomBlockFound', hash, height, isKnown }],
        blocks: isKnown ? [] : [solved],
      };
    },
    tick(now) {
      tokens.expire(now);
      return declarations.late(now);
    },
    get held() {
      const { size, bytes } = transactions;
      return { tokens: tokens.size, jobs: solvedJobs.size, transactions: size, bytes };
    },
  };
};
