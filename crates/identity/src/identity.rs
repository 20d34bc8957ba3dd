//! Who a caller is, once that was proven.

use std::fmt;

/// A caller whose word was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A ServiceAccount of Kubernetes, by its token or by a certificate with a SPIFFE name.
    Account(Account),
    /// What has a name and no more: a token of the policy's file, or a certificate made out to a host.
    Named(String),
}

/// A ServiceAccount.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// What the policy calls its issuer's cluster; of a certificate the trust domain.
    pub cluster: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub account: String,
    /// The pod that the token was made for, where it says so. For logs.
    pub pod: String,
}

/// The longest name that Kubernetes gives.
const LONGEST_NAME: usize = 253;

impl Account {
    /// An account whose names are names: `*` and `{` mean something in the table of tenants, and must
    /// come from there alone.
    pub(crate) fn checked(cluster: &str, namespace: &str, account: &str) -> Option<Account> {
        let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-.".contains(&c);
        let name =
            |text: &str| (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(letter);
        (name(namespace) && name(account)).then(|| Account {
            cluster: cluster.to_owned(),
            namespace: namespace.to_owned(),
            account: account.to_owned(),
            pod: String::new(),
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Account(Account { cluster, namespace, account, .. }) => {
                let slash = if cluster.is_empty() { "" } else { "/" };
                write!(f, "{cluster}{slash}{namespace}/{account}")
            }
            Identity::Named(name) => f.write_str(name),
        }
    }
}
