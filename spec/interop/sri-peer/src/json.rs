//! The JSON form of messages that rx-sv2 uses: field names are the specification's in camelCase, byte strings
//! are lower-case hexadecimal, U64 is a decimal string, OPTION is the value or null.
//!
//! Two shorthands keep large values small: a byte string of more than 512 equal bytes is
//! `{"repeat": "ab", "length": n}`, a sequence of more than 16 equal elements `{"repeat": element, "count": n}`.

use crate::hex;
use serde_json::{json, Map, Value};
use stratum_core::bitcoin::hashes::{sha256, Hash};
use stratum_core::parsers_sv2::{
    AnyMessage, CommonMessages, Extensions, ExtensionsNegotiation, IsSv2Message, JobDeclaration, Mining,
    ParserError, TemplateDistribution, Tlv,
};

/// Byte strings longer than this are abbreviated if all their bytes are equal.
const LONG_BYTES: usize = 512;
/// Sequences longer than this are abbreviated if all their elements are equal.
const LONG_SEQUENCE: usize = 16;
/// Frames longer than this are given as length, hash and both ends.
const LONG_FRAME: usize = 4096;
/// How much of each end of a long frame is shown.
const FRAME_END: usize = 64;

/// Hexadecimal, or the shorthand for long runs of one byte.
pub fn bytes(bytes: &[u8]) -> Value {
    match bytes {
        [first, rest @ ..] if bytes.len() > LONG_BYTES && rest.iter().all(|byte| byte == first) => {
            json!({ "repeat": hex::encode(&[*first]), "length": bytes.len() })
        }
        _ => Value::from(hex::encode(bytes)),
    }
}

/// An array, or the shorthand for long runs of one element.
fn sequence(elements: Vec<Value>) -> Value {
    match elements.split_first() {
        Some((first, rest))
            if elements.len() > LONG_SEQUENCE && rest.iter().all(|element| element == first) =>
        {
            json!({ "repeat": first, "count": elements.len() })
        }
        _ => Value::Array(elements),
    }
}

/// Hexadecimal of a whole frame, or of a long one its length, SHA-256 and the first and last 64 bytes.
pub fn frame(frame: &[u8]) -> Value {
    if frame.len() <= LONG_FRAME {
        return Value::from(hex::encode(frame));
    }
    json!({
        "length": frame.len(),
        "sha256": sha256_hex(frame),
        "head": hex::encode(&frame[..FRAME_END]),
        "tail": hex::encode(&frame[frame.len() - FRAME_END..]),
    })
}

/// SHA-256 of `bytes` in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(sha256::Hash::hash(bytes).as_byte_array())
}

/// TLVs as rx-sv2 writes them in JSON.
pub fn tlvs(tlvs: &[Tlv]) -> Value {
    tlvs.iter()
        .map(|tlv| {
            json!({
                "extensionType": tlv.r#type.extension_type,
                "fieldType": tlv.r#type.field_type,
                "value": hex::encode(&tlv.value),
            })
        })
        .collect()
}

/// `snake_case` to `camelCase`.
fn camel(name: &str) -> String {
    let mut upper = false;
    name.chars()
        .filter_map(|letter| match letter {
            '_' => {
                upper = true;
                None
            }
            _ if std::mem::take(&mut upper) => Some(letter.to_ascii_uppercase()),
            _ => Some(letter),
        })
        .collect()
}

/// The value of one field, by its kind.
macro_rules! field {
    (int, $value:expr) => {
        Value::from(u64::from($value))
    };
    (long, $value:expr) => {
        Value::from($value.to_string())
    };
    (float, $value:expr) => {
        Value::from(f64::from($value))
    };
    (bool, $value:expr) => {
        Value::from($value)
    };
    (text, $value:expr) => {
        Value::from($value.as_utf8_or_hex())
    };
    (hex, $value:expr) => {
        bytes($value.as_bytes())
    };
    (option, $value:expr) => {
        $value
            .as_ref()
            .map_or(Value::Null, |value| Value::from(u64::from(*value)))
    };
    (ints, $value:expr) => {
        sequence(
            $value
                .iter()
                .map(|value| Value::from(u64::from(*value)))
                .collect(),
        )
    };
    (hexes, $value:expr) => {
        sequence($value.iter().map(|value| bytes(value.as_bytes())).collect())
    };
}

/// The payload object of a message: `kind field` for each field, `kind field = "name"` where the reference's
/// name is not the specification's.
macro_rules! payload {
    ($name:literal, $message:expr, { $($kind:ident $field:ident $(= $key:literal)?),* $(,)? }) => {{
        let mut object = Map::new();
        $(
            #[allow(unused_mut, unused_assignments)]
            let mut key = camel(stringify!($field));
            $( key = $key.to_owned(); )?
            object.insert(key, field!($kind, $message.$field));
        )*
        ($name, Value::Object(object))
    }};
}

