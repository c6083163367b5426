/** Templates of another chain than blocks are paid on do not get through. */
import { concatMap, defer, type OperatorFunction } from 'rxjs';
import type { AddressNetwork } from '../../bitcoin/payout-script.js';
import { networkFault } from '../chain-network.js';
import type { SourceUpdate } from '../template-provider/block-source.js';

/**
 * Holds back the templates of a node whose chain cannot be one of these networks. That is told once, as a SourceError
 * `wrong-network`, and so is that it is a right one.
 *
 * ```text
 * update$                 --t--w--w--E--t--     t: a template, w: one of another chain, E: trouble of the node's own
 *   onNetworks(networks)  --t--e-----E--(rt)    e: SourceError, r: SourceRecovered
 * ```
 * @param networks those that it may be
 */
export const onNetworks =
  (networks: readonly AddressNetwork[]): OperatorFunction<SourceUpdate, SourceUpdate> =>
  (update$) =>
    defer(() => {
      let isForeign = false;
      return update$.pipe(
        concatMap((update): SourceUpdate[] => {
          if (update.type !== 'BlockTemplate') return [update];
          const fault = networkFault(update.nbits, networks);
          const before = isForeign;
          isForeign = fault !== undefined;
          if (fault === undefined) return before ? [{ type: 'SourceRecovered' }, update] : [update];
          return before ? [] : [{ type: 'SourceError', ...fault, retryIn: null }];
        }),
      );
    });
