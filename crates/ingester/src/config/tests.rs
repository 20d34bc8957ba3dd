use super::*;
use tributary_receivers::Receiver;

fn read(args: &[&str], env: &[(&str, &str)], file: &str) -> Result<Config, Mistakes> {
    let args = args.iter().map(OsString::from);
    let env = env.iter().map(|(k, v)| (OsString::from(k), OsString::from(v)));
    match Config::gather(args, env, |_| Ok(file.to_owned()))? {
        Asked::Run(config) => Ok(*config),
        Asked::Print(text) => panic!("printed {text}"),
    }
}

fn mistakes(args: &[&str], env: &[(&str, &str)], file: &str) -> Vec<String> {
    let mistakes = read(args, env, file).unwrap_err().0;
    mistakes.into_iter().map(|mistake| mistake.at).collect()
}

#[test]
fn defaults_stand() {
    let config = read(&[], &[], "").unwrap();
    assert_eq!(config.store, "./tributary-data");
    assert_eq!(config.wire_listen.to_string(), "[::]:4319");
    assert_eq!(config.http_listen.to_string(), "[::]:3200");
    assert_eq!(config.receivers.receivers, []);
    assert_eq!((config.name, config.advertise, &*config.zone), (None, None, ""));
    assert_eq!(config.segment_age, Duration::from_millis(300));
    assert_eq!(config.block_bytes, 64 << 20);
    assert_eq!(config.compact, Some(Duration::from_secs(60)));
    assert_eq!(config.disk_reserve, Reserve::Auto);
    assert_eq!(config.span_metrics, None);
}

#[test]
fn flags_over_variables_over_the_file() {
    let file = "store: file:///from-file\nname: from-file\nzone: from-file\nmultitenancy: true\nblock_age: 30s\n";
    let config = read(
        &["--config", "x.yaml", "--store=s3://flag"],
        &[("TRIBUTARY_STORE", "s3://env"), ("TRIBUTARY_NAME", "from-env"), ("TRIBUTARY_ZONE", "")],
        file,
    )
    .unwrap();
    assert_eq!(config.store, "s3://flag");
    assert_eq!(config.name.as_deref(), Some("from-env"));
    assert_eq!(config.zone, "from-file");
    assert!(config.multitenancy);
    assert_eq!(config.block_age, Duration::from_secs(30));
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let env = [
        ("TRIBUTARY_MEMORY", "much"),
        ("TRIBUTARY_GRACE", "5"),
        ("TRIBUTARY_DISK_RESERVE", "half"),
        ("TRIBUTARY_BLOK_AGE", "1s"),
        ("TRIBUTARY_UPSTREAM", "the sidecar's"),
    ];
    let args = ["--nonsense", "1", "--config", "c.yaml", "--wire-listen", "here"];
    let expected = [
        "--nonsense",
        "TRIBUTARY_BLOK_AGE",
        "c.yaml: stor",
        "--wire-listen",
        "TRIBUTARY_MEMORY",
        "c.yaml: compact",
        "TRIBUTARY_DISK_RESERVE",
        "TRIBUTARY_GRACE",
    ];
    assert_eq!(mistakes(&args, &env, "stor: x\ncompact: often\n"), expected);
    let text = read(&args, &env, "stor: x\n").unwrap_err().to_string();
    assert!(text.contains("`much` is no size"), "{text}");
    assert!(text.contains("did you mean `store`?"), "{text}");
}

#[test]
fn single_mistakes() {
    let table: [(&[&str], &str); 15] = [
        (&["--memory", "32MiB"], "--memory"),
        (&["--disk-reserve", "95%"], "--disk-reserve"),
        (&["--segment-bytes", "17MiB"], "--segment-bytes"),
        (&["--heartbeat", "50ms"], "--heartbeat"),
        (&["--keep-slots", "8d"], "--keep-slots"),
        (&["--keep-slots", "1h"], "--keep-slots"),
        (&["--segment-age", "2m"], "--segment-age"),
        (&["--name", "a b"], "--name"),
        (&["--advertise", "10.0.0.1:4319"], "--advertise"),
        (&["--http-listen", "localhost:4319"], "--http-listen"),
        (&["--receivers", "otlp", "--otlp-http-listen", "[::1]:4317"], "--otlp-http-listen"),
        (&["--span-metrics", "maybe"], "--span-metrics"),
        (&["--span-metrics-series", "0"], "--span-metrics-series"),
        (&["--span-metrics-wait", "1h"], "--span-metrics-wait"),
        (&["--span-metrics-dimensions", "a.b,a_b"], "--span-metrics-dimensions"),
    ];
    for (args, expected) in table {
        assert_eq!(mistakes(args, &[], ""), [expected], "{args:?}");
    }
    let text = read(&["--memory", "32MiB"], &[], "").unwrap_err().to_string();
    assert!(text.contains("at least 64MiB"), "{text}");
    let text = read(&["--disk-reserv", "1GiB"], &[], "").unwrap_err().to_string();
    assert!(text.contains("did you mean `--disk-reserve`?"), "{text}");
    let text = read(&["--keep-slots=2h", "--block-age=1h"], &[], "").unwrap_err().to_string();
    assert!(text.contains("must be at least 122m"), "{text}");
}

#[test]
fn receivers_are_open_when_they_are_named() {
    let args = ["--receivers", "zipkin, jaeger-http", "--zipkin-listen", "0.0.0.0:1"];
    let open = read(&args, &[], "").unwrap().receivers.receivers;
    let open: Vec<_> = open.iter().map(|(receiver, at)| (*receiver, at.to_string())).collect();
    let expected = [(Receiver::JaegerHttp, "[::]:14268"), (Receiver::Zipkin, "0.0.0.0:1")];
    assert_eq!(open, expected.map(|(receiver, at)| (receiver, at.to_owned())));
}

#[test]
fn variables_of_the_sidecar_are_no_mistake() {
    let env = [("TRIBUTARY_UPSTREAM", "x"), ("TRIBUTARY_NAME", "n")];
    let config = read(&[], &env, "").unwrap();
    assert_eq!(config.ignored, ["TRIBUTARY_UPSTREAM"]);
    assert_eq!(config.name.as_deref(), Some("n"));
}

#[test]
fn never_and_auto() {
    let config = read(&["--compact", "never", "--memory", "auto"], &[], "").unwrap();
    assert_eq!(config.compact, None);
    assert!(config.memory >= LEAST_MEMORY);
}
