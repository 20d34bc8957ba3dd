//! The methods of the service, and what each of them is asked.

use bytes::Bytes;
use std::time::SystemTime;
use tributary_query::api::{Answer, Call, MetricsForm, Version, requests};

/// What stands before a method's name in a path.
pub(super) const SERVICE: &str = "/tempopb.StreamingQuerier/";

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Search,
    Metrics(MetricsForm),
    Tags(Version),
    Values(Version),
}

impl Method {
    pub(super) fn named(name: &str) -> Option<Method> {
        Some(match name {
            "Search" => Method::Search,
            "MetricsQueryRange" => Method::Metrics(MetricsForm::Range),
            "MetricsQueryInstant" => Method::Metrics(MetricsForm::Instant),
            "SearchTags" => Method::Tags(Version::V1),
            "SearchTagsV2" => Method::Tags(Version::V2),
            "SearchTagValues" => Method::Values(Version::V1),
            "SearchTagValuesV2" => Method::Values(Version::V2),
            _ => return None,
        })
    }

    /// Reads a question.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub(super) fn read(
        self,
        message: &Bytes,
        tenants: Vec<String>,
        now: SystemTime,
    ) -> Result<Call, Answer> {
        match self {
            Method::Search => requests::search_request(message, tenants).map(Call::Search),
            Method::Metrics(MetricsForm::Range) => {
                requests::range_request(message, tenants, now).map(Call::Metrics)
            }
            Method::Metrics(MetricsForm::Instant) => {
                requests::instant_request(message, tenants, now).map(Call::Metrics)
            }
            Method::Tags(version) => requests::tags_request(version, message, tenants),
            Method::Values(version) => requests::values_request(version, message, tenants),
        }
    }
}
