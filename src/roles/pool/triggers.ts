import type {
  NewTemplate,
  SetNewPrevHashTemplate,
  SubmitSolution,
} from '../../messages/template-distribution.js';
import { defineTrigger } from '../../service/define-trigger.js';

/** The template provider sent a template; from the template client to the mining server. */
export const TemplateArrived = defineTrigger('TemplateArrived', (template: NewTemplate) => ({ template }));

/** The template provider has a new tip; from the template client to the mining server. */
export const TipArrived = defineTrigger('TipArrived', (tip: SetNewPrevHashTemplate) => ({ tip }));

/** A miner found a block; from the mining server to the template client. */
export const SolutionFound = defineTrigger('SolutionFound', (solution: SubmitSolution) => ({ solution }));

/** Time passed at the mining server. */
export const Upkeep = defineTrigger('Upkeep');
