//! Hexadecimal text to bytes and back.

use std::fmt::Write;

/// Lower-case hexadecimal of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The bytes of hexadecimal `text`; an error says what is wrong with it.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err(format!(
            "expected an even number of hexadecimal digits, got {} bytes",
            text.len()
        ));
    }
    (0..text.len())
        .step_by(2)
        .map(|at| {
            u8::from_str_radix(&text[at..at + 2], 16)
                .map_err(|_| format!("expected hexadecimal digits at {at}, got {:?}", &text[at..at + 2]))
        })
        .collect()
}

/// Exactly `N` bytes of hexadecimal `text`.
pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], String> {
    decode(text)?
        .try_into()
        .map_err(|bytes: Vec<u8>| format!("expected {N} bytes, got {}", bytes.len()))
}
