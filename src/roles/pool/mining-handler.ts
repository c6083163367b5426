/** The side of a pool that miners connect to: the mining server as an operator. */
import { defer, EMPTY, merge, type NextObserver, type SchedulerLike } from 'rxjs';
import type { CustomBlock } from '../../declaration/declared-block.js';
import type { NewExtendedMiningJob } from '../../messages/mining.js';
import type { RandomBytes } from '../../crypto/index.js';
import type { NewTemplate, SetNewPrevHashTemplate } from '../../messages/template-distribution.js';
import { extranonceAllocator, type ExtranonceAllocatorOptions } from '../../mining/channels/extranonce.js';
import { DEVICE_FRAME_SIZE, extendedJobFrameSize } from '../../mining/frame-size.js';
import { miningServer } from '../../mining/mining-server.js';
import type { AccountBook } from '../../mining/shares/accounts.js';
import { turns } from '../../mining/slices.js';
import { jobMarks } from '../../mining/work/job-mark.js';
import type {
  MiningServerOptions,
  MiningServerOutcome,
  MiningServerOutput,
} from '../../mining/mining-server-types.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import { handleEach } from '../../service/handle-each.js';
import { ofEvent, ofTrigger } from '../../service/operators.js';
import { disconnect, toSibling, type ServerEffect } from '../../service/effects.js';
import { servedClients } from '../downstream/served-clients.js';
import type { WaitingLimits } from '../downstream/waiting-clients.js';
import type { DeclaredPayouts } from './declared-payouts.js';
import type { LedgerPayout } from './ledger-payout.js';
import type { FrontPayout } from './front-payout.js';
import { keptShares, paidByCore, paidHere } from './kept-shares.js';
import type { Payout } from './payout.js';
import type { LedgerOutcome } from './ledger-outcomes.js';
import type { ShareLedger } from './share-ledger.js';
import {
  BalancesChanged,
  SolutionFound,
  TemplateAged,
  TemplateArrived,
  TemplatePayout,
  TipArrived,
  WeakSolutionFound,
} from './triggers.js';

/** There is another block to build on. */
export interface NewTip {
  readonly type: 'NewTip';
  /** 32 bytes in wire order. */
  readonly prevHash: Uint8Array;
  readonly nbits: number;
  /** Why miners have nothing to do on it yet, in words; null when they have. */
  readonly missing: string | null;
}

/** A job for extended channels takes a frame larger than devices read; told once until a job is smaller. */
export interface JobTooLong {
  readonly type: 'JobTooLong';
  /** Bytes of its frame, and of what devices read. */
  readonly size: number;
  readonly limit: number;
  /** Bytes of the coinbase outputs: those that the template provider asks for, and those that the pool pays to. */
  readonly templateOutputs: number;
  readonly payoutOutputs: number;
}

/** What happens at the pool's mining server. */
export type PoolMiningOutcome = MiningServerOutcome | NewTip | JobTooLong | LedgerOutcome;

/** What to do with miners while templates are old. */
export type WhenTemplateOld = 'mine' | 'refuse-shares' | 'let-go';

/** Who is told of blocks that no template provider can put together. */
export interface CustomBlockOptions {
  /** Is handed blocks on custom jobs: `JobDeclarationServer.customBlockObserver`. Without it their clients publish them alone. */
  readonly customBlockObserver?: NextObserver<CustomBlock>;
}

/** Options of {@link poolMining}. */
export interface PoolMiningOptions
  extends
    Omit<MiningServerOptions, 'extranonce' | 'marks' | 'payoutOutputs'>,
    WaitingLimits,
    CustomBlockOptions {
  /** The payout of this run. */
  readonly payout: () => Payout;
  readonly extranonce: ExtranonceAllocatorOptions;
  readonly randomBytes: RandomBytes;
  readonly scheduler: SchedulerLike;
  readonly whenTemplateOld: WhenTemplateOld;
  /** New accounts for each time the pool is started. */
  readonly openAccounts: () => Pick<AccountBook, 'count'>;
  /** The ledger of this run; without, shares are acknowledged as they come. */
  readonly openLedger: () => ShareLedger | undefined;
  /** Is told what the ledger pays, for the declaration server beside the pool. */
  readonly declaredPayouts?: DeclaredPayouts;
  /** What is paid by the ledger, this process's or the core's, if anything is. */
  readonly ledgerPayout: () => LedgerPayout | FrontPayout | undefined;
}

const isFound = (outcome: MiningServerOutcome): outcome is Found =>
  outcome.type === 'BlockFound' || outcome.type === 'WeakBlockFound';

type Found = Extract<MiningServerOutcome, { readonly type: 'BlockFound' | 'WeakBlockFound' }>;

const none: readonly ServerEffect[] = [];

/** How old a job must be to be renewed for a target that waits for the next one, in milliseconds. */
const jobLifetime = 30_000;

/** How often some of the channels have their turn, in milliseconds: with 5,000 of them 250 had shares wait a millisecond and a half. */
const upkeepInterval = 50;

/**
 * The pool's side of the Mining Protocol: `miningServer` as an operator. Templates and tips come as
 * triggers from the template client, solutions go back to it.
 */
