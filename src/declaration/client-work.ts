/** The jobs of a declaring client: given to miners at once, declared and told to the pool meanwhile. */
import { Sv2Error } from '../codec/errors.js';
import { quoted } from '../codec/printable.js';
import {
  ProvideMissingTransactionsSuccess,
  type DeclareMiningJobError,
  type DeclareMiningJobSuccess,
  type ProvideMissingTransactions,
} from '../messages/job-declaration.js';
import {
  SetNewPrevHash,
  SubmitSharesError,
  type OpenExtendedMiningChannelSuccess,
  type SetCustomMiningJobError,
  type SetCustomMiningJobSuccess,
  type SubmitSharesExtended,
} from '../messages/mining.js';
import { RequestTransactionData, type NewTemplate } from '../messages/template-distribution.js';
import { askedTransactions } from './asked-transactions.js';
import {
  customJobOf,
  declarationOf,
  makeClientJob,
  minersJob,
  type ClientJob,
  type PoolPayout,
} from './client-job.js';
import { clientEnded } from './client-ended.js';
import { clientFound } from './client-found.js';
import type { ClientWork, ClientWorkContext } from './client-work-types.js';

/** Jobs on one tip whose shares are taken: a pool takes those of replaced jobs, too, until the tip changes. */
const JOBS_KEPT = 8;

/** Refusals that pass: the other side does not have our tip yet, or has another; or a token has expired. */
const PASSING: readonly string[] = [
  'stale-chain-tip',
  'invalid-nbits', // on testnets it changes on one tip
  'invalid-mining-job-token',
  'stale-payout-distribution',
];

/** How often a job is tried again after such a refusal, and after how many milliseconds. */
const RETRY = { attempts: 15, delay: 2_000 };

