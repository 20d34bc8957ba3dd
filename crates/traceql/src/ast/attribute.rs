//! What a span, and all around it, can be asked for.

use std::sync::Arc;

/// Where a named attribute is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `span.`
    Span,
    /// `resource.`
    Resource,
    /// `event.`
    Event,
    /// `link.`
    Link,
    /// `instrumentation.`
    Instrumentation,
}

/// One thing to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attribute {
    /// An attribute by its key. Without a scope, the span's counts, then the resource's.
    Named {
        /// The scope; none for `.key`.
        scope: Option<Scope>,
        /// The key as stored: quotes and escapes are gone.
        key: Arc<str>,
    },
    /// What has a name of the language. Both `duration` and `span:duration` are
    /// [`Intrinsic::Duration`]; `written` keeps which of them was written, since labels show it.
    Intrinsic {
        /// Which.
        intrinsic: Intrinsic,
        /// The text in the query, for instance `span:duration`.
        written: &'static str,
    },
}

/// What has a name of the language, by scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Intrinsic {
    /// `duration`, `span:duration`: of the span.
    Duration,
    /// `name`, `span:name`
    Name,
    /// `status`, `span:status`
    Status,
    /// `statusMessage`, `span:statusMessage`
    StatusMessage,
    /// `kind`, `span:kind`
    Kind,
    /// `span:id`: 16 lower-case hex digits.
    SpanId,
    /// `span:parentID`: 16 hex digits; zeros for a root.
    ParentId,
    /// `span:childCount`: direct children.
    ChildCount,
    /// `nestedSetLeft`
    NestedSetLeft,
    /// `nestedSetRight`
    NestedSetRight,
    /// `nestedSetParent`
    NestedSetParent,
    /// `rootName`, `trace:rootName`
    RootName,
    /// `rootServiceName`, `trace:rootService`
    RootService,
    /// `traceDuration`, `trace:duration`
    TraceDuration,
    /// `trace:id`: 32 hex digits.
    TraceId,
    /// `event:name`
    EventName,
    /// `event:timeSinceStart`
    EventTimeSinceStart,
    /// `link:traceID`
    LinkTraceId,
    /// `link:spanID`
    LinkSpanId,
    /// `instrumentation:name`
    ScopeName,
    /// `instrumentation:version`
    ScopeVersion,
}
