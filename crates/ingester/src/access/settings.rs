//! Who is let in: certificates, tokens, and the policy that says what follows.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use tributary_identity::Auth;
use tributary_identity::tls::{ClientFiles, ServerFiles, server_name};
use tributary_settings::Given;
use tributary_settings::value::{boolean, choice, duration_between};

/// What the wire speaks inside TLS.
const WIRE: &[&[u8]] = &[b"h2"];
/// What the query port speaks there.
const HTTP: &[&[u8]] = &[b"h2", b"http/1.1"];
/// No time is longer.
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// How often files may be looked at.
const PERIOD: RangeInclusive<Duration> = Duration::from_millis(100)..=WEEK;
/// A stream must last a little.
const YOUNGEST: Duration = Duration::from_secs(1);

/// Who is let in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// TLS on the wire's port.
    pub wire: Option<ServerFiles>,
    /// TLS on the query port.
    pub http: Option<ServerFiles>,
    /// What other ingesters are shown, and checked against.
    pub peer: ClientFiles,
    /// The name that other ingesters' certificates must have, when it is not the host that they tell.
    pub peer_name: Option<String>,
    /// File with the token that other ingesters are shown.
    pub peer_token: Option<PathBuf>,
    /// What callers must show.
    pub auth: Auth,
    /// Whether none is refused.
    pub permissive: bool,
    /// The policy's file.
    pub policy: Option<PathBuf>,
    /// How often files are looked at.
    pub files_poll: Duration,
    /// How old a stream becomes, where there is something to look at again.
    pub max_stream_age: Duration,
}

const AUTH: [(&str, Auth); 4] = [
    ("none", Auth::None),
    ("token", Auth::Token),
    ("certificate", Auth::Certificate),
    ("either", Auth::Either),
];

impl Access {
    pub(crate) fn take(given: &mut Given) -> Access {
        let auth = given.take("auth", |text| choice(text, &AUTH));
        let permissive = given.take("permissive", boolean);
        // Where callers are asked in another way, or none is refused, one without a certificate is let
        // in as far as that.
        let must = matches!(auth, Auth::None | Auth::Certificate) && !permissive;
        let wire = server(given, ["wire-tls-cert", "wire-tls-key", "wire-tls-client-ca"]);
        let http = server(given, ["http-tls-cert", "http-tls-key", "http-tls-client-ca"]);
        let wire = wire.map(|files| ServerFiles { client_must: must, protocols: WIRE, ..files });
        // Probes have none.
        let http = http.map(|files| ServerFiles { protocols: HTTP, ..files });
        let known = http.as_ref().and_then(|files| files.client_ca.clone());
        Access {
            peer: ClientFiles {
                ca: given.find("peer-tls-ca", file).or(known),
                own: http.as_ref().map(|files| (files.cert.clone(), files.key.clone())),
            },
            wire,
            http,
            peer_name: given.find("peer-tls-name", |text| match server_name(text) {
                Some(_) => Ok(text.to_owned()),
                None => Err(format!("`{text}` can be in no certificate")),
            }),
            peer_token: given.find("peer-token-file", file),
            auth,
            permissive,
            policy: given.find("policy", file),
            files_poll: given.take("files-poll", duration_between(PERIOD)),
            max_stream_age: given.take("max-stream-age", duration_between(YOUNGEST..=WEEK)),
        }
    }

    /// What settings must be to each other.
    pub(crate) fn relations(&self, multitenancy: bool, receivers: bool, given: &mut Given) {
        if self.peer_token.is_some() && self.http.is_none() {
            given.wrong(
                "peer-token-file",
                "has no use without --http-tls-cert: no token is sent in the clear",
            );
        }
        if self.auth == Auth::None {
            if self.permissive {
                given.wrong("permissive", "has no use without --auth");
            }
            return;
        }
        if self.wire.is_none() || self.http.is_none() {
            let why = "needs --wire-tls-cert and --http-tls-cert: nothing is shown in the clear";
            given.wrong("auth", why);
        }
        if !multitenancy {
            given.wrong("auth", "needs --multitenancy true: identities have tenants");
        }
        if receivers && !self.permissive {
            let why = "must not be named with --auth: they let every caller in, as any tenant";
            given.wrong("receivers", why);
        }
        let asks = |files: &Option<ServerFiles>| {
            files.as_ref().is_some_and(|files| files.client_ca.is_some())
        };
        match self.auth {
            Auth::Certificate if !asks(&self.wire) || !asks(&self.http) => {
                given.wrong("auth", "needs --wire-tls-client-ca and --http-tls-client-ca");
            }
            Auth::Token | Auth::Either if self.policy.is_none() => {
                given.wrong("auth", "needs --policy: it says whose tokens count");
            }
            _ => {}
        }
    }

    /// Whether there is anything about a stream that is to be looked at again.
    pub fn ages(&self) -> bool {
        self.wire.is_some() || self.auth != Auth::None
    }
}

/// The files of a server, if it has any.
fn server(given: &mut Given, names: [&str; 3]) -> Option<ServerFiles> {
    let fine = given.is_fine();
    let [cert, key, client_ca] = names.map(|name| given.find(name, file));
    let [cert_name, key_name, client_ca_name] = names;
    let alone = [
        (cert_name, key_name, cert.is_some() && key.is_none()),
        (key_name, cert_name, key.is_some() && cert.is_none()),
        (client_ca_name, cert_name, client_ca.is_some() && cert.is_none()),
    ];
    for (name, other, is_alone) in alone {
        // What cannot be read was told.
        if fine && given.is_fine() && is_alone {
            given.wrong(name, format!("needs --{other} beside it"));
        }
    }
    let (cert, key) = cert.zip(key)?;
    Some(ServerFiles { cert, key, client_ca, client_must: false, protocols: &[] })
}

/// A file that is there now; it is read again while the ingester runs, since it may change.
fn file(text: &str) -> Result<PathBuf, String> {
    match std::fs::File::open(text) {
        Ok(_) => Ok(PathBuf::from(text)),
        Err(error) => Err(format!("cannot read `{text}`: {error}")),
    }
}

#[cfg(test)]
mod tests;
