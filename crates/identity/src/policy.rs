//! The policy's file: whose tokens count, which tenants an identity has, which ingesters are peers.
//!
//! ```yaml
//! issuers:            # whose ServiceAccounts' tokens count
//!   - issuer: https://kubernetes.default.svc.cluster.local
//!     jwks: /etc/tributary/jwks.json
//!     cluster: main           # what rules call it; empty if not given
//!     audience: tributary     # if not given
//!   - issuer: https://other.example
//!     jwks: https://other.example/openid/v1/jwks
//!     jwks_ca: /etc/tributary/other-ca.crt        # the system's if not given
//!     jwks_token: /var/run/tributary/other-token  # shown to it
//! rules:              # first match wins; without any: [{tenants: ["{namespace}"]}]
//!   - {namespace: "pay-*", account: "*", cluster: "*", tenants: [pay]}
//!   - {name: "*.lab.example", tenants: [lab]}      # certificates made out to hosts
//! tokens:             # for what is not in Kubernetes: by sha256, in hex
//!   - {name: grafana, sha256: 9f86…, tenants: ["*"]}
//! peers:              # the other ingesters
//!   - {namespace: tracing, account: tributary-ingester}
//! ```

mod yaml;

use crate::rules::{Allowed, Pattern, Rule, Who};
use crate::token::{KeySource, KeyUrl};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use std::path::PathBuf;

/// All that the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whose tokens count.
    pub issuers: Vec<IssuerEntry>,
    /// Which tenants an identity has.
    pub rules: Vec<Rule>,
    /// Tokens that are known by their hash.
    pub tokens: Vec<KnownToken>,
    /// The other ingesters.
    pub peers: Vec<Who>,
}

/// An issuer of tokens, and where its keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerEntry {
    /// What `iss` must be.
    pub issuer: String,
    /// Where its keys are.
    pub keys: KeySource,
    /// What its cluster is called.
    pub cluster: String,
    /// What must be in `aud`.
    pub audience: String,
}

/// What must be in `aud` where the policy does not say it.
const AUDIENCE: &str = "tributary";

/// A token that is known by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownToken {
    /// Whose it is.
    pub name: String,
    sha256: [u8; 32],
    /// What it may name.
    pub allowed: Allowed,
}

