//! Reading typed fields of a JSON command; errors name the field and what was expected.

use crate::hex;
use serde_json::{Map, Value};

/// The members of one JSON object.
#[derive(Clone, Copy)]
pub struct Fields<'a>(&'a Map<String, Value>);

/// What is wrong with a command.
pub type Result<T> = std::result::Result<T, String>;

impl<'a> Fields<'a> {
    /// The members of `value`, which must be an object.
    pub fn of(value: &'a Value) -> Result<Self> {
        value
            .as_object()
            .map(Self)
            .ok_or_else(|| "expected a JSON object".to_owned())
    }

    /// A member; null counts as absent.
    pub fn find(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the member is there and not null.
    pub fn has(self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn get(self, name: &str) -> Result<&'a Value> {
        self.find(name).ok_or_else(|| format!("{name} is missing"))
    }

    /// An object.
    pub fn object(self, name: &str) -> Result<Fields<'a>> {
        Fields::of(self.get(name)?).map_err(|error| format!("{name}: {error}"))
    }

    /// A string.
    pub fn text(self, name: &str) -> Result<&'a str> {
        self.get(name)?
            .as_str()
            .ok_or_else(|| format!("{name}: expected a string"))
    }

    /// An unsigned integer, as a number or as a decimal string, that fits into `T`.
    pub fn int<T: TryFrom<u64>>(self, name: &str) -> Result<T> {
        let value = self.get(name)?;
        value
            .as_u64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("{name}: expected an unsigned integer in range, got {value}"))
    }

    /// A floating-point number; as text also NaN, inf and -inf, which JSON has no number for.
    pub fn float(self, name: &str) -> Result<f64> {
        let value = self.get(name)?;
        value
            .as_f64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .ok_or_else(|| format!("{name}: expected a number, got {value}"))
    }

    /// A boolean.
    pub fn bool(self, name: &str) -> Result<bool> {
        self.get(name)?
            .as_bool()
            .ok_or_else(|| format!("{name}: expected true or false"))
    }

    /// A byte string in hexadecimal.
    pub fn bytes(self, name: &str) -> Result<Vec<u8>> {
        hex::decode(self.text(name)?).map_err(|error| format!("{name}: {error}"))
    }

    /// 32 bytes in hexadecimal.
    pub fn hash(self, name: &str) -> Result<[u8; 32]> {
        hex::decode_array(self.text(name)?).map_err(|error| format!("{name}: {error}"))
    }

    /// A byte string as one of the reference's bounded types.
    pub fn bounded<T: TryFrom<Vec<u8>>>(self, name: &str) -> Result<T> {
        T::try_from(self.bytes(name)?).map_err(|_| format!("{name}: too long"))
    }

    /// An array of 32-byte strings in hexadecimal.
    pub fn hashes<E: From<[u8; 32]>>(self, name: &str) -> Result<Vec<E>> {
        self.get(name)?
            .as_array()
            .ok_or_else(|| format!("{name}: expected an array"))?
            .iter()
            .map(|value| {
                let text = value
                    .as_str()
                    .ok_or_else(|| format!("{name}: expected strings"))?;
                hex::decode_array(text)
                    .map(E::from)
                    .map_err(|error| format!("{name}: {error}"))
            })
            .collect()
    }
}
