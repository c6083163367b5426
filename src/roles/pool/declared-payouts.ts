/** Between a pool that pays by its ledger and the declaration server beside it: whom declared jobs have to pay. */
import { defer, of, concat, Subject, type Observable } from 'rxjs';
import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import type { TxOut } from '../../bitcoin/outputs.js';
import { bytesToHex, hexToBytes } from '../../codec/hex.js';
import type { DeclaredBlock } from '../../declaration/declared-block.js';
import { checkDistributedOutputs, type PayoutDistribution } from '../../declaration/payout-distribution.js';
import { dustLimit } from '../../ledger/output-costs.js';
import { isSolo, payToOf, type PayoutPlan } from '../../ledger/payout-plan.js';
import { soloOutputs } from '../../ledger/solo-payout.js';
import type { NewTemplate } from '../../messages/template-distribution.js';
import type { JobDeclarationServerOptions } from '../jd-server/jd-server.js';
import type { PayoutDistributionChange } from '../jd-server/declaration-handler.js';
import type { LedgerPayout } from './ledger-payout.js';

/** See {@link declaredPayouts}. */
export interface DeclaredPayouts {
  /** For `jdServer`: what coinbases must pay, and who is told of blocks. */
  readonly declarator: Required<
    Pick<JobDeclarationServerOptions, 'outputs' | 'outputsOf' | 'declaredBlockObserver'>
  >;
  /** Blocks of declared jobs that are about to be submitted, whoever found them. */
  readonly declaredBlock$: Observable<DeclaredBlock>;
  /** For `jdServer`, where it is to have draft extension 0x0003; not where all are paid for their own blocks alone. */
  readonly payoutDistribution$: Observable<PayoutDistributionChange>;
  /** The pool's ledger is open. */
  opened(payout: LedgerPayout): void;
  /** The pool has a template. */
  template(template: NewTemplate, now: number): void;
  /** A block was found: what is owed is something else. */
  found(): void;
}

/** How long a distribution stands while no block is found and the tip is the same, in milliseconds: every change has clients declare anew. */
const STANDS = 60_000;

/**
 * Whom declared jobs have to pay when a pool pays by its ledger.
 *
 * Who is paid for their own blocks alone (all in `solo`, and `sri/solo/…` in every mode) have tokens with their own output first, and
 * with those of fee and donation, worth what they are of the subsidy: all tokens say the same, whichever a client uses. The others have the ledger's
 * distribution, if their clients know draft extension 0x0003; without it a client can pay one output (spec §6.4.3), which is the
 * reserve's: that owes the whole block to users from then on.
 *
 * A block whose share has not come when its client pushes it is stated for whom its token was given to: it goes out all the same. Its
 * share is credited when it comes, and states it no more.
 *
 * Whatever a block paid more or less than by the rules is in its statement, and made up for by the next blocks.
 */
export const declaredPayouts = (plan: PayoutPlan): DeclaredPayouts => {
  const { rules } = plan;
  const outputsOfSolo = soloOutputs(rules);
  const change$ = new Subject<PayoutDistributionChange>();
  const declaredBlock$ = new Subject<DeclaredBlock>();
  let ledger: LedgerPayout | undefined;
  let present: { readonly distribution: PayoutDistribution; readonly since: number } | undefined;
  let isAfterBlock = false;

  const ownOutputs = (user: string, subsidy: bigint): readonly [TxOut, ...TxOut[]] => {
    const payTo = payToOf(user, plan);
    const own = hexToBytes(payTo[0]?.script ?? bytesToHex(rules.reserve));
    const all = outputsOfSolo({ user, payTo }, subsidy, new Map());
    // what is below the minimum is left out, and owed
    const others = all.filter((output) => output.value > 0n && !sameBytes(output.scriptPubKey, own));
    return [{ value: 0n, scriptPubKey: own }, ...others];
  };

  return {
    declarator: {
      outputs: [{ value: 0n, scriptPubKey: rules.reserve }],
      outputsOf: (user, subsidy) => (isSolo(user, plan) ? ownOutputs(user, subsidy) : undefined),
      declaredBlockObserver: { next: (block) => declaredBlock$.next(block) },
    },
    declaredBlock$: declaredBlock$.asObservable(),
    payoutDistribution$: defer(() =>
      concat(
        present === undefined ? [] : of({ distribution: present.distribution, isAfterBlock: false }),
        change$,
      ),
    ),
    opened(payout) {
      ledger = payout;
      present = undefined;
    },
    template(template, now) {
      if (ledger?.shared === undefined) return;
      const { coinbaseTxValueRemaining: value, futureTemplate } = template;
      if (value <= 0n) return;
      const isDue = futureTemplate || isAfterBlock || present === undefined || now - present.since >= STANDS;
      if (!isDue) return;
      const outputs = ledger.shared(value, template, Infinity);
      if (!isAfterBlock && present !== undefined && paysThese(present.distribution, outputs)) return;
      const change = { distribution: distributionOf(outputs, rules.reserve), isAfterBlock };
      present = { distribution: change.distribution, since: now };
      isAfterBlock = false;
      change$.next(change);
    },
    found() {
      isAfterBlock = true;
    },
  };
};

/** Outputs of one value as weights for all. */
const distributionOf = (outputs: readonly TxOut[], reserve: Uint8Array): PayoutDistribution => {
  const isReserve = ({ scriptPubKey }: TxOut): boolean => sameBytes(scriptPubKey, reserve);
  const payouts = outputs.filter((output) => !isReserve(output));
  return {
    poolPayout: outputs.find(isReserve) ?? { value: 0n, scriptPubKey: reserve },
    payouts,
    dustLimits: payouts.map(({ scriptPubKey }) => Number(dustLimit(scriptPubKey))),
    additionalOutputs: [],
  };
};

/** Whether a distribution pays the same outputs, in whatever order. */
const paysThese = (distribution: PayoutDistribution, outputs: readonly TxOut[]): boolean => {
  try {
    const { poolPayout, payouts } = distributionOf(outputs, distribution.poolPayout.scriptPubKey);
    checkDistributedOutputs([poolPayout, ...payouts], distribution);
    return true;
  } catch {
    return false;
  }
};
