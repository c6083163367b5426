/** Watches what a mining server sends, and notices the first job that does not pay. */
import { concatBytes } from '../bitcoin/consensus-bytes.js';
import { parseTransaction } from '../bitcoin/transaction.js';
import { Sv2Error } from '../codec/errors.js';
import type { NewExtendedMiningJob } from '../messages/mining.js';
import type { MiningServerMessage } from '../mining/mining-client.js';
import { describeOutputs, underpayment, type PayoutDemand } from './payout-demand.js';

/** See {@link payoutCheck}. */
export interface PayoutCheck {
  /**
   * Takes a message of the server.
   * @throws Sv2Error `payout-missing` for a job that does not pay, with its outputs; `invalid-coinbase` for one whose
   * coinbase is none
   */
  take(message: { readonly type: string }): void;
}

type Watched = Extract<
  MiningServerMessage,
  {
    readonly type:
      | 'OpenExtendedMiningChannel.Success'
      | 'SetExtranoncePrefix'
      | 'SetGroupChannel'
      | 'NewExtendedMiningJob';
  }
>;

/**
 * Checks the coinbase of every extended job (spec §5.3.16). Jobs of standard channels have none to look at.
 */
export function payoutCheck(demand: PayoutDemand): PayoutCheck {
  /** Bytes that channels roll, and those of their prefixes, by channel and by group. */
  const rolled = new Map<number, number>();
  const prefixes = new Map<number, number>();

  const join = (groupChannelId: number, channelId: number) => {
    rolled.set(groupChannelId, rolled.get(channelId) ?? 0);
    prefixes.set(groupChannelId, prefixes.get(channelId) ?? 0);
  };

  const check = ({ channelId, jobId, coinbaseTxPrefix, coinbaseTxSuffix }: NewExtendedMiningJob) => {
    const [own, prefix] = [rolled.get(channelId), prefixes.get(channelId)];
    if (own === undefined || prefix === undefined) return; // it is for nobody here
    requirePayout(
      demand,
      concatBytes([coinbaseTxPrefix, new Uint8Array(prefix + own), coinbaseTxSuffix]),
      jobId,
    );
  };

  return {
    take(given) {
      const message = given as Watched;
      switch (message.type) {
        case 'OpenExtendedMiningChannel.Success':
          rolled.set(message.channelId, message.extranonceSize);
          prefixes.set(message.channelId, message.extranoncePrefix.length);
          join(message.groupChannelId, message.channelId);
          break;
        case 'SetExtranoncePrefix':
          if (prefixes.has(message.channelId))
            prefixes.set(message.channelId, message.extranoncePrefix.length);
          break;
        case 'SetGroupChannel':
          for (const channelId of message.channelIds)
            if (rolled.has(channelId)) join(message.groupChannelId, channelId);
          break;
        case 'NewExtendedMiningJob':
          check(message);
      }
    },
  };
}

/**
 * Requires that a coinbase pays.
 * @param coinbase with any extranonce, with or without witness
 * @param jobId of its job, for the error
 * @throws Sv2Error `payout-missing`, with its outputs; `invalid-coinbase` if it is no transaction
 */
export function requirePayout(demand: PayoutDemand, coinbase: Uint8Array, jobId: number | string): void {
  const wrong = underpayment(demand, outputsOf(coinbase, jobId));
  if (wrong === null) return;
  const { demanded, paid, outputs } = wrong;
  throw new Sv2Error(
    'payout-missing',
    `job ${jobId} pays ${paid} satoshis to ${demand.address}, ${demanded} are demanded; its outputs: ${describeOutputs(outputs)}`,
    { jobId, demanded, paid, outputs },
  );
}

function outputsOf(coinbase: Uint8Array, jobId: number | string) {
  try {
    return parseTransaction(coinbase).outputs;
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    throw new Sv2Error(
      'invalid-coinbase',
      `the coinbase of job ${jobId} is no transaction: ${error.message}`,
      { jobId },
      error,
    );
  }
}
