//! Messages to whole plaintext frames and back, with the reference's framing and parsers.

use stratum_core::codec_sv2::EncodableFrame;
use stratum_core::framing_sv2::{self, framing::MessageFrame, header::Header};
use stratum_core::parsers_sv2::{
    parse_message_frame_with_tlvs, AnyMessage, AnyMessageOwned, ParserError, Tlv, TlvList,
};

/// The whole plaintext frame of `message`, header included.
pub fn encode(message: AnyMessageOwned) -> Result<Vec<u8>, ParserError> {
    let frame = MessageFrame::<AnyMessageOwned>::try_from(message)?;
    let mut bytes = vec![0; frame.encoded_length()];
    frame
        .encode_into(&mut bytes)
        .map_err(ParserError::BadPayloadSize)?;
    Ok(bytes)
}

/// The whole plaintext frame of `message` with `tlvs` behind its last field.
pub fn encode_with_tlvs(message: AnyMessageOwned, tlvs: &[Tlv]) -> Result<Vec<u8>, ParserError> {
    Ok(TlvList::from_slice(tlvs)?.build_frame_bytes_with_tlvs(message)?)
}

/// The message in a whole plaintext frame and its TLVs of the `negotiated` extensions.
///
/// `frame` is written to: the reference's parsers borrow it mutably.
pub fn parse<'a>(
    frame: &'a mut [u8],
    negotiated: &[u16],
) -> Result<(AnyMessage<'a>, Option<Vec<Tlv>>), ParserError> {
    let header = Header::from_bytes(frame).map_err(ParserError::BadPayloadSize)?;
    parse_message_frame_with_tlvs(header, &mut frame[Header::SIZE..], negotiated)
}

/// A frame given as bytes, whatever they are: lets a peer send what a message type would not allow.
pub struct RawFrame(pub Vec<u8>);

impl EncodableFrame for RawFrame {
    fn encoded_length(&self) -> usize {
        self.0.len()
    }

    fn encode_into(self, dst: &mut [u8]) -> Result<(), framing_sv2::Error> {
        dst.copy_from_slice(&self.0);
        Ok(())
    }
}
