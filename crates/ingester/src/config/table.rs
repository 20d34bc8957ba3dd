//! All that the ingester can be told: one row a setting.

use tributary_receivers::config::ON_ALL_ADDRESSES;
use tributary_settings::{Group, Log, Sibling, Table, Unset::*, settings};

/// The ingester's settings.
pub static TABLE: Table = Table {
    program: "tributary-ingester",
    version: env!("CARGO_PKG_VERSION"),
    about: "Takes spans from sidecars, keeps them in object storage, answers Tempo's query API.",
    usage: "tributary-ingester --store URL [--SETTING VALUE]…",
    groups: &[
        STORE,
        CLUSTER,
        ACCESS,
        ON_ALL_ADDRESSES,
        MEMORY,
        JOURNAL,
        BLOCKS,
        SPAN_METRICS,
        PROCESS,
        Log::GROUP,
    ],
    sibling: Sibling { program: "tributary-sidecar", names: SIDECARS_OWN },
    end: "Exit codes: 0 after SIGTERM or SIGINT; 64 when a setting is wrong; 69 when the store refuses\n\
        what is needed, or is another's; 70 when a task of the program is gone, which the last line\n\
        names; 1 when the system refuses what is needed, such as a port.",
};

const STORE: Group = Group {
    heading: "The store",
    settings: settings! {
        "store", "URL", Is("./tributary-data"), "where blocks and journal lie: file:///path, s3://bucket/prefix, gs://…, az://…";
        "fsync", "BOOL", Is("true"), "file:// only: survive a power loss, not just a crash";
        "disk-reserve", "SIZE|N%|auto", Is("auto"), "file:// only: what is kept free on the disk for blocks and deletions; when less is free, new spans wait; auto: 5%, 1GiB at most; 0: nothing";
    },
};

const CLUSTER: Group = Group {
    heading: "Sidecars, readers and the other ingesters",
    settings: settings! {
        "wire-listen", "ADDRESS,…", Is("[::]:4319"), "where sidecars connect";
        "http-listen", "ADDRESS,…", Is("[::]:3200"), "Tempo's query API, the page at /, /ready /live /metrics";
        "http-prefix", "PATH", Means("none"), "path that the query API and the page are also answered below, such as /tempo, for a proxy that passes it on";
        "multitenancy", "BOOL", Is("false"), "tenants are told apart: spans and queries must name theirs in X-Scope-OrgID";
        "limits", "FILE", Means("none"), "YAML: what each tenant may have: spans and bytes in a second, memory, questions";
        "cluster", "NAME", Means("none"), "name of the installation: the first process writes it into the bucket, and one with another name ends";
        "name", "NAME", Means("host name and wire port"), "this ingester's name, the same after a restart";
        "advertise", "HOST", Means("what it listens on, or the host's address"), "host under which sidecars and other ingesters reach this one";
        "zone", "NAME", Means("none"), "availability zone, told to sidecars";
        "heartbeat", "TIME", Is("5s"), "how often this ingester tells the others that it lives; after four times of it without a sign, what it left is taken over";
        "collect", "TIME", Is("10m"), "how often one of the ingesters looks for blocks that can never become visible";
    },
};

