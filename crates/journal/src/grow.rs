//! Lists from outside that grow with what is there, not with what is claimed.
//!
//! serde makes room for up to a mebibyte by the length that a list states before its first element
//! is read. A list that is read through here makes room as elements come.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// A list, read one by one: for `#[serde(deserialize_with = "…")]`.
pub(crate) fn list<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    from.deserialize_seq(OneByOne(PhantomData))
}

struct OneByOne<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneByOne<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(list)
    }
}