/// The specification's name of `message` (made unique) and its payload.
pub fn describe(message: &AnyMessage) -> (&'static str, Value) {
    match message {
        AnyMessage::Common(message) => common(message),
        AnyMessage::Mining(message) => mining(message),
        AnyMessage::JobDeclaration(message) => job_declaration(message),
        AnyMessage::TemplateDistribution(message) => template_distribution(message),
        AnyMessage::Extensions(Extensions::ExtensionsNegotiation(message)) => extensions(message),
    }
}

fn common(message: &CommonMessages) -> (&'static str, Value) {
    use CommonMessages::*;
    match message {
        SetupConnection(m) => {
            let (name, mut value) = payload!("SetupConnection", m, {
                int min_version, int max_version, int flags, text endpoint_host, int endpoint_port,
                text vendor, text hardware_version, text firmware, text device_id,
            });
            value.as_object_mut().expect("an object").shift_insert(
                0,
                "protocol".into(),
                json!(m.protocol as u8),
            );
            (name, value)
        }
        SetupConnectionSuccess(m) => payload!("SetupConnection.Success", m, { int used_version, int flags }),
        SetupConnectionError(m) => payload!("SetupConnection.Error", m, { int flags, text error_code }),
        ChannelEndpointChanged(m) => payload!("ChannelEndpointChanged", m, { int channel_id }),
        Reconnect(m) => payload!("Reconnect", m, { text new_host, int new_port }),
    }
}

fn mining(message: &Mining) -> (&'static str, Value) {
    use Mining::*;
    match message {
        OpenStandardMiningChannel(m) => payload!("OpenStandardMiningChannel", m, {
            int request_id, text user_identity, float nominal_hash_rate, hex max_target,
        }),
        OpenStandardMiningChannelSuccess(m) => payload!("OpenStandardMiningChannel.Success", m, {
            int request_id, int channel_id, hex target, hex extranonce_prefix, int group_channel_id,
        }),
        OpenExtendedMiningChannel(m) => payload!("OpenExtendedMiningChannel", m, {
            int request_id, text user_identity, float nominal_hash_rate, hex max_target, int min_extranonce_size,
        }),
        OpenExtendedMiningChannelSuccess(m) => payload!("OpenExtendedMiningChannel.Success", m, {
            int request_id, int channel_id, hex target, int extranonce_size, hex extranonce_prefix,
            int group_channel_id,
        }),
        OpenMiningChannelError(m) => {
            payload!("OpenMiningChannel.Error", m, { int request_id, text error_code })
        }
        UpdateChannel(m) => {
            payload!("UpdateChannel", m, { int channel_id, float nominal_hash_rate, hex maximum_target })
        }
        UpdateChannelError(m) => payload!("UpdateChannel.Error", m, { int channel_id, text error_code }),
        CloseChannel(m) => payload!("CloseChannel", m, { int channel_id, text reason_code }),
        SetExtranoncePrefix(m) => {
            payload!("SetExtranoncePrefix", m, { int channel_id, hex extranonce_prefix })
        }
        SubmitSharesStandard(m) => payload!("SubmitSharesStandard", m, {
            int channel_id, int sequence_number, int job_id, int nonce, int ntime, int version,
        }),
        SubmitSharesExtended(m) => payload!("SubmitSharesExtended", m, {
            int channel_id, int sequence_number, int job_id, int nonce, int ntime, int version, hex extranonce,
        }),
        SubmitSharesSuccess(m) => payload!("SubmitShares.Success", m, {
            int channel_id, int last_sequence_number, int new_submits_accepted_count, long new_shares_sum,
        }),
        SubmitSharesError(m) => {
            payload!("SubmitShares.Error", m, { int channel_id, int sequence_number, text error_code })
        }
        NewMiningJob(m) => payload!("NewMiningJob", m, {
            int channel_id, int job_id, option min_ntime, int version, hex merkle_root,
        }),
        NewExtendedMiningJob(m) => payload!("NewExtendedMiningJob", m, {
            int channel_id, int job_id, option min_ntime, int version, bool version_rolling_allowed,
            hexes merkle_path, hex coinbase_tx_prefix, hex coinbase_tx_suffix,
        }),
        SetNewPrevHash(m) => payload!("SetNewPrevHash", m, {
            int channel_id, int job_id, hex prev_hash, int min_ntime, int nbits,
        }),
        SetTarget(m) => payload!("SetTarget", m, { int channel_id, hex maximum_target }),
        SetCustomMiningJob(m) => payload!("SetCustomMiningJob", m, {
            int channel_id, int request_id, hex token = "miningJobToken", int version, hex prev_hash,
            int min_ntime, int nbits, int coinbase_tx_version, hex coinbase_prefix,
            int coinbase_tx_input_n_sequence, hex coinbase_tx_outputs, int coinbase_tx_locktime,
            hexes merkle_path,
        }),
        SetCustomMiningJobSuccess(m) => {
            payload!("SetCustomMiningJob.Success", m, { int channel_id, int request_id, int job_id })
        }
        SetCustomMiningJobError(m) => {
            payload!("SetCustomMiningJob.Error", m, { int channel_id, int request_id, text error_code })
        }
        SetGroupChannel(m) => payload!("SetGroupChannel", m, { int group_channel_id, ints channel_ids }),
    }
}