const ACCESS: Group = Group {
    heading: "Who is let in",
    settings: settings! {
        "wire-tls-cert", "FILE", Means("no TLS"), "certificate (PEM) that sidecars are shown";
        "wire-tls-key", "FILE", Means("none"), "its private key (PEM)";
        "wire-tls-client-ca", "FILE", Means("none"), "certificates (PEM) that sidecars' own must be signed by; without auth each must have one";
        "http-tls-cert", "FILE", Means("no TLS"), "certificate (PEM) that readers and other ingesters are shown; shown to other ingesters, too";
        "http-tls-key", "FILE", Means("none"), "its private key (PEM)";
        "http-tls-client-ca", "FILE", Means("none"), "certificates (PEM) that readers' own must be signed by; without auth each must have one, but for /live, /ready and /metrics";
        "peer-tls-ca", "FILE", Means("http-tls-client-ca, or the system's"), "certificates (PEM) that other ingesters' must be signed by";
        "peer-tls-name", "NAME", Means("the host that they tell"), "name that other ingesters' certificates must have";
        "peer-token-file", "FILE", Means("none"), "own token, such as a ServiceAccount's, for other ingesters";
        "auth", "none|token|certificate|either", Is("none"), "what callers must show: a token, a certificate, or one of the two";
        "permissive", "BOOL", Is("false"), "look at what callers show and count it, and refuse none";
        "policy", "FILE", Means("none"), "YAML: whose tokens count, which tenants an identity writes and reads, who the other ingesters are";
        "files-poll", "TIME", Is("10s"), "how often these files are looked at for changes";
        "max-stream-age", "TIME", Is("30m"), "with TLS or auth: how long a sidecar's stream may last before it is opened anew and looked at again";
    },
};

const MEMORY: Group = Group {
    heading: "Memory",
    settings: settings! {
        "memory", "SIZE|auto", Is("auto"), "bound for all spans in memory; beyond it sidecars get no credit; auto: what fits into the container's limit, or 256MiB";
    },
};

const JOURNAL: Group = Group {
    heading: "The journal",
    settings: settings! {
        "segment-age", "TIME", Is("300ms"), "longest wait of a frame for its segment";
        "segment-bytes", "SIZE", Is("4MiB"), "size at which a segment is closed early";
        "keep-slots", "TIME", Is("24h"), "how long records of finished commits are kept";
    },
};

const BLOCKS: Group = Group {
    heading: "Blocks",
    settings: settings! {
        "block-age", "TIME", Is("60s"), "age at which spans in memory become a block";
        "block-bytes", "SIZE", Is("64MiB"), "memory of one generation of spans, at most a quarter of all: more becomes a block early";
        "blocks-poll", "TIME", Is("15s"), "how often the blocks of other ingesters are looked up";
        "compact", "TIME|never", Is("1m"), "how often small blocks are looked for that are worth merging; never: a Tempo that compacts this bucket does it";
        "keep-compacted", "TIME", Is("1h"), "how long blocks are kept that were merged into others, for readers that have not noticed; and those that have expired";
        "retention", "TIME|none", Means("none: for ever"), "how long blocks are kept, from the end of the hour in which their spans came, 1h at least; limits may say otherwise for a tenant";
    },
};

const SPAN_METRICS: Group = Group {
    heading: "Metrics from spans",
    settings: settings! {
        "span-metrics", "BOOL", Is("false"), "count calls, latencies and sizes of spans, and who calls whom, as Tempo's metrics-generator does: /metrics/spans";
        "span-metrics-dimensions", "NAME,…", Is("service,span_name,span_kind,status_code"), "labels of the span metrics: these, status_message, or keys of attributes, such as http.route";
        "span-metrics-series", "NUMBER", Is("10000"), "sets of labels that a tenant may have of each kind; what comes beyond is one series with otel_metric_overflow=\"true\"";
        "span-metrics-wait", "TIME", Is("10s"), "how long one side of a call waits for the other, before it counts as a call from or to the outside";
        "span-metrics-target-info", "BOOL", Is("false"), "tell resources as traces_target_info, and give span metrics job and instance; to be scraped with honor_labels";
    },
};

const PROCESS: Group = Group {
    heading: "The process",
    settings: settings! {
        "config", "FILE", Means("none"), "a YAML file with settings";
        "grace", "TIME", Is("60s"), "longest time between SIGTERM and the end";
    },
};

/// What the sidecar knows beside these. A test holds it against the sidecar's own table.
const SIDECARS_OWN: &[&str] = &[
    "admin-listen",
    "batch-age",
    "batch-bytes",
    "buffer",
    "linger",
    "resource-attributes",
    "tenant",
    "upstream",
    "upstream-tls-ca",
    "upstream-tls-cert",
    "upstream-tls-key",
    "upstream-tls-name",
    "upstream-token-file",
];
