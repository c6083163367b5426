import {
  asyncScheduler,
  auditTime,
  catchError,
  connect,
  defer,
  filter,
  from,
  groupBy,
  map,
  merge,
  mergeMap,
  takeUntil,
  throttleTime,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import {
  CoinbaseOutputConstraints,
  RequestTransactionData,
  SubmitSolution,
} from '../../messages/template-distribution.js';
import type { TemplateDistributionServerHandler } from '../../service/handlers.js';
import { handleEach } from '../../service/handle-each.js';
import { ofEvent, ofMessage } from '../../service/operators.js';
import { disconnect, nonsense, send, type ServerEffect } from '../../service/effects.js';
import { type HandlerError } from '../../service/outcomes.js';
import { createServer, type Server } from '../../service/server.js';
import type { Connection } from '../../transport/connection.js';
import type { ExtraNode, ExtraSubmission } from '../extra-nodes.js';
import type {
  BlockSource,
  BlockTemplate,
  SourceError,
  SourceRecovered,
  SourceWarning,
} from './block-source.js';
import { pacedAnswers, type Answering } from './paced-answers.js';
import { solutions, type BlockAccepted, type BlockRejected } from './solutions.js';
import { templateStore, type StoreOutput } from './template-store.js';

export type { BlockAccepted, BlockRejected } from './solutions.js';

/** How templates are handed out. */
export interface TemplateDistributionOptions {
  /** Satoshis by which the fees must rise for another template on the same tip; 100 unless given. */
  readonly feeThreshold?: bigint;
  /**
   * Milliseconds between two templates on the same tip, and between two changes of a client's constraints that are
   * heeded; 5,000 unless given.
   */
  readonly minInterval?: number;
  /** Nodes that blocks go to as well; none unless given. */
  readonly extraNodes?: readonly ExtraNode[];
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** What a template provider is told. */
export interface TemplateProviderOptions extends TemplateDistributionOptions {
  /** Where clients come from. */
  readonly listen: Observable<Connection>;
  /** Where templates come from and blocks go to. */
  readonly source: BlockSource;
  /**
   * Milliseconds of silence after which a client is disconnected. Clients have nothing to say until they find a
   * block, so unless given twenty days; TCP finds out about those that are gone.
   */
  readonly inactivityLimit?: number;
}

/** What happens at a template provider. */
export type TemplateProviderOutcome =
  /** Clients were sent a template: with a new tip, or on joining, as a future template and its SetNewPrevHash. */
  | {
      readonly type: 'TemplateSent';
      readonly clientIds: readonly number[];
      readonly templateId: bigint;
      readonly futureTemplate: boolean;
      readonly height: number;
      readonly transactionCount: number;
      /** Satoshis. */
      readonly fees: bigint;
    }
  /** The source has a new tip, or other nbits on the same one. */
  | {
      readonly type: 'TipChanged';
      /** Height of the block to be found. */
      readonly height: number;
      /** 32 bytes in wire order. */
      readonly prevHash: Uint8Array;
      readonly nbits: number;
    }
  | BlockAccepted
  | BlockRejected
  | ExtraSubmission
  | SourceError
  | SourceRecovered
  | SourceWarning;

/** Twenty days, in milliseconds: timers cannot wait for more than 24. */
const defaultInactivityLimit = 1_728_000_000;

/** A template provider: a Template Distribution server over a source of blocks (spec chapter 7). */
export function templateProvider(options: TemplateProviderOptions): Server<TemplateProviderOutcome> {
  const {
    listen,
    source,
    inactivityLimit = defaultInactivityLimit,
    scheduler = asyncScheduler,
    ...rest
  } = options;
  return createServer({
    listen,
    templateDistribution: templateDistribution(source, { ...rest, scheduler }),
    inactivityLimit,
    scheduler,
  });
}

type Emitted = ServerEffect | TemplateProviderOutcome;

/** The server's side of Template Distribution as an operator over any source of blocks. */
export const templateDistribution =
  (
    source: BlockSource,
    {
      feeThreshold = 100n,
      minInterval = 5_000,
      extraNodes = [],
      scheduler = asyncScheduler,
    }: TemplateDistributionOptions = {},
  ): TemplateDistributionServerHandler<TemplateProviderOutcome> =>
  (event$) =>
    defer(() => {
      const store = templateStore({
        feeThreshold,
        // ids grow over restarts too: there are never as many templates as milliseconds
        lastTemplateId: BigInt(Math.max(0, Math.floor(scheduler.now()))),
      });

      const solutionHandler = solutions(source, extraNodes, (templateId) => store.find(templateId));
      const removed$ = event$.pipe(ofEvent('clientRemoved'));
      function removalOf(key: number) {
        return removed$.pipe(filter(({ clientId }) => clientId === key));
      }

      /** Eight bytes ask for up to 4 MB. */
      const transactionData = (clientId: number): Answering<bigint, Emitted> => ({
        reply(templateId) {
          const message = store.transactionData(templateId);
          return {
            value: send(clientId, message),
            bytes:
              message.type === 'RequestTransactionData.Success'
                ? message.transactionList.reduce((sum, { length }) => sum + length, 0)
                : 0,
          };
        },
        refuse: () => nonsense(clientId),
      });

      const done = (output: StoreOutput): Emitted[] => {
        if (output.type === 'Refusal') {
          return output.clientIds.map((clientId) => disconnect(clientId, output.message));
        }
        const { provided, clientIds, messages } = output;
        return [
          ...clientIds.map((clientId) => send(clientId, ...messages)),
          {
            type: 'TemplateSent',
            clientIds,
            templateId: provided.templateId,
            futureTemplate: messages.length > 1,
            height: provided.height,
            transactionCount: provided.transactions.length,
            fees: provided.fees,
          },
        ];
      };

      return merge(
        event$.pipe(
          ofMessage(CoinbaseOutputConstraints),
          // the first at once, then the newest of each interval: every change makes a template
          groupBy(({ clientId }) => clientId, { duration: ({ key }) => removalOf(key) }),
          mergeMap((ofClient$) =>
            ofClient$.pipe(
              throttleTime(minInterval, scheduler, { leading: true, trailing: true }),
              takeUntil(removalOf(ofClient$.key)),
            ),
          ),
          handleEach('templateDistribution', ({ clientId, message }) =>
            store.setConstraints(clientId, message, scheduler.now()).flatMap(done),
          ),
        ),
        removed$.pipe(handleEach('templateDistribution', ({ clientId }) => store.removeClient(clientId))),
        event$.pipe(
          ofMessage(RequestTransactionData),
          groupBy(({ clientId }) => clientId, { duration: ({ key }) => removalOf(key) }),
          mergeMap((ofClient$) =>
            pacedAnswers<bigint, Emitted>(
              ofClient$.pipe(map(({ message }) => message.templateId)),
              transactionData(ofClient$.key),
              scheduler,
            ).pipe(takeUntil(removalOf(ofClient$.key))),
          ),
        ),
        event$.pipe(
          ofMessage(SubmitSolution),
          handleEach('templateDistribution', ({ clientId, message }) => solutionHandler(clientId, message)),
        ),
        source.update$.pipe(connect((update$) => updates(update$))),
      );

      function updates(update$: BlockSource['update$']): Observable<Emitted | HandlerError> {
        return merge(
          update$.pipe(
            handleEach('templateDistribution', (update): Emitted[] => {
              if (update.type !== 'BlockTemplate') return [update];
              const before = store.tip();
              const outputs = store.update(update, scheduler.now()).flatMap(done);
              if (store.tip() === before) return outputs;
              const { height, prevHash, nbits } = update;
              // messages first: miners are waiting
              return [...outputs, { type: 'TipChanged', height, prevHash, nbits }];
            }),
          ),
          update$.pipe(
            filter((update): update is BlockTemplate => update.type === 'BlockTemplate'),
            auditTime(minInterval, scheduler),
            handleEach('templateDistribution', () => store.raiseFees().flatMap(done)),
          ),
        ).pipe(
          catchError((error: unknown) =>
            from([
              {
                type: 'SourceError',
                code: error instanceof Sv2Error ? error.code : 'unexpected-error',
                message: error instanceof Error ? error.message : String(error),
                retryIn: null,
              } as const,
            ]),
          ),
        );
      }
    });
