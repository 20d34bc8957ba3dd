//! The Secret, as JSON of the API server's.

use super::plan::{Step, step};
use super::sign::{self, Authority, SignError};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// The authorities in a Secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) signs: Authority,
    next: Option<Authority>,
    old: Option<String>,
}

/// Why a Secret is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the Secret's {0} is missing or no text; delete the Secret if it may be made anew")]
    Key(&'static str),
    #[error("the Secret's authority cannot be used; delete the Secret if it may be made anew")]
    Authority(#[from] SignError),
}

impl Held {
    /// With a first authority.
    pub(super) fn first(now: u64) -> Result<Held, SignError> {
        Ok(Held { signs: sign::authority(now)?, next: None, old: None })
    }

    /// Reads them.
    pub(super) fn read(secret: &Value) -> Result<Held, SecretError> {
        let find = |key: &str| -> Option<String> {
            let text = secret.get("data")?.get(key)?.as_str()?;
            String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()
        };
        let key = |key: &'static str| find(key).ok_or(SecretError::Key(key));
        let next = find("next.crt").zip(find("next.key"));
        let signs = Authority { cert: key("ca.crt")?, key: key("ca.key")? };
        sign::made(&signs.cert)?;
        Ok(Held {
            signs,
            next: next.map(|(cert, key)| Authority { cert, key }),
            old: find("old.crt"),
        })
    }

    /// The Secret with these in it: a new one, or the one that was read.
    pub(super) fn write(&self, secret: &mut Value) {
        let encoded = |text: &str| json!(BASE64_STANDARD.encode(text));
        let mut data = match secret.get("data").and_then(Value::as_object) {
            Some(data) => data.clone(),
            None => Map::new(),
        };
        for key in ["next.crt", "next.key", "old.crt"] {
            data.remove(key);
        }
        data.insert("ca.crt".to_owned(), encoded(&self.signs.cert));
        data.insert("ca.key".to_owned(), encoded(&self.signs.key));
        if let Some(next) = &self.next {
            data.insert("next.crt".to_owned(), encoded(&next.cert));
            data.insert("next.key".to_owned(), encoded(&next.key));
        }
        if let Some(old) = &self.old {
            data.insert("old.crt".to_owned(), encoded(old));
        }
        if let Some(secret) = secret.as_object_mut() {
            secret.insert("data".to_owned(), Value::Object(data));
        }
    }

    /// What they are to be now; none if that is what they are.
    pub(super) fn turned(&self, now: u64) -> Result<Option<Held>, SignError> {
        let next = self.next.as_ref().map(|next| sign::made(&next.cert)).transpose()?;
        let step = step(Some(sign::made(&self.signs.cert)?), next, self.old.is_some(), now);
        let mut turned = self.clone();
        match step {
            Step::Keep | Step::First => return Ok(None),
            Step::Next => turned.next = Some(sign::authority(now)?),
            Step::Promote => {
                if let Some(next) = turned.next.take() {
                    turned.old = Some(std::mem::replace(&mut turned.signs, next).cert);
                }
            }
            Step::Forget => turned.old = None,
        }
        Ok(Some(turned))
    }

    /// All certificates of authorities, in PEM: the `caBundle`.
    pub(super) fn bundle(&self) -> String {
        let next = self.next.as_ref().map(|next| next.cert.as_str());
        let all = [Some(self.signs.cert.as_str()), next, self.old.as_deref()];
        all.into_iter().flatten().map(|cert| format!("{}\n", cert.trim_end())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn a_secret_is_read_as_it_was_written_through_a_whole_turn() {
        let made = 1_800_000_000;
        let mut secret = json!({"metadata": {"resourceVersion": "7"}, "data": {"mine": "YQ=="}});
        let first = Held::first(made).unwrap();
        first.write(&mut secret);
        assert!(Held::read(&secret).unwrap() == first);
        assert!(first.turned(made + DAY).unwrap().is_none());

        let turn = made + 3650 * DAY / 3 * 2;
        let second = first.turned(turn).unwrap().unwrap();
        assert!(second.signs == first.signs && second.bundle().matches("BEGIN").count() == 2);
        second.write(&mut secret);
        assert!(Held::read(&secret).unwrap() == second);

        let third = second.turned(turn + 3600).unwrap().unwrap();
        assert!(third.signs != first.signs && third.bundle().contains(first.signs.cert.trim_end()));
        third.write(&mut secret);
        assert!(Held::read(&secret).unwrap() == third);
        assert!(secret["data"].get("next.key").is_none());

        let fourth = third.turned(turn + 9 * DAY).unwrap().unwrap();
        fourth.write(&mut secret);
        assert_eq!(fourth.bundle().matches("BEGIN").count(), 1);
        assert_eq!(
            (&secret["data"]["mine"], secret["data"].get("old.crt")),
            (&json!("YQ=="), None)
        );
    }

    #[test]
    fn what_is_no_such_secret_is_told() {
        let data = |data: Value| json!({"data": data});
        for secret in [
            json!(null),
            data(json!({})),
            data(json!({"ca.crt": "!", "ca.key": "YQ=="})),
            data(json!({"ca.crt": "YQ==", "ca.key": "YQ=="})),
        ] {
            assert!(Held::read(&secret).is_err(), "{secret}");
        }
    }
}
