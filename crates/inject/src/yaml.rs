//! YAML as text with a structure: a manifest is changed where it must be, and nowhere else.
//!
//! [`compose`] reads a document into nodes that know where they stand, [`edit`] turns JSON Patch
//! operations into places in the text and what comes there, [`emit`] writes what is new. JSON is read
//! and changed the same way: it is YAML in flow style.

pub(crate) mod compose;
pub(crate) mod edit;
pub(crate) mod emit;

pub(crate) use compose::{Document, documents};
