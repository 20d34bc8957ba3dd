//! Every limit at which an ingester makes a sender wait or refuses it, or a reader, in one place: its name, what
//! happens there, and what people read about it. Each is a label of one family of counters
//! (`limited`), raised where the limit stands, once each time it was met. `docs/limits.md` is
//! checked against this list.

/// What happens to a sender that meets a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It waits, and what it brings waits with it: nothing is dropped.
    Waits,
    /// It may send less: one frame at a time.
    Slows,
    /// It is told to come again, or to go elsewhere; it still owns its spans.
    Refuses,
    /// It is told that this will never be taken; it counts the loss.
    Rejects,
    /// An answer has a part of what there is, and says so.
    Cuts,
}

impl Policy {
    /// Its name as a label.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Waits => "waits",
            Policy::Slows => "slows",
            Policy::Refuses => "refuses",
            Policy::Rejects => "rejects",
            Policy::Cuts => "cuts",
        }
    }
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $limit:ident = $name:literal, $policy:ident;)+) => {
        /// A limit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Limit {
            $($(#[doc = $doc])+ $limit,)+
        }

        impl Limit {
            /// All of them.
            pub const ALL: &[Limit] = &[$(Limit::$limit,)+];

            /// Its name as a label.
            pub fn name(self) -> &'static str {
                match self { $(Limit::$limit => $name,)+ }
            }

            /// What happens there.
            pub fn policy(self) -> Policy {
                match self { $(Limit::$limit => Policy::$policy,)+ }
            }
        }
    };
}

limits! {
    /// As many handshakes of TLS are under way at a port as may be.
    Handshakes = "handshakes", Waits;
    /// It is not known who calls, or this caller may not do what it asks for.
    Caller = "caller", Refuses;
    /// A stream does not begin as the protocol says, or its tenant has no valid name.
    Hello = "hello", Refuses;
    /// The numbers of a stream's frames do not rise.
    Order = "order", Refuses;
    /// A message of a stream is larger than any may be.
    Message = "message", Refuses;
    /// Messages that arrive hold as many bytes as they may.
    MessageRoom = "message_room", Waits;
    /// A stream has more in flight than any is ever given leave to, or does not read its replies.
    Stream = "stream", Waits;
    /// A stream was told that it may have nothing in flight but one frame.
    Credit = "credit", Slows;
    /// The disk below the store's folder has less room than its reserve.
    DiskReserve = "disk_reserve", Waits;
    /// The memory budget has no room for a frame.
    Memory = "memory", Waits;
    /// The frame's tenant holds more than its share of memory while little is left.
    TenantShare = "tenant_share", Waits;
    /// The tenant's streams have brought as many spans as it may send for now.
    TenantSpans = "tenant_spans", Waits;
    /// They have brought as many bytes.
    TenantBytes = "tenant_bytes", Waits;
    /// A frame cannot be decoded.
    Malformed = "malformed", Rejects;
    /// A frame would take more than a limit once it is decoded.
    FrameSize = "frame_size", Rejects;
    /// A frame needs definitions that its stream has not carried.
    Undefined = "undefined", Refuses;
    /// As many frames wait for the journal as may.
    JournalQueue = "journal_queue", Waits;
    /// As many segments are on their way to the store as may be, and another one is due.
    Segments = "segments", Waits;
    /// A frame is larger than a segment.
    SegmentSize = "segment_size", Rejects;
    /// The ingester is leaving.
    Leaving = "leaving", Refuses;
    /// The disk below the store's folder has less room than its reserve, and a request comes.
    RequestDisk = "request_disk", Refuses;
    /// The ingester's own receivers hold as many bytes of requests as they may.
    RequestRoom = "request_room", Refuses;
    /// The tenant's requests hold more than its share of those bytes while little is left.
    RequestShare = "request_share", Refuses;
    /// The tenant has sent as many spans as it may for now, and a request of it comes.
    RequestSpans = "request_spans", Refuses;
    /// The same with bytes.
    RequestBytes = "request_bytes", Refuses;
    /// As many tenants send to the ingester's own receivers at a time as may.
    Tenants = "tenants", Refuses;
    /// As many requests of one tenant wait to be gathered as may.
    LaneQueue = "lane_queue", Waits;
    /// As many questions are being answered as may be at a time.
    Questions = "questions", Refuses;
    /// As many questions of a tenant are being answered as may be at a time.
    TenantQuestions = "tenant_questions", Refuses;
    /// A question is about a longer time than the tenant's may be.
    QuestionRange = "question_range", Refuses;
    /// A question would read more than the tenant's may.
    QuestionBytes = "question_bytes", Refuses;
    /// Questions hold as many bytes for what they read as they may.
    QuestionRoom = "question_room", Waits;
    /// Traces that are shown hold as much memory as they may, or as many are looked up at a time.
    TraceRoom = "trace_room", Waits;
    /// A question takes longer than any may.
    QuestionTime = "question_time", Refuses;
    /// A trace has more spans than are shown of a trace of its tenant.
    TraceSpans = "trace_spans", Cuts;
}

impl Limit {
    /// Those that are counted by tenant as well, `name` of each as in the file of limits.
    pub const OF_TENANTS: [(Limit, &str); 10] = [
        (Limit::TenantSpans, "spans_per_second"),
        (Limit::RequestSpans, "spans_per_second"),
        (Limit::TenantBytes, "bytes_per_second"),
        (Limit::RequestBytes, "bytes_per_second"),
        (Limit::TenantShare, "memory"),
        (Limit::RequestShare, "memory"),
        (Limit::TraceSpans, "trace_spans"),
        (Limit::TenantQuestions, "queries"),
        (Limit::QuestionRange, "query_range"),
        (Limit::QuestionBytes, "query_bytes"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/limits.md");

    #[test]
    fn the_page_has_every_limit_and_no_other() {
        // What stands below the first heading is about something else.
        let (table, _) = PAGE.split_once("\n## ").unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        let rows: Vec<(&str, &str)> = rows
            .filter_map(|row| {
                let (name, rest) = row.split_once("` | ")?;
                Some((name, rest.split_once(" | ")?.0))
            })
            .collect();
        let limits = Limit::ALL.iter().map(|b| (b.name(), b.policy().name()));
        assert_eq!(rows, limits.collect::<Vec<_>>());
    }
}
