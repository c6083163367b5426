/** Whom the jobs of channels pay: who pay the same have the same function, and so share jobs and groups. */
import type { AddressNetwork } from '../../bitcoin/payout-script.js';
import type { TxOut } from '../../bitcoin/outputs.js';
import { parseIdentity } from '../../ledger/identity.js';
import { payToOf, type PayoutPlan, type PayTo } from '../../ledger/payout-plan.js';
import type { NewTemplate } from '../../messages/template-distribution.js';
import type { UnpaidUser } from '../../mining/mining-server-types.js';
import type { PayoutOutputs } from '../../mining/work/job-factory.js';
import { chainNetworks } from '../chain-network.js';
import type { Payout } from './payout.js';
import { roomOf } from './payout-room.js';

/** What blocks pay. Outputs are those of one job each: who is asked finds by them what was settled. */
export interface OutputsOf {
  /** To those whose work counts, by a coinbase of no more than so many bytes without witness. */
  shared(value: bigint, template: NewTemplate, coinbaseSize: number): readonly TxOut[];
  /** To one payee alone. */
  solo(value: bigint, payTo: readonly PayTo[]): readonly TxOut[];
}

/** See {@link payees}. */
export interface Payees {
  /** What is paid by jobs that are made for nobody, and the room for what any of them pays. */
  readonly payout: Payout;
  /**
   * Whom the jobs of a user's channels pay.
   * @param coinbaseSize bytes of the longest coinbase, without witness, that the device can hash; Infinity for any
   */
  payoutOf(user: string, coinbaseSize: number): PayoutOutputs | UnpaidUser;
  /**
   * There is a tip: users are paid on its chain.
   * @param nbits of its next block
   */
  chainIs(nbits: number): void;
  /** There is a template: payees whose channels are all closed are forgotten. */
  template(): void;
}

/** The payees of a plan. */
export const payees = (plan: PayoutPlan, outputsOf: OutputsOf): Payees => {
  const shared = new Map<number, PayoutOutputs>();
  const solos = new Map<string, WeakRef<PayoutOutputs>>();
  const { networks } = plan;
  let chain: readonly AddressNetwork[] | undefined;

  const sharedPayout = (coinbaseSize: number): PayoutOutputs => {
    const known = shared.get(coinbaseSize);
    if (known !== undefined) return known;
    const outputs: PayoutOutputs = (value, template) => outputsOf.shared(value, template, coinbaseSize);
    shared.set(coinbaseSize, outputs);
    return outputs;
  };

  const soloPayout = (payTo: readonly PayTo[]): PayoutOutputs => {
    const key = payTo.map(({ script, parts }) => `${script} ${parts}`).join(' ');
    const known = solos.get(key)?.deref();
    if (known !== undefined) return known;
    const outputs: PayoutOutputs = (value) => outputsOf.solo(value, payTo);
    solos.set(key, new WeakRef(outputs));
    return outputs;
  };

  return {
    payout: {
      outputs: plan.mode === 'solo' ? soloPayout(payToOf('', plan)) : sharedPayout(Infinity),
      room: roomOf(plan),
    },
    payoutOf(user, coinbaseSize) {
      const payable = chain?.filter((network) => networks?.includes(network) ?? true) ?? networks;
      const identity = parseIdentity(user, payable);
      if (!identity.isPayable && identity.code !== 'donates') return { reason: identity.reason };
      const isSolo = plan.mode === 'solo' || (identity.isPayable && identity.isSolo);
      return isSolo ? soloPayout(payToOf(user, plan)) : sharedPayout(coinbaseSize);
    },
    chainIs(nbits) {
      chain = chainNetworks(nbits);
    },
    template() {
      for (const [key, outputs] of solos) if (outputs.deref() === undefined) solos.delete(key);
    },
  };
};
