/** The client's side of job declaration: jobs from own templates, declared, told to the pool, and mined meanwhile. */
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { parseOutputs, type TxOut } from '../bitcoin/outputs.js';
import { coinbaseOutputConstraints } from '../bitcoin/script.js';
import { Sv2Error } from '../codec/errors.js';
import {
  AllocateMiningJobToken,
  ProvideMissingTransactionsSuccess,
  type AllocateMiningJobTokenSuccess,
  type DeclareMiningJobError,
  type DeclareMiningJobSuccess,
  type ProvideMissingTransactions,
} from '../messages/job-declaration.js';
import {
  OpenMiningChannelError,
  SetNewPrevHash,
  SubmitSharesError,
  type OpenExtendedMiningChannelSuccess,
  type SetCustomMiningJobError,
  type SetCustomMiningJobSuccess,
  type SubmitSharesExtended,
} from '../messages/mining.js';
import type { Message } from '../messages/registry.js';
import {
  CoinbaseOutputConstraints,
  RequestTransactionData,
  type NewTemplate,
  type SetNewPrevHashTemplate,
} from '../messages/template-distribution.js';
import { chainTipFrom, type ChainTip } from '../mining/work/chain-tip.js';
import {
  customJobOf,
  declarationOf,
  foundShare,
  makeClientJob,
  minersJob,
  payoutOf,
  type ClientJob,
  type PoolPayout,
} from './client-job.js';
import { distributedOutputs } from './payout-distribution.js';
import { distributionOf, type SetPayoutDistribution } from './payout-messages.js';
import { clientShares, type ClientShares } from './client-shares.js';
import type {
  DeclaringClient,
  DeclaringClientOptions,
  DeclaringClientOutcome,
  DeclaringClientOutput,
  DeclaringFault,
} from './declaring-client-types.js';

/** Tokens in stock, so that no template has to wait for one. */
const TOKENS_IN_STOCK = 2;

/** Templates kept for a tip that names one of them. */
const TEMPLATES_KEPT = 16;

/** Jobs on one tip whose shares are taken: a pool takes those of replaced jobs, too, until the tip changes. */
const JOBS_KEPT = 8;

/** Shares kept for a job that is not accepted yet. */
const SHARES_KEPT = 2_000;

/** Refusals that pass: the other side does not have our tip yet, or has another; or a token has expired. */
const PASSING: readonly string[] = [
  'stale-chain-tip',
  'invalid-mining-job-token',
  'stale-payout-distribution',
];

/** How often a job is tried again after such a refusal, and after how many milliseconds. */
const RETRY = { attempts: 15, delay: 2_000 };

/** What was asked and not answered yet. */
interface Asked {
  readonly what: string;
  readonly deadline: number;
  readonly job?: ClientJob;
}

/**
 * A client that chooses its own transactions (spec chapter 6), without its connections. It stands between miners, a pool, a job
 * declarator and a template provider, and gives miners each template at once (optimistic mining, spec §6.3): what they find
 * before the pool has accepted its job is kept and sent after it. A block goes to the template provider at once, and to
 * the declarator, or as soon as that has accepted its job.
 *
 * It has one channel of the pool, whose messages pass through it in both directions but for jobs and shares.
 *
 * Whatever the other sides say, it throws nothing: what makes them useless is a `fault`, after which they are to be left for
 * others. Refusals that pass (a tip that the other side does not have yet, a token that has expired) are tried again
 * for half a minute.
 */
