//! The keys that an issuer signs with: a JSON Web Key Set (RFC 7517).

use super::signature::{Algorithm, PublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Keys of one issuer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet(Vec<(String, PublicKey)>);

/// The text is no key set.
#[derive(Debug, thiserror::Error)]
#[error("no key set: {0}")]
pub struct KeySetError(String);

/// The most keys that one issuer may have.
const MOST_KEYS: usize = 64;

#[derive(Deserialize)]
struct Set {
    keys: Vec<Key>,
}

/// One key as it is written. What is not asked for here says nothing that counts.
#[derive(Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: String,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

impl KeySet {
    /// Reads a set. Keys of other kinds than RS256's and ES256's are left out.
    ///
    /// # Errors
    /// When it is no set, or none of its keys can be used.
    pub fn read(json: &[u8]) -> Result<KeySet, KeySetError> {
        let set: Set = serde_json::from_slice(json).map_err(|why| KeySetError(why.to_string()))?;
        if set.keys.len() > MOST_KEYS {
            return Err(KeySetError(format!("{} keys, at most {MOST_KEYS}", set.keys.len())));
        }
        let keys: Vec<_> = set.keys.into_iter().filter_map(usable).collect();
        match keys.is_empty() {
            true => Err(KeySetError("it has no key for RS256 or ES256".to_owned())),
            false => Ok(KeySet(keys)),
        }
    }

    /// Whether there are none, as before any were read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key with this id, for this algorithm.
    pub(super) fn key(&self, id: &str, algorithm: Algorithm) -> Option<&PublicKey> {
        let found = self.0.iter().find(|(own, key)| own == id && key.algorithm() == algorithm);
        found.map(|(_, key)| key)
    }
}

fn usable(key: Key) -> Option<(String, PublicKey)> {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| !bytes.is_empty());
    if key.kid.is_empty() || key.purpose.is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let public = match (key.kty.as_str(), key.crv.as_str()) {
        ("RSA", _) => PublicKey::Rsa { n: bytes(&key.n)?, e: bytes(&key.e)? },
        ("EC", "P-256") => {
            let (x, y) = (bytes(&key.x)?, bytes(&key.y)?);
            if (x.len(), y.len()) != (32, 32) {
                return None;
            }
            PublicKey::P256([vec![4], x, y].concat())
        }
        _ => return None,
    };
    let fits = |alg: String| Algorithm::named(&alg) == Some(public.algorithm());
    key.alg.is_none_or(fits).then_some((key.kid, public))
}
