/** The outcomes of all roles, by name, for the compiler to look into. */
import type {
  ClientOutcome,
  MinerOutcome,
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
export type Sv1MiningOutcome = OfSv1Miner;
export type Sv1MinerOutcome = Sv1MinerEvent['outcome'];
