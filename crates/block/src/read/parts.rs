//! What of spans is read.

use super::Block;
use super::source::Source;
use crate::dedicated::Scope;
use crate::error::BlockError;
use std::collections::BTreeSet;

/// Attributes by their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// All attributes.
    All,
    /// Those with these keys, and perhaps others.
    Only(BTreeSet<String>),
}

/// What is read of spans beside their ids, kinds and times, the services of their resources and the
/// names of their scopes. What is left out, the spans that are given lack: they serve a question, and
/// are no copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Attributes of resources; `service.name` is always read where it is a text.
    pub resource: Keys,
    /// Attributes of spans.
    pub span: Keys,
    /// Whether versions and attributes of instrumentation scopes.
    pub scope: bool,
    /// Whether ids of parents.
    pub parents: bool,
    /// Whether names of spans.
    pub names: bool,
    /// Whether statuses of spans and their messages.
    pub statuses: bool,
    /// Whether events, with their attributes.
    pub events: bool,
    /// Whether links, with their attributes.
    pub links: bool,
    /// Whether trace states, and numbers of what was dropped.
    pub rest: bool,
}

impl Parts {
    /// Everything.
    pub const ALL: Parts = Parts {
        resource: Keys::All,
        span: Keys::All,
        scope: true,
        parents: true,
        names: true,
        statuses: true,
        events: true,
        links: true,
        rest: true,
    };
    /// Nothing but what is always read.
    pub const NONE: Parts = Parts {
        resource: Keys::Only(BTreeSet::new()),
        span: Keys::Only(BTreeSet::new()),
        scope: false,
        parents: false,
        names: false,
        statuses: false,
        events: false,
        links: false,
        rest: false,
    };
}

/// Groups of leaves.
const RESOURCE: &str = "rs.Resource.";
const SCOPE: &str = "rs.ss.Scope.";
const SPAN: &str = "rs.ss.Spans.";
const EVENTS: &str = "rs.ss.Spans.Events.";
const LINKS: &str = "rs.ss.Spans.Links.";
/// The group of the generic attributes of resources and spans.
const LIST: &str = "Attrs.";
/// What stands in the group of resources and is no attribute there, or is always read.
const OF_RESOURCES: [&str; 1] = ["ServiceName"];
/// What is read last, of all groups but those of events and links.
const REST: [&str; 4] =
    ["TraceState", "DroppedAttributesCount", "DroppedEventsCount", "DroppedLinksCount"];
/// Where attributes with columns of their own stand in the group of spans.
const OF_SPANS: [&str; 4] = ["DedicatedAttributes.", "HttpMethod", "HttpUrl", "HttpStatusCode"];

/// The leaves of attributes that are read of a row group.
pub(super) struct Attributes {
    /// Whether the generic list is.
    pub(super) list: bool,
    /// The columns of single attributes; none when all of them are.
    own: Option<Vec<String>>,
}

impl Attributes {
    const ALL: Attributes = Attributes { list: true, own: None };

    fn want(&self, path: &str) -> bool {
        self.own.as_ref().is_none_or(|own| own.iter().any(|o| o == path))
    }

    async fn of<S: Source>(
        block: &Block,
        source: &S,
        group: usize,
        (scope, list, keys): (Scope, &str, &Keys),
    ) -> Result<Attributes, BlockError> {
        let Keys::Only(keys) = keys else { return Ok(Attributes::ALL) };
        let columns = keys.iter().filter_map(|key| block.own_column(scope, key));
        let own = columns.map(|column| column.path).collect();
        // Values of another type than the column's stand in the list.
        let has_list = !keys.is_empty() && block.has_values(group, list);
        let list = has_list && {
            let known = block.dictionaries(source, group, &[list.to_owned()]).await?;
            known.get(list).is_none_or(|dictionary| {
                dictionary.entries().any(|entry| keys.iter().any(|key| key.as_bytes() == entry))
            })
        };
        Ok(Attributes { list, own: Some(own) })
    }
}

/// The leaves that are read of a row group.
pub(super) struct Wanted {
    pub(super) resource: Attributes,
    pub(super) span: Attributes,
    pub(super) scope: bool,
    pub(super) parents: bool,
    pub(super) names: bool,
    pub(super) statuses: bool,
    pub(super) events: bool,
    pub(super) links: bool,
    pub(super) rest: bool,
}

