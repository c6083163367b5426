/** The server's side of job declaration: tokens, declarations, solutions. */
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { serialiseOutputs } from '../bitcoin/outputs.js';
import { Sv2Error } from '../codec/errors.js';
import { bytesToHex } from '../codec/hex.js';
import {
  AllocateMiningJobTokenSuccess,
  DeclareMiningJobError,
  DeclareMiningJobSuccess,
  ProvideMissingTransactions,
  type AllocateMiningJobToken,
  type DeclareMiningJob,
  type ProvideMissingTransactionsSuccess,
  type PushSolution,
} from '../messages/job-declaration.js';
import type { Message } from '../messages/registry.js';
import { jobDeclarationSetupFlags } from '../messages/setup-flags.js';
import type { SetCustomMiningJobErrorCode } from '../mining/error-codes.js';
import { checkCoinbaseOnlyJob, checkCustomJob } from './custom-job-judgement.js';
import { distributions as distributionBook } from './distributions.js';
import {
  declaredJob,
  readDeclaration,
  solvedBlock,
  type DeclarationTip,
  type DeclaredJob,
  type ReadDeclaration,
} from './declared-job.js';
import type {
  JobDeclarator,
  JobDeclaratorOptions,
  JobDeclaratorOutcome,
  JobDeclaratorOutput,
  Verdict,
} from './job-declarator-types.js';
import { knownTransactions, transactionFrom, type KnownTransaction } from './known-transactions.js';
import { distributionIdOf, payoutDistribution } from './payout-messages.js';
import { checkPoolOutputs, type CoinbaseCheck } from './pool-outputs.js';
import { Refusal } from './refusal.js';
import { tokens as tokenBook, type MiningJobToken } from './tokens.js';

/** Declared jobs of a connection that a solution may be for: the last, and those that miners may still work on. */
const JOBS_OF_CLIENT = 3;

/** Declarations of a connection that may be under way. */
const MOST_UNDER_WAY = 4;

/** Of a token whose jobs are paid by a distribution. */
const NO_OUTPUTS = serialiseOutputs([]);

/** Bytes of `error_details` (B0_64K) that a reason may take. */
const DETAILS_SIZE = 2_000;

/** Hashes of blocks remembered, so that none is submitted twice. */
const BLOCKS_REMEMBERED = 64;

/** A declaration that was not answered yet. */
interface UnderWay {
  readonly client: Client;
  readonly requestId: number;
  readonly token: MiningJobToken;
  readonly tip: DeclarationTip;
  readonly declaration: ReadDeclaration;
  readonly check: CoinbaseCheck;
  /** What is known of its transactions; positions without are asked for. */
  readonly found: (KnownTransaction | undefined)[];
  readonly missing: readonly number[];
  /** Until when transactions may come; undefined when they have. */
  deadline: number | undefined;
  proposalId: number | undefined;
  job: DeclaredJob | undefined;
}

interface Client {
  readonly clientId: number;
  readonly holder: string;
  readonly revealsTransactions: boolean;
  /** Whether it is told of payout distributions, and its jobs name them. */
  usesDistributions: boolean;
  readonly underWay: Map<number, UnderWay>;
  /** The last declared. */
  readonly jobs: DeclaredJob[];
}

/** Nothing to send, nothing happened. */
const NOTHING: JobDeclaratorOutput = { messages: [], outcomes: [], proposals: [], blocks: [] };

const output = (
  { clientId }: { readonly clientId: number },
  messages: readonly Message[],
  outcomes: readonly JobDeclaratorOutcome[],
): JobDeclaratorOutput => ({
  ...NOTHING,
  messages: messages.length === 0 ? [] : [{ clientId, messages }],
  outcomes,
});

const together = (outputs: readonly JobDeclaratorOutput[]): JobDeclaratorOutput => ({
  messages: outputs.flatMap(({ messages }) => messages),
  outcomes: outputs.flatMap(({ outcomes }) => outcomes),
  proposals: outputs.flatMap(({ proposals }) => proposals),
  blocks: outputs.flatMap(({ blocks }) => blocks),
});

