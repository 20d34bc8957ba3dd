//! OTLP's messages as `prost` reads them: a decoder that shares nothing with the one under test.
//!
//! Generated from `proto/` into `src/gen`; a test of the workspace generates them again and
//! compares.

#![allow(missing_docs, reason = "generated code")]
#![allow(unreachable_pub, unused_qualifications, reason = "generated code")]
#![allow(clippy::allow_attributes_without_reason, clippy::doc_markdown, reason = "generated code")]

pub mod json;

/// `opentelemetry.proto.common.v1`, under the path that generated code expects.
pub mod common {
    pub mod v1 {
        include!("gen/opentelemetry.proto.common.v1.rs");
    }
}

/// `opentelemetry.proto.resource.v1`.
pub mod resource {
    pub mod v1 {
        include!("gen/opentelemetry.proto.resource.v1.rs");
    }
}

/// `opentelemetry.proto.trace.v1`.
pub mod trace {
    pub mod v1 {
        include!("gen/opentelemetry.proto.trace.v1.rs");
    }
}

/// `opentelemetry.proto.collector.trace.v1`.
pub mod collector {
    pub mod trace {
        pub mod v1 {
            include!("gen/opentelemetry.proto.collector.trace.v1.rs");
        }
    }
}

pub use collector::trace::v1::trace_service_client::TraceServiceClient;
pub use collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
pub use common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
pub use resource::v1::Resource;
pub use trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
