/** Declarations under way: from DeclareMiningJob over missing transactions and a node's verdict to the answer (spec §6.4.4 to §6.4.8). */
import { counted } from '../codec/counted.js';
import { quoted } from '../codec/printable.js';
import {
  DeclareMiningJobSuccess,
  ProvideMissingTransactions,
  type DeclareMiningJob,
  type ProvideMissingTransactionsSuccess,
} from '../messages/job-declaration.js';
import {
  declarationsUnderWay,
  MOST_TRANSACTIONS_UNDER_WAY,
  MOST_UNDER_WAY,
  type DeclaringConnection,
  type UnderWay,
} from './declarations-under-way.js';
import {
  declaredJob,
  readDeclaration,
  type DeclarationTip,
  type DeclaredJob,
  type ReadDeclaration,
} from './declared-job.js';
import { NOTHING, output, refusal, together } from './declarator-output.js';
import type { GivenTokens } from './given-tokens.js';
import type { JobDeclaratorOutput, Verdict } from './job-declarator-types.js';
import type { KnownTransactions } from './known-transactions.js';
import type { CoinbaseCheck } from './pool-outputs.js';
import { providedTransactions } from './provided-transactions.js';
import { Refusal } from './refusal.js';
import type { SolvedJobs } from './solved-jobs.js';
import type { MiningJobToken, Tokens } from './tokens.js';

/** What {@link declarations} share with the rest of a declarator. */
export interface DeclarationsContext {
  readonly tokens: Tokens;
  readonly given: GivenTokens;
  readonly transactions: KnownTransactions;
  readonly solvedJobs: SolvedJobs;
  /** Whether declared jobs are put to a node, too. */
  readonly proposes: boolean;
  /** Milliseconds that a client may take to provide transactions. */
  readonly transactionsTimeout: number;
  /** What the coinbase of a declaration must pay that comes with a token. @throws Refusal */
  checkFor(
    client: DeclaringConnection,
    message: DeclareMiningJob,
    token: MiningJobToken,
    now: number,
  ): CoinbaseCheck;
}

/** See {@link declarations}. Times are milliseconds since 1970. */
export interface Declarations {
  declare(
    client: DeclaringConnection,
    message: DeclareMiningJob,
    tip: DeclarationTip | null,
    now: number,
  ): JobDeclaratorOutput;
  provide(
    client: DeclaringConnection,
    message: ProvideMissingTransactionsSuccess,
    now: number,
  ): JobDeclaratorOutput;
  /** A node's answer to a proposal; of one that has been answered nothing comes. */
  judged(proposalId: number, verdict: Verdict, now: number): JobDeclaratorOutput;
  /** Refuses all, for the tip is another. @param height of the next block */
  tipChanged(height: number): JobDeclaratorOutput;
  /** Refuses those whose transactions have not come. */
  late(now: number): JobDeclaratorOutput;
  /** A client is gone. */
  removeClient(clientId: number): void;
}

/**
 * The declarations that are not answered yet, at most {@link MOST_UNDER_WAY} of a connection. When they name more than
 * {@link MOST_TRANSACTIONS_UNDER_WAY} transactions together, the oldest are refused of the address that has most.
 */
