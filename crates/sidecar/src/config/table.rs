//! All that the sidecar can be told: one row a setting.

use tributary_receivers::config::ON_LOOPBACK;
use tributary_settings::{Group, Log, Sibling, Table, Unset::*, settings};

/// The sidecar's settings.
pub static TABLE: Table = Table {
    program: "tributary-sidecar",
    version: env!("CARGO_PKG_VERSION"),
    about: "Takes spans on localhost and streams them to Tributary's ingesters.",
    usage: "tributary-sidecar --upstream HOST:PORT [--SETTING VALUE]…",
    groups: &[INGESTERS, SPANS, ON_LOOPBACK, PROCESS, Log::GROUP],
    sibling: Sibling { program: "tributary-ingester", names: INGESTERS_OWN },
    end: "Exit codes: 0 after SIGTERM or SIGINT, also when spans had to be given up (the last line\n\
        of the log says how many and why); 64 when a setting is wrong; 1 when the system refuses\n\
        what is needed, such as a port.",
};

const INGESTERS: Group = Group {
    heading: "Where the ingesters are",
    settings: settings! {
        "upstream", "HOST:PORT,…", Required, "a name with many addresses, or a list; without a port 4319, with `https://` before it TLS";
        "upstream-tls-ca", "FILE|PEM", Means("the system's"), "certificates (PEM) that ingesters' must be signed by, in a file or as they are; switches TLS on";
        "upstream-tls-name", "NAME", Means("the upstream's"), "name that ingesters' certificates must have";
        "upstream-tls-cert", "FILE", Means("none"), "own certificate (PEM), for ingesters that ask for one";
        "upstream-tls-key", "FILE", Means("none"), "its private key (PEM)";
        "upstream-token-file", "FILE", Means("none"), "own token, such as a ServiceAccount's; sent inside TLS alone";
    },
};

const SPANS: Group = Group {
    heading: "What becomes of spans",
    settings: settings! {
        "buffer", "SIZE", Is("16MiB"), "most bytes of spans held at any time; above it senders are refused";
        "batch-age", "TIME", Is("200ms"), "spans are sent at the latest after this time";
        "batch-bytes", "SIZE", Is("256KiB"), "or as soon as so much of them (uncompressed) has come together";
        "tenant", "NAME", Means("what senders say, X-Scope-OrgID"), "tenant of all spans";
        "resource-attributes", "K=V,…", Means("none"), "added to resources that lack these keys";
    },
};

const PROCESS: Group = Group {
    heading: "The process",
    settings: settings! {
        "name", "TEXT", Means("$HOSTNAME"), "what to call this sidecar in ingesters' logs";
        "admin-listen", "ADDRESS,…", Is("[::]:4320"), "where /live, /ready and /metrics are served";
        "grace", "TIME", Is("10s"), "after SIGTERM: how long to wait for acknowledgements";
        "linger", "TIME", Is("2s"), "after SIGTERM: receivers close when nothing came for so long; 250ms without a connection";
    },
};

/// What the ingester knows beside these. A test holds it against the ingester's own table.
const INGESTERS_OWN: &[&str] = &[
    "advertise",
    "auth",
    "block-age",
    "block-bytes",
    "blocks-poll",
    "cluster",
    "collect",
    "compact",
    "config",
    "disk-reserve",
    "files-poll",
    "fsync",
    "heartbeat",
    "http-listen",
    "http-prefix",
    "http-tls-cert",
    "http-tls-client-ca",
    "http-tls-key",
    "keep-compacted",
    "keep-slots",
    "limits",
    "max-stream-age",
    "memory",
    "multitenancy",
    "peer-tls-ca",
    "peer-tls-name",
    "peer-token-file",
    "permissive",
    "policy",
    "retention",
    "segment-age",
    "segment-bytes",
    "span-metrics",
    "span-metrics-dimensions",
    "span-metrics-series",
    "span-metrics-target-info",
    "span-metrics-wait",
    "store",
    "wire-listen",
    "wire-tls-cert",
    "wire-tls-client-ca",
    "wire-tls-key",
    "zone",
];
