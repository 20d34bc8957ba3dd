//! The three ways of writing a setting's name.

/// What all variables begin with.
pub(crate) const PREFIX: &str = "TRIBUTARY_";

/// As a flag.
pub(crate) fn flag(name: &str) -> String {
    format!("--{name}")
}

/// As a variable.
pub(crate) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// As a key of the file.
pub(crate) fn key(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether `written`, on the command line or in the file, is `name`.
pub(crate) fn same(name: &str, written: &str) -> bool {
    name.len() == written.len()
        && name.bytes().zip(written.bytes()).all(|(a, b)| a == b || (a == b'-' && b == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_three_ways() {
        assert_eq!(flag("block-age"), "--block-age");
        assert_eq!(variable("block-age"), "TRIBUTARY_BLOCK_AGE");
        assert_eq!(key("block-age"), "block_age");
        for (written, expected) in
            [("block-age", true), ("block_age", true), ("blockage", false), ("block-Age", false)]
        {
            assert_eq!(same("block-age", written), expected, "{written}");
        }
    }
}
