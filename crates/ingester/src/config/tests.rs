use super::*;
use std::collections::BTreeMap;
use std::ffi::OsString;

fn read(args: &[&str], env: &[(&str, &str)], file: &str) -> Result<Config, Mistakes> {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let env: BTreeMap<_, _> = env.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    match gather(&args, &env, |_| Ok(file.to_owned()))? {
        Command::Run(settings) => Config::from_settings(&settings),
        Command::Print(text) => panic!("printed {text}"),
    }
}

#[test]
fn defaults_stand() {
    let config = read(&[], &[], "").unwrap();
    assert_eq!(config.store, "./tributary-data");
    assert_eq!(config.wire_listen.port(), 4319);
    assert_eq!(config.segment_age, Duration::from_millis(300));
    assert_eq!(config.block_bytes, 64 << 20);
}

#[test]
fn flags_over_variables_over_the_file() {
    let file = "store: file:///from-file\nname: from-file\nzone: from-file\nmultitenancy: true\nblock_age: 30s\n";
    let config = read(
        &["--config", "x.yaml", "--store=s3://flag"],
        &[("TRIBUTARY_STORE", "s3://env"), ("TRIBUTARY_NAME", "from-env")],
        file,
    )
    .unwrap();
    assert_eq!(config.store, "s3://flag");
    assert_eq!(config.name, "from-env");
    assert_eq!(config.zone, "from-file");
    assert!(config.multitenancy);
    assert_eq!(config.block_age, Duration::from_secs(30));
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let env = [("TRIBUTARY_MEMORY", "much"), ("TRIBUTARY_GRACE", "5")];
    let unknown = read(&["--nonsense", "1", "--config", "c.yaml"], &env, "stor: x\n")
        .unwrap_err()
        .to_string();
    for part in ["--nonsense", "c.yaml: stor"] {
        assert!(unknown.contains(part), "{part} is not in {unknown}");
    }
    let values = read(&["--wire-listen", "here"], &env[..1], "").unwrap_err().to_string();
    for part in [
        "memory: \"much\"",
        "variable TRIBUTARY_MEMORY",
        "wire_listen: \"here\"",
        "flag --wire-listen",
    ] {
        assert!(values.contains(part), "{part} is not in {values}");
    }
}

#[test]
fn relations_are_checked() {
    let text = read(&["--memory", "32MiB"], &[], "").unwrap_err().to_string();
    assert!(text.contains("at least 64MiB"), "{text}");
}

#[test]
fn variables_of_others_are_named_but_no_mistake() {
    let env: BTreeMap<_, _> = [
        ("TRIBUTARY_UPSTREAM".to_owned(), "x".to_owned()),
        ("TRIBUTARY_NAME".to_owned(), "n".to_owned()),
    ]
    .into();
    let Command::Run(settings) = gather(&[], &env, |_| Err(String::new())).unwrap() else {
        panic!("printed")
    };
    assert_eq!(settings.strangers(), ["TRIBUTARY_UPSTREAM"]);
    assert_eq!(settings.text("name"), "n");
}