impl Wanted {
    pub(super) const ALL: Wanted = Wanted {
        resource: Attributes::ALL,
        span: Attributes::ALL,
        scope: true,
        parents: true,
        names: true,
        statuses: true,
        events: true,
        links: true,
        rest: true,
    };

    /// The leaves of a row group that have these parts.
    pub(super) async fn of<S: Source>(
        block: &Block,
        source: &S,
        group: usize,
        parts: &Parts,
    ) -> Result<Wanted, BlockError> {
        let resource = (Scope::Resource, "rs.Resource.Attrs.Key", &parts.resource);
        let span = (Scope::Span, "rs.ss.Spans.Attrs.Key", &parts.span);
        Ok(Wanted {
            resource: Attributes::of(block, source, group, resource).await?,
            span: Attributes::of(block, source, group, span).await?,
            scope: parts.scope,
            parents: parts.parents,
            names: parts.names,
            statuses: parts.statuses,
            events: parts.events,
            links: parts.links,
            rest: parts.rest,
        })
    }

    /// Whether the leaf at a path is read.
    pub(super) fn want(&self, path: &str) -> bool {
        if path.starts_with(EVENTS) {
            self.events
        } else if path.starts_with(LINKS) {
            self.links
        } else if let Some(name) = path.strip_prefix(SCOPE) {
            match name {
                "Name" => true,
                name if REST.contains(&name) => self.rest,
                _ => self.scope,
            }
        } else if let Some(name) = path.strip_prefix(RESOURCE) {
            match name {
                name if name.starts_with(LIST) => self.resource.list,
                name if OF_RESOURCES.contains(&name) => true,
                name if REST.contains(&name) => self.rest,
                _ => self.resource.want(path),
            }
        } else if let Some(name) = path.strip_prefix(SPAN) {
            match name {
                "Name" => self.names,
                "ParentSpanID" => self.parents,
                "StatusCode" | "StatusMessage" => self.statuses,
                name if name.starts_with(LIST) => self.span.list,
                name if REST.contains(&name) => self.rest,
                _ => !OF_SPANS.iter().any(|o| name.starts_with(o)) || self.span.want(path),
            }
        } else {
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_by_parts() {
        let only = |list, own: &str| Attributes { list, own: Some(vec![own.to_owned()]) };
        let some = Wanted {
            resource: only(false, "rs.Resource.DedicatedAttributes.String01"),
            span: only(true, "rs.ss.Spans.HttpUrl"),
            scope: false,
            parents: true,
            names: false,
            statuses: true,
            events: false,
            links: true,
            rest: false,
        };
        let paths = [
            ("TraceID", true),
            ("rs.Resource.ServiceName", true),
            ("rs.Resource.DroppedAttributesCount", false),
            ("rs.Resource.Attrs.Key", false),
            ("rs.Resource.DedicatedAttributes.String01", true),
            ("rs.Resource.DedicatedAttributes.String02", false),
            ("rs.Resource.K8sPodName", false),
            ("rs.ss.Scope.Name", true),
            ("rs.ss.Scope.Attrs.Value", false),
            ("rs.ss.Scope.Version", false),
            ("rs.ss.Spans.SpanID", true),
            ("rs.ss.Spans.ParentSpanID", true),
            ("rs.ss.Spans.Name", false),
            ("rs.ss.Spans.StatusMessage", true),
            ("rs.ss.Spans.DroppedLinksCount", false),
            ("rs.ss.Spans.Attrs.ValueInt", true),
            ("rs.ss.Spans.HttpUrl", true),
            ("rs.ss.Spans.HttpMethod", false),
            ("rs.ss.Spans.DedicatedAttributes.Int01", false),
            ("rs.ss.Spans.Events.Name", false),
            ("rs.ss.Spans.Links.SpanID", true),
        ];
        for (path, is_wanted) in paths {
            assert_eq!(some.want(path), is_wanted, "{path}");
            assert!(Wanted::ALL.want(path), "{path}");
        }
    }
}