const accountOf = (user: string): string => user.split('.', 1)[0] as string;

const sameAccount = (tokenUser: string, channelUser: string): boolean =>
  accountOf(tokenUser) === '' || accountOf(tokenUser) === accountOf(channelUser);

/**
 * A job declarator (spec chapter 6) without its connections: it takes what clients and a node say, and says what to send
 * to whom, what a node should judge, and which blocks to submit. It does no I/O, reads no clock and throws only at its
 * caller; whatever a client sends is answered, or told of.
 *
 * Tokens belong to a user, not to a connection: one that was given before a reconnection is good after it. Each is good
 * for one declaration, and the one that comes of that for one custom job.
 *
 * Memory: of each connection the last {@link JOBS_OF_CLIENT} declared jobs are kept for its solutions, and their
 * transactions with them; when those are more bytes than `maxTransactionBytes`, jobs are forgotten of whoever has most.
 * Their clients publish their blocks themselves all the same (spec §6.4.9).
 */
export const jobDeclarator = (options: JobDeclaratorOptions): JobDeclarator => {
  const { coinbaseOnly = true, proposes = false, isSameUser = sameAccount } = options;
  const { maxTransactionBytes = 300_000_000, transactionsTimeout = 30_000 } = options;
  const coinbaseTxOutputs = serialiseOutputs(options.outputs);
  const tokens = tokenBook(options.randomBytes, options);
  const transactions = knownTransactions(maxTransactionBytes);
  const clients = new Map<number, Client>();
  const proposals = new Map<number, UnderWay>();
  const submitted = new Set<string>();
  const distributions = distributionBook();
  let lastProposalId = 0;
  let tip: DeclarationTip | null = null;

  const checkOutputs: CoinbaseCheck = (outputs, blockValue) => checkPoolOutputs(outputs, options, blockValue);

  const forget = (job: DeclaredJob): void => transactions.release(job.transactions);

  /** Keeps a job for its solution, in place of the oldest of its client. */
  const remember = (client: Client, job: DeclaredJob): void => {
    transactions.keep(job.transactions);
    client.jobs.push(job);
    if (client.jobs.length > JOBS_OF_CLIENT) client.jobs.splice(0, 1).forEach(forget);
    while (transactions.bytes > maxTransactionBytes) {
      // the last job of the one who just declared it stays
      let most: Client | undefined = client.jobs.length > 1 ? client : undefined;
      for (const other of clients.values())
        if (other !== client && other.jobs.length > (most?.jobs.length ?? 0)) most = other;
      if (most === undefined) return;
      most.jobs.splice(0, 1).forEach(forget);
    }
  };

  const end = (declaration: UnderWay): void => {
    declaration.client.underWay.delete(declaration.requestId);
    if (declaration.proposalId !== undefined) proposals.delete(declaration.proposalId);
    tokens.take(declaration.token);
  };

  const refusal = (
    client: Client,
    requestId: number,
    { code: errorCode, message: reason }: Refusal,
    validatedBy: Verdict['by'] = 'own',
  ): JobDeclaratorOutput => {
    const errorDetails = new TextEncoder().encode(reason).subarray(0, DETAILS_SIZE);
    return output(
      client,
      [DeclareMiningJobError({ requestId, errorCode, errorDetails })],
      [{ type: 'DeclarationRefused', clientId: client.clientId, errorCode, reason, validatedBy }],
    );
  };

  const refuse = (declaration: UnderWay, error: Refusal, by?: Verdict['by']): JobDeclaratorOutput => {
    end(declaration);
    return refusal(declaration.client, declaration.requestId, error, by);
  };

  /** What `run` returns; a refusal it throws is the answer. */
  const answering = (
    client: Client,
    requestId: number,
    run: () => JobDeclaratorOutput,
    underWay?: UnderWay,
  ): JobDeclaratorOutput => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return underWay === undefined
        ? refusal(client, requestId, error as Refusal)
        : refuse(underWay, error as Refusal);
    }
  };

  const allocate = (
    client: Client,
    { userIdentifier, requestId }: AllocateMiningJobToken,
    now: number,
  ): JobDeclaratorOutput => {
    const { clientId, holder } = client;
    const outcomes: JobDeclaratorOutcome[] = [{ type: 'TokenAllocated', clientId, userIdentifier }];
    const { bytes } = tokens.give(userIdentifier, holder, { type: 'allocated' }, now, (dropped) =>
      outcomes.push({ type: 'TokenDropped', clientId, userIdentifier: dropped.userIdentifier }),
    );
    const answer = {
      requestId,
      miningJobToken: bytes,
      coinbaseTxOutputs: client.usesDistributions ? NO_OUTPUTS : coinbaseTxOutputs,
    };
    return output(client, [AllocateMiningJobTokenSuccess(answer)], outcomes);
  };

  const declare = (client: Client, message: DeclareMiningJob, now: number): JobDeclaratorOutput => {
    const { requestId, miningJobToken } = message;
    return answering(client, requestId, () => {
      if (client.underWay.has(requestId)) {
        throw new Refusal('invalid-job', `expected a request_id that is not in use, got ${requestId}`);
      }
      const token = tokens.find(miningJobToken, now);
      if (token?.state.type !== 'allocated') {
        throw new Refusal(
          'invalid-mining-job-token',
          `expected a token that was allocated and not used yet, got ${token === undefined ? 'one that is unknown or has expired' : 'one that was used'}`,
        );
      }
      if (client.underWay.size >= MOST_UNDER_WAY) {
        throw new Refusal(
          'too-many-declarations',
          `expected at most ${MOST_UNDER_WAY} declarations at a time`,
        );
      }
      if (tip === null) throw new Refusal('internal-error', 'there is no chain tip known here yet');
      token.state = { type: 'declaring' };
      try {
        const check = client.usesDistributions
          ? distributions.check(distributionIdOf(message), now)
          : checkOutputs;
        return begin(client, requestId, token, readDeclaration(message, tip, check), check, tip, now);
      } catch (error) {
        tokens.take(token);
        throw error;
      }
    });
  };

  const begin = (
    client: Client,
    requestId: number,
    token: MiningJobToken,
    declaration: ReadDeclaration,
    check: CoinbaseCheck,
    onTip: DeclarationTip,
    now: number,
  ): JobDeclaratorOutput => {
    const found = declaration.wtxids.map((wtxid) => transactions.get(wtxid));
    const missing = found.flatMap((transaction, position) => (transaction === undefined ? [position] : []));
    const underWay: UnderWay = {
      client,
      requestId,
      token,
      tip: onTip,
      declaration,
      check,
      found,
      missing,
      deadline: undefined,
      proposalId: undefined,
      job: undefined,
    };
    const { clientId } = client;
    if (missing.length === 0) {
      client.underWay.set(requestId, underWay);
      return answering(client, requestId, () => complete(underWay, now), underWay);
    }
    if (!client.revealsTransactions) {
      throw new Refusal(
        'missing-txs',
        `${missing.length} of ${found.length} transactions are not known here, and the connection was set up without DECLARE_TX_DATA`,
      );
    }
    client.underWay.set(requestId, underWay);
    underWay.deadline = now + transactionsTimeout;
    return output(
      client,
      [ProvideMissingTransactions({ requestId, unknownTxPositionList: missing })],
      [{ type: 'TransactionsMissing', clientId, missing: missing.length, of: found.length }],
    );
  };

  const provide = (
    client: Client,
    { requestId, transactionList }: ProvideMissingTransactionsSuccess,
    now: number,
  ): JobDeclaratorOutput => {
    const { clientId } = client;
    const underWay = client.underWay.get(requestId);
    if (underWay?.deadline === undefined) {
      const reason = `nothing was asked for with request_id ${requestId}`;
      const message = 'ProvideMissingTransactions.Success';
      return output(client, [], [{ type: 'DeclarationIgnored', clientId, message, reason }]);
    }
    underWay.deadline = undefined;
    return answering(
      client,
      requestId,
      () => {
        takeProvided(underWay, transactionList);
        return complete(underWay, now);
      },
      underWay,
    );
  };

  /** There is one round: what is not right now is missing. */
  const takeProvided = ({ found, missing, declaration }: UnderWay, list: readonly Uint8Array[]): void => {
    if (list.length !== missing.length) {
      throw new Refusal('missing-txs', `expected ${missing.length} transactions, got ${list.length}`);
    }
    const provided = list.map((bytes, index) => {
      const position = missing[index] as number;
      try {
        const transaction = transactionFrom(bytes);
        if (sameBytes(transaction.wtxid, declaration.wtxids[position] as Uint8Array)) return transaction;
      } catch (error) {
        if (!(error instanceof Sv2Error)) throw error;
        throw new Refusal('missing-txs', `transaction ${position} is none: ${error.message}`, error);
      }
      throw new Refusal('missing-txs', `transaction ${position} is another than the declared one`);
    });
    for (const [index, transaction] of provided.entries()) {
      transactions.add(transaction);
      found[missing[index] as number] = transaction;
    }
  };

  /** All transactions are there: the job is judged here, and by a node if there is one. */
  const complete = (underWay: UnderWay, now: number): JobDeclaratorOutput => {
    const { declaration, found, client, check } = underWay;
    const known = found.filter((transaction) => transaction !== undefined);
    const job = declaredJob(declaration, known, underWay.tip, check);
    underWay.job = job;
    if (!proposes) return accept(underWay, job, 'own', now);
    const proposalId = ++lastProposalId;
    underWay.proposalId = proposalId;
    proposals.set(proposalId, underWay);
    return { ...output(client, [], []), proposals: [{ proposalId, job }] };
  };

  const accept = (
    underWay: UnderWay,
    job: DeclaredJob,
    validatedBy: Verdict['by'],
    now: number,
  ): JobDeclaratorOutput => {
    const { client, requestId, token, missing } = underWay;
    const { clientId, holder } = client;
    const { userIdentifier } = token;
    end(underWay);
    if (clients.get(clientId) === client) remember(client, job);
    const declared = tokens.give(userIdentifier, holder, { type: 'declared', terms: job.terms }, now);
    return output(
      client,
      [DeclareMiningJobSuccess({ requestId, newMiningJobToken: declared.bytes })],
      [
        {
          type: 'JobDeclared',
          clientId,
          userIdentifier,
          height: job.terms.tip.height,
          transactions: job.transactions.length,
          provided: missing.length,
          value: job.coinbase.transaction.outputs.reduce((sum, { value }) => sum + value, 0n),
          validatedBy,
        },
      ],
    );
  };

  const solution = (client: Client, message: PushSolution): JobDeclaratorOutput => {
    const { clientId } = client;
    let reason = 'no declared job of this connection is known';
    for (const job of client.jobs.toReversed()) {
      try {
        const block = solvedBlock(job, message);
        const hash = bytesToHex(block.hash);
        if (submitted.has(hash)) {
          reason = 'this block was pushed before';
          break;
        }
        submitted.add(hash);
        const [oldest] = submitted;
        if (submitted.size > BLOCKS_REMEMBERED && oldest !== undefined) submitted.delete(oldest);
        const { height } = block;
        return {
          ...output(client, [], [{ type: 'SolutionPushed', clientId, hash: block.hash, height }]),
          blocks: [block],
        };
      } catch (error) {
        if (!(error instanceof Sv2Error)) throw error;
        if (job === client.jobs.at(-1)) reason = error.message;
      }
    }
    return output(client, [], [{ type: 'SolutionRefused', clientId, reason }]);
  };

  const underWayOf = (client: Client): readonly UnderWay[] => [...client.underWay.values()];

  return {
    addClient(clientId, flags, address) {
      clients.set(clientId, {
        clientId,
        holder: address ?? `client ${clientId}`,
        usesDistributions: false,
        revealsTransactions: (flags & jobDeclarationSetupFlags.declareTxData) !== 0,
        underWay: new Map(),
        jobs: [],
      });
    },
    removeClient(clientId) {
      const client = clients.get(clientId);
      if (client === undefined) return;
      clients.delete(clientId);
      underWayOf(client).forEach(end);
      client.jobs.splice(0).forEach(forget);
    },
    negotiated(clientId, extensions) {
      const client = clients.get(clientId);
      if (client === undefined) return NOTHING;
      const { present } = distributions;
      client.usesDistributions = extensions.includes(payoutDistribution) && present !== undefined;
      if (!client.usesDistributions || present === undefined) return NOTHING;
      // it is no message of the specification's, but one that a service declares
      return output(client, [present as unknown as Message], []);
    },
    distribute(distribution, isAfterBlock, now) {
      const message = distributions.set(distribution, isAfterBlock, now) as unknown as Message;
      return together(
        [...clients.values()]
          .filter(({ usesDistributions }) => usesDistributions)
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
          return declare(client, message, now);
        case 'ProvideMissingTransactions.Success':
          return provide(client, message, now);
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
      const stale = new Refusal(
        'stale-chain-tip',
        `the chain tip has changed: blocks are for height ${height} now`,
      );
      return together(
        [...clients.values()].flatMap((client) =>
          underWayOf(client).map((underWay) => refuse(underWay, stale)),
        ),
      );
    },
    judged(proposalId, verdict, now) {
      const underWay = proposals.get(proposalId);
      if (underWay?.job === undefined) return NOTHING;
      if (verdict.by === 'own' || verdict.accepted) return accept(underWay, underWay.job, verdict.by, now);
      // BIP 22: it cannot tell, for its own tip is another
      const code = verdict.reason.startsWith('inconclusive') ? 'stale-chain-tip' : 'invalid-job';
      return refuse(underWay, new Refusal(code, `the node says: ${verdict.reason}`), 'node');
    },
    judgeCustomJob(job, { userIdentity, fullExtranonceSize }, now) {
      try {
        const token = tokens.find(job.miningJobToken, now);
        if (token === undefined)
          throw invalidToken('expected a token of ours, got one that is unknown, used or expired');
        const { state, userIdentifier } = token;
        if (!isSameUser(userIdentifier, userIdentity)) {
          throw invalidToken("expected a token of the channel's own user, got one of another");
        }
        if (state.type === 'declaring') {
          throw new Refusal<SetCustomMiningJobErrorCode>(
            'job-not-yet-validated',
            'expected the token of DeclareMiningJob.Success, got that of its declaration, which is not answered yet',
          );
        }
        if (state.type === 'declared') checkCustomJob(job, state.terms, fullExtranonceSize);
        else if (coinbaseOnly) {
          const id = distributionIdOf(job);
          const check = id === undefined ? checkOutputs : distributions.check(id, now);
          checkCoinbaseOnlyJob(job, tip, check, fullExtranonceSize);
        } else
          throw invalidToken('expected the token of a declared job: coinbase-only mode is not offered here');
        tokens.take(token);
        return null;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { errorCode: error.code as SetCustomMiningJobErrorCode, reason: error.message };
      }
    },
    tick(now) {
      tokens.expire(now);
      const late: JobDeclaratorOutput[] = [];
      for (const client of clients.values()) {
        for (const underWay of underWayOf(client)) {
          if (underWay.deadline === undefined || underWay.deadline > now) continue;
          const message = `expected ${underWay.missing.length} transactions within ${transactionsTimeout} ms, got none`;
          late.push(refuse(underWay, new Refusal('missing-txs', message)));
        }
      }
      return together(late);
    },
    get held() {
      let jobs = 0;
      for (const client of clients.values()) jobs += client.jobs.length;
      return { tokens: tokens.size, jobs, transactions: transactions.size, bytes: transactions.bytes };
    },
  };
};

const invalidToken = (reason: string) =>
  new Refusal<SetCustomMiningJobErrorCode>('invalid-mining-job-token', reason);
