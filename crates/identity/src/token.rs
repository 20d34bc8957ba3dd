//! Tokens of ServiceAccounts, checked without asking the cluster: signed by a key of an issuer that is
//! known, made for this audience, of now.
//!
//! A token is a JSON Web Token in its compact form (RFC 7515): header, claims and signature in
//! base64url, dots between them. What a header says of the algorithm is compared with what the key is
//! for, never the other way round.

mod jwks;
mod signature;
mod source;

pub use jwks::{KeySet, KeySetError};
pub use source::{FetchError, KeySource, KeyUrl, PATIENCE};

use crate::identity::Account;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use signature::Algorithm;

/// A longer token is not looked at: those of Kubernetes have about 1 KB.
pub const LONGEST_TOKEN: usize = 8 << 10;
/// Clocks may be apart by so many seconds.
const LEEWAY: u64 = 60;

/// Who signs tokens, as the policy names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Issuer {
    /// What `iss` must be.
    pub issuer: String,
    /// What must be in `aud`.
    pub audience: String,
    /// What its cluster is called.
    pub cluster: String,
    /// Its keys.
    pub keys: KeySet,
}

/// Why a token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Not looked at.
    #[error("the token is longer than {LONGEST_TOKEN} bytes")]
    TooLong,
    /// Not three parts of base64url, or not the JSON that they should be.
    #[error("the token cannot be read")]
    Malformed,
    /// Unsigned, or signed in a way that is not taken.
    #[error("the token is signed neither by RS256 nor by ES256")]
    Algorithm,
    /// Made by another issuer.
    #[error("the token's issuer is not known")]
    Issuer,
    /// The issuer has no such key, as far as is known.
    #[error("the token's key is not known")]
    Key,
    /// Not signed by that key.
    #[error("the token's signature is wrong")]
    Signature,
    /// Made for another receiver.
    #[error("the token is made for another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not begun.
    #[error("the token is not valid yet")]
    NotYet,
    /// It names no ServiceAccount.
    #[error("the token names no ServiceAccount")]
    Account,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    /// Extensions that must be understood; none is.
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    #[serde(default, rename = "kubernetes.io")]
    kubernetes: Kubernetes,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize, Default)]
struct Kubernetes {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    serviceaccount: Name,
    #[serde(default)]
    pod: Name,
}

#[derive(Deserialize, Default)]
struct Name {
    #[serde(default)]
    name: String,
}

impl Audience {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Audience::One(one) => one == wanted,
            Audience::Several(several) => several.iter().any(|one| one == wanted),
        }
    }
}

/// The ServiceAccount that a token was made for, as of `now` in seconds since 1970.
///
/// # Errors
/// Why the token does not count.
pub fn check(token: &str, issuers: &[Issuer], now: u64) -> Result<Account, TokenFault> {
    if token.len() > LONGEST_TOKEN {
        return Err(TokenFault::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
    let header: Header = part(header)?;
    let algorithm = Algorithm::named(&header.alg).ok_or(TokenFault::Algorithm)?;
    if header.crit.is_some() {
        return Err(TokenFault::Malformed);
    }
    let claims: Claims = part(claims)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenFault::Malformed)?;
    let issuer = issuers.iter().find(|own| own.issuer == claims.iss).ok_or(TokenFault::Issuer)?;
    let key = issuer.keys.key(&header.kid, algorithm).ok_or(TokenFault::Key)?;
    if !key.signed(signed.as_bytes(), &signature) {
        return Err(TokenFault::Signature);
    }
    if !claims.aud.has(&issuer.audience) {
        return Err(TokenFault::Audience);
    }
    if now >= claims.exp.saturating_add(LEEWAY) {
        return Err(TokenFault::Expired);
    }
    if now.saturating_add(LEEWAY) < claims.nbf {
        return Err(TokenFault::NotYet);
    }
    let Kubernetes { namespace, serviceaccount, pod } = claims.kubernetes;
    let account = Account::checked(&issuer.cluster, &namespace, &serviceaccount.name);
    Ok(Account { pod: pod.name, ..account.ok_or(TokenFault::Account)? })
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, TokenFault> {
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenFault::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenFault::Malformed)
}

#[cfg(test)]
mod tests;
