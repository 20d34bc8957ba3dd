//! What a server answers instead of doing what it was asked for, in one line. Decisions, no I/O.
//!
//! S3's interface, Google's and Azure's answer errors with XML of one shape, `<Error><Code>…</Code>
//! <Message>…</Message></Error>` (S3 API reference, "REST error responses"; Azure, "Status and error
//! codes"). To HEAD there is no body, and the code is in a header, if anywhere.

use std::fmt;

/// Of an answer's text no more is kept.
const LONGEST: usize = 300;

/// Codes of S3's that come with 400 and say that the same request may do later.
const AGAIN: [&str; 8] = [
    "BadDigest",
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "XAmzContentSHA256Mismatch",
];

/// Codes of S3's that come with 400 and speak of credentials.
const OF_CREDENTIALS: [&str; 4] =
    ["ExpiredToken", "InvalidToken", "RequestExpired", "TokenRefreshRequired"];

/// An answer that trying again does not change.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub(crate) struct Answer {
    /// HTTP's status.
    pub(crate) status: u16,
    /// The server's code for it, such as `NoSuchBucket`; empty when it gives none.
    pub(crate) code: String,
    /// What the server says, in one line.
    pub(crate) message: String,
    /// Where the bucket is, if the server tells: a host.
    pub(crate) endpoint: Option<String>,
    /// In which region the bucket is, if the server tells.
    pub(crate) region: Option<String>,
}

/// A server that was not spoken to, and will not be until an operator changes something: it speaks no
/// TLS, or its certificate is not trusted.
#[derive(Debug, thiserror::Error)]
#[error("no TLS that is trusted: {0}")]
pub(crate) struct NotTrusted(pub(crate) String);

/// What of an answer's headers says why.
#[derive(Debug, Default)]
pub(crate) struct Hints<'a> {
    /// `Location`.
    pub(crate) location: Option<&'a str>,
    /// `x-amz-bucket-region`.
    pub(crate) region: Option<&'a str>,
    /// The code where there is no body: `x-ms-error-code`, `x-minio-error-code`.
    pub(crate) code: Option<&'a str>,
}

impl Answer {
    /// Reads an answer that is no success: its status, its headers, and (the beginning of) its body.
    pub(crate) fn read(status: u16, hints: &Hints<'_>, body: &str) -> Answer {
        let found = |tag| element(body, tag).map(line).filter(|text| !text.is_empty());
        let is_error = element(body, "Code").is_some();
        let location = hints.location.and_then(host).map(line);
        Answer {
            status,
            code: found("Code").or_else(|| hints.code.map(line)).unwrap_or_default(),
            message: match is_error {
                true => found("Message").unwrap_or_default(),
                false => line(&without_tags(body)),
            },
            endpoint: found("Endpoint").or(location).filter(|host| !host.is_empty()),
            region: hints.region.map(line).or_else(|| found("Region")).filter(|r| !r.is_empty()),
        }
    }

    /// Whether the same request will not do later either, until an operator changes something. What
    /// the client has kinds of its own for (401, 403, 404, 409, 412) is left to it.
    pub(crate) fn is_final(&self) -> bool {
        match self.status {
            304 | 401 | 403 | 404 | 408 | 409 | 412 | 425 | 429 => false,
            400 => !AGAIN.contains(&self.code.as_str()),
            300..=499 | 501 | 505 => true,
            _ => false,
        }
    }

    /// The same of a request for which the client has no kinds of its own, such as for a listing.
    pub(crate) fn is_final_without_kinds(&self) -> bool {
        matches!(self.status, 401 | 403 | 404) || self.is_final()
    }

    /// Whether it is the credentials that it says no to.
    pub(crate) fn is_denial(&self) -> bool {
        matches!(self.status, 401 | 403) || OF_CREDENTIALS.contains(&self.code.as_str())
    }

