use super::*;
use crate::{Group, Mistakes, Sibling, Unset::*, settings, value};

static TABLE: Table = Table {
    program: "tributary-program",
    version: "0.1.0",
    about: "",
    usage: "",
    groups: &[
        Group {
            heading: "",
            settings: settings! {
                "config", "FILE", Means("none"), "the file";
                "where-to", "HOST", Required, "where to";
            },
        },
        Group {
            heading: "",
            settings: settings! {
                "buffer", "SIZE", Is("16MiB"), "bytes";
                "zone", "NAME", Means("none"), "zone";
            },
        },
    ],
    sibling: Sibling { program: "tributary-other", names: &["store-at"] },
    end: "",
};

type Read = (Option<String>, usize, Option<String>);

fn read(given: Asked<Given>) -> Result<Read, Mistakes> {
    let Asked::Run(mut given) = given else { panic!("{given:?}") };
    // Read already where there is a file.
    given.find("config", value::text);
    let read = (
        given.find("where-to", value::text),
        given.take("buffer", value::size),
        given.find("zone", value::text),
    );
    given.finish(read)
}

fn args(args: &[&str]) -> Vec<OsString> {
    args.iter().map(Into::into).collect()
}

fn env(env: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    env.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn gathered(flags: &[&str], variables: &[(&str, &str)]) -> Result<Read, Mistakes> {
    read(TABLE.gather(args(flags), env(variables)))
}

fn mistakes(flags: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let mistakes = gathered(flags, variables).unwrap_err().0;
    mistakes.into_iter().map(|mistake| format!("{}: {}", mistake.at, mistake.why)).collect()
}

#[test]
fn a_flag_wins_over_a_variable_and_an_empty_variable_is_none() {
    let variables = [
        ("TRIBUTARY_WHERE_TO", "a"),
        ("TRIBUTARY_BUFFER", "2MiB"),
        ("TRIBUTARY_ZONE", " \n"),
        ("OTHER_BUFFER", "x"),
    ];
    let read = gathered(&["--buffer", "3MiB", "--buffer=4MiB"], &variables);
    assert_eq!(read, Ok((Some("a".to_owned()), 4 << 20, None)));
}

#[test]
fn blanks_and_newlines_are_taken_off() {
    let read = gathered(
        &["--where-to", " a\t"],
        &[("TRIBUTARY_ZONE", "\r\n b \n"), ("TRIBUTARY_BUFFER", "1Mi\n")],
    );
    assert_eq!(read, Ok((Some("a".to_owned()), 1 << 20, Some("b".to_owned()))));
}

#[test]
fn dashes_and_underscores_are_the_same_in_flags() {
    assert_eq!(gathered(&["--where_to=a"], &[]), Ok((Some("a".to_owned()), 16 << 20, None)));
}

#[test]
fn an_empty_value_is_none_wherever_it_stands() {
    let unset = Ok((Some("a".to_owned()), 16 << 20, None));
    assert_eq!(gathered(&["--where-to=a", "--buffer="], &[]), unset);
    assert_eq!(gathered(&["--where-to=a", "--buffer", " \n"], &[]), unset);
    assert_eq!(gathered(&["--where-to=a"], &[("TRIBUTARY_BUFFER", "")]), unset);
    // What is set elsewhere counts then.
    let given = gathered(&["--where-to", ""], &[("TRIBUTARY_WHERE_TO", "a")]);
    assert_eq!(given, unset);
}

#[test]
fn what_is_wrong_with_names_and_with_their_values() {
    type Row =
        (&'static [&'static str], &'static [(&'static str, &'static str)], &'static [&'static str]);
    let table: [Row; 14] = [
        (&["--where-to", "--buffer=1"], &[], &["--where-to: needs a value"]),
        (&[], &[], &["--where-to: required"]),
        (&["--where-to"], &[], &["--where-to: needs a value"]),
        (&["--where-to", " "], &[], &["--where-to: required"]),
        (
            &["--buffer", "x", "--where-to=a"],
            &[],
            &["--buffer: `x` is no size such as `65536`, `16MiB` or `1.5GiB`"],
        ),
        (
            &["--where-to=a"],
            &[("TRIBUTARY_BUFFER", "1X")],
            &[
                "TRIBUTARY_BUFFER: `X` is no unit of size: B, KiB, MiB, GiB (or Ki, Mi, Gi), kB, MB, GB (or k, M, G); did you mean `B`?",
            ],
        ),
        (&["--where-to=a", "--bufer", "1"], &[], &["--bufer: unknown; did you mean `--buffer`?"]),
        (
            &["--where-to=a", "--bufer=1", "1"],
            &[],
            &[
                "--bufer: unknown; did you mean `--buffer`?",
                "1: not understood: settings are flags",
            ],
        ),
        (&["--where-to=a", "--colour", "--zone", "z"], &[], &["--colour: unknown"]),
        (&["--where-to=a", "-x"], &[], &["-x: unknown flag"]),
        (
            &["--where-to=a", "--store-at", "x"],
            &[],
            &["--store-at: unknown here: it is a setting of tributary-other"],
        ),
        (
            &["--where-to=a"],
            &[("TRIBUTARY_BUFER", "1")],
            &["TRIBUTARY_BUFER: unknown; did you mean `TRIBUTARY_BUFFER`?"],
        ),
        (
            &["--where-to=a"],
            &[("TRIBUTARY_buffer", "1")],
            &["TRIBUTARY_buffer: unknown; did you mean `TRIBUTARY_BUFFER`?"],
        ),
        (&["--where-to=a", "-x=1", "-yz"], &[], &["-x: unknown flag", "-y: unknown flag"]),
    ];
    for (flags, variables, expected) in table {
        let found = match gathered(flags, variables) {
            Err(_) => mistakes(flags, variables),
            Ok(read) => panic!("{flags:?} {variables:?}: {read:?}"),
        };
        assert_eq!(found, expected, "{flags:?} {variables:?}");
    }
}

#[test]
fn variables_that_the_operator_did_not_write_are_no_mistakes() {
    let variables = env(&[
        ("TRIBUTARY_WHERE_TO", "a"),
        ("TRIBUTARY_STORE_AT", "s3://x"),
        ("TRIBUTARY_TOKEN", "a reader's"),
        ("TRIBUTARY_URL", "https://ingester:3200"),
        ("TRIBUTARY_INGESTER_PORT_4319_TCP_ADDR", "10.0.0.1"),
        ("TRIBUTARY_PORT", "tcp://10.0.0.1:4319"),
    ]);
    let Asked::Run(given) = TABLE.gather([], variables) else { panic!() };
    assert_eq!(given.ignored(), ["TRIBUTARY_STORE_AT", "TRIBUTARY_TOKEN", "TRIBUTARY_URL"]);
    assert!(read(Asked::Run(given)).is_ok());
}

#[cfg(unix)]
#[test]
fn what_is_not_utf8_is_said() {
    use std::os::unix::ffi::OsStringExt;
    let bad = OsString::from_vec(vec![0xff]);
    let variables = [("TRIBUTARY_WHERE_TO".into(), bad.clone())];
    let mistakes = read(TABLE.gather(["--zone".into(), bad], variables)).unwrap_err().to_string();
    assert_eq!(
        mistakes,
        "the configuration has 2 mistakes\n  --zone: is not UTF-8\n  TRIBUTARY_WHERE_TO: is not UTF-8"
    );
}

#[test]
fn help_and_version_need_nothing_else() {
    for flags in [&["--version", "--nonsense"], &["--nonsense", "-V"]] {
        let asked = TABLE.gather(args(flags), []);
        assert!(matches!(asked, Asked::Print(text) if text == "tributary-program 0.1.0\n"));
    }
    assert!(
        matches!(TABLE.gather(args(&["-h"]), []), Asked::Print(text) if text.contains("--zone"))
    );
}

#[cfg(feature = "yaml")]
mod file {
    use super::*;

    fn with_file(flags: &[&str], variables: &[(&str, &str)], file: &str) -> Result<Read, Mistakes> {
        let open = |path: &str| {
            assert_eq!(path, "c.yaml");
            Ok(file.to_owned())
        };
        read(TABLE.gather_with_file(args(flags), env(variables), open))
    }

    #[test]
    fn a_file_is_overridden_by_variables_and_flags() {
        let file = "where_to: file\nbuffer: 65536\nzone: ' z\n '\n";
        let read = with_file(&["--config= c.yaml"], &[("TRIBUTARY_WHERE_TO", "variable")], file);
        assert_eq!(read, Ok((Some("variable".to_owned()), 65_536, Some("z".to_owned()))));
        let file = "where-to: file\nbuffer:\nzone: ''\n";
        let read = with_file(&["--buffer=1"], &[("TRIBUTARY_CONFIG", "c.yaml")], file);
        assert_eq!(read, Ok((Some("file".to_owned()), 1, None)));
    }

    #[test]
    fn every_mistake_in_it_is_named() {
        let file =
            "bufer: 1\nbuffer: [1, 2]\nconfig: x\nstore_at: y\nwhere_to: {a: b}\nzone: 1.5\n";
        let mistakes = with_file(&["--config=c.yaml"], &[], file).unwrap_err().to_string();
        let expected = "the configuration has 5 mistakes
  c.yaml: bufer: unknown; did you mean `buffer`?
  c.yaml: buffer: has more than one value: lists are texts with commas
  c.yaml: config: a file does not name a file
  c.yaml: store_at: unknown here: it is a setting of tributary-other
  c.yaml: where_to: has more than one value: lists are texts with commas";
        assert_eq!(mistakes, expected);
        let broken = with_file(&["--config=c.yaml", "--where-to=a"], &[], "- a\n- b\n");
        assert!(broken.unwrap_err().to_string().contains("c.yaml: is no YAML map"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let open = |_: &str| Err(std::io::ErrorKind::NotFound.into());
        let variables = env(&[("TRIBUTARY_CONFIG", "c.yaml"), ("TRIBUTARY_WHERE_TO", "a")]);
        let mistakes = read(TABLE.gather_with_file([], variables, open)).unwrap_err();
        assert_eq!(
            mistakes.to_string(),
            "the configuration has 1 mistake\n  TRIBUTARY_CONFIG: cannot read `c.yaml`: entity not found"
        );
        let none =
            TABLE.gather_with_file(args(&["--where-to=a"]), [], |_| panic!("no file was named"));
        assert!(read(none).is_ok());
    }
}
