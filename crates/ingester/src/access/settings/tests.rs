use super::*;
use crate::config::Config;
use tributary_settings::Asked;

/// A file that is there.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
const SECURE: [&str; 4] = ["wire-tls-cert", "wire-tls-key", "http-tls-cert", "http-tls-key"];

/// What is made of these settings: the mistakes' places, or who is let in. `FILE` stands for a file.
fn read(settings: &[(&str, &str)]) -> Result<Access, Vec<String>> {
    let value = |value: &str| if value == "FILE" { FILE.to_owned() } else { value.to_owned() };
    let args = settings.iter().map(|(name, text)| format!("--{name}={}", value(text)).into());
    match Config::gather(args, [], |_| unreachable!("there is no file")) {
        Ok(Asked::Run(config)) => Ok(config.access),
        Ok(Asked::Print(text)) => panic!("printed {text}"),
        Err(mistakes) => Err(mistakes.0.into_iter().map(|mistake| mistake.at).collect()),
    }
}

fn secure<'s>(more: &[(&'s str, &'s str)]) -> Vec<(&'s str, &'s str)> {
    let tenants = ("multitenancy", "true");
    SECURE.iter().map(|name| (*name, "FILE")).chain([tenants]).chain(more.to_vec()).collect()
}

#[test]
fn by_default_every_caller_is_let_in() {
    let access = read(&[]).unwrap();
    assert_eq!((access.auth, access.permissive, access.ages()), (Auth::None, false, false));
    assert_eq!((&access.wire, &access.http, &access.peer.own), (&None, &None, &None));
    assert_eq!(access.files_poll, Duration::from_secs(10));
    assert_eq!(access.max_stream_age, Duration::from_secs(1800));
}

#[test]
fn a_certificate_is_needed_on_the_wire_where_nothing_else_is_looked_at() {
    let client_ca = [("wire-tls-client-ca", "FILE"), ("http-tls-client-ca", "FILE")];
    let policy = ("policy", "FILE");
    let table: [(&[(&str, &str)], bool); 4] = [
        (&[], true),
        (&[("auth", "certificate")], true),
        (&[("auth", "certificate"), ("permissive", "true")], false),
        (&[("auth", "either"), policy], false),
    ];
    for (more, must) in table {
        let access = read(&secure(&[&client_ca[..], more].concat())).unwrap();
        let (wire, http) = (access.wire.unwrap(), access.http.unwrap());
        assert_eq!((wire.client_must, http.client_must), (must, false), "{more:?}");
        assert_eq!(access.peer.ca, Some(FILE.into()), "the readers' authorities");
        assert_eq!(access.peer.own, Some((FILE.into(), FILE.into())));
    }
}

#[test]
fn what_does_not_fit_together_is_a_mistake() {
    let auth = |more: &[(&'static str, &'static str)]| secure(more);
    let table: [(Vec<(&str, &str)>, &str); 16] = [
        (vec![("wire-tls-cert", "/no/such/file"), ("wire-tls-key", "FILE")], "--wire-tls-cert"),
        (vec![("wire-tls-cert", "FILE")], "--wire-tls-cert"),
        (vec![("http-tls-key", "FILE")], "--http-tls-key"),
        (vec![("http-tls-client-ca", "FILE")], "--http-tls-client-ca"),
        (vec![("peer-tls-name", "a b")], "--peer-tls-name"),
        (vec![("peer-token-file", "FILE")], "--peer-token-file"),
        (vec![("permissive", "true")], "--permissive"),
        (vec![("auth", "all")], "--auth"),
        (vec![("max-stream-age", "1ms")], "--max-stream-age"),
        (vec![("auth", "token"), ("policy", "FILE"), ("multitenancy", "true")], "--auth"),
        (auth(&[("auth", "token")]), "--auth"),
        (auth(&[("auth", "either")]), "--auth"),
        (auth(&[("auth", "certificate"), ("policy", "FILE")]), "--auth"),
        (auth(&[("auth", "token"), ("policy", "FILE"), ("multitenancy", "false")]), "--auth"),
        (auth(&[("auth", "token"), ("policy", "/no/such/file")]), "--policy"),
        (auth(&[("auth", "token"), ("policy", "FILE"), ("receivers", "otlp")]), "--receivers"),
    ];
    for (settings, expected) in table {
        // The last of two values of a setting is a mistake of its own.
        let mut settings = settings;
        if settings.contains(&("multitenancy", "false")) {
            settings.retain(|setting| *setting != ("multitenancy", "true"));
        }
        assert_eq!(read(&settings).unwrap_err(), [expected], "{settings:?}");
    }
    let permissive = [("auth", "token"), ("policy", "FILE"), ("permissive", "true")];
    read(&secure(&[&permissive[..], &[("receivers", "otlp")]].concat())).unwrap();
}
