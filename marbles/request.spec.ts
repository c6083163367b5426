import { describe, it } from '@jest/globals';
import { of, type Observable } from 'rxjs';
import {
  OpenMiningChannelError,
  OpenStandardMiningChannel,
  OpenStandardMiningChannelSuccess,
  ProvideMissingTransactions,
  ProvideMissingTransactionsSuccess,
  RequestTransactionData,
  RequestTransactionDataError,
  type MiningToClient,
} from '../src/messages/index.js';
import {
  createClient,
  handleEach,
  ofEvent,
  request,
  send,
  sendToServer,
  type ApplicationOutcome,
  type ClientEvent,
  type MiningClientHandler,
} from '../src/service/index.js';
import { connected, fromClient, fromServer, like, marbles, testConnector } from '../src/testing/index.js';
import { welcome } from './support.js';

const open = (requestId: number) =>
  OpenStandardMiningChannel({
    requestId,
    userIdentity: 'me',
    nominalHashRate: 1,
    maxTarget: new Uint8Array(32).fill(255),
  });
const opened = (requestId: number) =>
  OpenStandardMiningChannelSuccess({
    requestId,
    channelId: 100 + requestId,
    target: new Uint8Array(32),
    extranoncePrefix: new Uint8Array(4),
    groupChannelId: 1,
  });
const refused = (requestId: number) => OpenMiningChannelError({ requestId, errorCode: 'unknown-user' });
const disconnected = {
  type: 'disconnected',
  protocol: 'mining',
  reason: { code: 'peer-closed', message: '' },
} as const;

const openOne = (event$: Observable<ClientEvent<MiningToClient>>) =>
  request(event$, open(1), (reply) => of({ type: reply.type }), { timeout: 5_000 });

describe('request', () => {
  it.each([
    ['*.Success', opened(1), 'OpenStandardMiningChannel.Success'],
    ['*.Error', refused(1), 'OpenMiningChannel.Error'],
  ])('sends the request and ends with its %s', (_, answer, type) => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const event$ = hot('--b---a--a', { a: fromServer(answer), b: fromServer(opened(2)) });
      expectObservable(openOne(event$)).toBe('s-----(a|)', { s: sendToServer(open(1)), a: { type } });
      expectSubscriptions(event$.subscriptions).toBe('^-----!');
    });
  });

  it('fails when there is no answer in time', () => {
    marbles(({ hot, expectObservable }) => {
      const event$ = hot('--b', { b: fromServer(opened(2)) });
      expectObservable(openOne(event$)).toBe(
        's 4999ms #',
        { s: sendToServer(open(1)) },
        like({ code: 'request-timeout', detail: { request: 'OpenStandardMiningChannel' } }),
      );
    });
  });

  it('waits ten seconds unless told otherwise', () => {
    marbles(({ hot, expectObservable }) => {
      const request$ = request(hot<ClientEvent>('-'), open(1), (reply) => of(reply));
      expectObservable(request$).toBe(
        's 9999ms #',
        { s: sendToServer(open(1)) },
        like({ code: 'request-timeout' }),
      );
    });
  });

  it('fails when the connection ends', () => {
    marbles(({ hot, expectObservable }) => {
      const event$ = hot<ClientEvent<MiningToClient>>('--d', { d: disconnected });
      expectObservable(openOne(event$)).toBe(
        's-#',
        { s: sendToServer(open(1)) },
        like({ code: 'request-disconnected' }),
      );
    });
  });

  it('goes by the template id where there is no request id', () => {
    marbles(({ hot, expectObservable }) => {
      const error = (templateId: bigint) =>
        RequestTransactionDataError({ templateId, errorCode: 'stale-template-id' });
      const event$ = hot('-b-a', { a: fromServer(error(7n)), b: fromServer(error(8n)) });
      const request$ = request(event$, RequestTransactionData({ templateId: 7n }), (reply) =>
        of({ type: reply.type }),
      );
      expectObservable(request$).toBe('s--(a|)', {
        s: sendToServer(RequestTransactionData({ templateId: 7n })),
        a: { type: 'RequestTransactionData.Error' },
      });
    });
  });

  it('asks one client of a server, and heeds no other', () => {
    marbles(({ hot, expectObservable }) => {
      const question = ProvideMissingTransactions({ requestId: 3, unknownTxPositionList: [1] });
      const answer = ProvideMissingTransactionsSuccess({ requestId: 3, transactionList: [] });
      const removed = { type: 'clientRemoved', clientId: 1 };
      const other = { type: 'clientRemoved', clientId: 2 };
      const event$ = hot('-ac-b', { a: fromClient(1, answer), b: fromClient(2, answer), c: removed });
      const request$ = request(event$, question, ({ transactionList }) => of(transactionList.length), {
        clientId: 2,
      });
      expectObservable(request$).toBe('s---(n|)', { s: send(2, question), n: 0 });

      const gone$ = hot('-ob-c', { o: other, b: fromClient(2, answer), c: removed });
      const lost$ = request(gone$, question, () => of(), { clientId: 1 });
      expectObservable(lost$).toBe('s---#', { s: send(1, question) }, like({ code: 'request-disconnected' }));
    });
  });

  it('is what a handler is made of', () => {
    const opens: MiningClientHandler<ApplicationOutcome> = (event$) =>
      event$.pipe(
        ofEvent('connected'),
        handleEach('mining', () =>
          request(event$, open(1), (reply) =>
            of<ApplicationOutcome>({ type: reply.type === 'OpenMiningChannel.Error' ? 'refused' : 'opened' }),
          ),
        ),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const w = welcome();
      const lucky = connection('w--a', { w, a: opened(1) });
      const unlucky = connection('w', { w });
      const run = (pool: typeof lucky) =>
        createClient({ mining: { connect: testConnector([pool]), handler: opens } }).start();
      expectSent(lucky).toBe('(so)', { s: like({ type: 'SetupConnection' }), o: open(1) });
      expectOutcomes(run(lucky), 'opened', 'refused', 'handlerError').toBe('---o', { o: { type: 'opened' } });
      expectOutcomes(run(unlucky), 'opened', 'refused', 'handlerError').toBe('10s e', {
        e: like({ error: { code: 'request-timeout' }, event: connected('mining') }),
      });
    });
  });
});
