use super::*;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

/// When everything here happens.
const NOW: u64 = 1_795_400_000;

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Something that signs.
enum Signer {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

fn p256() -> Signer {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random);
    Signer::P256(pair.unwrap())
}

/// A key made for this test alone: ring makes none of this kind.
fn rsa() -> Signer {
    let key = PrivatePkcs8KeyDer::from_pem_slice(include_bytes!("tests/rsa.pem")).unwrap();
    Signer::Rsa(RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap())
}

impl Signer {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Signer::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    fn jwk(&self, id: &str) -> Value {
        match self {
            Signer::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256",
                    "x": encoded(x), "y": encoded(y)})
            }
            Signer::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } = pair.public().into();
                let (n, e): (Vec<u8>, Vec<u8>) = (n, e);
                json!({"kty": "RSA", "kid": id, "n": encoded(n), "e": encoded(e)})
            }
        }
    }
}

/// A token of these parts.
fn token(signer: &Signer, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    let signature = encoded(signer.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// What Kubernetes puts in, by the letter.
fn claims() -> Value {
    json!({
        "aud": ["tributary"], "exp": NOW + 3600, "iat": NOW - 7, "nbf": NOW - 7, "jti": "x",
        "iss": "https://main", "sub": "system:serviceaccount:pay-eu:checkout",
        "kubernetes.io": {
            "namespace": "pay-eu",
            "node": {"name": "n1", "uid": "u1"},
            "pod": {"name": "checkout-1", "uid": "u2"},
            "serviceaccount": {"name": "checkout", "uid": "u3"},
        },
    })
}

fn with(key: &str, value: Value) -> Value {
    let mut changed = claims();
    changed[key] = value;
    changed
}

fn without(key: &str) -> Value {
    let mut changed = claims();
    changed.as_object_mut().unwrap().remove(key);
    changed
}

fn issuer(name: &str, cluster: &str, keys: &[Value]) -> Issuer {
    let keys = KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    let own = str::to_owned;
    Issuer { issuer: own(name), audience: own("tributary"), cluster: own(cluster), keys }
}

#[test]
fn a_good_token_names_its_account() {
    for (alg, signer) in [("ES256", p256()), ("RS256", rsa())] {
        let issuers = [
            issuer("https://other", "other", &[p256().jwk("k")]),
            issuer("https://main", "main", &[p256().jwk("j"), signer.jwk("k")]),
        ];
        let header = json!({"alg": alg, "kid": "k", "typ": "JWT"});
        let good = check(&token(&signer, &header, &claims()), &issuers, NOW).unwrap();
        let own = str::to_owned;
        let expected = Account {
            cluster: own("main"),
            namespace: own("pay-eu"),
            account: own("checkout"),
            pod: own("checkout-1"),
        };
        assert_eq!(good, expected, "{alg}");
        let single = with("aud", json!("tributary"));
        check(&token(&signer, &header, &single), &issuers, NOW).unwrap();
    }
}

#[test]
fn claims_are_held_against_what_is_expected() {
    use TokenFault::*;
    let signer = p256();
    let issuers = [issuer("https://main", "main", &[signer.jwk("k")])];
    let header = json!({"alg": "ES256", "kid": "k"});
    let kubernetes = |namespace: &str, account: &str| json!({"namespace": namespace, "serviceaccount": {"name": account}});
    let table = [
        (claims(), Ok(())),
        (with("exp", json!(NOW - 59)), Ok(())),
        (with("exp", json!(NOW - 60)), Err(Expired)),
        (with("exp", json!(0)), Err(Expired)),
        (with("exp", json!(u64::MAX)), Ok(())),
        (with("exp", json!("soon")), Err(Malformed)),
        (with("exp", json!(-1)), Err(Malformed)),
        (without("exp"), Err(Malformed)),
        (with("nbf", json!(NOW + 60)), Ok(())),
        (with("nbf", json!(NOW + 61)), Err(NotYet)),
        (without("nbf"), Ok(())),
        (with("aud", json!(["kubernetes", "tributary"])), Ok(())),
        (with("aud", json!(["kubernetes"])), Err(Audience)),
        (with("aud", json!("tributary2")), Err(Audience)),
        (with("aud", json!([])), Err(Audience)),
        (without("aud"), Err(Malformed)),
        (with("iss", json!("https://main/")), Err(Issuer)),
        (with("iss", json!("")), Err(Issuer)),
        (without("iss"), Err(Malformed)),
        (without("kubernetes.io"), Err(Account)),
        (with("kubernetes.io", kubernetes("pay-eu", "")), Err(Account)),
        (with("kubernetes.io", kubernetes("", "a")), Err(Account)),
        (with("kubernetes.io", kubernetes("*", "a")), Err(Account)),
        (with("kubernetes.io", kubernetes("a/b", "a")), Err(Account)),
        (with("kubernetes.io", kubernetes("a", "{namespace}")), Err(Account)),
        (json!([]), Err(Malformed)),
        (json!("x"), Err(Malformed)),
    ];
    for (claims, expected) in table {
        let got = check(&token(&signer, &header, &claims), &issuers, NOW).map(drop);
        assert_eq!(got, expected, "{claims}");
    }
}

#[test]
fn what_is_not_signed_by_the_issuers_key_does_not_count() {
    use TokenFault::*;
    let (own, stranger, rsa) = (p256(), p256(), rsa());
    let issuers = [
        issuer("https://main", "main", &[own.jwk("k"), rsa.jwk("r")]),
        issuer("https://other", "other", &[stranger.jwk("s")]),
    ];
    let header = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    let table = [
        (token(&stranger, &header("ES256", "k"), &claims()), Signature),
        (token(&stranger, &header("ES256", "s"), &claims()), Key),
        (token(&own, &header("ES256", "unknown"), &claims()), Key),
        (token(&own, &header("ES256", ""), &claims()), Key),
        (token(&own, &json!({"alg": "ES256"}), &claims()), Key),
        // The key is for one algorithm, whatever the token says.
        (token(&own, &header("RS256", "k"), &claims()), Key),
        (token(&rsa, &header("ES256", "r"), &claims()), Key),
        (token(&rsa, &header("ES256", "k"), &claims()), Signature),
        (token(&own, &header("HS256", "k"), &claims()), Algorithm),
        (token(&own, &header("none", "k"), &claims()), Algorithm),
        (token(&own, &header("None", "k"), &claims()), Algorithm),
        (token(&own, &header("RS512", "k"), &claims()), Algorithm),
        (token(&own, &header("es256", "k"), &claims()), Algorithm),
        (token(&own, &json!({"kid": "k"}), &claims()), Malformed),
        (token(&own, &json!({"alg": "ES256", "kid": "k", "crit": ["b64"]}), &claims()), Malformed),
    ];
    for (token, expected) in table {
        assert_eq!(check(&token, &issuers, NOW).map(drop), Err(expected), "{token}");
    }
    // Unsigned, with and without the algorithm that says so.
    let good = token(&own, &header("ES256", "k"), &claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    assert_eq!(check(&format!("{signed}."), &issuers, NOW), Err(Signature));
    let none = format!("{}.{}.", encoded(r#"{"alg":"none"}"#), encoded(claims().to_string()));
    assert_eq!(check(&none, &issuers, NOW), Err(Algorithm));
    // A public key as the secret of a symmetric algorithm.
    let keyed = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, rsa.jwk("r").to_string().as_bytes());
    let head = encoded(header("HS256", "r").to_string());
    let signed = format!("{head}.{}", encoded(claims().to_string()));
    let mac = encoded(ring::hmac::sign(&keyed, signed.as_bytes()));
    assert_eq!(check(&format!("{signed}.{mac}"), &issuers, NOW), Err(Algorithm));
}

#[test]
fn every_changed_letter_is_noticed() {
    let signer = p256();
    let issuers = [issuer("https://main", "main", &[signer.jwk("k")])];
    let good = token(&signer, &json!({"alg": "ES256", "kid": "k"}), &claims());
    for at in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(check(&changed, &issuers, NOW).is_err(), "{at}");
        assert!(good.get(..at).is_some_and(|cut| check(cut, &issuers, NOW).is_err()), "{at}");
    }
}

#[test]
fn garbage_is_malformed_and_what_is_too_long_is_not_looked_at() {
    for garbage in ["", ".", "..", "...", "a.b.c", "e30.e30.e30", "ä.ö.ü", "e30=.e30=.", "\u{0}"]
    {
        assert_eq!(check(garbage, &[], NOW), Err(TokenFault::Malformed), "{garbage:?}");
    }
    assert_eq!(check(&"a".repeat(LONGEST_TOKEN + 1), &[], NOW), Err(TokenFault::TooLong));
    let deep = encoded("[".repeat(4000));
    assert_eq!(check(&format!("{deep}.e30."), &[], NOW), Err(TokenFault::Malformed));
}

#[test]
fn key_sets() {
    let key = p256().jwk("k");
    let changed = |name: &str, value: Value| {
        let mut changed = key.clone();
        changed[name] = value;
        json!({ "keys": [changed] })
    };
    let table = [
        (json!({"keys": [key]}), true),
        (json!({"keys": [key, {"kty": "OKP", "kid": "x"}]}), true),
        (json!({"keys": []}), false),
        (json!({"keys": [{"kty": "oct", "kid": "x", "k": "AAAA"}]}), false),
        (json!({"keys": vec![key.clone(); MOST]}), false),
        (changed("use", json!("enc")), false),
        (changed("alg", json!("RS256")), false),
        (changed("alg", json!("none")), false),
        (changed("kid", json!("")), false),
        (changed("crv", json!("P-384")), false),
        (changed("x", json!("AAAA")), false),
        (changed("x", json!("=")), false),
        (json!({}), false),
        (json!([]), false),
    ];
    for (set, fine) in table {
        assert_eq!(KeySet::read(set.to_string().as_bytes()).is_ok(), fine, "{set}");
    }
    assert!(KeySet::read(b"\xff").is_err());
}

/// One more than there may be.
const MOST: usize = 65;
