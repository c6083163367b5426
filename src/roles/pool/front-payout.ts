/** Pays a front's blocks by its core's ledger: what is frozen there with each template, and what payees are owed. */
import type { TxOut } from '../../bitcoin/outputs.js';
import { Sv2Error } from '../../codec/errors.js';
import type { PayoutPlan } from '../../ledger/payout-plan.js';
import { soloBalances, soloOutputs } from '../../ledger/solo-payout.js';
import type { Payment } from './paid-share.js';
import { payees, type Payees } from './payees.js';
import type { BalancesChanged, TemplatePayout } from './triggers.js';

/** Templates whose payouts are remembered: miners have jobs of no more. */
export const maxPaidTemplates = 64;

/** See {@link frontPayout}. */
export interface FrontPayout extends Payees {
  /** What the blocks of a template pay that is about to come. */
  templatePayout(payout: ReturnType<typeof TemplatePayout>): void;
  /** What payees are owed from the next jobs on. */
  balancesChanged(changed: ReturnType<typeof BalancesChanged>): void;
  /** What the outputs of a job were made by; undefined for a custom job's. */
  paymentOf(outputs: readonly TxOut[] | null): Payment | undefined;
}

/**
 * The payout of a front. Jobs of templates whose payout the core has not told cannot be made: Sv2Error `payout-unknown`.
 * @param plan the core's
 */
export const frontPayout = (plan: PayoutPlan): FrontPayout => {
  const told = new Map<bigint, ReadonlyMap<number, readonly TxOut[]>>();
  const payments = new WeakMap<readonly TxOut[], Payment>();
  const outputsOfSolo = soloOutputs(plan.rules);
  let owed: ReadonlyMap<string, bigint> = new Map();

  return {
    ...payees(plan, {
      shared(_, { templateId }, coinbaseSize) {
        const outputs = told.get(templateId)?.get(coinbaseSize);
        if (outputs === undefined)
          throw new Sv2Error(
            'payout-unknown',
            `the core has not told what blocks of template ${templateId} pay by a coinbase of ${coinbaseSize} bytes`,
            { templateId, coinbaseSize },
          );
        return outputs;
      },
      solo(value, payTo) {
        const payee = { user: '', payTo };
        const balances = soloBalances(payee, plan.rules, owed);
        const outputs = outputsOfSolo(payee, value, balances);
        payments.set(outputs, { kind: 'solo', value, balances });
        return outputs;
      },
    }),
    templatePayout({ templateId, shared }) {
      told.delete(templateId);
      told.set(templateId, new Map(shared.map(({ coinbaseSize, outputs }) => [coinbaseSize, outputs])));
      for (const { coinbaseSize, outputs } of shared) payments.set(outputs, { kind: 'shared', coinbaseSize });
      for (const oldest of told.keys()) {
        if (told.size <= maxPaidTemplates) break;
        told.delete(oldest);
      }
    },
    balancesChanged({ balances }) {
      owed = balances;
    },
    paymentOf: (outputs) => (outputs === null ? undefined : payments.get(outputs)),
  };
};
