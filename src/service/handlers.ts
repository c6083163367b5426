import { ignoreElements, type Observable } from 'rxjs';
import type {
  JobDeclarationToClient,
  JobDeclarationToServer,
  MiningToClient,
  MiningToServer,
  TemplateDistributionToClient,
  TemplateDistributionToServer,
} from '../messages/directions.js';
import type { ClientEvent, ServerEvent } from './events.js';
import type { ClientEffect, ServerEffect } from './effects.js';
import type { ApplicationOutcome, HandlerError } from './outcomes.js';

/**
 * A handler of a server: an operator from events to effects and outcomes of the application's own.
 *
 * If it throws or its stream fails, that becomes a `handlerError` outcome and the handler is subscribed to
 * again for the next event: what its operators had collected (`scan`, `switchMap`, timers) begins anew.
 * `handleEach` confines an error to the event that led to it.
 */
export type ServerHandler<M extends { readonly type: string }, A extends ApplicationOutcome = never> = (
  event$: Observable<ServerEvent<M>>,
) => Observable<ServerEffect | HandlerError | A>;

/**
 * A handler of a client: an operator from events to effects and outcomes of the application's own. Errors are
 * dealt with as in a `ServerHandler`.
 */
export type ClientHandler<M extends { readonly type: string }, A extends ApplicationOutcome = never> = (
  event$: Observable<ClientEvent<M>>,
) => Observable<ClientEffect | HandlerError | A>;

/** Serves miners and proxies (spec chapter 5). */
export type MiningServerHandler<A extends ApplicationOutcome = never> = ServerHandler<MiningToServer, A>;
/** Mines, or proxies for those who do (spec chapter 5). */
export type MiningClientHandler<A extends ApplicationOutcome = never> = ClientHandler<MiningToClient, A>;
/** Takes declared jobs (spec chapter 6). */
export type JobDeclarationServerHandler<A extends ApplicationOutcome = never> = ServerHandler<
  JobDeclarationToServer,
  A
>;
/** Declares jobs (spec chapter 6). */
export type JobDeclarationClientHandler<A extends ApplicationOutcome = never> = ClientHandler<
  JobDeclarationToClient,
  A
>;
/** Provides templates (spec chapter 7). */
export type TemplateDistributionServerHandler<A extends ApplicationOutcome = never> = ServerHandler<
  TemplateDistributionToServer,
  A
>;
/** Uses templates (spec chapter 7). */
export type TemplateDistributionClientHandler<A extends ApplicationOutcome = never> = ClientHandler<
  TemplateDistributionToClient,
  A
>;

const nullHandlers = new WeakSet<object>();

function nullHandler(): (event$: Observable<unknown>) => Observable<never> {
  const handler = (event$: Observable<unknown>) => event$.pipe(ignoreElements());
  nullHandlers.add(handler);
  return handler;
}

/** Whether this is one of the six null handlers: those of a subprotocol that is not supported. */
export const isNullHandler = (handler: object): boolean => nullHandlers.has(handler);

/** Says that a server has no Mining Protocol. */
export const nullMiningServerHandler: MiningServerHandler = nullHandler();
/** Says that a client has no Mining Protocol. */
export const nullMiningClientHandler: MiningClientHandler = nullHandler();
/** Says that a server has no Job Declaration Protocol. */
export const nullJobDeclarationServerHandler: JobDeclarationServerHandler = nullHandler();
/** Says that a client has no Job Declaration Protocol. */
export const nullJobDeclarationClientHandler: JobDeclarationClientHandler = nullHandler();
/** Says that a server has no Template Distribution Protocol. */
export const nullTemplateDistributionServerHandler: TemplateDistributionServerHandler = nullHandler();
/** Says that a client has no Template Distribution Protocol. */
export const nullTemplateDistributionClientHandler: TemplateDistributionClientHandler = nullHandler();
