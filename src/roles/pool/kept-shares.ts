/** Between a pool's mining server and its ledger: what shares are for, and what clients are told once they are kept. */
import { EMPTY, finalize, ignoreElements, map, merge, tap, type Observable } from 'rxjs';
import { toDisplayHex } from '../../bitcoin/hash.js';
import type { DeclaredBlock } from '../../declaration/declared-block.js';
import type { SetupConnection } from '../../messages/common.js';
import type { NewTemplate, SetNewPrevHashTemplate } from '../../messages/template-distribution.js';
import type { MiningServer, ShareAccepted } from '../../mining/mining-server-types.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import { ofEvent } from '../../service/operators.js';
import { send, type ServerEffect } from '../../service/effects.js';
import { minerClass } from '../translator/miner-classes.js';
import type { TxOut } from '../../bitcoin/outputs.js';
import type { ShareRecord } from '../../ledger/record.js';
import type { StatedBlock } from '../../ledger/statement.js';
import type { FrozenPayout } from '../../ledger/payout-plan.js';
import type { FrontPayout } from './front-payout.js';
import type { LedgerPayout } from './ledger-payout.js';
import type { LedgerOutcome } from './ledger-outcomes.js';
import type { PaidShare } from './paid-share.js';
import type { Payees } from './payees.js';
import type { ShareContext, ShareLedger } from './share-ledger.js';
import type { DeclaredPayouts } from './declared-payouts.js';
import { presentTemplate } from './present-template.js';
import { templateHeights } from './template-heights.js';

/** What clients say of their devices. */
type Device = Pick<SetupConnection, 'vendor' | 'firmware'>;

/** How blocks are paid by a ledger. */
export interface KeptPayout extends Pick<Payees, 'payoutOf'> {
  /** There is a template. */
  template(template: NewTemplate): void;
  /** There is a tip: see `ledgerPayout`. */
  tip(prevHash: string, height: number, nbits: number): void;
  /**
   * A block was found.
   * @param outputs what its job pays; null for a custom job
   * @param share that it is
   * @param template that the pool has at the time; undefined before the first
   * @returns what the core is told with it
   */
  found(
    block: StatedBlock & { readonly prevHash: string },
    outputs: readonly TxOut[] | null,
    share: ShareRecord,
    template: NewTemplate | undefined,
  ): PaidShare | undefined;
  /** Blocks that a declaration server is about to submit, where there is one beside a ledger of this process. */
  readonly declaredBlock$?: Observable<DeclaredBlock>;
  /**
   * A block of a declared job is about to go out, whose share may never come: it is stated unless that was first.
   * @param template that the pool has at the time; undefined before the first
   */
  declared?(block: DeclaredBlock, template: NewTemplate | undefined): void;
}

/** A ledger of this process: a block is noted with its share before anybody hears of it. */
export const paidHere = (
  payout: LedgerPayout,
  ledger: ShareLedger,
  declared: DeclaredPayouts | undefined,
  now: () => number,
): KeptPayout => {
  declared?.opened(payout);

  /** Notes a block, unless it is known: its share and its client's solution come in any order. */
  const state = (
    block: StatedBlock & { readonly prevHash: string },
    share: ShareRecord | null,
    freeze: () => FrozenPayout | undefined,
  ): void => {
    const frozen = payout.knows(toDisplayHex(block.hash)) ? undefined : freeze();
    if (frozen === undefined) return;
    ledger.found(payout.found(block, frozen), share);
    declared?.found();
  };

  return {
    ...payout,
    ...(declared === undefined ? {} : { declaredBlock$: declared.declaredBlock$ }),
    template(template) {
      payout.template();
      declared?.template(template, now());
    },
    found(block, outputs, share, template) {
      state(block, share, () =>
        outputs === null
          ? payout.declared(block.user, block.coinbaseTx, template)
          : payout.settledWith(outputs, block.user),
      );
      return undefined;
    },
    declared({ hash, header, height, coinbaseTx, userIdentifier: user }, template) {
      const prevHash = prevHashOf(header);
      const block = { height, hash, prevHash, coinbaseTx, time: now(), user, worker: '', isPushed: true };
      state(block, null, () => payout.declared(user, coinbaseTx, template));
    },
  };
};

/** As explorers show it. */
const prevHashOf = (header: Uint8Array): string => toDisplayHex(header.subarray(4, 36)); // after the version

/** The ledger of the core, which is told with the block. */
export const paidByCore = (payout: FrontPayout): KeptPayout => ({
  ...payout,
  tip: (_, __, nbits) => payout.chainIs(nbits),
  found(_, outputs, share) {
    const payment = payout.paymentOf(outputs);
    return payment === undefined ? undefined : { share, payment };
  },
});

/** Gives a mining server's accepted shares to a ledger. */
export const keptShares = (core: MiningServer, ledger: ShareLedger, payout?: KeptPayout) => {
  const heights = templateHeights();
  const present = presentTemplate();
  const paid = new WeakMap<object, PaidShare>();
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
          } else if (outcome.type === 'BlockFound' && accepted !== undefined) {
            const { hash, header, coinbaseTx, userIdentity: user, worker } = outcome;
            const prevHash = prevHashOf(header);
            const own = payout?.found(
              { height: context.height, hash, prevHash, coinbaseTx, time: now, user, worker },
              outcome.payout,
              ledger.recordOf(accepted, message, context, vendor),
              present.now,
            );
            if (own !== undefined) paid.set(outcome, own);
          }
        return output;
      },
    } satisfies MiningServer,
    /** There is a template: its coinbase begins with its height (BIP 34). */
    template(template: NewTemplate): void {
      present.add(template);
      payout?.template(template);
      heights.note(template);
    },
    /** There is a tip: shares from now on are for the block on it. */
    tip({ templateId, prevHash, nBits: nbits }: SetNewPrevHashTemplate): void {
      context = { height: heights.of(templateId), nbits };
      present.tip(templateId);
      payout?.tip(toDisplayHex(prevHash), context.height - 1, nbits);
    },
    /** What the core is told with a block that was found here. */
    paidBy: (found: object): PaidShare | undefined => paid.get(found),
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
        (payout?.declaredBlock$ ?? EMPTY).pipe(
          tap((block) => payout?.declared?.(block, present.now)),
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
