/** What a template provider may not say, and what was expected instead: pure checks. */
import { parseTemplateOutputs } from '../../bitcoin/outputs.js';
import { compareTargets, difficultyFromTarget, targetFromNbits } from '../../bitcoin/target.js';
import { Sv2Error } from '../../codec/errors.js';
import type { ProviderUseless } from '../../declaration/declaring-client-types.js';
import type { NewTemplate, SetNewPrevHashTemplate } from '../../messages/template-distribution.js';
import type { NetworkFault } from '../chain-network.js';
import { rateLimit } from '../rate-limit.js';

/** What is wrong with what a template provider says. */
export interface Fault {
  /** For programs. */
  readonly code:
    | 'invalid-value'
    | 'invalid-merkle-path'
    | 'invalid-coinbase-prefix'
    | 'invalid-coinbase-outputs'
    | 'invalid-nbits'
    | 'unknown-template'
    | NetworkFault['code']
    | 'too-many-templates'
    | ProviderUseless['code'];
  /** For people: what was said, and what was expected. */
  readonly message: string;
}

/** What a single template provider is left for, too, though there is no other: it is dialled anew. */
const alwaysLeftFor: readonly Fault['code'][] = ['too-many-templates', 'wrong-network', 'request-timeout'];

/** Whether a template provider is left: one that lies for another, if there is one. @param providers how many there are */
export const isProviderLeft = ({ code }: Fault, providers: number): boolean =>
  providers > 1 || alwaysLeftFor.includes(code);

/** All satoshis that there will ever be: 21 million bitcoin. */
const maxMoney = 2_100_000_000_000_000n;

/** A block of 4,000,000 weight units has room for 16,666 transactions of 60 bytes, so for a path of 15 hashes (BIP 141). */
const maxMerklePath = 16;

/** The longest `coinbase_prefix` (spec §7.2). */
export const maxCoinbasePrefix = 8;

/** Says what is wrong with a template, if anything. */
export function templateFault(template: NewTemplate): Fault | undefined {
  const { coinbaseTxValueRemaining: value, merklePath, coinbasePrefix } = template;
  if (value > maxMoney)
    return {
      code: 'invalid-value',
      message: `a template of ${value} satoshis; expected ${maxMoney} at most`,
    };
  if (merklePath.length > maxMerklePath) {
    const message = `a merkle path of ${merklePath.length} hashes; expected ${maxMerklePath} at most`;
    return { code: 'invalid-merkle-path', message };
  }
  if (coinbasePrefix.length > maxCoinbasePrefix) {
    const message = `a coinbase prefix of ${coinbasePrefix.length} bytes; expected ${maxCoinbasePrefix} at most`;
    return { code: 'invalid-coinbase-prefix', message };
  }
  try {
    const outputs = parseTemplateOutputs(template.coinbaseTxOutputs, template.coinbaseTxOutputsCount);
    const claimed = outputs.reduce((sum, output) => sum + output.value, 0n);
    if (claimed <= maxMoney) return undefined;
    const message = `coinbase outputs of ${claimed} satoshis; expected ${maxMoney} at most`;
    return { code: 'invalid-coinbase-outputs', message };
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    return { code: 'invalid-coinbase-outputs', message: `coinbase outputs that are none: ${error.message}` };
  }
}

/**
 * Says what is wrong with a tip, if anything.
 * @param isKnown whether its template was sent before, and was good
 */
export function tipFault({ nBits, templateId }: SetNewPrevHashTemplate, isKnown: boolean): Fault | undefined {
  try {
    if (targetFromNbits(nBits).every((byte) => byte === 0))
      return { code: 'invalid-nbits', message: 'a tip whose target is 0; expected one that can be met' };
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    return { code: 'invalid-nbits', message: `a tip whose nbits are none: ${error.message}` };
  }
  if (isKnown) return undefined;
  const message = `a tip for template ${templateId}; expected one that was sent before and is good`;
  return { code: 'unknown-template', message };
}

/** Templates, and tips, that may come at once, and that may come a second beyond: regtest's blocks come fast. */
const burst = 1_000;
const perSecond = 100;

/**
 * Counts templates or tips. Times are milliseconds since 1970.
 * @param what for people
 * @returns what is wrong when there are too many, if they are
 */
export function templateRate(what: 'templates' | 'tips'): (now: number) => Fault | undefined {
  let isWithin = rateLimit(burst, perSecond);
  return (now) => {
    if (isWithin(now)) return undefined;
    isWithin = rateLimit(burst, perSecond); // told once, and it is left
    const message = `more than ${burst} ${what} at once; expected ${perSecond} a second at most`;
    return { code: 'too-many-templates', message };
  };
}

/** How far a template provider's time may be from ours, in seconds. */
const maxClockDifference = 300;

/**
 * By how much a template provider's time is off, in seconds, if that is more than five minutes.
 * @param now milliseconds since 1970
 * @returns above 0 if it is ahead of ours
 */
export function clockDifference(
  { headerTimestamp }: SetNewPrevHashTemplate,
  now: number,
): number | undefined {
  const seconds = headerTimestamp - Math.floor(now / 1000);
  return Math.abs(seconds) > maxClockDifference ? seconds : undefined;
}

/**
 * How much harder than a block the target of a template provider is, whose nbits are valid.
 * @returns 1 if it is that of a block, below 1 if it is easier, Infinity for 0, which nothing meets
 */
export function targetRatio({ nBits, target }: SetNewPrevHashTemplate): number {
  const ofBlock = targetFromNbits(nBits);
  if (compareTargets(target, ofBlock) === 0) return 1;
  return difficultyFromTarget(target) / difficultyFromTarget(ofBlock);
}
