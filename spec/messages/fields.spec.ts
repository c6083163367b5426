import { expect, test } from '@jest/globals';
import { messageCreators } from '../../src/messages/index.js';

/** The fields of every message with the names and types of the tables in spec chapters 3, 5, 6, 7 and extension 0x0001. */
const fields: Readonly<Record<string, string>> = {
  SetupConnection:
    'protocol U8, min_version U16, max_version U16, flags U32, endpoint_host STR0_255, endpoint_port U16, vendor STR0_255, hardware_version STR0_255, firmware STR0_255, device_id STR0_255',
  'SetupConnection.Success': 'used_version U16, flags U32',
  'SetupConnection.Error': 'flags U32, error_code STR0_255',
  ChannelEndpointChanged: 'channel_id U32',
  Reconnect: 'new_host STR0_255, new_port U16',
  OpenStandardMiningChannel: 'request_id U32, user_identity STR0_255, nominal_hash_rate F32, max_target U256',
  'OpenStandardMiningChannel.Success':
    'request_id U32, channel_id U32, target U256, extranonce_prefix B0_32, group_channel_id U32',
  'OpenMiningChannel.Error': 'request_id U32, error_code STR0_255',
  OpenExtendedMiningChannel:
    'request_id U32, user_identity STR0_255, nominal_hash_rate F32, max_target U256, min_extranonce_size U16',
  'OpenExtendedMiningChannel.Success':
    'request_id U32, channel_id U32, target U256, extranonce_size U16, extranonce_prefix B0_32, group_channel_id U32',
  NewMiningJob: 'channel_id U32, job_id U32, min_ntime OPTION[U32], version U32, merkle_root U256',
  UpdateChannel: 'channel_id U32, nominal_hash_rate F32, maximum_target U256',
  'UpdateChannel.Error': 'channel_id U32, error_code STR0_255',
  CloseChannel: 'channel_id U32, reason_code STR0_255',
  SetExtranoncePrefix: 'channel_id U32, extranonce_prefix B0_32',
  SubmitSharesStandard: 'channel_id U32, sequence_number U32, job_id U32, nonce U32, ntime U32, version U32',
  SubmitSharesExtended:
    'channel_id U32, sequence_number U32, job_id U32, nonce U32, ntime U32, version U32, extranonce B0_32',
  'SubmitShares.Success':
    'channel_id U32, last_sequence_number U32, new_submits_accepted_count U32, new_shares_sum U64',
  'SubmitShares.Error': 'channel_id U32, sequence_number U32, error_code STR0_255',
  NewExtendedMiningJob:
    'channel_id U32, job_id U32, min_ntime OPTION[U32], version U32, version_rolling_allowed BOOL, merkle_path SEQ0_255[U256], coinbase_tx_prefix B0_64K, coinbase_tx_suffix B0_64K',
  SetNewPrevHash: 'channel_id U32, job_id U32, prev_hash U256, min_ntime U32, nbits U32',
  SetTarget: 'channel_id U32, maximum_target U256',
  SetCustomMiningJob:
    'channel_id U32, request_id U32, mining_job_token B0_255, version U32, prev_hash U256, min_ntime U32, nbits U32, coinbase_tx_version U32, coinbase_prefix B0_255, coinbase_tx_input_nSequence U32, coinbase_tx_outputs B0_64K, coinbase_tx_locktime U32, merkle_path SEQ0_255[U256]',
  'SetCustomMiningJob.Success': 'channel_id U32, request_id U32, job_id U32',
  'SetCustomMiningJob.Error': 'channel_id U32, request_id U32, error_code STR0_255',
  SetGroupChannel: 'group_channel_id U32, channel_ids SEQ0_64K[U32]',
  AllocateMiningJobToken: 'user_identifier STR0_255, request_id U32',
  'AllocateMiningJobToken.Success': 'request_id U32, mining_job_token B0_255, coinbase_tx_outputs B0_64K',
  ProvideMissingTransactions: 'request_id U32, unknown_tx_position_list SEQ0_64K[U16]',
  'ProvideMissingTransactions.Success': 'request_id U32, transaction_list SEQ0_64K[B0_16M]',
  DeclareMiningJob:
    'request_id U32, mining_job_token B0_255, version U32, coinbase_tx_prefix B0_64K, coinbase_tx_suffix B0_64K, wtxid_list SEQ0_64K[U256], excess_data B0_64K',
  'DeclareMiningJob.Success': 'request_id U32, new_mining_job_token B0_255',
  'DeclareMiningJob.Error': 'request_id U32, error_code STR0_255, error_details B0_64K',
  PushSolution: 'extranonce B0_32, prev_hash U256, nonce U32, ntime U32, nbits U32, version U32',
  CoinbaseOutputConstraints:
    'coinbase_output_max_additional_size U32, coinbase_output_max_additional_sigops U16',
  NewTemplate:
    'template_id U64, future_template BOOL, version U32, coinbase_tx_version U32, coinbase_prefix B0_255, coinbase_tx_input_sequence U32, coinbase_tx_value_remaining U64, coinbase_tx_outputs_count U32, coinbase_tx_outputs B0_64K, coinbase_tx_locktime U32, merkle_path SEQ0_255[U256]',
  'TemplateDistribution.SetNewPrevHash':
    'template_id U64, prev_hash U256, header_timestamp U32, nBits U32, target U256',
  RequestTransactionData: 'template_id U64',
  'RequestTransactionData.Success': 'template_id U64, excess_data B0_64K, transaction_list SEQ0_64K[B0_16M]',
  'RequestTransactionData.Error': 'template_id U64, error_code STR0_255',
  SubmitSolution: 'template_id U64, version U32, header_timestamp U32, header_nonce U32, coinbase_tx B0_64K',
  RequestExtensions: 'request_id U16, requested_extensions SEQ0_64K[U16]',
  'RequestExtensions.Success': 'request_id U16, supported_extensions SEQ0_64K[U16]',
  'RequestExtensions.Error':
    'request_id U16, unsupported_extensions SEQ0_64K[U16], required_extensions SEQ0_64K[U16]',
};

const camelCase = (name: string) => name.replace(/_([a-zA-Z])/g, (_, letter: string) => letter.toUpperCase());

test.each(messageCreators.map(({ type, schema }) => [type, schema] as const))(
  'the fields of %s are those of the specification',
  (type, schema) => {
    const declared = Object.entries(schema.fields).map(([name, { name: dataType }]) => `${name} ${dataType}`);
    const specified = (fields[type] ?? '').split(', ').map((field) => {
      const [name, dataType] = field.split(' ') as [string, string];
      return `${camelCase(name)} ${dataType}`;
    });
    expect(declared).toEqual(specified);
  },
);
