/** What templates and previous hashes lead to: who is given which work, and which work ends. */
import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import { Sv2Error } from '../../codec/errors.js';
import type { Message, NewTemplate, SetNewPrevHashTemplate } from '../../messages/index.js';
import type { ExtranonceAllocator } from '../channels/extranonce.js';
import type { ServerChannel } from '../channels/server-channel.js';
import type { ServerClient } from '../channels/server-client.js';
import { gather, NOTHING, outputFor } from '../mining-server-output.js';
import type { MiningServerOutput, PrevHashOutput } from '../mining-server-types.js';
import type { ServerJob } from './job.js';
import type { PayoutOutputs } from './job-factory.js';
import { chainTipFrom, ntimeAt, samePrevHash, sameTip, type ChainTip } from './chain-tip.js';
import {
  distributeJob,
  distributePrevHash,
  keepFuture,
  renewJob,
  awaitsJob,
  type JobByPayout,
  type Jobs,
  type JobSource,
  type Work,
} from './job-distribution.js';

/** Tells every client. */
export type Broadcast = (messagesFor: (client: ServerClient) => Message[]) => MiningServerOutput;

/** A channel, and whose it is. */
export type ChannelOfClient = readonly [client: ServerClient, channel: ServerChannel];

/** What {@link workIntake} can do; see `MiningServer`. */
export interface WorkIntake<S extends JobSource = NewTemplate> {
  newTemplate(template: S): MiningServerOutput;
  setNewPrevHash(message: SetNewPrevHashTemplate, now: number): PrevHashOutput;
  /** There is nothing to mine, and nobody knows on what: all jobs are stale. Clients hear nothing. */
  endWork(): MiningServerOutput;
  /**
   * Gives those of these channels that await one another job of the template that is mined.
   *
   * @param olderThan milliseconds that a job and its template must be known to this function for
   */
  renew(channels: readonly ChannelOfClient[], now: number, olderThan: number): MiningServerOutput;
}

/** The part of a mining server that takes templates, or what else jobs are made of, and previous hashes. */
export const workIntake = <S extends JobSource>(
  work: Work<S>,
  jobs: Jobs<S>,
  extranonce: ExtranonceAllocator,
  broadcast: Broadcast,
  boundTargets: (networkTarget: Uint8Array, now: number) => readonly MiningServerOutput[],
): WorkIntake<S> => {
  /** For `renew`: the template that was mined when it was called, and since when. */
  let seen: { readonly template: S; readonly since: number } | null = null;

  /** The jobs of a template. @throws what making one throws, for the template's sake, before anybody is given any */
  const jobsOf = (template: S): JobByPayout => {
    jobs.of(template, null);
    return (payout) => jobs.of(template, payout);
  };

  /** Mines a template on a tip that clients were not told of yet, which they can only be with a future job. */
  const mineOn = (known: ChainTip, template: S, endsCustomJobs: boolean): MiningServerOutput => {
    const job = jobsOf(template);
    const tip = beginning(known, template);
    work.current = { tip, template };
    return broadcast((client) =>
      client.requiresWorkSelection
        ? endsCustomJobs
          ? distributePrevHash(client, null, tip)
          : []
        : [
            ...distributeJob(client, job, null),
            ...distributePrevHash(client, job, tip),
            // which makes clients forget all other future jobs
            ...[...work.future.values()].flatMap((other) => distributeJob(client, jobsOf(other), null)),
          ],
    );
  };

  /** Ends all work: there is another previous hash, and nothing to mine on it yet. */
  const endWork = (tip: ChainTip | null, awaited: bigint | null): MiningServerOutput => {
    work.current = null;
    work.awaited = awaited;
    if (tip === null) delete work.lastTip;
    else work.lastTip = tip;
    work.future.clear();
    return broadcast((client) => distributePrevHash(client, null, tip));
  };

  return {
    endWork: () => endWork(null, null),
    newTemplate(received) {
      const template = { ...received }; // jobs go by the object, and one that comes again is to be other work
      const { current, lastTip } = work;
      const isLate = current === null && lastTip !== undefined && template.templateId === work.awaited;
      if (template.futureTemplate && !isLate) {
        const job = jobsOf(template);
        keepFuture(work, template);
        return broadcast((client) => distributeJob(client, job, null));
      }
      if (current !== null) {
        const job = jobsOf(template);
        const tip = beginning(current.tip, template);
        work.current = { tip, template };
        return broadcast((client) => distributeJob(client, job, tip));
      }
      if (lastTip !== undefined) return mineOn(lastTip, template, false);
      const { templateId } = template;
      throw new Sv2Error('chain-tip-not-set', 'a template to mine at once came before any SetNewPrevHash', {
        templateId,
      });
    },
    renew(channels, now, olderThan) {
      if (work.current === null) return NOTHING;
      const { tip, template } = work.current;
      if (seen?.template !== template) seen = { template, since: now };
      const { since } = seen;
      const renewedJobs = new Map<PayoutOutputs | null, ServerJob>();
      const renewed: JobByPayout = (payout) => {
        const job = renewedJobs.get(payout) ?? jobs.renewed(template, payout);
        renewedJobs.set(payout, job);
        return job;
      };
      const renewedTip = { ...tip, minNtime: ntimeAt(tip, now), receivedAt: now };
      return gather(
        channels.flatMap(([client, channel]) =>
          awaitsJob(client, channel) && now - Math.max(since, channel.renewedAt) >= olderThan
            ? [outputFor(client.clientId, [renewJob(channel, renewed(channel.payout), renewedTip)])]
            : [],
        ),
      );
    },
    setNewPrevHash(message, now) {
      const { templateId, prevHash } = message;
      const before = work.lastTip ?? null;
      const isSamePrevHash = samePrevHash(before, message);
      if (!isSamePrevHash) extranonce.nextPrevHash();
      let tip: ChainTip;
      try {
        tip = chainTipFrom({ ...message, prevHash: prevHash.slice() }, now); // it is a view of its whole frame
      } catch (error) {
        if (isSamePrevHash || !(error instanceof Sv2Error)) throw error;
        return { ...endWork(null, null), missing: error.message };
      }
      // first, so that the jobs on this tip have the targets that suit it
      const bounded = boundTargets(tip.networkTarget, now);
      const after = (output: MiningServerOutput, missing: string | null): PrevHashOutput => ({
        ...gather([...bounded, output]),
        missing,
      });
      const template = work.future.get(templateId);
      if (template !== undefined) {
        const job = jobsOf(template);
        work.current = { tip, template };
        work.lastTip = tip;
        work.awaited = null;
        work.future.clear();
        return after(
          broadcast((client) => distributePrevHash(client, job, tip)),
          null,
        );
      }
      if (!isSamePrevHash || work.current === null)
        return after(endWork(tip, templateId), `template ${templateId} is not known (yet)`);
      const isSaidAgain = before !== null && sameBytes(before.solutionTarget, tip.solutionTarget);
      if (isSaidAgain && sameTip(before, tip)) return after(NOTHING, null);
      // the same previous hash with other nbits, another time or another target: what is mined goes on as other work
      work.lastTip = tip;
      return after(mineOn(tip, { ...work.current.template }, true), null);
    },
  };
};

/** The tip as a template's job builds on it. */
const beginning = (tip: ChainTip, { begins }: JobSource): ChainTip =>
  begins === undefined ? tip : { ...tip, ...begins };
