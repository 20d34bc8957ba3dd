//! Proto3's JSON, written straight into a buffer.
//!
//! The dialect is the classic mapping (<https://protobuf.dev/programming-guides/json/>): 64-bit
//! integers are strings, bytes are base64, doubles that are no numbers are `"NaN"`, `"Infinity"`
//! and `"-Infinity"`. Members at their default are the caller's to leave out.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// A JSON text being written. Commas follow from what stands before, so that members and
/// elements can be left out freely.
#[derive(Debug, Default)]
pub(crate) struct Json {
    out: Vec<u8>,
}

impl Json {
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// An object, whose members `fill` writes.
    pub(crate) fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        fill(self);
        self.out.push(b'}');
    }

    /// An array; each element begins with [`Json::element`].
    pub(crate) fn array(&mut self, fill: impl FnOnce(&mut Self)) {
        self.out.push(b'[');
        fill(self);
        self.out.push(b']');
    }

    /// Begins an element of an array.
    pub(crate) fn element(&mut self) -> &mut Self {
        self.comma();
        self
    }

    /// Begins a member of an object. `name` is written as it is: it must need no escapes.
    pub(crate) fn member(&mut self, name: &str) -> &mut Self {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self
    }

    /// Begins a member whose name comes from outside.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.comma();
        self.string(name);
        self.out.push(b':');
        self
    }

    /// A value never ends with an opening bracket, so one there means "nothing before".
    fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }

    pub(crate) fn string(&mut self, text: &str) {
        // Writing into memory cannot fail, and a `&str` always has a JSON form.
        let written = serde_json::to_writer(&mut self.out, text);
        debug_assert!(written.is_ok(), "strings have a JSON form");
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(crate) fn base64(&mut self, bytes: &[u8]) {
        self.string(&BASE64_STANDARD.encode(bytes));
    }

    /// A 64-bit integer.
    pub(crate) fn int64(&mut self, n: impl std::fmt::Display) {
        self.string(&n.to_string());
    }

    /// A 32-bit integer.
    pub(crate) fn int32(&mut self, n: impl std::fmt::Display) {
        self.out.extend_from_slice(n.to_string().as_bytes());
    }

    pub(crate) fn double(&mut self, n: f64) {
        if n.is_nan() {
            self.string("NaN");
        } else if n.is_infinite() {
            self.string(if n > 0.0 { "Infinity" } else { "-Infinity" });
        } else {
            let written = serde_json::to_writer(&mut self.out, &n);
            debug_assert!(written.is_ok(), "finite numbers have a JSON form");
        }
    }
}
