import {
  asyncScheduler,
  auditTime,
  catchError,
  connect,
  defer,
  filter,
  from,
  map,
  merge,
  of,
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
import { handleEach, ofEvent, ofMessage } from '../../service/operators.js';
import { disconnect, send, type HandlerError, type ServerEffect } from '../../service/outcomes.js';
import { createServer, type Server } from '../../service/server.js';
import type { Connection } from '../../transport/connection.js';
import { assembleBlock } from './block-assembly.js';
import type {
  BlockSource,
  BlockTemplate,
  SolvedBlock,
  SourceError,
  SourceRecovered,
} from './block-source.js';
import { templateStore, type Announcement } from './template-store.js';

/** How templates are handed out. */
export interface TemplateDistributionOptions {
  /** Satoshis by which the fees must rise for another template on the same tip; 100 unless given. */
  readonly feeThreshold?: bigint;
  /** Milliseconds between two templates on the same tip; 5,000 unless given. */
  readonly minInterval?: number;
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
  /** The source has a new tip. */
  | {
      readonly type: 'TipChanged';
      /** Height of the block to be found. */
      readonly height: number;
      /** 32 bytes in wire order. */
      readonly prevHash: Uint8Array;
      readonly nbits: number;
    }
  /** A client's solution made a block that the source accepted. */
  | {
      readonly type: 'BlockAccepted';
      readonly clientId: number;
      readonly templateId: bigint;
      readonly height: number;
      /** 32 bytes in wire order. */
      readonly hash: Uint8Array;
      readonly coinbaseTx: Uint8Array;
    }
  /** A client's solution did not make a block. */
  | {
      readonly type: 'BlockRejected';
      readonly clientId: number;
      readonly templateId: bigint;
      /** 32 bytes in wire order; null if it did not come to a header. */
      readonly hash: Uint8Array | null;
      /** The source's own word, such as `bad-cb-amount`; `template-id-not-found` for an unknown template. */
      readonly reason: string;
      readonly message: string;
    }
  | SourceError
  | SourceRecovered;

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

      const announced = ({ provided, clientIds, messages }: Announcement): Emitted[] => [
        ...clientIds.map((clientId) => send(clientId, ...messages)),
        {
          type: 'TemplateSent',
          clientIds,
          templateId: provided.templateId,
          futureTemplate: messages.length > 1,
          height: provided.block.height,
          transactionCount: provided.selection.transactions.length,
          fees: provided.selection.fees,
        },
      ];

      function submit(clientId: number, solution: SubmitSolution): Observable<TemplateProviderOutcome> {
        const { templateId, coinbaseTx } = solution;
        const provided = store.find(templateId);
        const rejected = (reason: string, message: string, hash: Uint8Array | null) =>
          ({ type: 'BlockRejected', clientId, templateId, hash, reason, message }) as const;
        if (provided === undefined) {
          const message = `there is no template ${templateId} on the tip or the one before`;
          return of(rejected('template-id-not-found', message, null));
        }
        let block: SolvedBlock;
        try {
          block = assembleBlock(provided, solution);
        } catch (error) {
          if (!(error instanceof Sv2Error)) throw error;
          return of(rejected(error.code, `the coinbase is no transaction: ${error.message}`, null));
        }
        const { hash, height } = block;
        return source
          .submit(block)
          .pipe(
            map((result) =>
              result.accepted
                ? { type: 'BlockAccepted', clientId, templateId, height, hash, coinbaseTx }
                : rejected(result.reason, result.message, hash),
            ),
          );
      }

      return merge(
        event$.pipe(
          ofMessage(CoinbaseOutputConstraints),
          handleEach('templateDistribution', ({ clientId, message }) => {
            const announcements = store.setConstraints(clientId, message, scheduler.now());
            if (announcements !== undefined) return announcements.flatMap(announced);
            const { coinbaseOutputMaxAdditionalSize: size, coinbaseOutputMaxAdditionalSigops: sigops } =
              message;
            return [disconnect(clientId, `no block has room for ${size} bytes and ${sigops} sigops more`)];
          }),
        ),
        event$.pipe(
          ofEvent('clientRemoved'),
          handleEach('templateDistribution', ({ clientId }) => store.removeClient(clientId)),
        ),
        event$.pipe(
          ofMessage(RequestTransactionData),
          handleEach('templateDistribution', ({ clientId, message }) => [
            send(clientId, store.transactionData(message.templateId)),
          ]),
        ),
        event$.pipe(
          ofMessage(SubmitSolution),
          handleEach('templateDistribution', ({ clientId, message }) => submit(clientId, message)),
        ),
        source.update$.pipe(connect((update$) => updates(update$))),
      );

      function updates(update$: BlockSource['update$']): Observable<Emitted | HandlerError> {
        let prevHash = '';
        return merge(
          update$.pipe(
            handleEach('templateDistribution', (update): Emitted[] => {
              if (update.type !== 'BlockTemplate') return [update];
              const announcements = store.update(update, scheduler.now()).flatMap(announced);
              if (String(update.prevHash) === prevHash) return announcements;
              prevHash = String(update.prevHash);
              const { height, nbits } = update;
              // messages first: miners are waiting
              return [...announcements, { type: 'TipChanged', height, prevHash: update.prevHash, nbits }];
            }),
          ),
          update$.pipe(
            filter((update): update is BlockTemplate => update.type === 'BlockTemplate'),
            auditTime(minInterval, scheduler),
            handleEach('templateDistribution', () => store.raiseFees().flatMap(announced)),
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
