/** What the two sides of a pool hand each other. */
import type { TxOut } from '../../bitcoin/outputs.js';
import type { CustomBlock } from '../../declaration/declared-block.js';
import type {
  NewTemplate,
  SetNewPrevHashTemplate,
  SubmitSolution,
} from '../../messages/template-distribution.js';
import { defineTrigger } from '../../service/define-trigger.js';
import type { Solution } from './held-solutions.js';
import type { PaidShare } from './paid-share.js';

/** The template provider sent a template; from the template client to the mining server. */
export const TemplateArrived = defineTrigger('TemplateArrived', (template: NewTemplate) => ({ template }));

/** The template provider has a new tip; from the template client to the mining server. */
export const TipArrived = defineTrigger('TipArrived', (tip: SetNewPrevHashTemplate) => ({ tip }));

/** There is no new template for too long, or there is one again; from the template client to the mining server. */
export const TemplateAged = defineTrigger('TemplateAged', (isOld: boolean) => ({ isOld }));

/** What is paid by a coinbase that devices can hash which take no longer one. */
export interface SharedOutputs {
  /** Bytes without witness; Infinity for any. */
  readonly coinbaseSize: number;
  readonly outputs: readonly TxOut[];
}

/**
 * What the blocks of a template pay by the core's ledger; from the core to fronts, ahead of the template.
 * @param templateId the pool's own
 * @param shared for each length of coinbases; nothing where all are paid for their own blocks alone
 */
export const TemplatePayout = defineTrigger(
  'TemplatePayout',
  (templateId: bigint, shared: readonly SharedOutputs[]) => ({ templateId, shared }),
);

/**
 * What payees are owed from now on, by output script in hex; from the core to fronts, for the blocks of those who are paid
 * for their own alone.
 */
export const BalancesChanged = defineTrigger('BalancesChanged', (balances: ReadonlyMap<string, bigint>) => ({
  balances,
}));

/**
 * A miner found something that its template provider wants and that is no block; from the mining server to the template
 * client. As in {@link SolutionFound}.
 */
export const WeakSolutionFound = defineTrigger('WeakSolutionFound', (solution: SubmitSolution) => ({
  solution,
}));

/**
 * A miner found a block on a custom job, which the core's declaration server puts together; from a front to the core.
 */
export const CustomBlockFound = defineTrigger('CustomBlockFound', (block: CustomBlock) => ({ block }));

/**
 * A miner found a block; from the mining server to the template client. Its solution has the pool's own id of the
 * template.
 * @param paid what it pays, where the core's ledger decides that: told with the block, so that none is sent out unnoted
 */
export const SolutionFound = defineTrigger('SolutionFound', (block: Solution, paid?: PaidShare) => ({
  block,
  ...(paid === undefined ? {} : { paid }),
}));
