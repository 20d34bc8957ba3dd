//! When a credential ends, read from the answer that brought it.
//!
//! | from | form |
//! |---|---|
//! | STS, `AssumeRoleWithWebIdentity` | XML, `<Expiration>` with an RFC 3339 time |
//! | EKS Pod Identity, tasks, metadata of EC2 | JSON, `"Expiration"` with an RFC 3339 time |
//! | metadata of Google, OAuth 2.0 (RFC 6749, 5.1) of Google and Azure | JSON, `"expires_in"`, seconds |
//! | metadata of Azure | JSON, `"expires_on"`, seconds since 1970; as text, beside an `expires_in` |

use chrono::DateTime;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// How much of its life is left to the credential in `body`, by this clock: zero when its end has
/// passed, `None` when `body` tells no end.
pub(super) fn left(body: &[u8], now: SystemTime) -> Option<Duration> {
    let text = std::str::from_utf8(body).ok()?;
    if text.trim_start().starts_with('<') {
        let (_, rest) = text.split_once("<Expiration>")?;
        return until(rest.split_once("</Expiration>")?.0, now);
    }
    let answer: Value = serde_json::from_str(text).ok()?;
    if let Some(time) = answer.get("Expiration").and_then(Value::as_str) {
        return until(time, now);
    }
    if let Some(seconds) = answer.get("expires_in").and_then(seconds) {
        return Some(Duration::from_secs(seconds));
    }
    let ends = Duration::from_secs(answer.get("expires_on").and_then(seconds)?);
    Some(ends.saturating_sub(now.duration_since(SystemTime::UNIX_EPOCH).ok()?))
}

/// A number, or the text of one.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn until(time: &str, now: SystemTime) -> Option<Duration> {
    let ends = SystemTime::from(DateTime::parse_from_rfc3339(time.trim()).ok()?);
    Some(ends.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_nothing_else_is() {
        // 2026-11-30T00:00:00Z
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_083_200 - 86_400 * 3);
        let iso = DateTime::<chrono::Utc>::from(now + Duration::from_secs(900));
        let (iso, past) = (iso.to_rfc3339(), "2001-01-01T00:00:00Z");
        let unix = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 77;
        let sts = |time: &str| {
            format!(
                "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
                 <Expiration>{time}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
                 </AssumeRoleWithWebIdentityResponse>"
            )
        };
        let table = [
            (sts(&iso), Some(900)),
            (format!("<?xml version=\"1.0\"?>\n{}", sts(&iso)), Some(900)),
            (sts(past), Some(0)),
            (sts("tomorrow"), None),
            (format!("{{\"AccessKeyId\":\"a\",\"Expiration\":\"{iso}\"}}"), Some(900)),
            (format!("{{\"Expiration\":\"{past}\"}}"), Some(0)),
            ("{\"access_token\":\"t\",\"expires_in\":3599}".to_owned(), Some(3599)),
            (format!("{{\"access_token\":\"t\",\"expires_on\":\"{unix}\"}}"), Some(77)),
            ("{\"expires_in\":\"55\",\"expires_on\":\"1\"}".to_owned(), Some(55)),
            ("{\"expires_in\":-1}".to_owned(), None),
            ("{\"access_token\":\"t\"}".to_owned(), None),
            // The metadata service's session token, a role's name, a token alone.
            ("AQAAAJ==".to_owned(), None),
            ("tributary-writer".to_owned(), None),
            (String::new(), None),
            ("<Expiration>".to_owned(), None),
        ];
        for (body, expected) in table {
            assert_eq!(left(body.as_bytes(), now).map(|l| l.as_secs()), expected, "{body}");
        }
        assert_eq!(left(b"\xff\xfe", now), None);
    }
}
