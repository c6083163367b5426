/** What a declaring client has to send and to tell, gathered while it works on one input. */
import type { Message } from '../messages/registry.js';
import type { ReconstructedBlock } from './declared-block.js';
import type {
  DeclaringClientOutcome,
  DeclaringClientOutput,
  DeclaringFault,
  ProviderUseless,
} from './declaring-client-types.js';

/** See {@link clientOutput}. */
export interface ClientOutput {
  toMiners(...messages: readonly Message[]): void;
  toPool(...messages: readonly Message[]): void;
  toDeclarator(...messages: readonly Message[]): void;
  toTemplates(...messages: readonly Message[]): void;
  tell(outcome: DeclaringClientOutcome): void;
  /** A block that is known whole. */
  block(block: ReconstructedBlock): void;
  /** Pool and declarator have to be left; the first reason stays. */
  fail(code: string, message: string): void;
  /** The template provider has to be left, or what it said last is of no use. */
  failProvider(code: ProviderUseless['code'], message: string): void;
  /** Whether pool and declarator have to be left. */
  readonly isFailed: boolean;
  /** What was gathered since the last time. */
  done(): DeclaringClientOutput;
}

/** Gathers what an input leads to. */
export const clientOutput = (): ClientOutput => {
  const nothing = () => ({
    toMiners: [] as Message[],
    toPool: [] as Message[],
    toDeclarator: [] as Message[],
    toTemplates: [] as Message[],
    outcomes: [] as DeclaringClientOutcome[],
    blocks: [] as ReconstructedBlock[],
  });
  let gathered = nothing();
  let fault: DeclaringFault | null = null;
  let providerFault: ProviderUseless | null = null;
  return {
    toMiners: (...messages) => void gathered.toMiners.push(...messages),
    toPool: (...messages) => void gathered.toPool.push(...messages),
    toDeclarator: (...messages) => void gathered.toDeclarator.push(...messages),
    toTemplates: (...messages) => void gathered.toTemplates.push(...messages),
    tell: (outcome) => void gathered.outcomes.push(outcome),
    block: (block) => void gathered.blocks.push(block),
    fail(code, message) {
      fault ??= { code, message };
    },
    failProvider(code, message) {
      providerFault ??= { code, message };
    },
    get isFailed() {
      return fault !== null;
    },
    done() {
      const output = { ...gathered, fault, providerFault };
      gathered = nothing();
      providerFault = null;
      return output;
    },
  };
};
