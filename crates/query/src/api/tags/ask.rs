//! What a question for names may ask for, whichever way it came.

use super::answer::intrinsics;
use super::{TagsCall, filter};
use crate::answer::TagsAnswer;
use crate::api::head::Head;
use crate::api::time_range::Ends;
use crate::api::{Accept, Call, Version};
use tributary_traceql::ast::Scope;

/// A question for names as it was asked, not yet checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::api) struct Asked {
    /// The scope; empty for all of them.
    pub(in crate::api) scope: String,
    /// The query of which the filter is taken; empty for none.
    pub(in crate::api) query: String,
    pub(in crate::api) ends: Ends,
    pub(in crate::api) limit: Option<usize>,
}

impl Asked {
    /// Reads the parameters of both routes. A limit that is no number is none, as in Tempo.
    pub(super) fn read(version: Version, head: &Head<'_>) -> Result<Asked, String> {
        let parameters = &head.parameters;
        let query = match version {
            Version::V1 => None,
            Version::V2 => parameters.text("q")?,
        };
        Ok(Asked {
            scope: parameters.text("scope")?.unwrap_or_default().into_owned(),
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
        let scope = &self.scope;
        let wanted = Wanted::parse(scope).ok_or_else(|| format!("invalid scope: {scope}"))?;
        let filter = match version {
            Version::V1 => None,
            Version::V2 => filter(&self.query)?,
        };
        let time = self.ends.of_tags()?;
        let limit = self.limit.filter(|limit| *limit > 0);
        let call = |scope| TagsCall { tenants, version, scope, filter, time, limit, accept };
        Ok(match wanted {
            Wanted::All => Call::Tags(call(None)),
            Wanted::Scope(scope) => Call::Tags(call(Some(scope))),
            Wanted::Intrinsic => Call::Ready(call(None).give(&intrinsics(limit))),
            Wanted::Nothing => Call::Ready(call(None).give(&TagsAnswer::default())),
        })
    }
}

/// What the scope of a question says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    Scope(Scope),
    Intrinsic,
    /// Names of a trace: there are none, yet the scope is one of the language.
    Nothing,
}

impl Wanted {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" | "none" => Wanted::All,
            "resource" => Wanted::Scope(Scope::Resource),
            "span" => Wanted::Scope(Scope::Span),
            "event" => Wanted::Scope(Scope::Event),
            "link" => Wanted::Scope(Scope::Link),
            "instrumentation" => Wanted::Scope(Scope::Instrumentation),
            "intrinsic" => Wanted::Intrinsic,
            "trace" => Wanted::Nothing,
            _ => return None,
        })
    }
}
