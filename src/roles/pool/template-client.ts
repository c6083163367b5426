/** The pool's side of Template Distribution: what template providers say, checked, and the blocks that go to them. */
import { concat, defer, from, merge, type Observable, type SchedulerLike } from 'rxjs';
import { decodeBip34Height, type OutputConstraints } from '../../bitcoin/script.js';
import type { AddressNetwork } from '../../bitcoin/payout-script.js';
import {
  CoinbaseOutputConstraints,
  NewTemplate,
  RequestTransactionDataSuccess,
  SetNewPrevHashTemplate,
  type SubmitSolution,
} from '../../messages/template-distribution.js';
import type { TemplateDistributionClientHandler } from '../../service/handlers.js';
import { handleEach } from '../../service/handle-each.js';
import { ofEvent, ofMessage, ofTrigger } from '../../service/operators.js';
import { leaveServer, sendToServer, toSibling, type ClientEffect } from '../../service/effects.js';
import { networkFault, type NetworkFault } from '../chain-network.js';
import { submitToExtra, type ExtraNode } from '../extra-nodes.js';
import { extraBlocks } from './extra-blocks.js';
import { heldSolutions, type Solution } from './held-solutions.js';
import {
  clockDifference,
  isProviderLeft,
  targetRatio,
  templateFault,
  templateRate,
  tipFault,
  type Fault,
} from './provider-checks.js';
import type { ChainRefused, TemplateClientOutcome, TemplateReceived } from './template-client-outcomes.js';
import { templateIds, type TemplateMemory } from './template-ids.js';
import { SolutionFound, TemplateAged, TemplateArrived, TipArrived, WeakSolutionFound } from './triggers.js';
import { upkeepEvery } from '../upkeep.js';

/** Options of {@link templateClient}. */
export interface TemplateClientOptions {
  /** The room that templates must leave for the pool's outputs. */
  readonly payoutRoom: OutputConstraints;
  /** Nodes that blocks go to as well, for which all templates' transactions are asked for. */
  readonly extraNodes?: readonly ExtraNode[];
  /** How many template providers there are. */
  readonly providers: number;
  /** What was before, and is to be known after, this run; nothing unless given. */
  readonly templateMemory?: TemplateMemory;
  /** Milliseconds without a new template after which that is told. */
  readonly maxTemplateAge: number;
  /** The networks whose chain it may be: of any other it is left; any unless given. */
  readonly networks?: readonly AddressNetwork[];
  readonly scheduler: SchedulerLike;
}

/** How long a template provider that lies is left alone while there are others, in milliseconds. */
const banFor = 600_000;

/** How often the clock is looked at, in milliseconds. */
const upkeepInterval = 1_000;

/** Notes of each template provider, by its number, whether its chain is another; says when there is no right one. */
const foreignChains = (providers: number) => {
  const foreign = new Set<number | undefined>();
  let isSettled = false; // by a right one, or by having been told
  return (upstream: number | undefined, fault: NetworkFault | undefined): readonly ChainRefused[] => {
    if (isSettled) return [];
    if (fault !== undefined) foreign.add(upstream);
    isSettled = fault === undefined || foreign.size === providers;
    return isSettled && fault !== undefined ? [{ type: 'ChainRefused', message: fault.message }] : [];
  };
};

const receivedOf = (template: NewTemplate): TemplateReceived => ({
  type: 'TemplateReceived',
  templateId: template.templateId,
  futureTemplate: template.futureTemplate,
  height: decodeBip34Height(template.coinbasePrefix),
  value: template.coinbaseTxValueRemaining,
});

type Emitted = ClientEffect | TemplateClientOutcome;

/**
 * Tells the template provider what room the payout needs, hands its templates and tips to the mining server if they
 * can be true, and sends it the solutions that come from there (spec chapter 7). That protocol has no answer to a
 * solution: it is kept until the chain builds on it or has gone on without it, and sent again after a reconnection.
 */
