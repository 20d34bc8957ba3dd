use super::*;
use std::fs;
use tempfile::TempDir;

/// Not signed by any key: of issuer `i`, by key `2`.
const TOKEN: &[u8] =
    b"Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6IjIifQ.eyJpc3MiOiJpIiwiYXVkIjoidHJpYnV0YXJ5IiwiZXhwIjoxfQ.AAAA";
/// A point that no signature is made by.
const HALF: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// A token known by its hash, that of "test".
const KNOWN: &str = "{name: n, tenants: [t], sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}";

struct Files(TempDir);

impl Files {
    fn new() -> Files {
        let files = Files(tempfile::tempdir().unwrap());
        files.keys("1");
        files.policy("");
        files
    }

    fn keys(&self, id: &str) {
        let key = format!(r#"{{"kty":"EC","crv":"P-256","kid":"{id}","x":"{HALF}","y":"{HALF}"}}"#);
        fs::write(self.0.path().join("keys"), format!(r#"{{"keys":[{key}]}}"#)).unwrap();
    }

    fn policy(&self, more: &str) {
        let keys = self.0.path().join("keys");
        let text = format!("issuers: [{{issuer: i, jwks: {}}}]\n{more}", keys.display());
        fs::write(self.0.path().join("policy"), text).unwrap();
    }

    fn gate(&self, permissive: bool) -> Gate {
        let policy = Some(self.0.path().join("policy"));
        let access = Access { auth: Auth::Token, permissive, policy, ..Access::default() };
        Gate::open(&access, IdGenerator::default(), Arc::default()).unwrap()
    }
}

async fn asked(gate: &Gate, authorization: &[u8]) -> Result<Option<String>, &'static str> {
    let shown = Shown { authorization: Some(authorization), certificate: None };
    let caller = gate.caller(Port::Query, shown).await.map_err(|refusal| refusal.reason())?;
    Ok(caller.map(|caller| caller.identity.to_string()))
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_a_reason_to_look_once_a_minute() {
    let files = Files::new();
    let gate = files.gate(false);
    assert_eq!(asked(&gate, TOKEN).await, Err("token_key"));
    files.keys("2");
    assert_eq!(asked(&gate, TOKEN).await, Err("token_key"), "it has just looked");
    tokio::time::advance(KEYS_AGAIN).await;
    assert_eq!(asked(&gate, TOKEN).await, Err("token_signature"), "the key is known");
    files.keys("1");
    assert!(gate.refresh().unwrap(), "or when it is time");
    assert_eq!(asked(&gate, TOKEN).await, Err("token_key"));
}

#[tokio::test]
async fn what_was_good_stays_until_there_is_something_better() {
    let files = Files::new();
    let gate = files.gate(false);
    assert_eq!(asked(&gate, b"Bearer test").await, Err("token_malformed"));
    files.policy(&format!("tokens: [{KNOWN}]"));
    assert!(gate.refresh().unwrap() && !gate.refresh().unwrap());
    assert_eq!(asked(&gate, b"Bearer test").await, Ok(Some("n".to_owned())));
    files.policy("tokens: [");
    assert!(matches!(gate.refresh(), Err(AccessError::Policy { .. })));
    fs::write(files.0.path().join("keys"), "{}").unwrap();
    files.policy("");
    assert!(matches!(gate.refresh(), Err(AccessError::Keys { .. })));
    fs::remove_file(files.0.path().join("policy")).unwrap();
    assert!(matches!(gate.refresh(), Err(AccessError::File(_))));
    assert_eq!(asked(&gate, b"Bearer test").await, Ok(Some("n".to_owned())));
}

#[tokio::test]
async fn a_permissive_gate_counts_and_refuses_none() {
    let files = Files::new();
    let gate = files.gate(true);
    assert_eq!(asked(&gate, b"Bearer x").await, Ok(None));
    assert_eq!(gate.metrics.callers.get("query", "token_malformed"), 1);
    let refused = gate.permit(Port::Query, Err(Refusal::Header), 7);
    assert_eq!((refused, gate.metrics.times_limited(Limit::Caller)), (Ok(7), 0));
    let strict = files.gate(false);
    assert!(strict.permit(Port::Query, Err(Refusal::Header), 7).is_err());
    assert_eq!(strict.metrics.times_limited(Limit::Caller), 1);
}

#[tokio::test]
async fn an_empty_policy_counts_when_it_is_still_empty() {
    let files = Files::new();
    files.policy(&format!("tokens: [{KNOWN}]"));
    let gate = files.gate(false);
    let known = Ok(Some("n".to_owned()));
    assert_eq!(asked(&gate, b"Bearer test").await, known);
    let policy = files.0.path().join("policy");
    fs::write(&policy, "").unwrap();
    assert!(!gate.refresh().unwrap(), "it may be being written");
    assert_eq!(asked(&gate, b"Bearer test").await, known);
    files.policy(&format!("tokens: [{KNOWN}] # written"));
    assert!(!gate.refresh().unwrap(), "another text that says the same");
    fs::write(&policy, "").unwrap();
    gate.refresh().unwrap();
    assert!(gate.refresh().unwrap(), "it is empty");
    assert!(asked(&gate, b"Bearer test").await.is_err());
}
