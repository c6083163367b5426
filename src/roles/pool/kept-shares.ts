/** Between a pool's mining server and its ledger: what shares are for, and what clients are told once they are kept. */
import { finalize, ignoreElements, map, merge, tap, type Observable } from 'rxjs';
import { toDisplayHex } from '../../bitcoin/hash.js';
import { decodeBip34Height } from '../../bitcoin/script.js';
import type { SetupConnection } from '../../messages/common.js';
import type { NewTemplate, SetNewPrevHashTemplate } from '../../messages/template-distribution.js';
import type { MiningServer, ShareAccepted } from '../../mining/mining-server-types.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import { ofEvent } from '../../service/operators.js';
import { send, type ServerEffect } from '../../service/outcomes.js';
import { minerClass } from '../translator/miner-classes.js';
import type { LedgerPayout } from './ledger-payout.js';
import type { LedgerOutcome } from './ledger-outcomes.js';
import type { ShareContext, ShareLedger } from './share-ledger.js';

/** What clients say of their devices. */
type Device = Pick<SetupConnection, 'vendor' | 'firmware'>;

/** Templates whose height is remembered. */
const maxHeights = 64;

/** Gives a mining server's accepted shares to a ledger. */
export const keptShares = (core: MiningServer, ledger: ShareLedger, payout?: LedgerPayout) => {
  const heights = new Map<bigint, number>();
  const devices = new Map<number, Device>();
  let context: ShareContext = { height: 0, nbits: 0 };

  return {
    /** The mining server, whose accepted shares go to the ledger. */
    core: {
      ...core,
      handle(clientId, message, now) {
        const output = core.handle(clientId, message, now);
        if (message.type !== 'SubmitSharesStandard' && message.type !== 'SubmitSharesExtended') return output;
        const vendor = devices.get(clientId)?.vendor ?? '';
        let accepted: ShareAccepted | undefined;
        for (const outcome of output.outcomes)
          if (outcome.type === 'ShareAccepted') {
            accepted = outcome;
            ledger.accepted(outcome, message, context, vendor);
          } else if (outcome.type === 'BlockFound' && outcome.solution !== null) {
            const { hash, header, coinbaseTx, userIdentity: user, worker } = outcome;
            const prevHash = toDisplayHex(header.subarray(4, 36)); // after the version
            const block = payout?.found(
              { height: context.height, hash, prevHash, coinbaseTx, time: now, user, worker },
              outcome.payout,
            );
            if (block !== undefined && accepted !== undefined)
              ledger.found(block, accepted, message, context, vendor);
          }
        return output;
      },
    } satisfies MiningServer,
    /** There is a template: its coinbase begins with its height (BIP 34). */
    template({ templateId, coinbasePrefix }: NewTemplate): void {
      payout?.template();
      heights.delete(templateId);
      heights.set(templateId, decodeBip34Height(coinbasePrefix) ?? 0);
      for (const oldest of heights.keys()) {
        if (heights.size <= maxHeights) break;
        heights.delete(oldest);
      }
    },
    /** There is a tip: shares from now on are for the block on it. */
    tip({ templateId, prevHash, nBits: nbits }: SetNewPrevHashTemplate): void {
      context = { height: heights.get(templateId) ?? 0, nbits };
      payout?.tip(toDisplayHex(prevHash), context.height - 1, nbits);
    },
    /** Whom the jobs of a client's channels pay. */
    payoutOf: (user: string, clientId: number) =>
      payout?.payoutOf(user, minerClass(devices.get(clientId)?.firmware ?? null).coinbase) ?? null,
    /** Knows who clients are, writes the ledger, and sends what waited for it. */
    handler: (event$: Parameters<MiningServerHandler>[0]): Observable<ServerEffect | LedgerOutcome> =>
      merge(
        event$.pipe(
          ofEvent('clientAdded'),
          tap(({ clientId, client: { setupConnection } }) => devices.set(clientId, setupConnection)),
          ignoreElements(),
        ),
        event$.pipe(
          ofEvent('clientRemoved'),
          tap(({ clientId }) => devices.delete(clientId)),
          ignoreElements(),
        ),
        ledger.commit$.pipe(
          map((event) => ('clientId' in event ? send(event.clientId, ...event.messages) : event)),
        ),
      ).pipe(
        finalize(() => {
          // what was accepted is credited, though nobody can be told any more
          void ledger.finish();
        }),
      ),
  };
};