export const templateClient =
  ({
    payoutRoom,
    providers,
    extraNodes = [],
    maxTemplateAge,
    networks,
    templateMemory,
    scheduler,
  }: TemplateClientOptions): TemplateDistributionClientHandler<TemplateClientOutcome> =>
  (event$) =>
    defer(() => {
      const constraints = CoinbaseOutputConstraints(payoutRoom);
      const held = heldSolutions();
      const ids = templateIds(templateMemory);
      const blocks = extraBlocks();
      let rate = templateRate('templates');
      let tipRate = templateRate('tips');
      let isConnected = false;
      let isClockTold = false;
      const foreign = foreignChains(providers);
      let isTargetTold = false;
      let upstream: number | undefined;
      let lastTemplateAt = scheduler.now();
      let isOld = false;

      const faulty = (fault: Fault): Emitted[] => {
        const isLeft = isProviderLeft(fault, providers);
        const outcome = { type: 'ProviderFault', ...fault, isLeft } as const;
        if (!isLeft) return [outcome];
        isConnected = false; // what it has sent already is not to be used
        return [outcome, leaveServer(fault, providers > 1 ? banFor : 0)];
      };

      const takeTemplate = (template: NewTemplate): Emitted[] => {
        if (!isConnected) return [];
        const fault = rate(scheduler.now()) ?? templateFault(template);
        if (fault !== undefined) return faulty(fault);
        lastTemplateAt = scheduler.now();
        const wasOld = isOld;
        isOld = false;
        const templateId = ids.add(template.templateId);
        return [
          toSibling(TemplateArrived({ ...template, templateId })),
          receivedOf(template),
          ...(extraNodes.length === 0 ? [] : [sendToServer(blocks.template(templateId, template))]),
          ...(wasOld ? [toSibling(TemplateAged(false)), { type: 'TemplateRenewed' } as const] : []),
        ];
      };

      const takeTip = (tip: SetNewPrevHashTemplate): Emitted[] => {
        if (!isConnected) return [];
        const flood = tipRate(scheduler.now());
        if (flood !== undefined) return faulty(flood);
        const known = ids.find(tip.templateId);
        const fault = tipFault(tip, known !== undefined);
        if (networks !== undefined && fault?.code !== 'invalid-nbits') {
          const unlike = networkFault(tip.nBits, networks);
          const refused = foreign(upstream, unlike);
          // its blocks would not pay whom they should
          if (unlike !== undefined) return [...faulty(unlike), ...refused];
        }
        const seconds = isClockTold ? undefined : clockDifference(tip, scheduler.now());
        if (seconds !== undefined) isClockTold = true;
        const ratio = isTargetTold || fault?.code === 'invalid-nbits' ? 1 : targetRatio(tip);
        if (ratio !== 1) isTargetTold = true;
        // whatever else is wrong, the work before it has ended
        return [
          toSibling(TipArrived({ ...tip, templateId: known ?? ids.reserve(tip.templateId) })),
          ...held.tip(tip.prevHash),
          ...(fault === undefined ? [] : faulty(fault)),
          ...(seconds === undefined ? [] : [{ type: 'ClockDiffers', seconds } as const]),
          ...(ratio === 1 ? [] : [{ type: 'TargetDiffers', ratio } as const]),
        ];
      };

      function takeBlock(block: Solution): Observable<Emitted> {
        const { templateId, coinbaseTx } = block.solution;
        const whole = blocks.block(templateId, { ...block, coinbaseTx });
        const toProvider$ = from(offerBlock(block));
        return whole === undefined ? toProvider$ : concat(toProvider$, submitToExtra(extraNodes, whole));
      }

      const offerBlock = (block: Solution): Emitted[] => {
        const source = ids.source(block.solution.templateId);
        if (source === undefined) return [{ type: 'SolutionLost', ...block, others: 0 }]; // of a template long gone
        const solution = { ...block.solution, templateId: source.templateId };
        const { send, outcomes } = held.found({ ...block, solution }, source.upstream, scheduler.now());
        return [...(send.length === 0 ? [] : [sendToServer(...send)]), ...outcomes];
      };

      /** It is worth something to the template provider that has it first, or nothing. */
      const takeWeakBlock = (solution: SubmitSolution): Emitted[] => {
        const source = ids.source(solution.templateId);
        if (!isConnected || source === undefined || source.upstream !== upstream) return [];
        return [sendToServer({ ...solution, templateId: source.templateId })];
      };

      const upkeep = (): Emitted[] => {
        const now = scheduler.now();
        const unanswered = held.unanswered(now);
        const age = now - lastTemplateAt;
        const becameOld = !isOld && age >= maxTemplateAge;
        isOld ||= becameOld;
        const code = 'provider-hangs';
        const leave =
          unanswered !== undefined
            ? [leaveServer({ code, message: 'it was sent a block, and does not build on it or on another' })]
            : becameOld && isConnected && providers > 1
              ? [leaveServer({ code, message: `no template for ${Math.round(age / 1000)} s` })]
              : [];
        const old: Emitted[] = becameOld ? [{ type: 'TemplateOld', age }, toSibling(TemplateAged(true))] : [];
        return [...(unanswered === undefined ? [] : [unanswered]), ...old, ...leave];
      };

      return merge(
        event$.pipe(
          ofEvent('connected'),
          handleEach('templateDistribution', ({ server }) => {
            isConnected = true;
            isClockTold = false;
            isTargetTold = false;
            upstream = server.upstream;
            rate = templateRate('templates');
            tipRate = templateRate('tips');
            ids.connected(server.upstream);
            const { send, outcomes } = held.connected(server.upstream, scheduler.now());
            return [sendToServer(constraints, ...send), ...outcomes];
          }),
        ),
        event$.pipe(
          ofEvent('disconnected'),
          handleEach('templateDistribution', () => {
            isConnected = false;
            held.disconnected();
          }),
        ),
        event$.pipe(
          ofMessage(NewTemplate),
          handleEach('templateDistribution', ({ message }) => takeTemplate(message)),
        ),
        event$.pipe(
          ofMessage(SetNewPrevHashTemplate),
          handleEach('templateDistribution', ({ message }) => takeTip(message)),
        ),
        event$.pipe(
          ofMessage(RequestTransactionDataSuccess),
          handleEach('templateDistribution', ({ message }) => {
            const id = ids.find(message.templateId);
            if (id !== undefined) blocks.transactions(id, message);
            return [];
          }),
        ),
        event$.pipe(
          ofTrigger(SolutionFound),
          handleEach('templateDistribution', ({ block }) => takeBlock(block)),
        ),
        event$.pipe(
          ofTrigger(WeakSolutionFound),
          handleEach('templateDistribution', ({ solution }) => takeWeakBlock(solution)),
        ),
        upkeepEvery(upkeepInterval, scheduler).pipe(handleEach('templateDistribution', upkeep)),
      );
    });
