export * from './byte-order.js';
export {
  defineMethod,
  type Answer,
  type MethodDeclaration,
  type MethodMessage,
  type MethodSchema,
  type Sv1Id,
  type Sv1Method,
} from './define-method.js';
export type { StratumError } from './error-codes.js';
export * from './errors.js';
export { maxJsonDepth, parseJson, type Json } from './json.js';
export * from './lines.js';
export * from './messages.js';
export * as sv1 from './methods.js';
export type { Subscription } from './methods.js';
export type { ParamKind, Params, ParamType, ParamValues } from './params.js';
export * from './accept-either.js';
export * from './client-session.js';
export {
  acceptSv1Connections,
  sv1Connection,
  type Sv1AcceptOptions,
  type Sv1Connection,
  type Sv1ConnectionLimits,
  type Sv1Connector,
} from './connection.js';
export * from './server-session.js';
export type { Sv1SessionOutcome, Sv1SessionOutput } from './session-output.js';
export * from './url.js';