/// Why a text is no policy.
#[derive(Debug, thiserror::Error)]
#[error("no policy: {0}")]
pub struct PolicyError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    issuers: Vec<IssuerFields>,
    #[serde(default)]
    rules: Option<Vec<RuleEntry>>,
    #[serde(default)]
    tokens: Vec<TokenEntry>,
    #[serde(default)]
    peers: Vec<WhoEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerFields {
    issuer: String,
    jwks: String,
    jwks_ca: Option<PathBuf>,
    jwks_token: Option<PathBuf>,
    cluster: Option<String>,
    audience: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    name: Option<String>,
    namespace: Option<String>,
    account: Option<String>,
    cluster: Option<String>,
    tenants: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhoEntry {
    name: Option<String>,
    namespace: Option<String>,
    account: Option<String>,
    cluster: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenEntry {
    name: String,
    sha256: String,
    tenants: Vec<String>,
}

impl Policy {
    /// Reads a policy; JSON is YAML, too. What depends on other files is not looked at.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Policy, PolicyError> {
        let value = yaml::read(text).map_err(PolicyError)?;
        let file: File =
            serde_json::from_value(value).map_err(|why| PolicyError(why.to_string()))?;
        let everything = || RuleEntry {
            name: None,
            namespace: None,
            account: None,
            cluster: None,
            tenants: vec!["{namespace}".to_owned()],
        };
        let rules = file.rules.unwrap_or_else(|| vec![everything()]);
        Ok(Policy {
            issuers: file.issuers.into_iter().map(IssuerFields::entry).collect::<Result<_, _>>()?,
            rules: rules.into_iter().map(RuleEntry::rule).collect::<Result<_, _>>()?,
            tokens: file.tokens.into_iter().map(TokenEntry::token).collect::<Result<_, _>>()?,
            peers: file.peers.into_iter().map(WhoEntry::who).collect::<Result<_, _>>()?,
        })
    }

    /// The token with this text, if it is known. Takes as long for one as for another: all hashes are
    /// compared, each to its end.
    pub fn token(&self, text: &str) -> Option<&KnownToken> {
        let hash = digest(&SHA256, text.as_bytes());
        let mut found = None;
        for known in &self.tokens {
            let differs =
                known.sha256.iter().zip(hash.as_ref()).fold(0, |differs, (a, b)| differs | (a ^ b));
            if std::hint::black_box(differs) == 0 {
                found = Some(known);
            }
        }
        found
    }
}

impl IssuerFields {
    fn entry(self) -> Result<IssuerEntry, PolicyError> {
        let IssuerFields { issuer, jwks, jwks_ca: ca, jwks_token: token, cluster, audience } = self;
        let wrong = |why: &str| PolicyError(format!("issuer {issuer}: jwks: {why}"));
        let keys = match jwks.split_once("://") {
            Some(("https", _)) => {
                let url = jwks.parse::<http::Uri>().map_err(|why| wrong(&why.to_string()))?;
                KeySource::Url(KeyUrl { url, ca, token })
            }
            // Who stands between could make tokens.
            Some(_) => return Err(wrong("an address must begin with https://")),
            None if ca.is_some() || token.is_some() => {
                return Err(wrong("jwks_ca and jwks_token are for an address, and this is a file"));
            }
            None => KeySource::File(PathBuf::from(jwks)),
        };
        Ok(IssuerEntry {
            issuer,
            keys,
            cluster: cluster.unwrap_or_default(),
            audience: audience.unwrap_or_else(|| AUDIENCE.to_owned()),
        })
    }
}

impl WhoEntry {
    fn who(self) -> Result<Who, PolicyError> {
        let given = [&self.namespace, &self.account, &self.cluster];
        if self.name.is_some() && given.iter().any(|part| part.is_some()) {
            let why = "what has a `name` has neither `namespace`, `account` nor `cluster`";
            return Err(PolicyError(why.to_owned()));
        }
        let part = |text: Option<String>| Pattern::new(text.unwrap_or_else(|| "*".to_owned()));
        Ok(match self.name {
            Some(name) => Who::Named(Pattern::new(name)),
            None => Who::Account {
                namespace: part(self.namespace),
                account: part(self.account),
                cluster: part(self.cluster),
            },
        })
    }
}

impl RuleEntry {
    fn rule(self) -> Result<Rule, PolicyError> {
        let RuleEntry { name, namespace, account, cluster, tenants } = self;
        let who = WhoEntry { name, namespace, account, cluster }.who()?;
        some_tenants(&tenants)?;
        for name in tenants.iter().flat_map(|tenant| tenant.split('{').skip(1)) {
            let known = ["namespace}", "account}", "cluster}"];
            if matches!(who, Who::Named(_)) || !known.iter().any(|own| name.starts_with(own)) {
                let why = "`{`: only {namespace}, {account} and {cluster} of accounts are known";
                return Err(PolicyError(why.to_owned()));
            }
        }
        Ok(Rule { who, tenants })
    }
}

impl TokenEntry {
    fn token(self) -> Result<KnownToken, PolicyError> {
        some_tenants(&self.tenants)?;
        let wrong = || PolicyError(format!("token {}: sha256 is not 64 digits of hex", self.name));
        let mut sha256 = [0; 32];
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        for (byte, at) in sha256.iter_mut().zip((0..64).step_by(2)) {
            let digits = self.sha256.get(at..at + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(KnownToken { name: self.name, sha256, allowed: Allowed::new(self.tenants) })
    }
}

fn some_tenants(tenants: &[String]) -> Result<(), PolicyError> {
    match tenants.is_empty() || tenants.iter().any(String::is_empty) {
        true => Err(PolicyError("`tenants` names none".to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "issuers: [{issuer: i, jwks: /k}]\n";
    /// Of "test".
    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn what_is_not_said_has_defaults() {
        let policy = Policy::read(ISSUER).unwrap();
        assert_eq!((&*policy.issuers[0].audience, &*policy.issuers[0].cluster), ("tributary", ""));
        assert_eq!(policy.rules[0].tenants, ["{namespace}"]);
        assert_eq!((policy.tokens.len(), policy.peers.len()), (0, 0));
        assert_eq!(Policy::read("rules: []").unwrap().rules, [], "none were asked for");
    }

    #[test]
    fn the_example_is_read() {
        let example = include_str!("policy.rs").lines().skip_while(|l| *l != "//! ```yaml");
        let lines = example.skip(1).take_while(|l| *l != "//! ```");
        let text: String = lines.map(|l| format!("{}\n", l.trim_start_matches("//! "))).collect();
        let policy = Policy::read(&text.replace("9f86…", HASH)).unwrap();
        assert_eq!((policy.issuers.len(), policy.rules.len(), policy.peers.len()), (2, 2, 1));
        assert_eq!(policy.issuers[0].keys, KeySource::File("/etc/tributary/jwks.json".into()));
        let KeySource::Url(KeyUrl { url, ca, token }) = &policy.issuers[1].keys else { panic!() };
        assert_eq!(url.host(), Some("other.example"));
        assert!(ca.is_some() && token.is_some());
        assert_eq!(policy.token("test").map(|token| &*token.name), Some("grafana"));
        assert_eq!(policy.token("Test"), None);
        assert_eq!(policy.token(""), None);
    }

    #[test]
    fn mistakes_are_told() {
        let table = [
            ("rule: []", "unknown field `rule`"),
            ("issuers: [{issuer: i}]", "missing field `jwks`"),
            (
                "issuers: [{issuer: i, jwks: 'http://a/b'}]",
                "issuer i: jwks: an address must begin with https://",
            ),
            ("issuers: [{issuer: i, jwks: 'https://a b'}]", "issuer i: jwks: invalid uri"),
            ("issuers: [{issuer: i, jwks: /a, jwks_ca: /b}]", "and this is a file"),
            ("rules: [{namespace: a}]", "missing field `tenants`"),
            ("rules: [{tenants: []}]", "names none"),
            ("rules: [{tenants: ['']}]", "names none"),
            ("rules: [{tenants: ['{pod}']}]", "only {namespace}"),
            ("rules: [{name: a, tenants: ['{namespace}']}]", "only {namespace}"),
            ("rules: [{name: a, account: b, tenants: [c]}]", "has neither"),
            ("tokens: [{name: a, sha256: 12, tenants: [b]}]", "token a: sha256"),
            ("tokens: [{name: a, sha256: ÄÄ, tenants: [b]}]", "token a: sha256"),
            ("peers: [{tenants: [b]}]", "unknown field `tenants`"),
            ("- a", "invalid type"),
            ("a: [", "no policy"),
        ];
        for (text, expected) in table {
            let told = Policy::read(text).unwrap_err().to_string();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
