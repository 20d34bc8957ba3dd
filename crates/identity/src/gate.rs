//! The decision: what a caller shows, what is known, and what follows.

use crate::certificate::{self, CertificateFault};
use crate::identity::Identity;
use crate::policy::Policy;
use crate::rules::{self, Allowed};
use crate::token::{self, Issuer, TokenFault};

/// What a caller must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Auth {
    /// Nothing.
    #[default]
    None,
    /// A token.
    Token,
    /// A certificate.
    Certificate,
    /// One of the two; the token counts where both are shown.
    Either,
}

/// What a caller shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'c> {
    /// The value of its header `authorization`, or gRPC's metadata of that name.
    pub authorization: Option<&'c [u8]>,
    /// The certificate of its connection, as DER.
    pub certificate: Option<&'c [u8]>,
}

/// What is known: the policy with the keys of its issuers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The policy.
    pub policy: Policy,
    /// Its issuers, with their keys.
    pub issuers: Vec<Issuer>,
}

/// A caller whose word was checked, and which tenants it may name. None: no rule is about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is.
    pub identity: Identity,
    /// What it may name.
    pub allowed: Option<Allowed>,
}

/// Why a caller is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It shows nothing that could be checked.
    #[error("{0}")]
    Missing(&'static str),
    /// Its header is none with a bearer's token.
    #[error("`authorization` must be `Bearer` and a token")]
    Header,
    /// Its token does not count.
    #[error("{0}")]
    Token(#[from] TokenFault),
    /// Its certificate names no identity.
    #[error("{0}")]
    Certificate(#[from] CertificateFault),
    /// No rule is about it.
    #[error("no rule gives {0} a tenant")]
    Rule(String),
    /// It names a tenant that it may not name.
    #[error("{identity} may name the tenants {allowed}, not {asked}")]
    Tenant {
        /// Who it is.
        identity: String,
        /// What it may name.
        allowed: String,
        /// What it named.
        asked: String,
    },
    /// It is no ingester of this cluster.
    #[error("{0} is none of the peers")]
    Peer(String),
}

impl Refusal {
    /// All labels.
    pub const REASONS: [&'static str; 16] = [
        "missing",
        "header",
        "token_long",
        "token_malformed",
        "token_algorithm",
        "token_issuer",
        "token_key",
        "token_signature",
        "token_audience",
        "token_expired",
        "token_not_yet",
        "token_account",
        "certificate",
        "rule",
        "tenant",
        "peer",
    ];

    /// Its label.
    pub fn reason(&self) -> &'static str {
        match self {
            Refusal::Missing(_) => "missing",
            Refusal::Header => "header",
            Refusal::Token(fault) => match fault {
                TokenFault::TooLong => "token_long",
                TokenFault::Malformed => "token_malformed",
                TokenFault::Algorithm => "token_algorithm",
                TokenFault::Issuer => "token_issuer",
                TokenFault::Key => "token_key",
                TokenFault::Signature => "token_signature",
                TokenFault::Audience => "token_audience",
                TokenFault::Expired => "token_expired",
                TokenFault::NotYet => "token_not_yet",
                TokenFault::Account => "token_account",
            },
            Refusal::Certificate(_) => "certificate",
            Refusal::Rule(_) => "rule",
            Refusal::Tenant { .. } => "tenant",
            Refusal::Peer(_) => "peer",
        }
    }

    /// Whether it is known who calls, and this one may not; else it is not known.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Refusal::Rule(_) | Refusal::Tenant { .. } | Refusal::Peer(_))
    }
}