    /// Code and message, for an error that tells the status itself.
    pub(crate) fn said(&self) -> String {
        let mut said = self.code.clone();
        for (before, text) in [
            ("", self.message.as_str()),
            ("its region is ", self.region.as_deref().unwrap_or_default()),
            ("its endpoint is ", self.endpoint.as_deref().unwrap_or_default()),
        ] {
            if !text.is_empty() {
                said += if said.is_empty() { "" } else { ": " };
                said += before;
                said += text;
            }
        }
        said
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.said();
        match said.is_empty() {
            true => write!(f, "the server answered {} and no word", self.status),
            false => write!(f, "the server answered {}: {said}", self.status),
        }
    }
}

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?']).next()
}

/// What stands between a tag and its end.
fn element<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, from) = text.split_once(&format!("<{tag}>"))?;
    let (inside, _) = from.split_once(&format!("</{tag}>"))?;
    Some(inside)
}

/// Text of a page that is no error of a store's: a proxy's, mostly.
fn without_tags(text: &str) -> String {
    let mut plain = String::new();
    for part in text.split('<') {
        plain.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        plain.push(' ');
    }
    plain
}

/// In one line, and no longer than is of use.
fn line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, rest: &str) -> String {
        format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code>{rest}</Error>")
    }

    #[test]
    fn answers_are_one_line_and_final_or_not() {
        let none = Hints::default;
        let moved = Hints {
            location: Some("http://b.s3.eu-central-1.amazonaws.com/k?x"),
            region: Some("eu-central-1"),
            code: None,
        };
        let wrong = "<Message>the region 'a' is wrong;\n expecting 'b'</Message><Region>b</Region>";
        let elsewhere = "<Endpoint>s3.b.amazonaws.com</Endpoint>";
        let table: [(u16, Hints<'_>, String, bool, &str); 17] = [
            (
                301,
                none(),
                error("PermanentRedirect", elsewhere),
                true,
                "PermanentRedirect: its endpoint is s3.b.amazonaws.com",
            ),
            (
                307,
                moved,
                String::new(),
                true,
                "its region is eu-central-1: its endpoint is b.s3.eu-central-1.amazonaws.com",
            ),
            (
                400,
                none(),
                error("AuthorizationHeaderMalformed", wrong),
                true,
                "AuthorizationHeaderMalformed: the region 'a' is wrong; expecting 'b': its region is b",
            ),
            (400, none(), error("RequestTimeout", ""), false, "RequestTimeout"),
            (400, none(), String::new(), true, ""),
            (
                400,
                Hints { code: Some("InvalidHeaderValue"), ..none() },
                String::new(),
                true,
                "InvalidHeaderValue",
            ),
            (
                403,
                none(),
                error("AccessDenied", "<Message>no</Message>"),
                false,
                "AccessDenied: no",
            ),
            (404, none(), error("NoSuchBucket", ""), false, "NoSuchBucket"),
            (405, none(), error("MethodNotAllowed", ""), true, "MethodNotAllowed"),
            (408, none(), String::new(), false, ""),
            (411, none(), error("MissingContentLength", ""), true, "MissingContentLength"),
            (412, none(), error("PreconditionFailed", ""), false, "PreconditionFailed"),
            (
                413,
                none(),
                "<html><body>\n<h1>Too\tlarge</h1></body></html>".into(),
                true,
                "Too large",
            ),
            (429, none(), "slow".into(), false, "slow"),
            (500, none(), "broken".into(), false, "broken"),
            (501, none(), error("NotImplemented", ""), true, "NotImplemented"),
            (503, none(), error("SlowDown", ""), false, "SlowDown"),
        ];
        for (status, hints, body, is_final, said) in table {
            let answer = Answer::read(status, &hints, &body);
            assert_eq!((answer.is_final(), answer.said().as_str()), (is_final, said), "{status}");
            let is_known = [401, 403, 404].contains(&status);
            assert_eq!(answer.is_final_without_kinds(), is_final || is_known, "{status}");
        }
    }

    #[test]
    fn an_answer_that_is_too_long_is_cut_between_characters() {
        let answer = Answer::read(502, &Hints::default(), &"é\n".repeat(10_000));
        assert_eq!(answer.said().chars().count(), LONGEST + 1);
        assert!(Answer::read(400, &Hints::default(), &error("ExpiredToken", "")).is_denial());
        assert!(!Answer::read(400, &Hints::default(), "").is_denial());
        assert!(Answer::read(403, &Hints::default(), "").is_denial());
    }
}
