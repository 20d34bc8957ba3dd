use super::*;
use rcgen::{CertificateParams, KeyPair, SanType};

/// Its tokens are sha256 of "test" and of "all".
const POLICY: &str = "
rules:
  - {namespace: pay-*, tenants: [pay]}
  - {namespace: ops, tenants: [ops, pay]}
  - {name: grafana.local, tenants: [lab-*]}
tokens:
  - {name: test, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, tenants: [t]}
peers:
  - {name: ingester.local}
  - {namespace: tracing}
";

fn known() -> Known {
    Known { policy: Policy::read(POLICY).unwrap(), issuers: Vec::new() }
}

fn certificate(name: &str) -> Vec<u8> {
    let mut made = CertificateParams::new(Vec::<String>::new()).unwrap();
    made.subject_alt_names = vec![match name.contains("://") {
        true => SanType::URI(name.try_into().unwrap()),
        false => SanType::DnsName(name.try_into().unwrap()),
    }];
    made.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[test]
fn what_must_be_shown() {
    let known = known();
    let own = certificate("spiffe://d/ns/pay-eu/sa/a");
    let long = format!("Bearer {}", "x".repeat(token::LONGEST_TOKEN + 1));
    let (auth, none) = ([Auth::Token, Auth::Certificate, Auth::Either], "missing");
    let certificate = Some(own.as_slice());
    type Row<'a> = (Option<&'a str>, Option<&'a [u8]>, [&'a str; 3]);
    let table: [Row<'_>; 9] = [
        (None, None, [none; 3]),
        (Some("Bearer test"), None, ["test", none, "test"]),
        (Some("bearer  test "), None, ["test", none, "test"]),
        (None, certificate, [none, "d/pay-eu/a", "d/pay-eu/a"]),
        // A token that does not count is no reason to look at the certificate.
        (Some("Bearer tess"), certificate, ["token_malformed", "d/pay-eu/a", "token_malformed"]),
        (Some("Bearer test"), certificate, ["test", "d/pay-eu/a", "test"]),
        (Some("Basic test"), None, ["header", none, "header"]),
        (Some("Bearer "), None, ["header", none, "header"]),
        (Some(&long), None, ["token_long", none, "token_long"]),
    ];
    for (header, certificate, expected) in table {
        let shown = Shown { authorization: header.map(str::as_bytes), certificate };
        let got = auth.map(|auth| match identify(auth, &known, shown, 0) {
            Ok(caller) => caller.unwrap().identity.to_string(),
            Err(refusal) => {
                assert!(Refusal::REASONS.contains(&refusal.reason()));
                assert!(!refusal.is_forbidden() && !refusal.to_string().contains("tess"));
                refusal.reason().to_owned()
            }
        });
        assert_eq!(got, expected, "{header:?}");
        assert_eq!(identify(Auth::None, &known, shown, 0), Ok(None));
    }
    let shown = Shown { certificate: Some(b"x"), ..Shown::default() };
    let refused = identify(Auth::Either, &known, shown, 0).unwrap_err();
    assert_eq!(refused.reason(), "certificate");
    let shown = Shown { authorization: Some(b"Bearer \xff"), ..Shown::default() };
    assert_eq!(identify(Auth::Token, &known, shown, 0), Err(Refusal::Header));
}

fn caller(name: &str) -> Caller {
    let own = certificate(name);
    let shown = Shown { certificate: Some(&own), ..Shown::default() };
    identify(Auth::Certificate, &known(), shown, 0).unwrap().unwrap()
}

#[test]
fn which_tenant_is_written() {
    let table = [
        ("spiffe://d/ns/pay-eu/sa/a", "shop", Ok("pay")),
        ("spiffe://d/ns/ops/sa/a", "pay", Ok("pay")),
        ("spiffe://d/ns/ops/sa/a", "shop", Err("d/ops/a may name the tenants ops, pay, not shop")),
        ("spiffe://d/ns/ops/sa/a", "", Err("d/ops/a may name the tenants ops, pay, not ")),
        ("spiffe://d/ns/ops/sa/a", "a\nb", Err("ops, pay, not a\\nb")),
        ("spiffe://d/ns/shop/sa/a", "shop", Err("no rule gives d/shop/a a tenant")),
        ("grafana.local", "lab-1", Ok("lab-1")),
        ("grafana.local", "lab", Err("lab-*")),
    ];
    for (who, asked, expected) in table {
        let caller = caller(who);
        match (caller.writes(asked), expected) {
            (Ok(tenant), Ok(expected)) => assert_eq!(tenant, expected),
            (Err(refusal), Err(expected)) => {
                assert!(refusal.to_string().contains(expected), "{refusal}");
                assert!(refusal.is_forbidden());
            }
            (got, expected) => panic!("{who} {asked}: {got:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn which_tenants_are_read() {
    let table = [
        ("spiffe://d/ns/pay-eu/sa/a", None, Ok(Some("pay"))),
        ("spiffe://d/ns/pay-eu/sa/a", Some(""), Ok(Some("pay"))),
        ("spiffe://d/ns/pay-eu/sa/a", Some("pay"), Ok(Some("pay"))),
        ("spiffe://d/ns/pay-eu/sa/a", Some("shop"), Err("tenant")),
        ("spiffe://d/ns/pay-eu/sa/a", Some("pay|shop"), Err("tenant")),
        ("spiffe://d/ns/pay-eu/sa/a", Some("pay|"), Err("tenant")),
        ("spiffe://d/ns/ops/sa/a", Some("pay|ops"), Ok(Some("pay|ops"))),
        ("spiffe://d/ns/ops/sa/a", None, Ok(None)),
        ("grafana.local", Some("lab-1|lab-2"), Ok(Some("lab-1|lab-2"))),
        ("grafana.local", Some("lab-1|pay|lab-2"), Err("tenant")),
        ("spiffe://d/ns/shop/sa/a", Some("shop"), Err("rule")),
    ];
    for (who, asked, expected) in table {
        let caller = caller(who);
        let got = caller.reads(asked).map_err(|refusal| refusal.reason());
        assert_eq!(got, expected, "{who} {asked:?}");
    }
}

#[test]
fn peers_are_those_of_the_policy() {
    let policy = known().policy;
    for (who, expected) in
        [("ingester.local", true), ("spiffe://d/ns/tracing/sa/a", true), ("grafana.local", false)]
    {
        assert_eq!(caller(who).is_peer(&policy).is_ok(), expected, "{who}");
    }
}
