//! What a question for values may ask for, whichever way it came.

use super::{ValuesCall, fixed};
use crate::api::head::Head;
use crate::api::tags::filter;
use crate::api::time_range::Ends;
use crate::api::{Accept, Call, Version};
use tributary_traceql::ast::{Attribute, Intrinsic};

/// A question for values as it was asked, not yet checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::api) struct Asked {
    /// Whose values are wanted, without the escapes of a path.
    pub(in crate::api) tag: String,
    /// The query of which the filter is taken; empty for none.
    pub(in crate::api) query: String,
    pub(in crate::api) ends: Ends,
    pub(in crate::api) limit: Option<usize>,
}

impl Asked {
    /// Reads the parameters of both routes. A limit that is no number is none, as in Tempo.
    pub(super) fn read(version: Version, tag: &str, head: &Head<'_>) -> Result<Asked, String> {
        let parameters = &head.parameters;
        let query = match version {
            Version::V1 => None,
            Version::V2 => parameters.text("q")?,
        };
        Ok(Asked {
            tag: tag.to_owned(),
            query: query.unwrap_or_default().into_owned(),
            ends: Ends::read(parameters, head.now)?,
            limit: parameters.number("limit").unwrap_or_default(),
        })
    }

    /// Checks what was asked.
    pub(in crate::api) fn call(
        self,
        version: Version,
        tenants: Vec<String>,
        accept: Accept,
    ) -> Result<Call, String> {
        let tag = self.tag.as_str();
        if tag.is_empty() {
            return Err("please provide a tag name".into());
        }
        let attribute = match version {
            Version::V1 => without_scope(tag),
            Version::V2 => tributary_traceql::parse_attribute(tag)
                .map_err(|why| format!("please provide a valid tag name: {tag:?}: {why}"))?,
        };
        let filter = match version {
            Version::V1 => None,
            Version::V2 => filter(&self.query)?,
        };
        let fixed = match version {
            Version::V1 => fixed::of_tag(tag),
            Version::V2 => fixed::of_attribute(&attribute),
        };
        let time = self.ends.of_tags()?;
        let limit = self.limit.filter(|limit| *limit > 0);
        let call = ValuesCall { tenants, version, attribute, filter, time, limit, accept };
        Ok(match fixed {
            Some(fixed) => Call::Ready(call.answer(&fixed)),
            None => Call::Values(call),
        })
    }
}

/// A name of the first version. Three of them are not keys of attributes.
fn without_scope(tag: &str) -> Attribute {
    let intrinsic = |intrinsic, written| Attribute::Intrinsic { intrinsic, written };
    match tag {
        "name" => intrinsic(Intrinsic::Name, "name"),
        "root.name" => intrinsic(Intrinsic::RootName, "rootName"),
        "root.service.name" => intrinsic(Intrinsic::RootService, "rootServiceName"),
        key => Attribute::Named { scope: None, key: key.into() },
    }
}