export const poolMining =
  (options: PoolMiningOptions): MiningServerHandler<PoolMiningOutcome> =>
  (event$) =>
    defer(() => {
      const { scheduler } = options;
      const payout = options.ledgerPayout();
      const byCore = payout !== undefined && 'paymentOf' in payout ? payout : undefined;
      const core = miningServer({
        ...options,
        payoutOutputs: (value, ofTemplate) => options.payout().outputs(value, ofTemplate),
        // asked of a client's channels alone: there is a ledger by then, if there is one
        ...(payout === undefined
          ? {}
          : { payoutOf: (user, clientId) => keeping?.payoutOf(user, clientId) ?? options.payout().outputs }),
        extranonce: extranonceAllocator(options.extranonce),
        marks: jobMarks(options.randomBytes),
      });
      const ledger = options.openLedger();
      const keeping =
        ledger === undefined
          ? undefined
          : keptShares(
              core,
              ledger,
              payout &&
                ('paymentOf' in payout
                  ? paidByCore(payout)
                  : paidHere(payout, ledger, options.declaredPayouts, () => scheduler.now())),
            );
      let isTemplateOld = false;

      let template: NewTemplate | undefined;
      let isTooLong = false;

      /** Says when a job has become longer than devices read. */
      function* sizeOf(message: NewExtendedMiningJob): Generator<JobTooLong> {
        if (template === undefined) return;
        const size = extendedJobFrameSize(message);
        const wasTooLong = isTooLong;
        isTooLong = size > DEVICE_FRAME_SIZE;
        if (!isTooLong || wasTooLong) return;
        const templateOutputs = template.coinbaseTxOutputs.length;
        const payoutOutputs = options.payout().room.coinbaseOutputMaxAdditionalSize;
        yield { type: 'JobTooLong', size, limit: DEVICE_FRAME_SIZE, templateOutputs, payoutOutputs };
      }

      /** What tells the template client of a block; one that only its declarator can put together is told to whom it concerns. */
      const solutionOf = (found: Found): ServerEffect[] => {
        const { type, hash, header, solution } = found;
        if (solution !== null)
          return [
            toSibling(
              type === 'BlockFound'
                ? SolutionFound({ hash, header, solution }, keeping?.paidBy(found))
                : WeakSolutionFound(solution),
            ),
          ];
        if (found.type === 'BlockFound')
          options.customBlockObserver?.next({ hash, header, coinbaseTx: found.coinbaseTx });
        return [];
      };

      /** Everything an output of the mining server leads to, in order. */
      const effects = (output: MiningServerOutput): (ServerEffect | PoolMiningOutcome)[] => {
        const { messages, outcomes } = output;
        const solutions = outcomes.some(isFound) ? outcomes.filter(isFound).flatMap(solutionOf) : none;
        const all: (ServerEffect | PoolMiningOutcome)[] = clients.effectsOf(output);
        ledger?.note(outcomes);
        for (const { messages: own } of messages) {
          for (const message of own) {
            if (message.type === 'NewExtendedMiningJob') all.push(...sizeOf(message));
          }
        }
        for (const outcome of outcomes) all.push(outcome);
        return solutions.length === 0 ? all : [...solutions, ...all]; // before anything else
      };

      const takeTemplate = (received: NewTemplate) => {
        template = received;
        keeping?.template(received);
        return effects(core.newTemplate(received));
      };

      function* takeTip(tip: SetNewPrevHashTemplate): Generator<ServerEffect | PoolMiningOutcome> {
        const now = scheduler.now();
        const { prevHash, nBits: nbits } = tip;
        const output = core.setNewPrevHash(tip, now);
        keeping?.tip(tip);
        yield* effects(output);
        yield { type: 'NewTip', prevHash, nbits, missing: output.missing };
      }

      const letGo = (clientId: number): ServerEffect =>
        disconnect(clientId, 'there is no new work for too long: try another pool', 'no-work');

      const isLettingGo = (): boolean => isTemplateOld && options.whenTemplateOld === 'let-go';

      /** Those who have to go while templates are old: some of them at a time, so that nobody else waits for it. */
      const lettingGo = (now: number): ServerEffect[] => (isLettingGo() ? leaving(now).map(letGo) : []);

      const clients = servedClients<MiningServerOutput, PoolMiningOutcome>({
        ...options,
        core: keeping?.core ?? core,
        ...(ledger === undefined ? {} : { outgoing: ledger.outgoing }),
        accounts: options.openAccounts(),
        effects,
        upkeepInterval,
        *upkeep(now) {
          yield* effects(core.tick(now));
          yield* effects(core.renewJobs(now, jobLifetime));
          yield* lettingGo(now);
        },
      });
      const leaving = turns(() => clients.ids());

      return merge(
        keeping?.handler(event$) ?? EMPTY, // knows clients before they send anything
        clients.handler(event$),
        event$.pipe(
          ofEvent('clientAdded'),
          handleEach('mining', ({ clientId }) => (isLettingGo() ? [letGo(clientId)] : [])),
        ),
        event$.pipe(
          ofTrigger(BalancesChanged),
          handleEach('mining', (changed) => byCore?.balancesChanged(changed)),
        ),
        event$.pipe(
          ofTrigger(TemplatePayout),
          handleEach('mining', (settled) => byCore?.templatePayout(settled)),
        ),
        event$.pipe(
          ofTrigger(TemplateArrived),
          handleEach('mining', ({ template: received }) => takeTemplate(received)),
        ),
        event$.pipe(
          ofTrigger(TipArrived),
          handleEach('mining', ({ tip }) => takeTip(tip)),
        ),
        event$.pipe(
          ofTrigger(TemplateAged),
          handleEach('mining', ({ isOld }) => {
            isTemplateOld = isOld;
            if (options.whenTemplateOld === 'refuse-shares')
              core.refuseShares(isOld ? 'there is no new template for too long' : null);
          }),
        ),
      );
    });
