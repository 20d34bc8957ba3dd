use super::*;
use tributary_receivers::{Receiver, Strategy};
use tributary_settings::host_port;

fn gather(args: &[&str], env: &[(&str, &str)]) -> Result<Asked<Box<Config>>, Mistakes> {
    Config::gather(
        args.iter().map(OsString::from),
        env.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))),
    )
}

fn config(args: &[&str], env: &[(&str, &str)]) -> Config {
    match gather(args, env) {
        Ok(Asked::Run(config)) => *config,
        other => panic!("{other:?}"),
    }
}

fn mistakes(args: &[&str], env: &[(&str, &str)]) -> Vec<String> {
    gather(args, env).unwrap_err().0.into_iter().map(|mistake| mistake.at).collect()
}

#[test]
fn the_demistakes() {
    let config = config(&["--upstream", "ingester"], &[("HOSTNAME", "pod-1")]);
    let at = |text: &str| Listen::read(text).unwrap();
    let expected = Config {
        upstream: vec![Upstream {
            host: host_port("ingester", 1).unwrap().0,
            port: 4319,
            tls: false,
        }],
        tls: None,
        token_file: None,
        buffer: 16 << 20,
        tenant: None,
        name: "pod-1".to_owned(),
        receivers: tributary_receivers::config::Config {
            receivers: Receiver::ALL
                .map(|receiver| {
                    (receiver, at(&format!("127.0.0.1:{0},[::1]:{0}", receiver.port())))
                })
                .to_vec(),
            sampling: Strategy::default(),
            cors_origins: vec![],
        },
        admin: at("[::]:4320"),
        resource_attributes: vec![],
        batch: BatchLimits { age: Duration::from_millis(200), bytes: 256 << 10 },
        grace: Duration::from_secs(10),
        linger: Duration::from_secs(2),
        log: Log { json: false, level: tracing::Level::INFO },
        ignored: vec![],
    };
    assert_eq!(config, expected);
}

#[test]
fn a_flag_wins_over_a_variable_and_an_empty_variable_is_none() {
    let env = [
        ("TRIBUTARY_UPSTREAM", "a:1"),
        ("TRIBUTARY_BUFFER", "2MiB"),
        ("TRIBUTARY_TENANT", ""),
        ("TRIBUTARY_GRACE", "1s"),
        ("OTHER_BUFFER", "x"),
    ];
    let config = config(&["--buffer=3MiB"], &env);
    assert_eq!(config.buffer, 3 << 20);
    assert_eq!(config.grace, Duration::from_secs(1));
    assert_eq!(config.tenant, None);
    assert_eq!(config.upstream[0].to_string(), "a:1");
}

#[test]
fn every_mistake_is_named_at_once() {
    let args = [
        "--buffer",
        "10",
        "--batch-age=5",
        "--nonsense=1",
        "--receivers",
        "smoke",
        "stray",
        "--batch-bytes",
        "1GiB",
        "--log-format",
        "xml",
        "--log-level",
        "loud",
        "--tenant",
        "a/b",
        "--resource-attributes",
        "a",
        "--otlp-grpc-listen",
        "here",
        "-x",
    ];
    let env = [
        ("TRIBUTARY_BUFER", "1"),
        ("TRIBUTARY_GRACE", "soon"),
        ("TRIBUTARY_STORE", "the ingester's"),
    ];
    let mut found = mistakes(&args, &env);
    found.sort();
    let mut expected = [
        "--buffer",
        "--batch-age",
        "--nonsense",
        "--receivers",
        "stray",
        "--batch-bytes",
        "--log-format",
        "--log-level",
        "--tenant",
        "--resource-attributes",
        "--otlp-grpc-listen",
        "-x",
        "TRIBUTARY_BUFER",
        "TRIBUTARY_GRACE",
        "--upstream",
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);
    let message = gather(&args, &env).unwrap_err().to_string();
    assert!(message.contains("15 mistakes"), "{message}");
    assert!(message.contains("did you mean `TRIBUTARY_BUFFER`?"), "{message}");
}