/// Who calls, as of `now` in seconds since 1970. None where nothing need be shown.
///
/// # Errors
/// Why it is not known.
pub fn identify(
    auth: Auth,
    known: &Known,
    shown: Shown<'_>,
    now: u64,
) -> Result<Option<Caller>, Refusal> {
    let (tokens, certificates) = match auth {
        Auth::None => return Ok(None),
        Auth::Token => (true, false),
        Auth::Certificate => (false, true),
        Auth::Either => (true, true),
    };
    if tokens && let Some(header) = shown.authorization {
        return by_token(known, header, now).map(Some);
    }
    if certificates && let Some(certificate) = shown.certificate {
        let identity = certificate::identity(certificate)?;
        let allowed = rules::allowed(&known.policy.rules, &identity);
        return Ok(Some(Caller { identity, allowed }));
    }
    Err(Refusal::Missing(match auth {
        Auth::Token => "no token: `authorization` is missing",
        Auth::Certificate => "no certificate: the connection has none",
        _ => "neither a token nor a certificate",
    }))
}

fn by_token(known: &Known, header: &[u8], now: u64) -> Result<Caller, Refusal> {
    let text = std::str::from_utf8(header).map_err(|_| Refusal::Header)?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(Refusal::Header)?;
    let token = token.trim_start();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::Header);
    }
    if token.len() > token::LONGEST_TOKEN {
        return Err(TokenFault::TooLong.into());
    }
    if let Some(own) = known.policy.token(token) {
        let identity = Identity::Named(own.name.clone());
        return Ok(Caller { identity, allowed: Some(own.allowed.clone()) });
    }
    let identity = Identity::Account(token::check(token, &known.issuers, now)?);
    let allowed = rules::allowed(&known.policy.rules, &identity);
    Ok(Caller { identity, allowed })
}

impl Caller {
    /// The tenant that it writes: the only one that it may name, whatever it says; else the one that
    /// it says.
    ///
    /// # Errors
    /// When it may not name that one, or none at all.
    pub fn writes<'t>(&'t self, asked: &'t str) -> Result<&'t str, Refusal> {
        let allowed = self.allowed()?;
        match allowed.only() {
            Some(only) => Ok(only),
            None if allowed.has(asked) => Ok(asked),
            None => Err(self.may_not(allowed, asked)),
        }
    }

    /// The only tenant that it may name, if there is one alone: that is the one of all its spans.
    ///
    /// # Errors
    /// When there is no rule for it.
    pub fn only_tenant(&self) -> Result<Option<&str>, Refusal> {
        self.allowed().map(Allowed::only)
    }

    /// The header `X-Scope-OrgID` that it reads by: the one that it sends, if it may name all tenants
    /// in it (with `|` between them); without one the only tenant that it may name.
    ///
    /// # Errors
    /// When it may not name one of them, or none at all.
    pub fn reads<'t>(&'t self, asked: Option<&'t str>) -> Result<Option<&'t str>, Refusal> {
        let allowed = self.allowed()?;
        match asked.filter(|asked| !asked.is_empty()) {
            None => Ok(allowed.only()),
            Some(asked) => match asked.split('|').find(|one| !allowed.has(one)) {
                None => Ok(Some(asked)),
                Some(one) => Err(self.may_not(allowed, one)),
            },
        }
    }

    /// Whether it is another ingester.
    ///
    /// # Errors
    /// When it is not.
    pub fn is_peer(&self, policy: &Policy) -> Result<(), Refusal> {
        match policy.peers.iter().any(|who| who.is(&self.identity)) {
            true => Ok(()),
            false => Err(Refusal::Peer(self.identity.to_string())),
        }
    }

    fn allowed(&self) -> Result<&Allowed, Refusal> {
        self.allowed.as_ref().ok_or_else(|| Refusal::Rule(self.identity.to_string()))
    }

    fn may_not(&self, allowed: &Allowed, asked: &str) -> Refusal {
        let (identity, allowed) = (self.identity.to_string(), allowed.to_string());
        // It comes from outside, and is told back and logged.
        let asked = asked.chars().take(150).flat_map(char::escape_debug).collect();
        Refusal::Tenant { identity, allowed, asked }
    }
}

#[cfg(test)]
mod tests;
