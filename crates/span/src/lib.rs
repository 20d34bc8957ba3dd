//! What a span is here: ids, columns, and OTLP's bytes in and out.
//!
//! In flow OTLP bytes ([`otlp::decode`]) or a translator's fields ([`columns::Builder`]); out flow
//! [`Columns`], which every other crate reads, and OTLP bytes again ([`otlp::encode`]). Nothing
//! here knows of sockets, of async or of storage, and nothing builds a tree of messages.
//!
//! A request into columns, and one of its spans back into OTLP's bytes:
//!
//! ```
//! use tributary_span::columns::Builder;
//! use tributary_span::otlp::decode::{Limits, append_all};
//! use tributary_span::otlp::encode;
//! use tributary_span::protobuf::put;
//!
//! // ExportTraceServiceRequest { ResourceSpans 1 { ScopeSpans 2 { Span 2 } } }
//! let mut request = Vec::new();
//! put::message(&mut request, 1, |resource_spans| {
//!     put::message(resource_spans, 2, |scope_spans| {
//!         put::message(scope_spans, 2, |span| {
//!             put::bytes(span, 1, &[7; 16]);
//!             put::bytes(span, 2, &[1; 8]);
//!             put::bytes(span, 5, b"GET /cart");
//!         });
//!     });
//! });
//!
//! let mut builder = Builder::new();
//! let outcome = append_all(&mut builder, &request, &Limits::default())?;
//! assert_eq!((outcome.accepted, outcome.rejected), (1, 0));
//!
//! let columns = builder.take();
//! assert_eq!(columns.trace_of(0).to_string(), "07070707070707070707070707070707");
//! assert_eq!(columns.texts.str(columns.spans.name[0]), "GET /cart");
//!
//! let mut again = Vec::new();
//! encode::resource_spans(&mut again, &columns, &[0]);
//! append_all(&mut builder, &again, &Limits::default())?;
//! assert_eq!(*builder.columns(), columns);
//! # Ok::<(), tributary_span::protobuf::Malformed>(())
//! ```

pub mod columns;
mod id;
pub mod otlp;
pub mod protobuf;
pub mod tenant;

pub use columns::Columns;
pub use id::{IdError, SpanId, TraceId};
