/** What the two sides of a pool hand each other. */
import type {
  NewTemplate,
  SetNewPrevHashTemplate,
  SubmitSolution,
} from '../../messages/template-distribution.js';
import { defineTrigger } from '../../service/define-trigger.js';
import type { Solution } from './held-solutions.js';

/** The template provider sent a template; from the template client to the mining server. */
export const TemplateArrived = defineTrigger('TemplateArrived', (template: NewTemplate) => ({ template }));

/** The template provider has a new tip; from the template client to the mining server. */
export const TipArrived = defineTrigger('TipArrived', (tip: SetNewPrevHashTemplate) => ({ tip }));

/** There is no new template for too long, or there is one again; from the template client to the mining server. */
export const TemplateAged = defineTrigger('TemplateAged', (isOld: boolean) => ({ isOld }));

/**
 * A miner found something that its template provider wants and that is no block; from the mining server to the template
 * client. As in {@link SolutionFound}.
 */
export const WeakSolutionFound = defineTrigger('WeakSolutionFound', (solution: SubmitSolution) => ({
  solution,
}));

/**
 * A miner found a block; from the mining server to the template client. Its solution has the pool's own id of the
 * template.
 */
export const SolutionFound = defineTrigger('SolutionFound', (block: Solution) => ({ block }));