#[test]
fn single_mistakes() {
    let table: [(&[&str], &str); 14] = [
        (&[], "--upstream"),
        (&["--upstream"], "--upstream"),
        (&["--upstream", "a:b"], "--upstream"),
        (&["--upstream", "a", "--receivers", ","], "--receivers"),
        (&["--upstream", "a", "--receivers", "none"], "--receivers"),
        (&["--upstream", "a", "--zipkin-listen", "127.0.0.1:5778"], "--zipkin-listen"),
        (&["--upstream", "a", "--jaeger-sampling-rate", "2"], "--jaeger-sampling-rate"),
        (&["--upstream", "a", "--cors-origins", "shop"], "--cors-origins"),
        (&["--upstream", "a", "--otlp-http-listen", "127.0.0.1:4317"], "--otlp-http-listen"),
        (&["--upstream", "a", "--otlp-http-listen", ":4320"], "--admin-listen"),
        (&["--upstream", "a", "--otlp-http-listen", "[::1]:4317"], "--otlp-http-listen"),
        (&["--upstream", "a", "--grace", "8d"], "--grace"),
        (&["--upstream", "a", "--upstream-tls-name", "x"], "--upstream-tls-name"),
        (&["--upstream", "a", "--batch-age", "2m"], "--batch-age"),
    ];
    for (args, expected) in table {
        assert_eq!(mistakes(args, &[]), [expected], "{args:?}");
    }
}

#[test]
fn a_receiver_that_is_off_cannot_clash() {
    let args =
        ["--upstream", "a", "--receivers", "otlp-grpc", "--otlp-http-listen", "127.0.0.1:4317"];
    let config = config(&args, &[]);
    let receivers: Vec<_> =
        config.receivers.receivers.iter().map(|(receiver, _)| *receiver).collect();
    assert_eq!(receivers, [Receiver::OtlpGrpc]);
}

#[test]
fn help_and_version_need_nothing_else() {
    for (flag, expected) in [("--help", "--upstream HOST"), ("-V", "tributary-sidecar 0.")] {
        match gather(&[flag], &[]) {
            Ok(Asked::Print(text)) => assert!(text.contains(expected), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(feature = "tls")]
#[test]
fn tls_by_scheme_or_by_ca() {
    assert_eq!(config(&["--upstream", "https://a"], &[]).tls, Some(Tls::default()));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let tls = config(&["--upstream", "a", "--upstream-tls-ca", file], &[]).tls;
    let ca = Some(Authorities::File(PathBuf::from(file)));
    assert_eq!(tls, Some(Tls { ca, ..Tls::default() }));
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    let tls = config(&["--upstream", "a"], &[("TRIBUTARY_UPSTREAM_TLS_CA", pem)]).tls;
    assert_eq!(tls, Some(Tls { ca: Some(Authorities::Text(pem.to_owned())), ..Tls::default() }));
    let secure =
        ["--upstream", "https://a", "--upstream-tls-cert", file, "--upstream-tls-key", file];
    let all = config(&[&secure[..], &["--upstream-token-file", file]].concat(), &[]);
    assert_eq!(all.tls.unwrap().own, Some((PathBuf::from(file), PathBuf::from(file))));
    assert_eq!(all.token_file, Some(PathBuf::from(file)));
    assert_eq!(mistakes(&secure[..4], &[]), ["--upstream-tls-cert"], "no key beside it");
    for name in ["cert", "key"] {
        let flag = format!("--upstream-tls-{name}");
        let alone = ["--upstream", "https://a", &flag, file];
        assert_eq!(mistakes(&alone, &[]), [flag.as_str()]);
    }
    let clear = ["--upstream", "a", "--upstream-token-file", file];
    assert_eq!(mistakes(&clear, &[]), ["--upstream-token-file"], "not in the clear");
    let missing = ["--upstream", "a", "--upstream-tls-ca", "/no/such/file"];
    assert_eq!(mistakes(&missing, &[]), ["--upstream-tls-ca"]);
}
