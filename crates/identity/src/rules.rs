//! The table that says which tenants an identity writes and reads: first match wins.

use crate::identity::{Account, Identity};

/// A text in which `*` stands for any letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Pattern {
        Pattern(text.into())
    }

    /// Whether it is this text.
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        // Each part where it is found first: what is behind it is longest then.
        for part in parts {
            match rest.split_once(part) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(last)
    }

    /// The text, when it stands for one alone.
    fn only(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(&self.0)
    }
}

/// Which identities are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// ServiceAccounts.
    Account {
        /// Their namespace.
        namespace: Pattern,
        /// Their name.
        account: Pattern,
        /// Their cluster.
        cluster: Pattern,
    },
    /// What has a name and no more.
    Named(Pattern),
}

impl Who {
    /// Whether this identity is among them.
    pub fn is(&self, identity: &Identity) -> bool {
        match (self, identity) {
            (Who::Account { namespace, account, cluster }, Identity::Account(own)) => {
                namespace.matches(&own.namespace)
                    && account.matches(&own.account)
                    && cluster.matches(&own.cluster)
            }
            (Who::Named(name), Identity::Named(own)) => name.matches(own),
            _ => false,
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Whose.
    pub who: Who,
    /// Names of tenants, patterns, and `{namespace}`, `{account}`, `{cluster}` in them.
    pub tenants: Vec<String>,
}

/// The tenants that an identity may name: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed(Vec<Pattern>);

impl Allowed {
    /// Those tenants, or patterns of them.
    pub fn new(tenants: impl IntoIterator<Item = String>) -> Allowed {
        Allowed(tenants.into_iter().map(Pattern).collect())
    }

    /// Every tenant.
    pub fn any() -> Allowed {
        Allowed::new(["*".to_owned()])
    }

    /// The tenant, when there is one alone.
    pub fn only(&self) -> Option<&str> {
        match self.0.as_slice() {
            [only] => only.only(),
            _ => None,
        }
    }

    /// Whether this tenant is among them.
    pub fn has(&self, tenant: &str) -> bool {
        self.0.iter().any(|own| own.matches(tenant))
    }
}

impl std::fmt::Display for Allowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|own| own.0.as_str()).collect();
        f.write_str(&names.join(", "))
    }
}

/// What the first row that matches allows. None when no row does.
pub fn allowed(rules: &[Rule], identity: &Identity) -> Option<Allowed> {
    let rule = rules.iter().find(|rule| rule.who.is(identity))?;
    Some(Allowed::new(rule.tenants.iter().map(|tenant| filled(tenant, identity))))
}

/// Names in braces stand for what the identity has; none of them has a `*` (see [`Account::checked`]).
fn filled(tenant: &str, identity: &Identity) -> String {
    let Identity::Account(Account { cluster, namespace, account, .. }) = identity else {
        return tenant.to_owned();
    };
    let mut filled = String::with_capacity(tenant.len());
    let mut rest = tenant;
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, behind)) = behind.split_once('}') else {
            rest = behind;
            break;
        };
        match name {
            "namespace" => filled.push_str(namespace),
            "account" => filled.push_str(account),
            "cluster" => filled.push_str(cluster),
            _ => {}
        }
        rest = behind;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(cluster: &str, namespace: &str, account: &str) -> Identity {
        let own = str::to_owned;
        Identity::Account(Account {
            cluster: own(cluster),
            namespace: own(namespace),
            account: own(account),
            pod: String::new(),
        })
    }

    fn rule(namespace: &str, account: &str, cluster: &str, tenants: &[&str]) -> Rule {
        let [namespace, account, cluster] = [namespace, account, cluster].map(Pattern::new);
        let tenants = tenants.iter().map(|&tenant| tenant.to_owned()).collect();
        Rule { who: Who::Account { namespace, account, cluster }, tenants }
    }

    #[test]
    fn patterns() {
        let table = [
            ("pay-*", "pay-eu", true),
            ("pay-*", "pay-", true),
            ("pay-*", "pay", false),
            ("*", "", true),
            ("*", "x", true),
            ("", "", true),
            ("", "x", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("*-eu", "pay-eu", true),
            ("*-eu", "eu", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("*ab*", "aab", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_first_match_wins() {
        let rules = [
            rule("pay-*", "*", "*", &["pay"]),
            rule("ops", "reader", "*", &["*"]),
            rule("ops", "*", "east", &["ops", "ops-{account}"]),
            rule("*", "*", "west", &["{cluster}-{namespace}"]),
            Rule { who: Who::Named(Pattern::new("*.lab")), tenants: vec!["lab".to_owned()] },
        ];
        let table = [
            (account("x", "pay-eu", "a"), Some("pay")),
            (account("west", "pay-", "a"), Some("pay")),
            (account("x", "ops", "reader"), Some("*")),
            (account("east", "ops", "b"), Some("ops, ops-b")),
            (account("west", "shop", "b"), Some("west-shop")),
            (account("x", "shop", "b"), None),
            (account("x", "xpay-eu", "b"), None),
            (Identity::Named("a.lab".to_owned()), Some("lab")),
            (Identity::Named("pay-eu".to_owned()), None),
        ];
        for (identity, expected) in table {
            let allowed = allowed(&rules, &identity).map(|allowed| allowed.to_string());
            assert_eq!(allowed.as_deref(), expected, "{identity}");
        }
    }

    #[test]
    fn one_tenant_is_the_only_one_and_a_pattern_is_not() {
        let of = |tenants: &[&str]| Allowed::new(tenants.iter().map(|&t| t.to_owned()));
        assert_eq!(of(&["pay"]).only(), Some("pay"));
        for several in [of(&["pay-*"]), of(&["a", "b"]), Allowed::any()] {
            assert_eq!(several.only(), None);
        }
        assert!(of(&["a", "pay-*"]).has("pay-eu") && !of(&["a", "pay-*"]).has("b"));
    }

    #[test]
    fn braces_that_mean_nothing_are_nothing() {
        for (text, expected) in
            [("{namespace}", "n"), ("x{y}z", "xz"), ("a{namespace", "anamespace"), ("}", "}")]
        {
            assert_eq!(filled(text, &account("c", "n", "a")), expected);
        }
    }
}
