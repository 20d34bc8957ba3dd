//! Names that manifests, the README and operators' own files have used: each is still known, with a
//! value that was right then.

use super::{ingester, sidecar, variable};
use std::ffi::OsString;
use std::fmt::Debug;
use tributary_ingester::config::Config as Ingester;
use tributary_settings::Asked;

/// What both programs had.
const BOTH: [(&str, &str); 15] = [
    ("name", "shop-1"),
    ("receivers", "otlp, zipkin"),
    ("otlp-grpc-listen", "0.0.0.0:4317"),
    ("otlp-http-listen", "127.0.0.1:4318"),
    ("jaeger-compact-listen", "0.0.0.0:6831"),
    ("jaeger-binary-listen", "0.0.0.0:6832"),
    ("jaeger-http-listen", "0.0.0.0:14268"),
    ("jaeger-grpc-listen", "0.0.0.0:14250"),
    ("jaeger-sampling-listen", "0.0.0.0:5778"),
    ("jaeger-sampling-rate", "0.1"),
    ("zipkin-listen", "0.0.0.0:9411"),
    ("cors-origins", "https://shop.example, *"),
    ("grace", "50s"),
    ("log-format", "json"),
    ("log-level", "info"),
];

const SIDECAR: [(&str, &str); 9] = [
    ("upstream", "tributary-wire.tracing.svc.cluster.local.:4319"),
    ("upstream-tls-name", "ingester.example"),
    ("buffer", "16Mi"),
    ("tenant", "team-a"),
    ("admin-listen", ":4320"),
    ("resource-attributes", "k8s.pod.name=shop-1,k8s.node.name="),
    ("batch-age", "200ms"),
    ("batch-bytes", "256KiB"),
    // A file that is there.
    ("upstream-tls-ca", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
];

const INGESTER: [(&str, &str); 18] = [
    ("store", "s3://traces/tributary"),
    ("wire-listen", "0.0.0.0:4319"),
    ("http-listen", "0.0.0.0:3200"),
    ("advertise", "10.0.0.7"),
    ("zone", "eu-central-1a"),
    ("segment-age", "300ms"),
    ("segment-bytes", "4MiB"),
    ("block-age", "300s"),
    ("block-bytes", "64MiB"),
    ("memory", "192MiB"),
    ("blocks-poll", "15s"),
    ("heartbeat", "5s"),
    ("collect", "10m"),
    ("compact", "never"),
    ("keep-compacted", "1h"),
    ("keep-slots", "24h"),
    ("multitenancy", "false"),
    ("fsync", "true"),
];

/// By flags and by variables, all together.
fn read<C: Debug, E: Debug>(
    program: impl Fn(&[&str], &[(&str, &str)]) -> Result<C, E>,
    settings: &[(&str, &str)],
) -> [C; 2] {
    let flags: Vec<String> =
        settings.iter().map(|(name, text)| format!("--{name}={text}")).collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let names: Vec<String> = settings.iter().map(|(name, _)| variable(name)).collect();
    let texts = settings.iter().map(|(_, text)| *text);
    let env: Vec<_> = names.iter().map(String::as_str).zip(texts).collect();
    [program(&flags, &[]).unwrap(), program(&[], &env).unwrap()]
}

#[test]
fn the_sidecar_knows_them() {
    let [by_flags, by_variables] = read(sidecar, &[&BOTH[..], &SIDECAR].concat());
    assert_eq!(by_flags, by_variables);
    assert_eq!(by_flags.buffer, 16 << 20);
}

#[test]
fn the_ingester_knows_them() {
    let all = [&BOTH[..], &INGESTER].concat();
    let [by_flags, by_variables] = read(ingester, &all);
    assert_eq!(by_flags, by_variables);
    let lines = all.iter().map(|(name, text)| format!("{}: {text:?}\n", name.replace('-', "_")));
    let file: String = lines.collect();
    let args = ["--config=c.yaml"].map(OsString::from);
    let by_file = Ingester::gather(args, [], |_| Ok(file)).unwrap();
    assert_eq!(by_file, Asked::Run(Box::new(by_flags)));
}
