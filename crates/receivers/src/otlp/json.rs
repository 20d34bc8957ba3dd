//! OTLP's JSON into OTLP's protobuf, as it is read.
//!
//! The mapping is protobuf's own JSON mapping with OTLP's changes: ids are hex, enums are numbers,
//! names are lowerCamelCase, unknown ones are ignored
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>). Taken as well, because it
//! is sent: names in snake_case, enums by name, `null` for "not set", integers as text or as
//! floats without a fraction, lone surrogates (a text that JavaScript cut inside a character).
//!
//! One table ([`schema`]) says what is where; one visitor writes each value as it comes. An id that
//! is none becomes bytes that are no id, so that its span is refused alone, by the same rule
//! as in protobuf.
//!
//! What is written is hardly ever longer than what was read ([`longest`]): with its quotes and
//! names each JSON value has more bytes than the same in protobuf. Only a negative enum has one less.

mod schema;

use crate::translate::text;
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use schema::{ANY_VALUE, Field, Is, Message, REQUEST};
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};
use std::fmt;
use tributary_span::otlp::any::MAX_DEPTH;
use tributary_span::protobuf::put;

/// An `ExportTraceServiceRequest` in JSON as protobuf. No bytes at all are an empty request.
///
/// # Errors
/// When it is not JSON or a value is not what its field holds; the error names line and column.
pub(crate) fn to_protobuf(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    if json.trim_ascii().is_empty() {
        return Ok(out);
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    // Values are only read as deep as the schema and `MAX_DEPTH` go; what is ignored is skipped
    // without recursion.
    reader.disable_recursion_limit();
    Fields { out: &mut out, of: &REQUEST, depth: 0 }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(out)
}

/// Bytes that [`to_protobuf`] makes at most of so many bytes of JSON.
pub(crate) fn longest(json: usize) -> usize {
    json.saturating_add(json / 8)
}

/// Reads the fields of one message into `out`.
struct Fields<'o> {
    out: &'o mut Vec<u8>,
    of: &'static Message,
    /// How many values this is in, for values in values.
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as an object", self.of.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let depth = self.depth + usize::from(std::ptr::eq(self.of, &ANY_VALUE));
        if depth > MAX_DEPTH + 1 {
            return Err(A::Error::custom(format!(
                "values are nested deeper than {MAX_DEPTH} levels"
            )));
        }
        while let Some(field) = map.next_key_seed(Name(self.of))? {
            match field {
                Some(field) => map.next_value_seed(Value { out: self.out, field, depth })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Reads a field's name.
struct Name(&'static Message);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field(name))
    }
}

/// Reads a field's value, or one element of a repeated field.
struct Value<'o> {
    out: &'o mut Vec<u8>,
    field: &'static Field,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.field.is.words(), self.field.name)
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        match self.field.is {
            // As bytes, because a lone surrogate is no string.
            Is::Text | Is::Id | Is::Base64 => reader.deserialize_bytes(self),
            Is::Bool => reader.deserialize_bool(self),
            Is::Fixed64 | Is::Fixed32 | Is::Uint32 | Is::Int64 | Is::Double | Is::Enum(_) => {
                reader.deserialize_any(self)
            }
            Is::One(of) => message(self.out, self.field.number, |out| {
                Fields { out, of, depth: self.depth }.deserialize(reader)
            }),
            Is::Each(_) | Is::EachText => reader.deserialize_seq(self),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !matches!(self.field.is, Is::Each(_) | Is::EachText) {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        while list
            .next_element_seed(Element { out: self.out, field: self.field, depth: self.depth })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        let Value { out, field, .. } = self;
        match field.is {
            Is::Id => put::bytes(out, field.number, &unhex(bytes)),
            Is::Base64 => {
                let decoded = unbase64(bytes)
                    .ok_or_else(|| E::custom(format!("{} is not base64", field.name)))?;
                put::bytes(out, field.number, &decoded);
            }
            _ => text(out, field.number, bytes),
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if self.field.is != Is::Bool {
            return Err(E::invalid_type(Unexpected::Bool(value), &self));
        }
        put::uint(self.out, self.field.number, u64::from(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<(), E> {
        match self.field.is {
            Is::Double => self.double(n as f64),
            _ => self.integer(i128::from(n), Unexpected::Unsigned(n)),
        }
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<(), E> {
        match self.field.is {
            Is::Double => self.double(n as f64),
            _ => self.integer(i128::from(n), Unexpected::Signed(n)),
        }
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<(), E> {
        match self.field.is {
            Is::Double => self.double(n),
            // Saturates, and is then out of every field's range.
            _ if n.fract() == 0.0 => self.integer(n as i128, Unexpected::Float(n)),
            _ => Err(E::invalid_type(Unexpected::Float(n), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if let Is::Enum(names) = self.field.is {
            return match names.number(text) {
                Some(n) => self.integer(n, Unexpected::Str(text)),
                None => Err(E::invalid_value(Unexpected::Str(text), &self)),
            };
        }
        if self.field.is == Is::Double {
            return match text.parse() {
                Ok(n) => self.double(n),
                Err(_) => Err(E::invalid_value(Unexpected::Str(text), &self)),
            };
        }
        match text.parse() {
            Ok(n) => self.integer(n, Unexpected::Str(text)),
            Err(_) => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

impl Value<'_> {
    fn double<E>(self, n: f64) -> Result<(), E> {
        put::fixed64(self.out, self.field.number, n.to_bits());
        Ok(())
    }

    fn integer<E: Error>(self, n: i128, given: Unexpected<'_>) -> Result<(), E> {
        let number = self.field.number;
        let written = match self.field.is {
            Is::Fixed64 => u64::try_from(n).map(|n| put::fixed64(self.out, number, n)).is_ok(),
            Is::Fixed32 => u32::try_from(n).map(|n| put::fixed32(self.out, number, n)).is_ok(),
            Is::Uint32 => u32::try_from(n).map(|n| put::uint(self.out, number, n.into())).is_ok(),
            Is::Int64 => {
                i64::try_from(n).map(|n| put::uint(self.out, number, n.cast_unsigned())).is_ok()
            }
            Is::Enum(_) => i32::try_from(n)
                .map(|n| put::uint(self.out, number, i64::from(n).cast_unsigned()))
                .is_ok(),
            _ => false,
        };
        if written { Ok(()) } else { Err(E::invalid_value(given, &self)) }
    }
}

/// Reads one element of a repeated field.
struct Element<'o> {
    out: &'o mut Vec<u8>,
    field: &'static Field,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "elements of {}", self.field.name)
    }

    /// An element that is not set is an empty one: leaving it out would move those behind it.
    fn visit_none<E>(self) -> Result<(), E> {
        put::bytes(self.out, self.field.number, &[]);
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        match self.field.is {
            Is::Each(of) => message(self.out, self.field.number, |out| {
                Fields { out, of, depth: self.depth }.deserialize(reader)
            }),
            _ => reader.deserialize_bytes(self),
        }
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<(), E> {
        text(self.out, self.field.number, bytes);
        Ok(())
    }
}

/// Writes a message that may fail half-way; what is in `out` then is of no use.
fn message<E>(
    out: &mut Vec<u8>,
    number: u32,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut result = Ok(());
    put::message(out, number, |out| result = fill(out));
    result
}

/// The bytes of a hex id; one zero byte, which is no id, when it is not hex.
fn unhex(text: &[u8]) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, odd) = text.as_chunks::<2>();
    let bytes = pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?));
    match bytes.collect() {
        Some(bytes) if odd.is_empty() => bytes,
        _ => vec![0],
    }
}

/// Base64 in either alphabet, padded or not, as protobuf's JSON mapping wants it.
fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let url_safe = text.iter().any(|c| matches!(c, b'-' | b'_'));
    let alphabet = if url_safe { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

#[cfg(test)]
mod tests;
