import { map, type Observable } from 'rxjs';
import type { ProposalResult } from '../roles/jd-server/declaration-node.js';
import type { BitcoinRpc } from './bitcoin-rpc.js';
import { invalidAnswer } from './bitcoin-rpc.js';
import { knownRules } from './bitcoin-template.js';
import { oneAtATime } from './one-at-a-time.js';

/** Blocks that wait to be judged; of more nobody is asked. */
const maxWaiting = 64;

/**
 * Makes a function that has a Bitcoin node judge blocks without proof of work, one at a time, by `getblocktemplate` in
 * proposal mode (BIP 23). Errors with BitcoinRpcError when the node cannot tell.
 */
export function blockProposal(rpc: BitcoinRpc): (block: Uint8Array) => Observable<ProposalResult> {
  const queueOperator = oneAtATime<ProposalResult>(maxWaiting);
  return (block) =>
    rpc
      .call('getblocktemplate', [
        { mode: 'proposal', rules: knownRules, data: Buffer.from(block).toString('hex') },
      ])
      .pipe(
        map((verdict): ProposalResult => {
          if (verdict === null) return { accepted: true };
          // a template in answer to a proposal: a node that does not know the mode
          if (typeof verdict !== 'string')
            throw invalidAnswer(rpc.address, 'is no verdict on a proposed block');
          return { accepted: false, reason: verdict };
        }),
        queueOperator,
      );
}