export const declarations = (context: DeclarationsContext): Declarations => {
  const { tokens, given, transactions, solvedJobs, proposes, transactionsTimeout } = context;
  const underWays = declarationsUnderWay();

  const end = (declaration: UnderWay): void => {
    underWays.remove(declaration);
    tokens.take(declaration.token);
  };

  const refuse = (declaration: UnderWay, error: Refusal, by?: Verdict['by']): JobDeclaratorOutput => {
    end(declaration);
    return refusal(declaration.client, declaration.requestId, error, by);
  };

  /** Lets declarations go for another of so many transactions. @throws Refusal if it is that itself that has to go */
  const makeRoom = ({ holder }: DeclaringConnection, transactions: number): JobDeclaratorOutput => {
    const tooMany = new Refusal(
      'too-many-declarations',
      `the declarations that are under way name ${MOST_TRANSACTIONS_UNDER_WAY} transactions, as many as there may be`,
    );
    const leaving = underWays.crowded(holder, transactions);
    if (leaving === null) throw tooMany;
    return together(leaving.map((declaration) => refuse(declaration, tooMany)));
  };

  /** What `run` returns; a refusal it throws is the answer. */
  const answering = (
    client: DeclaringConnection,
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

  const begin = (
    client: DeclaringConnection,
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
    if (missing.length > 0 && !client.revealsTransactions) {
      throw new Refusal(
        'missing-txs',
        `${missing.length} of ${counted(found.length, 'transaction')} ${missing.length === 1 ? 'is' : 'are'} not known here, and the connection was set up without DECLARE_TX_DATA`,
      );
    }
    const gone = makeRoom(client, found.length);
    underWays.add(underWay);
    if (missing.length === 0)
      return together([gone, answering(client, requestId, () => complete(underWay, now), underWay)]);
    underWay.deadline = now + transactionsTimeout;
    const asked = output(
      client,
      [ProvideMissingTransactions({ requestId, unknownTxPositionList: missing })],
      [{ type: 'TransactionsMissing', clientId, missing: missing.length, of: found.length }],
    );
    return together([gone, asked]);
  };

  /** All transactions are there: the job is judged here, and by a node if there is one. */
  const complete = (underWay: UnderWay, now: number): JobDeclaratorOutput => {
    const { declaration, found, client, check, token } = underWay;
    const known = found.filter((transaction) => transaction !== undefined);
    const { userIdentifier } = token;
    const job = { ...declaredJob(declaration, known, underWay.tip, check), userIdentifier };
    underWay.job = job;
    if (!proposes) return accept(underWay, job, 'own', now);
    return { ...output(client, [], []), proposals: [{ proposalId: underWays.propose(underWay), job }] };
  };

  const accept = (
    underWay: UnderWay,
    job: DeclaredJob,
    validatedBy: Verdict['by'],
    now: number,
  ): JobDeclaratorOutput => {
    const { client, requestId, missing } = underWay;
    const { clientId } = client;
    const { userIdentifier } = job;
    end(underWay);
    solvedJobs.add(clientId, job);
    const { bytes: newMiningJobToken, dropped } = given.declared(client, userIdentifier, job.terms, now);
    return output(
      client,
      [DeclareMiningJobSuccess({ requestId, newMiningJobToken })],
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
        ...dropped,
      ],
    );
  };

  return {
    declare(client, message, tip, now) {
      const { requestId, miningJobToken } = message;
      return answering(client, requestId, () => {
        if (underWays.of(client.clientId).has(requestId)) {
          throw new Refusal('invalid-job', `expected a request_id that is not in use, got ${requestId}`);
        }
        const token = tokens.find(miningJobToken, now);
        if (token?.state.type !== 'allocated') {
          throw new Refusal(
            'invalid-mining-job-token',
            `expected a token that was allocated and not used yet, got ${token === undefined ? 'one that is unknown or has expired' : 'one that was used'}`,
          );
        }
        if (underWays.of(client.clientId).size >= MOST_UNDER_WAY) {
          throw new Refusal(
            'too-many-declarations',
            `expected at most ${MOST_UNDER_WAY} declarations at a time`,
          );
        }
        if (tip === null) throw new Refusal('internal-error', 'there is no chain tip known here yet');
        token.state = { type: 'declaring' };
        try {
          const check = context.checkFor(client, message, token, now);
          return begin(client, requestId, token, readDeclaration(message, tip, check), check, tip, now);
        } catch (error) {
          tokens.take(token);
          throw error;
        }
      });
    },
    provide(client, { requestId, transactionList }, now) {
      const { clientId } = client;
      const underWay = underWays.of(clientId).get(requestId);
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
          const { missing, found, declaration } = underWay;
          const provided = providedTransactions(transactionList, missing, declaration.wtxids);
          for (const [position, transaction] of provided) {
            transactions.add(transaction);
            found[position] = transaction;
          }
          return complete(underWay, now);
        },
        underWay,
      );
    },
    judged(proposalId, verdict, now) {
      const underWay = underWays.proposed(proposalId);
      if (underWay?.job === undefined) return NOTHING;
      if (verdict.by === 'own' || verdict.accepted) return accept(underWay, underWay.job, verdict.by, now);
      // BIP 22: it cannot tell, for its own tip is another
      const code = verdict.reason.startsWith('inconclusive') ? 'stale-chain-tip' : 'invalid-job';
      return refuse(underWay, new Refusal(code, `the node says: ${quoted(verdict.reason)}`), 'node');
    },
    tipChanged(height) {
      const stale = new Refusal(
        'stale-chain-tip',
        `the chain tip has changed: blocks are for height ${height} now`,
      );
      return together(underWays.all().map((underWay) => refuse(underWay, stale)));
    },
    late(now) {
      const late = underWays.all().filter(({ deadline = Infinity }) => deadline <= now);
      return together(
        late.map((underWay) => {
          const message = `expected ${counted(underWay.missing.length, 'transaction')} within ${transactionsTimeout} ms, got none`;
          return refuse(underWay, new Refusal('missing-txs', message));
        }),
      );
    },
    removeClient(clientId) {
      for (const underWay of [...underWays.of(clientId).values()]) end(underWay);
    },
  };
};
