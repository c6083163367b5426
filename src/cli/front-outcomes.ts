/** What happens at fronts, as what happens at one pool. */
import { bytesToHex } from '../codec/hex.js';
import type { OutcomesLost } from '../node/cluster/outcome-batches.js';
import type { NewTip, PoolOutcome } from '../roles/pool/pool.js';
import { trouble, type LogLine } from './log-line.js';

/**
 * Which outcomes of fronts are the pool's: that there is a new tip happens at all of them, and is one event.
 * @param tell is told of those that were lost
 */
export const frontOutcomes = (tell: (line: LogLine) => void) => {
  let lastTip: string | undefined;
  return (outcome: { readonly type: string }): PoolOutcome | undefined => {
    if (outcome.type === 'OutcomesLost') {
      const { count } = outcome as OutcomesLost;
      const text = `a front had more to tell than could be taken: ${count} events are not in what is shown`;
      tell(trouble(text, 'front: lost'));
      return undefined;
    }
    if (outcome.type === 'NewTip') {
      const { prevHash, missing } = outcome as NewTip;
      const tip = `${bytesToHex(prevHash)} ${missing}`;
      if (tip === lastTip) return undefined;
      lastTip = tip;
    }
    return outcome as PoolOutcome;
  };
};
