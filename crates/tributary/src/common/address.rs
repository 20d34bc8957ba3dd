//! Where a server is, and what is asked there: texts that become URLs.

use http::Uri;

/// Where ingesters listen for questions when they are not told otherwise.
pub(crate) const DEFAULT: &str = "http://127.0.0.1:3200";

/// A server's address, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// `http://host:port` or `https://host:port`, without the scheme too, and with a path behind which the server lies.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(crate) fn read(text: &str) -> Result<Address, String> {
        let text = match text.trim() {
            "" => DEFAULT,
            text => text,
        };
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = full.parse().map_err(|why| format!("`{text}` is no URL: {why}"))?;
        let named = uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none();
        match uri.scheme_str() {
            Some("http" | "https") if named => Ok(Address(full.trim_end_matches('/').to_owned())),
            _ => Err(format!("`{text}` is no URL such as {DEFAULT}")),
        }
    }

    /// The URL of a route, with parameters.
    pub(crate) fn url(&self, path: &str, parameters: &[(&str, String)]) -> String {
        let mut url = format!("{}{path}", self.0);
        for (number, (name, value)) in parameters.iter().enumerate() {
            url.push(if number == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.push_str(&escaped(value));
        }
        url
    }

    /// Whether TLS is spoken there.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// As it is shown.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text as a part of a path or a parameter's value.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_their_forms() {
        let table = [
            ("", Ok(DEFAULT)),
            (" \n", Ok(DEFAULT)),
            ("http://ingester:3200/\n", Ok("http://ingester:3200")),
            ("ingester:3200", Ok("http://ingester:3200")),
            ("localhost", Ok("http://localhost")),
            ("http://[::1]:3200", Ok("http://[::1]:3200")),
            ("http://proxy/tempo/", Ok("http://proxy/tempo")),
            ("https://a:1/", Ok("https://a:1")),
            ("ftp://a", Err("is no URL such as")),
            ("http://", Err("is no URL")),
            ("http://a b", Err("is no URL")),
            ("http://a?x=1", Err("is no URL such as")),
        ];
        for (text, expected) in table {
            match (Address::read(text), expected) {
                (Ok(address), Ok(expected)) => assert_eq!(address.as_str(), expected, "{text:?}"),
                (Err(why), Err(expected)) => assert!(why.contains(expected), "{text:?}: {why}"),
                (got, expected) => panic!("{text:?}: {got:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn parameters_are_escaped() {
        let address = Address::read("h:1").unwrap();
        assert_eq!(address.url("/a", &[]), "http://h:1/a");
        let url =
            address.url("/a", &[("q", "{ .ü+1 = \"&%\" }".to_owned()), ("n", "2".to_owned())]);
        assert_eq!(url, "http://h:1/a?q=%7B%20.%C3%BC%2B1%20%3D%20%22%26%25%22%20%7D&n=2");
        assert!(url.parse::<Uri>().is_ok());
    }
}
