import { describe, expect, it } from '@jest/globals';
import { EMPTY, of, Subject, throwError, timer, map, merge, NEVER, startWith, type Observable } from 'rxjs';
import { Sv2Error } from '../src/codec/errors.js';
import {
  AllocateMiningJobToken,
  jobDeclarationSetupFlags,
  ProvideMissingTransactionsSuccess,
} from '../src/messages/index.js';
import { jdServer, type DeclarationNode, type ProposalResult } from '../src/roles/jd-server/jd-server.js';
import type { SourceUpdate } from '../src/roles/template-provider/block-source.js';
import { like, marbles, setupConnection } from '../src/testing/index.js';
import {
  blockTemplate,
  clientJob,
  declaration,
  poolScript,
  templateOf,
} from '../spec/declaration/support.js';
import { clients } from './support.js';

const template = blockTemplate();
const job = clientJob(template);
const known = template.transactions.length - 2;

/** Tokens are numbered: their bytes are all the same. */
const tokenOf = (number: number) => new Uint8Array(16).fill(number);
const numbered = () => {
  let last = 0;
  return (length: number) => new Uint8Array(length).fill(++last);
};

const fromClient = {
  s: { ...setupConnection('jobDeclaration'), flags: jobDeclarationSetupFlags.declareTxData },
  a: AllocateMiningJobToken({ userIdentifier: 'alice', requestId: 1 }),
  d: declaration(job, tokenOf(1)),
  p: ProvideMissingTransactionsSuccess({
    requestId: 5,
    transactionList: template.transactions.slice(known).map(({ data }) => data),
  }),
};
const sent = {
  w: like({ type: 'SetupConnection.Success' }),
  t: like({ type: 'AllocateMiningJobToken.Success', miningJobToken: tokenOf(1) }),
  m: like({ type: 'ProvideMissingTransactions', unknownTxPositionList: [known, known + 1] }),
  y: like({ type: 'DeclareMiningJob.Success', requestId: 5, newMiningJobToken: tokenOf(2) }),
  n: like({ type: 'DeclareMiningJob.Error', requestId: 5, errorCode: 'missing-txs' }),
  x: like({ type: 'DeclareMiningJob.Error', requestId: 5, errorCode: 'stale-chain-tip' }),
  i: like({ type: 'DeclareMiningJob.Error', requestId: 5, errorCode: 'invalid-job' }),
};
const types = ['JobDeclared', 'DeclarationRefused', 'ProposalUnjudged', 'handlerError'] as const;

/** A node with the template less its last transactions, or all of it, and later another tip. */
const nodeOf = (
  transactions: number,
  propose?: () => Observable<ProposalResult>,
  later$: Observable<SourceUpdate> = EMPTY,
): DeclarationNode => ({
  update$: merge(NEVER.pipe(startWith(templateOf(template, transactions))), later$),
  submit: () => of({ accepted: true } as const),
  ...(propose === undefined ? {} : { propose }),
});
const all = template.transactions.length;
const verdictAfter = (milliseconds: number, result: ProposalResult) => () =>
  timer(milliseconds).pipe(map(() => result));

/** What a server sends to a client with this node, and what happens at it. */
const run = (
  node: () => DeclarationNode,
  says: string,
  expectedSent: string,
  expectedOutcomes: string,
  until = 40_000,
) =>
  marbles(
    ({ connection, expectOutcomes, expectSent }) => {
      const client = connection(says, fromClient);
      const server = jdServer({
        listen: clients(client),
        node: node(),
        outputs: [{ value: 0n, scriptPubKey: poolScript }],
        randomBytes: numbered(),
      });
      expectSent(client).toBe(expectedSent, sent);
      expectOutcomes(server.start(), ...types).toBe(expectedOutcomes, {
        o: like({ type: 'JobDeclared', validatedBy: 'own' }),
        n: like({ type: 'JobDeclared', validatedBy: 'node' }),
        r: like({ type: 'DeclarationRefused', validatedBy: 'node', errorCode: 'invalid-job' }),
        s: like({ type: 'DeclarationRefused', errorCode: 'stale-chain-tip' }),
        m: like({ type: 'DeclarationRefused', errorCode: 'missing-txs' }),
        u: like({ type: 'ProposalUnjudged', code: 'node-timeout' }),
      });
    },
    { until },
  );