export const declaringClient = (options: DeclaringClientOptions): DeclaringClient => {
  const { mode, userIdentifier, tag, requestTimeout = 20_000, payoutDistributions = false } = options;
  let toMiners: Message[] = [];
  let toPool: Message[] = [];
  let toDeclarator: Message[] = [];
  let toTemplates: Message[] = [];
  let outcomes: DeclaringClientOutcome[] = [];
  let fault: DeclaringFault | null = null;

  let isBegun = false;
  let lastRequestId = 0;
  let lastJobId = 0;
  const asked = new Map<string, Asked>();
  let tokens: Uint8Array[] = [];
  let payout: PoolPayout | null = null;
  /** Those that the last token came with. */
  let tokensOutputs: Uint8Array | null = null;
  let room: CoinbaseOutputConstraints | null = null;
  let templates = new Map<bigint, NewTemplate>();
  let current: { readonly template: NewTemplate; readonly tip: ChainTip } | null = null;
  let tip: ChainTip | null = null;
  let channel: OpenExtendedMiningChannelSuccess | null = null;
  let isOpening = false;
  let shares: ClientShares = clientShares(0);
  const jobs: ClientJob[] = [];

  /** What was gathered since the last time. */
  const done = (): DeclaringClientOutput => {
    const output = { toMiners, toPool, toDeclarator, toTemplates, outcomes, fault };
    toMiners = [];
    toPool = [];
    toDeclarator = [];
    toTemplates = [];
    outcomes = [];
    return output;
  };

  const fail = (code: string, message: string): void => {
    fault ??= { code, message };
  };

  const ask = (key: string, what: string, now: number, job?: ClientJob): void => {
    asked.set(key, { what, deadline: now + requestTimeout, ...(job === undefined ? {} : { job }) });
  };
  const answered = (key: string): Asked | undefined => {
    const request = asked.get(key);
    asked.delete(key);
    return request;
  };
  const nextRequestId = (): number => (lastRequestId = (lastRequestId % 0xffff_ffff) + 1);

  const stockTokens = (now: number): void => {
    const waiting = [...asked.keys()].filter((key) => key.startsWith('token ')).length;
    for (let count = tokens.length + waiting; count < TOKENS_IN_STOCK; count++) {
      const requestId = nextRequestId();
      ask(`token ${requestId}`, 'AllocateMiningJobToken', now);
      toDeclarator.push(AllocateMiningJobToken({ userIdentifier, requestId }));
    }
  };

  const takeToken = (message: AllocateMiningJobTokenSuccess, now: number): void => {
    if (answered(`token ${message.requestId}`) === undefined) return;
    let parsed: TxOut[];
    try {
      parsed = parseOutputs(message.coinbaseTxOutputs.slice());
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      fail('invalid-pool-outputs', `the outputs of a token are none: ${error.message}`);
      return;
    }
    tokens.push(message.miningJobToken.slice());
    const [first, ...others] = parsed;
    if (payoutDistributions && first === undefined) {
      // whom blocks pay is told by SetPayoutDistribution
      for (const job of jobs.toReversed()) advance(job, now);
      return;
    }
    if (first === undefined) {
      fail(
        'invalid-pool-outputs',
        'a token came without outputs, expected one for the payout of the pool at least',
      );
      return;
    }
    if (tokensOutputs === null || !sameBytes(message.coinbaseTxOutputs, tokensOutputs)) {
      tokensOutputs = message.coinbaseTxOutputs.slice();
      payout = payoutOf([first, ...others]);
      makeRoom([first, ...others]);
      startJob(now);
    }
    for (const job of jobs.toReversed()) advance(job, now);
  };

  /** Has templates leave room for outputs. */
  const makeRoom = (outputs: readonly TxOut[]): void => {
    const { coinbaseOutputMaxAdditionalSize: size, coinbaseOutputMaxAdditionalSigops: sigops } =
      coinbaseOutputConstraints(outputs);
    if (size === room?.coinbaseOutputMaxAdditionalSize && sigops === room.coinbaseOutputMaxAdditionalSigops)
      return;
    room = CoinbaseOutputConstraints({
      coinbaseOutputMaxAdditionalSize: size,
      coinbaseOutputMaxAdditionalSigops: sigops,
    });
    // a distribution may come before the template provider is there
    if (isBegun) toTemplates.push(room);
  };

  const takeDistribution = (message: SetPayoutDistribution, now: number): void => {
    const { distributionId } = message;
    if (distributionId <= (payout?.distributionId ?? -1n)) {
      fail(
        'invalid-payout-distribution',
        `distribution ${distributionId} came after ${payout?.distributionId}`,
      );
      return;
    }
    try {
      const distribution = distributionOf(message);
      const { poolPayout, payouts, additionalOutputs } = distribution;
      payout = { outputsOf: (value) => distributedOutputs(distribution, value), distributionId };
      makeRoom([poolPayout, ...payouts, ...additionalOutputs]);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      fail('invalid-payout-distribution', `a distribution makes no sense: ${error.message}`);
      return;
    }
    startJob(now);
  };

  /** Gives miners the newest template, if there is what it takes. */
  const startJob = (now: number): void => {
    if (current === null || channel === null || payout === null) return;
    const { template, tip: onTip } = current;
    const [last] = jobs.slice(-1);
    if (last?.template === template && last.tip === onTip && last.payout === payout) return;
    let job: ClientJob;
    try {
      job = makeClientJob(lastJobId + 1, template, onTip, channel, payout, tag);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      fail('invalid-template', `template ${template.templateId} makes no job: ${error.message}`);
      return;
    }
    lastJobId = job.jobId;
    const isNewTip = last === undefined || last.tip !== onTip;
    if (isNewTip) jobs.splice(0).forEach((old) => end(old, 'stale-share'));
    jobs.push(job);
    if (jobs.length > JOBS_KEPT) jobs.splice(0, 1).forEach((old) => end(old, 'stale-share'));
    const { channelId } = channel;
    const { prevHash, minNtime, nbits } = onTip;
    toMiners.push(minersJob(job, channelId, isNewTip ? null : minNtime));
    if (isNewTip) {
      const { jobId } = job;
      toMiners.push(SetNewPrevHash({ channelId, jobId, prevHash, minNtime, nbits }));
    }
    outcomes.push({ type: 'OwnJobStarted', jobId: job.jobId, templateId: template.templateId, prevHash });
    if (mode === 'full-template') {
      const { templateId } = template;
      ask(`data ${templateId}`, 'RequestTransactionData', now, job);
      toTemplates.push(RequestTransactionData({ templateId }));
    }
    advance(job, now);
  };

  /** Answers the shares of a job that will not be accepted any more. */
  const end = (job: ClientJob, errorCode: string): void => {
    for (const [key, request] of asked) if (request.job === job) asked.delete(key);
    if (job.kept.length === 0) return;
    outcomes.push({ type: 'KeptSharesLost', jobId: job.jobId, count: job.kept.length });
    for (const share of job.kept.splice(0)) toMiners.push(shares.drop(share, errorCode));
  };

  /** Declares a job or tells the pool of it, if it is time and there is a token. */
  const advance = (job: ClientJob, now: number): void => {
    if (job.stage.type !== 'made' || channel === null) return;
    if (mode === 'full-template' && job.transactions === undefined) return;
    const [token, ...others] = tokens;
    if (token === undefined) return;
    tokens = others;
    stockTokens(now);
    if (mode === 'coinbase-only') {
      setJob(job, token, now);
      return;
    }
    const requestId = nextRequestId();
    ask(`declaration ${requestId}`, 'DeclareMiningJob', now, job);
    job.stage = { type: 'declaring' };
    toDeclarator.push(declarationOf(job, requestId, token));
  };

  const setJob = (job: ClientJob, token: Uint8Array, now: number): void => {
    if (channel === null) return;
    const requestId = nextRequestId();
    ask(`job ${requestId}`, 'SetCustomMiningJob', now, job);
    job.stage = { type: 'setting' };
    toPool.push(customJobOf(job, channel.channelId, requestId, token));
  };

  const declared = ({ requestId, newMiningJobToken }: DeclareMiningJobSuccess, now: number): void => {
    const job = answered(`declaration ${requestId}`)?.job;
    if (job === undefined) return;
    job.isDeclared = true;
    toDeclarator.push(...job.unpushed.splice(0));
    outcomes.push({
      type: 'OwnJobDeclared',
      jobId: job.jobId,
      transactions: job.transactions?.length ?? 0,
    });
    if (jobs.includes(job)) setJob(job, newMiningJobToken.slice(), now);
  };

  const provide = ({ requestId, unknownTxPositionList }: ProvideMissingTransactions, now: number): void => {
    const request = asked.get(`declaration ${requestId}`);
    const job = request?.job;
    if (job?.transactions === undefined) return;
    const transactionList: Uint8Array[] = [];
    for (const position of unknownTxPositionList) {
      const transaction = job.transactions[position];
      if (transaction === undefined || transactionList.length >= job.transactions.length) {
        const got = transaction === undefined ? `position ${position}` : 'more positions than there are';
        fail('invalid-request', `the declarator asked for ${got} of ${job.transactions.length} transactions`);
        return;
      }
      transactionList.push(transaction);
    }
    // its time begins anew: it had to wait for them
    ask(`declaration ${requestId}`, 'DeclareMiningJob', now, job);
    toDeclarator.push(ProvideMissingTransactionsSuccess({ requestId, transactionList }));
    outcomes.push({ type: 'TransactionsProvided', jobId: job.jobId, count: transactionList.length });
  };

  const refused = (
    job: ClientJob,
    by: 'declarator' | 'pool' | 'template provider',
    errorCode: string,
    details: string,
    now: number,
  ): void => {
    outcomes.push({ type: 'OwnJobRefused', jobId: job.jobId, by, errorCode, details });
    job.attempts += 1;
    if (!PASSING.includes(errorCode) || job.attempts > RETRY.attempts) {
      const reason = details === '' ? errorCode : `${errorCode}: ${details}`;
      if (jobs.includes(job)) fail(errorCode, `the ${by} refused job ${job.jobId}: ${reason}`);
      return;
    }
    // what it gave before may be as old
    if (errorCode === 'invalid-mining-job-token') tokens = [];
    stockTokens(now);
    job.stage = { type: 'stale', retryAt: now + RETRY.delay };
  };

  const declarationRefused = (message: DeclareMiningJobError, now: number): void => {
    const job = answered(`declaration ${message.requestId}`)?.job;
    if (job === undefined) return;
    const details = new TextDecoder().decode(message.errorDetails.subarray(0, 1_000));
    refused(job, 'declarator', message.errorCode, details, now);
  };

  const jobAccepted = ({ requestId, jobId: upstreamJobId }: SetCustomMiningJobSuccess): void => {
    const job = answered(`job ${requestId}`)?.job;
    if (job === undefined) return;
    job.stage = { type: 'accepted', upstreamJobId };
    const { jobId, kept } = job;
    outcomes.push({ type: 'OwnJobAccepted', jobId, upstreamJobId, kept: kept.length });
    for (const share of kept.splice(0)) toPool.push(shares.send(share, upstreamJobId));
  };

  const jobRefused = ({ requestId, errorCode }: SetCustomMiningJobError, now: number): void => {
    const job = answered(`job ${requestId}`)?.job;
    if (job !== undefined) refused(job, 'pool', errorCode, '', now);
  };

  const share = (message: SubmitSharesExtended): void => {
    const { channelId, sequenceNumber, jobId } = message;
    const answer = (errorCode: string) =>
      toMiners.push(SubmitSharesError({ channelId, sequenceNumber, errorCode }));
    if (channel?.channelId !== channelId) return void answer('invalid-channel-id');
    const job = jobs.find((candidate) => candidate.jobId === jobId);
    if (job === undefined) return void answer(jobId <= lastJobId ? 'stale-share' : 'invalid-job-id');
    if (message.extranonce.length !== job.extranonceSize) return void answer('bad-extranonce-size');
    const { hash, solution } = foundShare(job, message);
    // before anything else
    if (solution !== null) {
      toTemplates.push(solution.submit);
      if (job.isDeclared) toDeclarator.push(solution.push);
      else if (mode === 'full-template' && job.unpushed.length < JOBS_KEPT) job.unpushed.push(solution.push);
      outcomes.push({ type: 'OwnBlockFound', jobId, hash, isPushed: job.isDeclared });
    }
    if (job.stage.type === 'accepted') {
      toPool.push(shares.send(message, job.stage.upstreamJobId));
      return;
    }
    shares.keep(message);
    job.kept.push(message);
    if (job.kept.length > SHARES_KEPT) {
      for (const oldest of job.kept.splice(0, 1)) toMiners.push(shares.drop(oldest, 'stale-share'));
    }
  };

  const takeTemplate = (template: NewTemplate, now: number): void => {
    templates.set(template.templateId, template);
    for (const templateId of templates.keys()) {
      if (templates.size <= TEMPLATES_KEPT) break;
      templates.delete(templateId);
    }
    if (template.futureTemplate || tip === null) return;
    current = { template, tip };
    startJob(now);
  };

  const takeTip = (message: SetNewPrevHashTemplate, now: number): void => {
    tip = chainTipFrom(message, now);
    const template = templates.get(message.templateId);
    templates = new Map(template === undefined ? [] : [[message.templateId, template]]);
    if (template === undefined) return; // the next one is not for the future
    current = { template, tip };
    startJob(now);
  };

  return {
    begin(now) {
      isBegun = true;
      if (room !== null) toTemplates.push(room);
      stockTokens(now);
      return done();
    },
    fromMiners(message, now) {
      switch (message.type) {
        case 'OpenExtendedMiningChannel':
          if (channel !== null || isOpening) {
            const { requestId } = message;
            toMiners.push(OpenMiningChannelError({ requestId, errorCode: 'too-many-channels' }));
          } else {
            isOpening = true;
            toPool.push(message);
          }
          break;
        case 'OpenStandardMiningChannel': {
          const errorCode = 'standard-channels-not-supported-for-custom-work';
          toMiners.push(OpenMiningChannelError({ requestId: message.requestId, errorCode }));
          break;
        }
        case 'UpdateChannel':
          if (message.channelId === channel?.channelId) toPool.push(message);
          break;
        case 'CloseChannel':
          if (channel === null) break;
          toPool.push(message);
          jobs.splice(0).forEach((job) => end(job, 'invalid-channel-id'));
          channel = null;
          break;
        case 'SubmitSharesExtended':
          share(message);
          break;
        default: // there are no other shares without standard channels, and jobs are made here
      }
      void now;
      return done();
    },
    fromPool(message, now) {
      switch (message.type) {
        case 'OpenExtendedMiningChannel.Success':
          if (!isOpening) break;
          isOpening = false;
          channel = { ...message, extranoncePrefix: message.extranoncePrefix.slice() };
          shares = clientShares(message.channelId);
          toMiners.push(message);
          startJob(now);
          break;
        case 'OpenMiningChannel.Error':
          isOpening = false;
          toMiners.push(message);
          break;
        case 'SetExtranoncePrefix':
          if (channel === null) break;
          channel = { ...channel, extranoncePrefix: message.extranoncePrefix.slice() };
          toMiners.push(message);
          // what miners have was declared for the prefix before, whose length it has
          break;
        case 'SetTarget':
        case 'UpdateChannel.Error':
          toMiners.push(message);
          break;
        case 'CloseChannel':
          toMiners.push(message);
          jobs.splice(0).forEach((job) => end(job, 'invalid-channel-id'));
          channel = null;
          break;
        case 'SetCustomMiningJob.Success':
          jobAccepted(message);
          break;
        case 'SetCustomMiningJob.Error':
          jobRefused(message, now);
          break;
        case 'SubmitShares.Success':
          toMiners.push(...shares.accepted(message));
          break;
        case 'SubmitShares.Error':
          toMiners.push(...shares.rejected(message));
          break;
        default: // it selects no work for us, and channels have no group that matters
      }
      return done();
    },
    fromDeclarator(message, now) {
      switch (message.type) {
        case 'AllocateMiningJobToken.Success':
          takeToken(message, now);
          break;
        case 'ProvideMissingTransactions':
          provide(message, now);
          break;
        case 'DeclareMiningJob.Success':
          declared(message, now);
          break;
        case 'DeclareMiningJob.Error':
          declarationRefused(message, now);
      }
      return done();
    },
    distribution(message, now) {
      takeDistribution(message, now);
      return done();
    },
    fromTemplates(message, now) {
      switch (message.type) {
        case 'NewTemplate':
          takeTemplate(message, now);
          break;
        case 'TemplateDistribution.SetNewPrevHash':
          takeTip(message, now);
          break;
        case 'RequestTransactionData.Success': {
          const job = answered(`data ${message.templateId}`)?.job;
          if (job === undefined) break;
          job.transactions = message.transactionList;
          job.excessData = message.excessData;
          advance(job, now);
          break;
        }
        case 'RequestTransactionData.Error': {
          const job = answered(`data ${message.templateId}`)?.job;
          if (job === undefined) break;
          // it has moved on: there is, or will be, another template
          const { jobId } = job;
          const { errorCode } = message;
          outcomes.push({ type: 'OwnJobRefused', jobId, by: 'template provider', errorCode, details: '' });
          break;
        }
        default: // channels have no endpoints here
      }
      return done();
    },
    tick(now) {
      for (const { what, deadline } of asked.values()) {
        if (deadline <= now) fail('request-timeout', `no answer to ${what} within ${requestTimeout} ms`);
      }
      for (const job of jobs) {
        if (job.stage.type !== 'stale' || job.stage.retryAt > now) continue;
        job.stage = { type: 'made' };
        advance(job, now);
      }
      return done();
    },
    get isReady() {
      return isBegun && payout !== null && current !== null;
    },
  };
};