fn job_declaration(message: &JobDeclaration) -> (&'static str, Value) {
    use JobDeclaration::*;
    match message {
        AllocateMiningJobToken(m) => {
            payload!("AllocateMiningJobToken", m, { text user_identifier, int request_id })
        }
        AllocateMiningJobTokenSuccess(m) => payload!("AllocateMiningJobToken.Success", m, {
            int request_id, hex mining_job_token, hex coinbase_outputs = "coinbaseTxOutputs",
        }),
        DeclareMiningJob(m) => payload!("DeclareMiningJob", m, {
            int request_id, hex mining_job_token, int version, hex coinbase_tx_prefix, hex coinbase_tx_suffix,
            hexes wtxid_list, hex excess_data,
        }),
        DeclareMiningJobSuccess(m) => {
            payload!("DeclareMiningJob.Success", m, { int request_id, hex new_mining_job_token })
        }
        DeclareMiningJobError(m) => {
            payload!("DeclareMiningJob.Error", m, { int request_id, text error_code, hex error_details })
        }
        ProvideMissingTransactions(m) => {
            payload!("ProvideMissingTransactions", m, { int request_id, ints unknown_tx_position_list })
        }
        ProvideMissingTransactionsSuccess(m) => {
            payload!("ProvideMissingTransactions.Success", m, { int request_id, hexes transaction_list })
        }
        PushSolution(m) => payload!("PushSolution", m, {
            hex extranonce, hex prev_hash, int nonce, int ntime, int nbits, int version,
        }),
    }
}

fn template_distribution(message: &TemplateDistribution) -> (&'static str, Value) {
    use TemplateDistribution::*;
    match message {
        CoinbaseOutputConstraints(m) => payload!("CoinbaseOutputConstraints", m, {
            int coinbase_output_max_additional_size, int coinbase_output_max_additional_sigops,
        }),
        NewTemplate(m) => payload!("NewTemplate", m, {
            long template_id, bool future_template, int version, int coinbase_tx_version, hex coinbase_prefix,
            int coinbase_tx_input_sequence, long coinbase_tx_value_remaining, int coinbase_tx_outputs_count,
            hex coinbase_tx_outputs, int coinbase_tx_locktime, hexes merkle_path,
        }),
        SetNewPrevHash(m) => payload!("TemplateDistribution.SetNewPrevHash", m, {
            long template_id, hex prev_hash, int header_timestamp, int n_bits, hex target,
        }),
        RequestTransactionData(m) => payload!("RequestTransactionData", m, { long template_id }),
        RequestTransactionDataSuccess(m) => payload!("RequestTransactionData.Success", m, {
            long template_id, hex excess_data, hexes transaction_list,
        }),
        RequestTransactionDataError(m) => {
            payload!("RequestTransactionData.Error", m, { long template_id, text error_code })
        }
        SubmitSolution(m) => payload!("SubmitSolution", m, {
            long template_id, int version, int header_timestamp, int header_nonce, hex coinbase_tx,
        }),
    }
}

fn extensions(message: &ExtensionsNegotiation) -> (&'static str, Value) {
    use ExtensionsNegotiation::*;
    match message {
        RequestExtensions(m) => {
            payload!("RequestExtensions", m, { int request_id, ints requested_extensions })
        }
        RequestExtensionsSuccess(m) => {
            payload!("RequestExtensions.Success", m, { int request_id, ints supported_extensions })
        }
        RequestExtensionsError(m) => payload!("RequestExtensions.Error", m, {
            int request_id, ints unsupported_extensions, ints required_extensions,
        }),
    }
}

/// A whole plaintext frame as rx-sv2 writes messages in JSON, with the frame itself.
pub fn message(frame_bytes: &[u8], negotiated: &[u16]) -> Result<Value, ParserError> {
    let mut copy = frame_bytes.to_vec();
    let (message, message_tlvs) = crate::frame::parse(&mut copy, negotiated)?;
    let (name, payload) = describe(&message);
    let mut object = json!({
        "name": name,
        "messageType": message.message_type(),
        "extensionType": message.extension_type(),
        "channelMsg": message.channel_bit(),
        "payload": payload,
        "frame": frame(frame_bytes),
    });
    if let Some(message_tlvs) = message_tlvs {
        object["tlvs"] = tlvs(&message_tlvs);
    }
    Ok(object)
}

/// The name of the message in a frame.
pub fn name(frame_bytes: &[u8]) -> Result<&'static str, ParserError> {
    let mut copy = frame_bytes.to_vec();
    let (message, _) = crate::frame::parse(&mut copy, &[])?;
    Ok(describe(&message).0)
}
