/** The outcomes of all roles, by name, for the compiler to look into. */
import type {
  ClientOutcome,
  JobDeclarationClientOutcome as OfJobDeclarationClient,
  JobDeclarationServerOutcome as OfJobDeclarationServer,
  MinerOutcome,
  PoolMiningOutcome,
  ProxyMiningOutcome,
  TemplateClientOutcome,
  PoolOutcome as OfPool,
  ProxyOutcome as OfProxy,
  ServerOutcome,
  Sv1MinerEvent,
  Sv1MiningOutcome as OfSv1Miner,
  TemplateProviderOutcome as OfTemplateProvider,
} from '../../src/index.js';

export type PoolOutcome = OfPool;
export type ProxyOutcome = OfProxy;
export type MinerRoleOutcome = ClientOutcome<MinerOutcome>;
export type TemplateProviderRoleOutcome = ServerOutcome<OfTemplateProvider>;
export type JobDeclarationClientOutcome = OfJobDeclarationClient;
export type JobDeclarationServerRoleOutcome = ServerOutcome<OfJobDeclarationServer>;
export type Sv1MiningOutcome = OfSv1Miner;
export type Sv1MinerOutcome = Sv1MinerEvent['outcome'];

/** What servers of all roles emit, and what clients do. */
export type ServerSide =
  | ServerOutcome<PoolMiningOutcome>
  | ServerOutcome<ProxyMiningOutcome>
  | ServerOutcome<OfTemplateProvider>
  | ServerOutcome<OfJobDeclarationServer>;
export type ClientSide = ClientOutcome<TemplateClientOutcome> | ClientOutcome<MinerOutcome>;

/** All of them by name. */
export interface Outcomes {
  readonly PoolOutcome: PoolOutcome;
  readonly ProxyOutcome: ProxyOutcome;
  readonly MinerRoleOutcome: MinerRoleOutcome;
  readonly TemplateProviderRoleOutcome: TemplateProviderRoleOutcome;
  readonly JobDeclarationClientOutcome: JobDeclarationClientOutcome;
  readonly JobDeclarationServerRoleOutcome: JobDeclarationServerRoleOutcome;
  readonly Sv1MiningOutcome: Sv1MiningOutcome;
  readonly Sv1MinerOutcome: Sv1MinerOutcome;
  readonly ServerSide: ServerSide;
  readonly ClientSide: ClientSide;
}
