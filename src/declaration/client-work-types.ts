/** What the jobs of a declaring client are made of, and what becomes of them. */
import type {
  DeclareMiningJobError,
  DeclareMiningJobSuccess,
  ProvideMissingTransactions,
} from '../messages/job-declaration.js';
import type {
  OpenExtendedMiningChannelSuccess,
  SetCustomMiningJobError,
  SetCustomMiningJobSuccess,
  SubmitSharesError,
  SubmitSharesExtended,
  SubmitSharesSuccess,
} from '../messages/mining.js';
import type {
  RequestTransactionDataError,
  RequestTransactionDataSuccess,
} from '../messages/template-distribution.js';
import type { ClientJob } from './client-job.js';
import type { ClientOutput } from './client-output.js';
import type { ClientPayout } from './client-payout.js';
import type { ClientRequests } from './client-requests.js';
import type { ClientTemplates } from './client-templates.js';
import type { DeclaringClientOptions } from './declaring-client-types.js';

/** Of what the jobs of a declaring client are made, and where what comes of them goes. */
export interface ClientWorkContext {
  readonly options: Pick<DeclaringClientOptions, 'mode' | 'tag' | 'wholeBlocks'>;
  readonly requests: ClientRequests;
  readonly payout: ClientPayout;
  readonly templates: ClientTemplates;
  readonly out: ClientOutput;
}

/** See `clientWork`. Times are milliseconds since 1970. */
export interface ClientWork {
  /** The pool's channel is there. */
  open(channel: OpenExtendedMiningChannelSuccess, now: number): void;
  /** The channel has another extranonce prefix, of the same length, from the next job on. */
  setExtranoncePrefix(extranoncePrefix: Uint8Array): void;
  /** The channel is closed. */
  close(): void;
  /** Gives miners the newest template, if there is what it takes and they do not have it. */
  start(now: number): void;
  /** There are tokens: jobs that waited for one go on, the newest first. */
  advance(now: number): void;
  transactions(message: RequestTransactionDataSuccess, now: number): void;
  noTransactions(message: RequestTransactionDataError): void;
  /** The template provider does not say what a job's transactions are. */
  dataLost(job: ClientJob, code: string): void;
  provide(message: ProvideMissingTransactions, now: number): void;
  declared(message: DeclareMiningJobSuccess, now: number): void;
  declarationRefused(message: DeclareMiningJobError, now: number): void;
  jobAccepted(message: SetCustomMiningJobSuccess): void;
  jobRefused(message: SetCustomMiningJobError, now: number): void;
  share(message: SubmitSharesExtended): void;
  sharesAccepted(message: SubmitSharesSuccess): void;
  shareRejected(message: SubmitSharesError): void;
  /** Tries again what was refused for a while. */
  tick(now: number): void;
  /** Pool and declarator are left: nothing of it all goes to them any more. */
  abandon(): void;
  readonly channel: OpenExtendedMiningChannelSuccess | null;
}
