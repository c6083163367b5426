import {
  asyncScheduler,
  filter,
  merge,
  mergeMap,
  of,
  take,
  throwError,
  timeout,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import * as jobDeclaration from '../messages/job-declaration.js';
import type { Message } from '../messages/registry.js';
import * as mining from '../messages/mining.js';
import * as templateDistribution from '../messages/template-distribution.js';
import { ServiceError } from './errors.js';
import { send, sendToServer, type Send, type SendToServer } from './effects.js';

/** The answers to each request, and the field that pairs them. */
const replies = {
  OpenStandardMiningChannel: {
    answers: [mining.OpenStandardMiningChannelSuccess, mining.OpenMiningChannelError],
    pairedBy: 'requestId',
  },
  OpenExtendedMiningChannel: {
    answers: [mining.OpenExtendedMiningChannelSuccess, mining.OpenMiningChannelError],
    pairedBy: 'requestId',
  },
  SetCustomMiningJob: {
    answers: [mining.SetCustomMiningJobSuccess, mining.SetCustomMiningJobError],
    pairedBy: 'requestId',
  },
  AllocateMiningJobToken: { answers: [jobDeclaration.AllocateMiningJobTokenSuccess], pairedBy: 'requestId' },
  DeclareMiningJob: {
    answers: [jobDeclaration.DeclareMiningJobSuccess, jobDeclaration.DeclareMiningJobError],
    pairedBy: 'requestId',
  },
  ProvideMissingTransactions: {
    answers: [jobDeclaration.ProvideMissingTransactionsSuccess],
    pairedBy: 'requestId',
  },
  RequestTransactionData: {
    answers: [
      templateDistribution.RequestTransactionDataSuccess,
      templateDistribution.RequestTransactionDataError,
    ],
    pairedBy: 'templateId',
  },
} as const;

type Replies = typeof replies;

/** A message that is answered. */
export type Request = Extract<Message, { readonly type: keyof Replies }>;

/** The message that may answer a request. */
export type ReplyTo<R extends Request> = Extract<
  Message,
  { readonly type: Replies[R['type']]['answers'][number]['type'] }
>;

/** How long to wait, and by which clock. */
export interface RequestOptions {
  /** Milliseconds to wait for the answer; 10,000 unless given. */
  readonly timeout?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

interface AnyEvent {
  readonly type: string;
  readonly clientId?: number;
  readonly message?: Message;
}

/**
 * Sends a request and turns its answer into outcomes: merge the result into what a handler returns.
 * The answer is the `*.Success` or `*.Error` with the request's id (`templateId` for RequestTransactionData).
 * @param event$ the handler's events
 * @param message the request; its id must not be in use on the connection
 * @param project outcomes of the answer
 * @param options timeout, clock and, on a server, `clientId`: the client asked
 * @returns the effect that sends the request, then what `project` returns; errors with ServiceError
 * `request-timeout`, or `request-disconnected` if the connection ends first
 */
export function request<R extends Request, O>(
  event$: Observable<AnyEvent>,
  message: R,
  project: (reply: ReplyTo<R>) => Observable<O>,
  options: RequestOptions & { readonly clientId: number },
): Observable<O | Send>;
export function request<R extends Request, O>(
  event$: Observable<AnyEvent>,
  message: R,
  project: (reply: ReplyTo<R>) => Observable<O>,
  options?: RequestOptions & { readonly clientId?: never },
): Observable<O | SendToServer>;
export function request<R extends Request, O>(
  event$: Observable<AnyEvent>,
  message: R,
  project: (reply: ReplyTo<R>) => Observable<O>,
  options: RequestOptions & { readonly clientId?: number } = {},
): Observable<O | Send | SendToServer> {
  const { timeout: limit = 10_000, clientId, scheduler = asyncScheduler } = options;
  const { answers, pairedBy } = replies[message.type];
  const idOf = (candidate: object) => (candidate as Record<string, unknown>)[pairedBy];
  const about = `${message.type} with ${pairedBy} ${String(idOf(message))}`;
  const detail = { request: message.type };

  const answersIt = ({ message: candidate }: AnyEvent) =>
    candidate !== undefined &&
    answers.some(({ type }) => type === candidate.type) &&
    idOf(candidate) === idOf(message);
  const endsIt = ({ type }: AnyEvent) => type === 'disconnected' || type === 'clientRemoved';
  const ended = () =>
    new ServiceError('request-disconnected', `the connection ended before an answer to ${about}`, detail);
  const silence = () =>
    new ServiceError('request-timeout', `no answer to ${about} within ${limit} ms`, detail);

  const reply$ = event$.pipe(
    filter((event) => event.clientId === clientId && (answersIt(event) || endsIt(event))),
    take(1),
    timeout({ first: limit, scheduler, with: () => throwError(silence) }),
    mergeMap((event) => (endsIt(event) ? throwError(ended) : project(event.message as ReplyTo<R>))),
  );
  const sending = clientId === undefined ? sendToServer(message) : send(clientId, message);
  return merge(reply$, of(sending));
}
