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

/** Options of {@link jobFactory}. */
export interface JobFactoryOptions {
  /**
   * The outputs that are paid for a block, before the template's own.
   *
   * @param value what the template leaves, in satoshis; what the outputs don't claim of it is lost
   */
  readonly payoutOutputs: (value: bigint) => readonly TxOut[];
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
   * The job of a template for channels with this size of full extranonce. Made once: the same template object
   * and size give the same job again, and its job id is the same for all sizes.
   *
   * @throws Sv2Error as `buildCoinbase`
   */
  fromTemplate(template: NewTemplate, fullExtranonceSize: number): ServerJob;
  /**
   * Another job of a template, with an id and a mark of its own: work that nobody had yet.
   *
   * @throws Sv2Error as `buildCoinbase`
   */
  renewed(template: NewTemplate, fullExtranonceSize: number): ServerJob;
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
    { readonly jobId: number; readonly mark: Uint8Array; readonly bySize: Map<number, ServerJob> }
  >();
  let lastJobId = 0;
  // 0 is never a job id, not even after 2^32 jobs
  const nextJobId = (): number => (lastJobId = (lastJobId % 0xffff_ffff) + 1);

  const makeJob = (
    template: NewTemplate,
    fullExtranonceSize: number,
    mark: Uint8Array,
    jobId?: number,
  ): ServerJob => {
    const coinbases = coinbasesOf(
      buildCoinbase(template, {
        tag,
        mark,
        fullExtranonceSize,
        payoutOutputs: payoutOutputs(template.coinbaseTxValueRemaining),
      }),
      parseTemplateOutputs(template.coinbaseTxOutputs, template.coinbaseTxOutputsCount),
    );
    const { templateId, version, merklePath } = template;
    // one that can't be built takes no id
    return {
      jobId: jobId ?? nextJobId(),
      templateId,
      version,
      versionRollingAllowed,
      merklePath,
      ...coinbases,
    };
  };

  return {
    fromTemplate(template, fullExtranonceSize) {
      let entry = made.get(template);
      const known = entry?.bySize.get(fullExtranonceSize);
      if (known !== undefined) return known;
      const mark = entry?.mark ?? marks();
      const job = makeJob(template, fullExtranonceSize, mark, entry?.jobId);
      if (entry === undefined) made.set(template, (entry = { jobId: job.jobId, mark, bySize: new Map() }));
      entry.bySize.set(fullExtranonceSize, job);
      return job;
    },
    renewed: (template, fullExtranonceSize) => makeJob(template, fullExtranonceSize, marks()),
    fromCustomJob: (message, fullExtranonceSize) => {
      const coinbases = coinbasesOf(
        buildCustomCoinbase(message, fullExtranonceSize),
        parseOutputs(message.coinbaseTxOutputs),
      );
      return {
        jobId: nextJobId(),
        templateId: null,
        version: message.version,
        versionRollingAllowed,
        merklePath: message.merklePath,
        ...coinbases,
      };
    },
  };
};

const NO_MARK = new Uint8Array(0);

/** A block without a witness commitment may not have a witness in its coinbase (BIP 141: `unexpected-witness`). */
const coinbasesOf = (
  { stripped, withWitness }: Coinbase,
  outputs: readonly TxOut[],
): { readonly coinbase: CoinbaseParts; readonly solutionCoinbase: CoinbaseParts } => ({
  coinbase: stripped,
  solutionCoinbase: findWitnessCommitment(outputs) === null ? stripped : withWitness,
});