/** The jobs of one channel. */
export const clientWork = ({ options, requests, payout, templates, out }: ClientWorkContext): ClientWork => {
  let channel: OpenExtendedMiningChannelSuccess | null = null;
  const { mode, tag, wholeBlocks = false } = options;
  const found = clientFound(options, out);
  const ended = clientEnded(requests, (job) => found.lost(job, ['declaration', 'data'], 'stale'));
  let lastJobId = 0;
  /** Of which no job can be made, as long as payouts are these. */
  let unusable: { readonly template: NewTemplate; readonly payout: PoolPayout } | undefined;
  const jobs: ClientJob[] = [];

  /** Gives miners the newest template, if there is what it takes. */
  const start = (now: number): void => {
    const { present } = payout;
    if (templates.current === null || channel === null || present === null) return;
    const { template, tip: onTip } = templates.current;
    const [last] = jobs.slice(-1);
    if (last?.template === template && last.tip === onTip && last.payout === present) return;
    if (unusable?.template === template && unusable.payout === present) return;
    let job: ClientJob;
    try {
      job = makeClientJob(lastJobId + 1, template, onTip, channel, present, tag);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      unusable = { template, payout: present };
      // a distribution that was found right when it came may not go with this value
      if (error.code === 'invalid-payout-distribution') out.fail(error.code, error.message);
      else
        out.failProvider(
          'invalid-template',
          `template ${template.templateId}, of which no job can be made: ${error.message}`,
        );
      return;
    }
    lastJobId = job.jobId;
    const isNewTip = last === undefined || last.tip !== onTip;
    if (isNewTip) ended.newTip(last?.tip);
    if (isNewTip) jobs.splice(0).forEach((old) => end(old, 'stale-share'));
    jobs.push(job);
    if (jobs.length > JOBS_KEPT) jobs.splice(0, 1).forEach((old) => end(old, 'stale-share'));
    const { channelId } = channel;
    const { prevHash, minNtime, nbits } = onTip;
    out.toMiners(minersJob(job, channelId, isNewTip ? null : minNtime));
    if (isNewTip) {
      const { jobId } = job;
      out.toMiners(SetNewPrevHash({ channelId, jobId, prevHash, minNtime, nbits }));
    }
    out.tell({ type: 'OwnJobStarted', jobId: job.jobId, templateId: template.templateId, prevHash });
    if (mode === 'full-template' || wholeBlocks) {
      const { templateId } = template;
      requests.ask('data', templateId, 'RequestTransactionData', now, job);
      out.toTemplates(RequestTransactionData({ templateId }));
    }
    advanceJob(job, now);
  };

  /** Answers the shares of a job that will not be accepted any more. */
  const end = (job: ClientJob, errorCode: string): void => {
    ended.add(job);
    found.ended(job, errorCode);
  };

  /** Declares a job or tells the pool of it, if it is time and there is a token. */
  const advanceJob = (job: ClientJob, now: number): void => {
    if (job.stage.type !== 'made' || channel === null) return;
    if (mode === 'full-template' && job.transactions === undefined) return;
    // a token came with what a coinbase has to pay, and the next job is paid by that
    if (job.payout.distributionId === undefined && job.payout !== payout.present) return;
    const token = payout.take(now);
    if (token === undefined) return;
    if (mode === 'coinbase-only') {
      setJob(job, token, now);
      return;
    }
    const requestId = requests.nextId();
    requests.ask('declaration', requestId, 'DeclareMiningJob', now, job);
    job.stage = { type: 'declaring' };
    out.toDeclarator(declarationOf(job, requestId, token));
  };

  const setJob = (job: ClientJob, token: Uint8Array, now: number): void => {
    if (channel === null) return;
    const requestId = requests.nextId();
    requests.ask('job', requestId, 'SetCustomMiningJob', now, job);
    job.stage = { type: 'setting' };
    out.toPool(customJobOf(job, channel.channelId, requestId, token, mode));
  };

  const declared = ({ requestId, newMiningJobToken }: DeclareMiningJobSuccess, now: number): void => {
    const job = requests.answered('declaration', requestId)?.job;
    if (job === undefined) return;
    job.isDeclared = true;
    found.declared(job);
    out.tell({
      type: 'OwnJobDeclared',
      jobId: job.jobId,
      transactions: job.transactions?.length ?? 0,
    });
    if (jobs.includes(job)) setJob(job, newMiningJobToken.slice(), now);
  };

  const provide = ({ requestId, unknownTxPositionList }: ProvideMissingTransactions, now: number): void => {
    const job = requests.find('declaration', requestId)?.job;
    if (job?.transactions === undefined) return;
    let transactionList: readonly Uint8Array[];
    try {
      transactionList = askedTransactions(job.transactions, unknownTxPositionList);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      out.fail(error.code, error.message);
      return;
    }
    // its time begins anew: it had to wait for them
    requests.ask('declaration', requestId, 'DeclareMiningJob', now, job);
    out.toDeclarator(ProvideMissingTransactionsSuccess({ requestId, transactionList: [...transactionList] }));
    out.tell({ type: 'TransactionsProvided', jobId: job.jobId, count: transactionList.length });
  };

  const refused = (
    job: ClientJob,
    by: 'declarator' | 'pool' | 'template provider',
    errorCode: string,
    details: string,
    now: number,
  ): void => {
    out.tell({ type: 'OwnJobRefused', jobId: job.jobId, by, errorCode, details });
    job.attempts += 1;
    if (!PASSING.includes(errorCode) || job.attempts > RETRY.attempts) {
      const reason = details === '' ? quoted(errorCode) : `${quoted(errorCode)}: ${quoted(details)}`;
      if (jobs.includes(job)) out.fail(errorCode, `the ${by} refused job ${job.jobId}: ${reason}`);
    }
    // one that has ended is not tried again
    if (!jobs.includes(job)) found.lost(job, ['declaration'], errorCode);
    if (out.isFailed) return;
    // what it gave before may be as old
    if (errorCode === 'invalid-mining-job-token') payout.discard();
    payout.stock(now);
    job.stage = { type: 'stale', retryAt: now + RETRY.delay };
  };

  const declarationRefused = (message: DeclareMiningJobError, now: number): void => {
    const job = requests.answered('declaration', message.requestId)?.job;
    if (job === undefined) return;
    const details = new TextDecoder().decode(message.errorDetails.subarray(0, 1_000));
    refused(job, 'declarator', message.errorCode, details, now);
  };

  const dataLost = (job: ClientJob, errorCode: string): void => {
    const { jobId } = job;
    job.withoutData = errorCode;
    found.lost(job, ['data'], errorCode);
    // it has moved on: there is, or will be, another template; coinbase-only did not wait for them
    if (mode === 'full-template' && jobs.includes(job))
      out.tell({ type: 'OwnJobRefused', jobId, by: 'template provider', errorCode, details: '' });
  };

  const jobAccepted = ({ requestId, jobId: upstreamJobId }: SetCustomMiningJobSuccess): void => {
    const job = requests.answered('job', requestId)?.job;
    if (job === undefined) return;
    job.stage = { type: 'accepted', upstreamJobId };
    found.accepted(job, upstreamJobId);
  };

  const jobRefused = ({ requestId, errorCode }: SetCustomMiningJobError, now: number): void => {
    const job = requests.answered('job', requestId)?.job;
    if (job !== undefined) refused(job, 'pool', errorCode, '', now);
  };

  const share = (message: SubmitSharesExtended): void => {
    const { channelId, sequenceNumber, jobId } = message;
    const answer = (errorCode: string) =>
      out.toMiners(SubmitSharesError({ channelId, sequenceNumber, errorCode }));
    if (channel?.channelId !== channelId) return void answer('invalid-channel-id');
    const job = jobs.find((candidate) => candidate.jobId === jobId);
    if (job === undefined) return void answer(jobId <= lastJobId ? 'stale-share' : 'invalid-job-id');
    if (message.extranonce.length !== job.extranonceSize) return void answer('bad-extranonce-size');
    found.share(job, message);
  };

  return {
    open(opened, now) {
      channel = { ...opened, extranoncePrefix: opened.extranoncePrefix.slice() };
      found.open(opened);
      start(now);
    },
    setExtranoncePrefix(extranoncePrefix) {
      // what miners have was declared for the prefix before, whose length it has
      if (channel !== null) channel = { ...channel, extranoncePrefix: extranoncePrefix.slice() };
    },
    close() {
      jobs.splice(0).forEach((job) => end(job, 'invalid-channel-id'));
      channel = null;
    },
    start,
    advance: (now) => jobs.toReversed().forEach((job) => advanceJob(job, now)),
    transactions({ templateId, transactionList, excessData }, now) {
      const job = requests.answered('data', templateId)?.job;
      if (job === undefined) return;
      job.transactions = transactionList;
      job.excessData = excessData;
      found.transactions(job);
      if (jobs.includes(job)) advanceJob(job, now);
    },
    noTransactions({ templateId, errorCode }) {
      const job = requests.answered('data', templateId)?.job;
      if (job !== undefined) dataLost(job, errorCode);
    },
    dataLost,
    provide,
    declared,
    declarationRefused,
    jobAccepted,
    jobRefused,
    share,
    sharesAccepted: found.sharesAccepted,
    shareRejected: found.shareRejected,
    tick(now) {
      for (const job of jobs) {
        if (job.stage.type !== 'stale' || job.stage.retryAt > now) continue;
        job.stage = { type: 'made' };
        advanceJob(job, now);
      }
    },
    abandon() {
      for (const job of [...jobs, ...ended.jobs]) found.lost(job, ['declaration', 'data'], 'pair-left');
    },
    get channel() {
      return channel;
    },
  };
};
