//! The names that the language gives to things, and back.

use crate::ast::{Attribute, Intrinsic, Kind, Scope, Status};

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Span, Self::Resource, Self::Event, Self::Link, Self::Instrumentation];

    /// How it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
        }
    }

    /// The scope that is written so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

impl Status {
    /// All of them, by number.
    pub const ALL: [Self; 3] = [Self::Unset, Self::Ok, Self::Error];

    /// How it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }

    /// The status that is written so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The status with this number in OTLP.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|status| *status as i64 == number)
    }
}

impl Kind {
    /// All of them, by number.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::Internal,
        Self::Server,
        Self::Client,
        Self::Producer,
        Self::Consumer,
    ];

    /// How it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// The kind that is written so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind with this number in OTLP.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i64 == number)
    }
}

impl Intrinsic {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Duration,
        Self::Name,
        Self::Status,
        Self::StatusMessage,
        Self::Kind,
        Self::SpanId,
        Self::ParentId,
        Self::ChildCount,
        Self::NestedSetLeft,
        Self::NestedSetRight,
        Self::NestedSetParent,
        Self::RootName,
        Self::RootService,
        Self::TraceDuration,
        Self::TraceId,
        Self::EventName,
        Self::EventTimeSinceStart,
        Self::LinkTraceId,
        Self::LinkSpanId,
        Self::ScopeName,
        Self::ScopeVersion,
    ];

    /// The names that the list of tags always has, in its order.
    pub const TAG_NAMES: [&'static str; 25] = [
        "duration",
        "name",
        "status",
        "statusMessage",
        "kind",
        "rootServiceName",
        "rootName",
        "traceDuration",
        "event:name",
        "event:timeSinceStart",
        "link:spanID",
        "link:traceID",
        "instrumentation:name",
        "instrumentation:version",
        "trace:id",
        "trace:rootName",
        "trace:rootService",
        "trace:duration",
        "span:id",
        "span:parentID",
        "span:name",
        "span:kind",
        "span:status",
        "span:statusMessage",
        "span:duration",
    ];

    /// The ways to write it. The first is what labels show.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Duration => &["duration", "span:duration"],
            Self::Name => &["name", "span:name"],
            Self::Status => &["status", "span:status"],
            Self::StatusMessage => &["statusMessage", "span:statusMessage"],
            Self::Kind => &["kind", "span:kind"],
            Self::SpanId => &["span:id"],
            Self::ParentId => &["span:parentID"],
            Self::ChildCount => &["span:childCount"],
            Self::NestedSetLeft => &["nestedSetLeft"],
            Self::NestedSetRight => &["nestedSetRight"],
            Self::NestedSetParent => &["nestedSetParent"],
            Self::RootName => &["rootName", "trace:rootName"],
            Self::RootService => &["rootServiceName", "trace:rootService"],
            Self::TraceDuration => &["traceDuration", "trace:duration"],
            Self::TraceId => &["trace:id"],
            Self::EventName => &["event:name"],
            Self::EventTimeSinceStart => &["event:timeSinceStart"],
            Self::LinkTraceId => &["link:traceID"],
            Self::LinkSpanId => &["link:spanID"],
            Self::ScopeName => &["instrumentation:name"],
            Self::ScopeVersion => &["instrumentation:version"],
        }
    }

    /// What labels show, however it was written: `trace:rootName` is `rootName` there.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.names().first().copied().unwrap_or_default()
    }

    /// What is written so, and the text for [`Attribute::Intrinsic`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<(Self, &'static str)> {
        Self::ALL.into_iter().find_map(|intrinsic| {
            let written = intrinsic.names().iter().find(|written| **written == name)?;
            Some((intrinsic, *written))
        })
    }
}

impl Attribute {
    /// An attribute by its key, within a scope or wherever it is found first.
    #[must_use]
    pub fn named(scope: Option<Scope>, key: &str) -> Self {
        Self::Named { scope, key: key.into() }
    }

    /// What labels show: scope and key, or an intrinsic's first name.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{self:#}")
    }
}

impl From<Intrinsic> for Attribute {
    fn from(intrinsic: Intrinsic) -> Self {
        Self::Intrinsic { intrinsic, written: intrinsic.label() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for scope in Scope::ALL {
            assert_eq!(Scope::from_name(scope.name()), Some(scope));
        }
        for (number, status) in (0..).zip(Status::ALL) {
            assert_eq!(Status::from_name(status.name()), Some(status));
            assert_eq!(Status::from_number(number), Some(status));
        }
        for (number, kind) in (0..).zip(Kind::ALL) {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(Kind::from_number(number), Some(kind));
        }
        for intrinsic in Intrinsic::ALL {
            for name in intrinsic.names() {
                assert_eq!(Intrinsic::from_name(name), Some((intrinsic, *name)));
            }
        }
        assert_eq!(Kind::from_number(6), None);
        assert_eq!(Status::from_number(-1), None);
        assert_eq!(Intrinsic::from_name("span:rootName"), None);
    }

    #[test]
    fn listed_names_can_be_asked_for() {
        for name in Intrinsic::TAG_NAMES {
            assert!(Intrinsic::from_name(name).is_some(), "{name}");
        }
    }
}
