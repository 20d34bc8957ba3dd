//! What signs ServiceAccounts' tokens, as an API server does.

use anyhow::{Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::time::SystemTime;

/// Its name.
pub(crate) const ISSUER: &str = "https://issuer.test";

/// One of its keys.
pub(crate) struct Key {
    id: &'static str,
    pair: EcdsaKeyPair,
}

impl Key {
    pub(crate) fn new(id: &'static str) -> Result<Key> {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random);
        let made = made.map_err(|error| anyhow!("{error}"))?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random);
        Ok(Key { id, pair: pair.map_err(|error| anyhow!("{error}"))? })
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |from: usize| BASE64.encode(point.get(from..from + 32).unwrap_or_default());
        json!({"kty": "EC", "crv": "P-256", "kid": self.id, "x": part(1), "y": part(33)})
    }

    /// A token for an account, valid for so many seconds from now.
    pub(crate) fn token(&self, namespace: &str, account: &str, seconds: i64) -> Result<String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let claims = json!({
            "iss": ISSUER, "aud": ["tributary"], "exp": now.saturating_add_signed(seconds), "nbf": now,
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": account}},
        });
        let header = json!({"alg": "ES256", "kid": self.id});
        let signed =
            format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map_err(|error| anyhow!("{error}"))?;
        Ok(format!("{signed}.{}", BASE64.encode(signature)))
    }
}

/// The key set of these.
pub(crate) fn jwks(keys: &[&Key]) -> String {
    json!({ "keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>() }).to_string()
}
