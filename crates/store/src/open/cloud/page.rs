//! A page of a cloud's listing, as text: which of its names are ours. No I/O.
//!
//! The client refuses a whole page for one key that it does not take for a path (`a//b`, `a/../b`, a
//! tab), and takes others for names that they are not: a console's marker `blocks/` for an object
//! `blocks`, `/a` and ` a` for `a`. It offers no way around either. So such elements are taken out of
//! the page before the client sees it.

use object_store::path::Path;
use std::borrow::Cow;

/// Elements of a page, each with the element in it that holds its name, and whether that is a folder's.
const ELEMENTS: [(&str, &str, bool); 4] = [
    // Amazon and Google.
    ("Contents", "Key", false),
    ("CommonPrefixes", "Prefix", true),
    // Azure.
    ("Blob", "Name", false),
    ("BlobPrefix", "Name", true),
];

/// Gives the page without foreign names, and these names. Of a page that is not understood nothing is
/// taken out.
pub(super) fn split(page: &str) -> (String, Vec<String>) {
    let mut ours = String::with_capacity(page.len());
    let mut foreign = Vec::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        ours.push_str(before);
        match element(after) {
            Some((name, is_folder, tail)) if !is_ours(&name, is_folder) => {
                foreign.push(name.into_owned());
                rest = tail;
            }
            _ => {
                ours.push('<');
                rest = after;
            }
        }
    }
    ours.push_str(rest);
    (ours, foreign)
}

/// The element that begins here, behind its `<`: its name, whether it is a folder, and what follows it.
fn element(text: &str) -> Option<(Cow<'_, str>, bool, &str)> {
    let begins = |tag: &str| text.strip_prefix(tag)?.strip_prefix('>');
    let (inside, (tag, name, is_folder)) =
        ELEMENTS.into_iter().find_map(|element| Some((begins(element.0)?, element)))?;
    let (inside, tail) = inside.split_once(&format!("</{tag}>"))?;
    let (_, name_on) = inside.split_once(&format!("<{name}>"))?;
    let (name, _) = name_on.split_once(&format!("</{name}>"))?;
    Some((unescaped(name), is_folder, tail))
}

/// Whether the client will take it for exactly this name.
fn is_ours(name: &str, is_folder: bool) -> bool {
    let name = if is_folder { name.strip_suffix('/').unwrap_or(name) } else { name };
    // The client's parser trims text.
    let is_trimmed = name.trim_matches([' ', '\t', '\r', '\n']) == name;
    let is_path = Path::parse(name).is_ok_and(|path| path.as_ref() == name);
    !name.is_empty() && is_trimmed && is_path
}

fn unescaped(text: &str) -> Cow<'_, str> {
    let Some((before, mut rest)) = text.split_once('&') else { return text.into() };
    let mut plain = before.to_owned();
    loop {
        match rest.split_once(';').and_then(|(entity, tail)| Some((character(entity)?, tail))) {
            Some((character, tail)) => {
                plain.push(character);
                rest = tail;
            }
            None => plain.push('&'),
        }
        match rest.split_once('&') {
            Some((before, after)) => {
                plain.push_str(before);
                rest = after;
            }
            None => {
                plain.push_str(rest);
                return plain.into();
            }
        }
    }
}

fn character(entity: &str) -> Option<char> {
    let number = |digits: &str, radix| char::from_u32(u32::from_str_radix(digits, radix).ok()?);
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match (entity.strip_prefix("#x"), entity.strip_prefix('#')) {
            (Some(digits), _) => number(digits, 16),
            (None, Some(digits)) => number(digits, 10),
            (None, None) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ours_or_foreign() {
        // As they stand in a page; whether an object's, and whether a folder's, is ours.
        let table = [
            ("a", true, true),
            ("a/b.c", true, true),
            ("t'(a)!*/é/ b#1", true, true),
            ("a&amp;b&lt;c&#38;&#x26;&quot;&apos;&gt;", true, true),
            ("a&b;c&", true, true),
            ("a/", false, true),
            ("", false, false),
            ("/", false, false),
            ("/a", false, false),
            ("a//b", false, false),
            ("a//", false, false),
            ("a/./b", false, false),
            ("a/../b", false, false),
            ("..", false, false),
            ("a\tb", false, false),
            ("a&#9;b", false, false),
            ("a&#x1;b", false, false),
            ("a\n", false, false),
            (" a", false, false),
        ];
        for (name, object, folder) in table {
            for (element, is_ours) in [
                (format!("<Contents><Key>{name}</Key><Size>1</Size></Contents>"), object),
                (format!("<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"), folder),
                (format!("<Blob><Name>{name}</Name><Properties/></Blob>"), object),
                (format!("<BlobPrefix><Name>{name}</Name></BlobPrefix>"), folder),
            ] {
                let around = |inside: &str| format!("<?xml?><L><Name>b//c</Name>{inside}\n</L>");
                let (ours, foreign) = split(&around(&element));
                assert_eq!(ours, around(if is_ours { &element } else { "" }), "{element}");
                assert_eq!(foreign.len(), usize::from(!is_ours), "{element}");
            }
        }
    }

    #[test]
    fn what_is_not_understood_stays() {
        for page in [
            "",
            "no XML",
            "<Contents><Key>a//b</Key>",
            "<Contents><Key>a//b</Contents>",
            "<Contents>a//b</Contents>",
            "<Contents",
            "<",
            "<Blob><Name Encoded=\"true\">a%2F%2Fb</Name></Blob>",
        ] {
            assert_eq!(split(page), (page.to_owned(), Vec::new()));
        }
    }
}