describe('a declaration', () => {
  it('is answered at once by what is known here, where no node judges', () => {
    run(() => nodeOf(all), '(sa) 96ms d', '(wt) 96ms y', '100ms o');
  });

  it('waits for the node, whose verdict the outcome tells', () => {
    run(
      () => nodeOf(all, verdictAfter(2_000, { accepted: true })),
      ...(['(sa) 96ms d', '(wt) 2096ms y', '2100ms n'] as const),
    );
    run(
      () => nodeOf(all, verdictAfter(2_000, { accepted: false, reason: 'bad-txns-nonfinal' })),
      ...(['(sa) 96ms d', '(wt) 2096ms i', '2100ms r'] as const),
    );
  });

  it('is judged by what is known here when the node cannot tell, which is told', () => {
    const away = () => throwError(() => new Sv2Error('node-timeout', 'no answer'));
    run(() => nodeOf(all, away), '(sa) 96ms d', '(wt) 96ms y', '100ms (uo)');
  });

  it('is stale when the tip changes while the node thinks, and what it says then changes nothing', () => {
    const later = { ...template, prevHash: new Uint8Array(32).fill(9), height: template.height + 1 };
    run(
      () => nodeOf(all, verdictAfter(2_000, { accepted: true }), timer(1_000).pipe(map(() => later))),
      ...(['(sa) 96ms d', '(wt) 996ms x', '1s s'] as const),
    );
  });

  it('waits for the transactions that it asked for, but not for ever', () => {
    run(() => nodeOf(known), '(sa) 96ms d 4999ms p', '(wt) 96ms m 4999ms y', '5100ms o');
    run(() => nodeOf(known), '(sa) 96ms d', '(wt) 96ms m 30899ms n', '31s m');
  });

  it('of a client that is gone is judged for nobody', () => {
    const verdict$ = new Subject<ProposalResult>();
    run(() => nodeOf(all, () => verdict$), '(sa) 96ms d 99ms |', '(wt) 196ms |', '');
  });
});

describe('a node of another chain than the payout is for', () => {
  /** As hard as mainnet, which is no chain of tests. */
  const foreign = { ...template, nbits: 0x1702_3a04 };

  it('is told once, no job is taken of it, and the right one is used when it comes', () => {
    marbles(
      ({ cold, connection, expectOutcomes, expectSent }) => {
        const client = connection('(sa) 96ms d 99ms e', {
          ...fromClient,
          e: { ...fromClient.d, requestId: 5 },
        });
        const server = jdServer({
          listen: clients(client),
          node: {
            ...nodeOf(all),
            update$: cold<SourceUpdate>('(ff) 146ms t', { f: foreign, t: template }),
          },
          networks: ['testnet', 'regtest'],
          outputs: [{ value: 0n, scriptPubKey: poolScript }],
          randomBytes: numbered(),
        });
        expectSent(client).toBe('(wt) 96ms u 99ms y', {
          ...sent,
          u: like({ type: 'DeclareMiningJob.Error', requestId: 5, errorCode: 'internal-error' }),
        });
        expectOutcomes(server.start(), 'SourceError', 'SourceRecovered', 'JobDeclared').toBe(
          'e 149ms r 49ms d',
          {
            e: {
              type: 'SourceError',
              code: 'wrong-network',
              message: expect.stringMatching(/its chain is mainnet; expected testnet or regtest, which/),
              retryIn: null,
            },
            r: { type: 'SourceRecovered' },
            d: like({ type: 'JobDeclared' }),
          },
        );
      },
      { until: 40_000 },
    );
  });
});
