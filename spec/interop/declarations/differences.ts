/** Where the reference's declaration server and ours judge a declaration differently, and why. */
import type { Judgement } from './declarer.js';
import type { MutatedDeclaration } from './mutations.js';

/** Codes that the reference has for what Bitcoin Core, its reading of the coinbase or the transactions say. */
const theirCodes = ['invalid-job', 'invalid-coinbase-tx', 'stale-chain-tip', 'missing-txs'];

/** Ours, which name what is wrong before a node is asked. */
const ourCodes = [
  'invalid-job',
  'invalid-coinbase-tx',
  'invalid-coinbase-tx-input',
  'invalid-coinbase-tx-outputs',
  'pool-payout-script-missing',
];

/** The name of a difference, as the table of README.md has it; undefined for one that is not explained. */
export const declarationDifference = (
  { mutations }: MutatedDeclaration,
  theirs: Judgement,
  ours: Judgement,
): string | undefined => {
  if (theirs.verdict === ours.verdict) return undefined;
  // nothing is taken here that the reference refuses
  if (ours.verdict === 'ok') return undefined;
  if (theirs.verdict !== 'ok')
    return theirCodes.includes(theirs.verdict) && ourCodes.includes(ours.verdict)
      ? 'declarationCode'
      : undefined;
  const has = (...names: readonly string[]): boolean => names.some((name) => mutations.includes(name));
  switch (ours.verdict) {
    case 'pool-payout-script-missing':
    case 'invalid-coinbase-tx-outputs':
      return has('paysAnother', 'paysLess', 'leavesSome', 'suffixFlipped') ? 'declarationUnpaid' : undefined;
    case 'invalid-coinbase-tx':
      return has('suffixLonger', 'suffixFlipped', 'prefixCut') ? 'declarationBytes' : undefined;
    default:
      return undefined;
  }
};
