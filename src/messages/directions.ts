import type { ChannelEndpointChanged, Reconnect } from './common.js';
import type * as jobDeclaration from './job-declaration.js';
import type * as mining from './mining.js';
import type * as templateDistribution from './template-distribution.js';
import type { UnknownMessage } from './unknown.js';

/** What a mining server receives. */
export type MiningToServer =
  | mining.OpenStandardMiningChannel
  | mining.OpenExtendedMiningChannel
  | mining.UpdateChannel
  | mining.CloseChannel
  | mining.SubmitSharesStandard
  | mining.SubmitSharesExtended
  | mining.SetCustomMiningJob
  | UnknownMessage;

/** What a client of any subprotocol may receive besides the messages of that subprotocol. */
type CommonToClient = ChannelEndpointChanged | Reconnect | UnknownMessage;

/** What a mining client receives. */
export type MiningToClient =
  | mining.OpenStandardMiningChannelSuccess
  | mining.OpenExtendedMiningChannelSuccess
  | mining.OpenMiningChannelError
  | mining.NewMiningJob
  | mining.NewExtendedMiningJob
  | mining.UpdateChannelError
  | mining.CloseChannel
  | mining.SetExtranoncePrefix
  | mining.SubmitSharesSuccess
  | mining.SubmitSharesError
  | mining.SetNewPrevHash
  | mining.SetTarget
  | mining.SetCustomMiningJobSuccess
  | mining.SetCustomMiningJobError
  | mining.SetGroupChannel
  | CommonToClient;

/** What a job declaration server receives. */
export type JobDeclarationToServer =
  | jobDeclaration.AllocateMiningJobToken
  | jobDeclaration.DeclareMiningJob
  | jobDeclaration.ProvideMissingTransactionsSuccess
  | jobDeclaration.PushSolution
  | UnknownMessage;

/** What a job declaration client receives. */
export type JobDeclarationToClient =
  | jobDeclaration.AllocateMiningJobTokenSuccess
  | jobDeclaration.ProvideMissingTransactions
  | jobDeclaration.DeclareMiningJobSuccess
  | jobDeclaration.DeclareMiningJobError
  | CommonToClient;

/** What a template distribution server receives. */
export type TemplateDistributionToServer =
  | templateDistribution.CoinbaseOutputConstraints
  | templateDistribution.RequestTransactionData
  | templateDistribution.SubmitSolution
  | UnknownMessage;

/** What a template distribution client receives. */
export type TemplateDistributionToClient =
  | templateDistribution.NewTemplate
  | templateDistribution.SetNewPrevHashTemplate
  | templateDistribution.RequestTransactionDataSuccess
  | templateDistribution.RequestTransactionDataError
  | CommonToClient;
