/** The client's side of job declaration: what miners, a pool, its declarator and a template provider say, and who takes it. */
import { OpenMiningChannelError } from '../messages/mining.js';
import type { MiningToClient, MiningToServer } from '../messages/directions.js';
import { clientOutput } from './client-output.js';
import { clientPayout } from './client-payout.js';
import { clientRequests } from './client-requests.js';
import { clientTemplates } from './client-templates.js';
import { clientWork } from './client-work.js';
import type {
  DeclaringClient,
  DeclaringClientOptions,
  DeclaringClientOutput,
} from './declaring-client-types.js';

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
  const { requestTimeout = 20_000 } = options;
  const out = clientOutput();
  const requests = clientRequests(requestTimeout);
  const payout = clientPayout(options, requests, out);
  const templates = clientTemplates();
  const work = clientWork({ options, requests, payout, templates, out });
  let isBegun = false;
  let isOpening = false;
  let isAbandoned = false;

  const done = (): DeclaringClientOutput => {
    if (out.isFailed && !isAbandoned) {
      isAbandoned = true;
      work.abandon();
    }
    return out.done();
  };

  const fromMiners = (message: MiningToServer): void => {
    switch (message.type) {
      case 'OpenExtendedMiningChannel':
        if (work.channel !== null || isOpening) {
          const { requestId } = message;
          out.toMiners(OpenMiningChannelError({ requestId, errorCode: 'too-many-channels' }));
        } else {
          isOpening = true;
          out.toPool(message);
        }
        break;
      case 'OpenStandardMiningChannel': {
        const errorCode = 'standard-channels-not-supported-for-custom-work';
        out.toMiners(OpenMiningChannelError({ requestId: message.requestId, errorCode }));
        break;
      }
      case 'UpdateChannel':
        if (message.channelId === work.channel?.channelId) out.toPool(message);
        break;
      case 'CloseChannel':
        if (work.channel === null) break;
        out.toPool(message);
        work.close();
        break;
      case 'SubmitSharesExtended':
        work.share(message);
        break;
      default: // there are no other shares without standard channels, and jobs are made here
    }
  };

  const fromPool = (message: MiningToClient, now: number): void => {
    switch (message.type) {
      case 'OpenExtendedMiningChannel.Success':
        if (!isOpening) break;
        isOpening = false;
        out.toMiners(message);
        work.open(message, now);
        break;
      case 'OpenMiningChannel.Error':
        isOpening = false;
        out.toMiners(message);
        break;
      case 'SetExtranoncePrefix':
        if (work.channel === null) break;
        work.setExtranoncePrefix(message.extranoncePrefix);
        out.toMiners(message);
        break;
      case 'SetTarget':
      case 'UpdateChannel.Error':
        out.toMiners(message);
        break;
      case 'CloseChannel':
        out.toMiners(message);
        work.close();
        break;
      case 'SetCustomMiningJob.Success':
        work.jobAccepted(message);
        break;
      case 'SetCustomMiningJob.Error':
        work.jobRefused(message, now);
        break;
      case 'SubmitShares.Success':
        work.sharesAccepted(message);
        break;
      case 'SubmitShares.Error':
        work.shareRejected(message);
        break;
      default: // it selects no work for us, and channels have no group that matters
    }
  };

  return {
    begin(now) {
      isBegun = true;
      payout.begin(now);
      return done();
    },
    templatesConnected() {
      payout.makeRoomAgain();
      return done();
    },
    templatesDisconnected() {
      for (const { job } of requests.forgetAll('data'))
        if (job !== undefined) work.dataLost(job, 'provider-disconnected');
      return done();
    },
    fromMiners(message) {
      fromMiners(message);
      return done();
    },
    fromPool(message, now) {
      fromPool(message, now);
      return done();
    },
    fromDeclarator(message, now) {
      switch (message.type) {
        case 'AllocateMiningJobToken.Success':
          if (!payout.allocated(message)) break;
          work.start(now);
          work.advance(now);
          break;
        case 'ProvideMissingTransactions':
          work.provide(message, now);
          break;
        case 'DeclareMiningJob.Success':
          work.declared(message, now);
          break;
        case 'DeclareMiningJob.Error':
          work.declarationRefused(message, now);
      }
      return done();
    },
    distribution(message, now) {
      payout.distribute(message);
      work.start(now);
      return done();
    },
    fromTemplates(message, now) {
      switch (message.type) {
        case 'NewTemplate':
          templates.add(message);
          work.start(now);
          break;
        case 'TemplateDistribution.SetNewPrevHash':
          templates.setTip(message, now);
          work.start(now);
          break;
        case 'RequestTransactionData.Success':
          work.transactions(message, now);
          break;
        case 'RequestTransactionData.Error':
          work.noTransactions(message);
          break;
        default: // channels have no endpoints here
      }
      return done();
    },
    tick(now) {
      const late = requests.late(now);
      for (const { kind, what } of late) {
        const said = ['request-timeout', `no answer to ${what} within ${requestTimeout} ms`] as const;
        if (kind === 'data') out.failProvider(...said);
        else out.fail(...said);
      }
      if (late.some(({ kind }) => kind === 'data'))
        for (const { job } of requests.forgetAll('data'))
          if (job !== undefined) work.dataLost(job, 'request-timeout');
      work.tick(now);
      return done();
    },
    get isReady() {
      return isBegun && payout.present !== null && templates.current !== null;
    },
  };
};
