export * from './json.js';
export { observed, observedFromJson, observedToJson, type Observed, type ObservedJson } from './observed.js';
export { isOfSide, sideOf, type OfSide, type Side, type SideOf } from '../roles/sides.js';
export type { BlockState, ChainState, TemplateState, TipState } from './blocks.js';
export type * from './downstream-types.js';
export type { DownstreamLimits } from './downstream.js';
export {
  foldOf,
  states,
  type AnyOutcome,
  type Fold,
  type Note,
  type Part,
  type Parts,
  type PartsOf,
  type StateOptions,
  type StateTimes,
} from './fold.js';
export { poolFold, poolState, type PoolState } from './pool-state.js';
export type { ProblemsState } from './problems.js';
export type { Shares } from './tally.js';
export type { UpstreamState } from './upstreams.js';
export type { DefaultWindow, HashRate, HashRates, WindowName } from './windows.js';
export {
  alertKinds,
  alerts,
  type Alert,
  type AlertChange,
  type AlertOptions,
  type Watched,
} from './alerts.js';
export { jdClientFold, jdClientState, type JdClientState, type OwnJobsState } from './jd-client-state.js';
export {
  jdServerFold,
  jdServerState,
  type DeclarationsState,
  type DeclaredBlockState,
  type JdServerState,
} from './jd-server-state.js';
export type { SourceState } from './source.js';
export { hashRate, type HashRateOptions } from './hash-rate.js';
export {
  history,
  defaultResolutions,
  type History,
  type Resolution,
  type SavedHistory,
  type Series,
} from './history.js';
export {
  minerFold,
  minerState,
  type MinerChannelState,
  type MinerShares,
  type MinerState,
} from './miner-state.js';
export {
  proxyFold,
  proxyState,
  translatorState,
  type ForwardingState,
  type ProxyState,
  type UpstreamChannelState,
  type UpstreamShares,
} from './proxy-state.js';
export { applyChange, changeOf, changes, topN, type RowChanges, type StateChange } from './tables.js';
export {
  templateProviderFold,
  templateProviderState,
  type SubmittedBlock,
  type TemplateProviderState,
} from './template-provider-state.js';
