import { describe, it } from '@jest/globals';
import { catchError, defer, map, merge, mergeMap, of, type Observable } from 'rxjs';
import {
  AllocateMiningJobToken,
  AllocateMiningJobTokenSuccess,
  DeclareMiningJob,
  DeclareMiningJobError,
  DeclareMiningJobSuccess,
  jobDeclarationSetupFlags,
  ProvideMissingTransactions,
  ProvideMissingTransactionsSuccess,
  PushSolution,
} from '../src/messages/index.js';
import {
  createClient,
  createServer,
  handleEach,
  ofEvent,
  ofMessage,
  request,
  send,
  sendToServer,
  type JobDeclarationClientHandler,
  type JobDeclarationServerHandler,
  type SendToServer,
} from '../src/service/index.js';
import { like, marbles, memoryNetwork } from '../src/testing/index.js';

const token = Uint8Array.of(1, 2, 3);
const declaredToken = Uint8Array.of(4, 5, 6);
const known = new Uint8Array(32).fill(1);
const unknown = new Uint8Array(32).fill(2);
const transaction = new Uint8Array(100).fill(7);

const declaration = DeclareMiningJob({
  requestId: 2,
  miningJobToken: token,
  version: 0x20000000,
  coinbaseTxPrefix: new Uint8Array(60),
  coinbaseTxSuffix: new Uint8Array(80),
  wtxidList: [known, unknown],
  excessData: new Uint8Array(0),
});
const solution = PushSolution({
  extranonce: new Uint8Array(20),
  prevHash: new Uint8Array(32),
  nonce: 1,
  ntime: 2,
  nbits: 3,
  version: 4,
});

/** Gives tokens, asks for transactions it does not know, accepts jobs whose transactions it has, takes solutions. */
const declarator: JobDeclarationServerHandler<
  { type: 'Solution' } | { type: 'Missing'; positions: number }
> = (event$) =>
  merge(
    event$.pipe(
      ofMessage(AllocateMiningJobToken),
      handleEach('jobDeclaration', ({ clientId, message: { requestId } }) => [
        send(
          clientId,
          AllocateMiningJobTokenSuccess({
            requestId,
            miningJobToken: token,
            coinbaseTxOutputs: Uint8Array.of(0),
          }),
        ),
      ]),
    ),
    event$.pipe(
      ofMessage(DeclareMiningJob),
      mergeMap(({ clientId, message: { requestId, wtxidList } }) => {
        const unknownTxPositionList = wtxidList.flatMap((wtxid, index) =>
          wtxid[0] === known[0] ? [] : [index],
        );
        return merge(
          of({ type: 'Missing' as const, positions: unknownTxPositionList.length }),
          request(
            event$,
            ProvideMissingTransactions({ requestId, unknownTxPositionList }),
            ({ transactionList }) =>
              of(
                send(
                  clientId,
                  transactionList.length === unknownTxPositionList.length
                    ? DeclareMiningJobSuccess({ requestId, newMiningJobToken: declaredToken })
                    : DeclareMiningJobError({
                        requestId,
                        errorCode: 'missing-txs',
                        errorDetails: new Uint8Array(0),
                      }),
                ),
              ),
            { clientId, timeout: 5_000 },
          ),
        );
      }),
    ),
    event$.pipe(
      ofMessage(PushSolution),
      map(() => ({ type: 'Solution' as const })),
    ),
  );

type Declared = { type: 'Declared'; newMiningJobToken: Uint8Array } | { type: 'NotDeclared'; reason: string };

/** Asks for a token, declares a job with it, provides what is missing, and pushes a solution. */
const declare =
  (provided: readonly Uint8Array[] | null): JobDeclarationClientHandler<Declared> =>
  (event$) => {
    const declareWith = (miningJobToken: Uint8Array) =>
      request(event$, { ...declaration, miningJobToken }, (reply): Observable<SendToServer | Declared> =>
        reply.type === 'DeclareMiningJob.Success'
          ? of(sendToServer(solution), {
              type: 'Declared' as const,
              newMiningJobToken: reply.newMiningJobToken,
            })
          : of({ type: 'NotDeclared' as const, reason: reply.errorCode }),
      );
    return merge(
      event$.pipe(
        ofEvent('connected'),
        mergeMap(() =>
          request(
            event$,
            AllocateMiningJobToken({ userIdentifier: 'miner', requestId: 1 }),
            ({ miningJobToken }) => defer(() => declareWith(miningJobToken)),
            { timeout: 5_000 },
          ).pipe(catchError((error: unknown) => of({ type: 'NotDeclared' as const, reason: String(error) }))),
        ),
      ),
      event$.pipe(
        ofMessage(ProvideMissingTransactions),
        mergeMap(({ message: { requestId } }) =>
          provided === null
            ? []
            : [sendToServer(ProvideMissingTransactionsSuccess({ requestId, transactionList: provided }))],
        ),
      ),
    );
  };

const run = (provided: readonly Uint8Array[] | null) => {
  const network = memoryNetwork();
  const server = createServer({ listen: network.listen(), jobDeclaration: declarator });
  const client = createClient({
    jobDeclaration: {
      connect: network.connect({ encrypted: false }),
      handler: declare(provided),
      flags: jobDeclarationSetupFlags.declareTxData,
    },
  });
  return merge(server.start(), client.start());
};

describe('job declaration, both sides', () => {
  it('goes from token to declared job to solution, with missing transactions provided in between', () => {
    marbles(({ expectOutcomes }) => {
      expectOutcomes(run([transaction]), 'Missing', 'Declared', 'NotDeclared', 'Solution').toBe('(mds)', {
        m: { type: 'Missing', positions: 1 },
        d: { type: 'Declared', newMiningJobToken: declaredToken },
        s: { type: 'Solution' },
      });
    });
  });

  it('ends in an error when the wrong number of transactions comes', () => {
    marbles(({ expectOutcomes }) => {
      expectOutcomes(run([]), 'Declared', 'NotDeclared', 'Solution').toBe('n', {
        n: { type: 'NotDeclared', reason: 'missing-txs' },
      });
    });
  });

  it('does not wait for ever for transactions: the request fails, and the handler goes on', () => {
    marbles(({ expectOutcomes }) => {
      expectOutcomes(run(null), 'handlerError', 'Declared').toBe('5s e', {
        e: like({ type: 'handlerError', handler: 'jobDeclaration', error: { code: 'request-timeout' } }),
      });
    });
  });
});
