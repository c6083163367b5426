import {
  buildCoinbase,
  buildCustomCoinbase,
  coinbaseTag,
  type Coinbase,
  type CoinbaseParts,
} from '../../bitcoin/coinbase.js';
import { findWitnessCommitment } from '../../bitcoin/merkle.js';
import { parseOutputs, parseTemplateOutputs, type TxOut } from '../../bitcoin/outputs.js';
import type { NewTemplate, SetCustomMiningJob } from '../../messages/index.js';
import type { ServerJob } from './job.js';
import type { JobMarks } from './job-mark.js';

/**
 * The outputs that are paid for a block, before the template's own. Channels that have the same function share jobs.
 *
 * @param value what the template leaves, in satoshis; what the outputs don't claim of it is lost
 */
export type PayoutOutputs = (value: bigint, template: NewTemplate) => readonly TxOut[];

/** Options of {@link jobFactory}. */
export interface JobFactoryOptions {
  /** Who is paid by jobs that are made for nobody else. */
  readonly payoutOutputs: PayoutOutputs;
  /** For the coinbase's scriptSig, with the mark 1 to 75 bytes; default `coinbaseTag()`, the text `Sv2///`. */
  readonly tag?: Uint8Array;
  /** What tells the coinbase of a job from all others, behind the tag; nothing unless given. */
  readonly marks?: JobMarks;
  /** Whether miners may roll the version bits of BIP 323; default true. */
  readonly versionRollingAllowed?: boolean;
}

/** Makes jobs. See {@link jobFactory}. */
export interface JobFactory {
  /**
   * The job of a template for channels with this size of full extranonce. Made once: the same template object, size and
   * payout give the same job again, and its job id and mark are the same for all sizes and payouts.
   *
   * @param payout who is paid; the options' `payoutOutputs` when it is null or not given
   * @throws Sv2Error as `buildCoinbase`
   */
  fromTemplate(template: NewTemplate, fullExtranonceSize: number, payout?: PayoutOutputs | null): ServerJob;
  /**
   * Another job of a template, with an id and a mark of its own: work that nobody had yet.
   *
   * @throws Sv2Error as `buildCoinbase`
   */
  renewed(template: NewTemplate, fullExtranonceSize: number, payout?: PayoutOutputs | null): ServerJob;
  /**
   * A job with an id of its own for a SetCustomMiningJob. Its coinbase is the client's own, without a mark.
   *
   * @throws Sv2Error `bad-cb-length` for its coinbase prefix; others as `parseOutputs` for its outputs
   */
  fromCustomJob(message: SetCustomMiningJob, fullExtranonceSize: number): ServerJob;
}

/**
 * Makes jobs from templates and SetCustomMiningJob. Job ids count up from 1 over all channels, so an id is
 * never in use twice on one channel (spec §5.3.15, §5.3.16), and channels, groups and clients can share jobs.
 */
export const jobFactory = (options: JobFactoryOptions): JobFactory => {
  const { payoutOutputs, tag = coinbaseTag(), marks = () => NO_MARK, versionRollingAllowed = true } = options;
  const made = new WeakMap<
    NewTemplate,
    {
      readonly jobId: number;
      readonly mark: Uint8Array;
      readonly bySize: Map<number, Map<PayoutOutputs, ServerJob>>;
    }
  >();
  let lastJobId = 0;
  // 0 is never a job id, not even after 2^32 jobs
  const nextJobId = (): number => (lastJobId = (lastJobId % 0xffff_ffff) + 1);

  const makeJob = (
    template: NewTemplate,
    fullExtranonceSize: number,
    payoutOf: PayoutOutputs,
    mark: Uint8Array,
    jobId?: number,
  ): ServerJob => {
    const payout = payoutOf(template.coinbaseTxValueRemaining, template);
    const coinbases = coinbasesOf(
      buildCoinbase(template, {
        tag,
        mark,
        fullExtranonceSize,
        payoutOutputs: payout,
      }),
      parseTemplateOutputs(template.coinbaseTxOutputs, template.coinbaseTxOutputsCount),
    );
    const { templateId, version, merklePath } = template;
    // one that can't be built takes no id
    return {
      jobId: jobId ?? nextJobId(),
      templateId,
      payout,
      version,
      versionRollingAllowed,
      merklePath,
      ...coinbases,
    };
  };

  return {
    fromTemplate(template, fullExtranonceSize, payout) {
      const payoutOf = payout ?? payoutOutputs;
      let entry = made.get(template);
      let byPayout = entry?.bySize.get(fullExtranonceSize);
      const known = byPayout?.get(payoutOf);
      if (known !== undefined) return known;
      const mark = entry?.mark ?? marks();
      const own = makeJob(template, fullExtranonceSize, payoutOf, mark, entry?.jobId);
      const [other] = byPayout?.values() ?? [];
      const job = other === undefined ? own : withPrefixesOf(other, own);
      if (entry === undefined) made.set(template, (entry = { jobId: job.jobId, mark, bySize: new Map() }));
      if (byPayout === undefined)
        entry.bySize.set(fullExtranonceSize, (byPayout = new Map<PayoutOutputs, ServerJob>()));
      byPayout.set(payoutOf, job);
      return job;
    },
    renewed: (template, fullExtranonceSize, payout) =>
      makeJob(template, fullExtranonceSize, payout ?? payoutOutputs, marks()),
    fromCustomJob: (message, fullExtranonceSize) => {
      const coinbases = coinbasesOf(
        buildCustomCoinbase(message, fullExtranonceSize),
        parseOutputs(message.coinbaseTxOutputs),
      );
      return {
        jobId: nextJobId(),
        templateId: null,
        payout: null,
        version: message.version,
        versionRollingAllowed,
        merklePath: message.merklePath,
        ...coinbases,
      };
    },
  };
};

const NO_MARK = new Uint8Array(0);

/** Jobs of one template differ in what comes behind the extranonce alone: thousands of them hold the rest once. */
const withPrefixesOf = (other: ServerJob, own: ServerJob): ServerJob => {
  const parts = (of: (job: ServerJob) => CoinbaseParts): CoinbaseParts => ({
    coinbaseTxPrefix: of(other).coinbaseTxPrefix,
    coinbaseTxSuffix: of(own).coinbaseTxSuffix,
  });
  const coinbase = parts((job) => job.coinbase);
  const isSame = own.solutionCoinbase === own.coinbase;
  return {
    ...own,
    coinbase,
    solutionCoinbase: isSame ? coinbase : parts((job) => job.solutionCoinbase),
  };
};

/** A block without a witness commitment may not have a witness in its coinbase (BIP 141: `unexpected-witness`). */
const coinbasesOf = (
  { stripped, withWitness }: Coinbase,
  outputs: readonly TxOut[],
): { readonly coinbase: CoinbaseParts; readonly solutionCoinbase: CoinbaseParts } => ({
  coinbase: stripped,
  solutionCoinbase: findWitnessCommitment(outputs) === null ? stripped : withWitness,
});
