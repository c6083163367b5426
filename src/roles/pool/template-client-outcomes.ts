/** What happens between a pool and its template providers. */
import type { ExtraSubmission } from '../extra-nodes.js';
import type { SolutionOutcome } from './held-solutions.js';
import type { Fault } from './provider-checks.js';

/** A template provider said what cannot be true; what it said is not used. */
export interface ProviderFault extends Fault {
  readonly type: 'ProviderFault';
  /** Whether it is left for another, or, when there is no other, dialled again. */
  readonly isLeft: boolean;
}

/**
 * The chain of every template provider is another than the payout is for, and none was right before: nothing can be mined
 * until that is mended. It is told once; they are dialled again all the same.
 */
export interface ChainRefused {
  readonly type: 'ChainRefused';
  /** What the chain is, and what was expected. */
  readonly message: string;
}

/** A template provider's time is more than five minutes from ours; told once a connection. */
export interface ClockDiffers {
  readonly type: 'ClockDiffers';
  /** Its time less ours. */
  readonly seconds: number;
}

/** A template provider's target is not that of a block; told once a connection. See `chainTipFrom` for what comes of it. */
export interface TargetDiffers {
  readonly type: 'TargetDiffers';
  /** How much harder than a block its target is: below 1 if it is easier, Infinity if nothing meets it. */
  readonly ratio: number;
}

/** The template provider sent a template, and the mining server has it. */
export interface TemplateReceived {
  readonly type: 'TemplateReceived';
  /** The template provider's. */
  readonly templateId: bigint;
  readonly futureTemplate: boolean;
  /** Of the block to be found, as the coinbase has it (BIP 34); null if it has none. */
  readonly height: number | null;
  /** What the coinbase's outputs may be worth together: subsidy and fees, in satoshis. */
  readonly value: bigint;
}

/** There has been no new template for longer than `maxTemplateAge`; told once. */
export interface TemplateOld {
  readonly type: 'TemplateOld';
  /** Milliseconds since the last, or since the pool was started. */
  readonly age: number;
}

/** There is a new template, after {@link TemplateOld}. */
export interface TemplateRenewed {
  readonly type: 'TemplateRenewed';
}

/** What happens between a pool and its template providers. */
export type TemplateClientOutcome =
  | SolutionOutcome
  | ExtraSubmission
  | ProviderFault
  | ClockDiffers
  | ChainRefused
  | TargetDiffers
  | TemplateReceived
  | TemplateOld
  | TemplateRenewed;
