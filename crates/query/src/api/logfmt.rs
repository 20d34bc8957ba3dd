//! `key=value key2="value 2"`: how the older search writes its tags.

/// Pairs of a text in logfmt, in its order. Pairs stand apart by white space; a key may stand
/// alone, and has an empty value then; quoted values have JSON's escapes.
///
/// # Errors
/// What is not logfmt, and a key that comes twice.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let (key, value, after) = pair(rest)?;
        if pairs.iter().any(|(other, _)| other == key) {
            return Err(format!("tag {key} has been set twice"));
        }
        pairs.push((key.to_owned(), value));
        rest = after.trim_start_matches(is_space);
    }
    Ok(pairs)
}

fn is_space(c: char) -> bool {
    c <= ' '
}

/// One pair, and what stands behind it.
fn pair(text: &str) -> Result<(&str, String, &str), String> {
    let (key, after) = until(text, |c| is_space(c) || c == '=' || c == '"');
    if key.is_empty() || after.starts_with('"') {
        let what = if after.starts_with('"') { "quote" } else { "equals sign" };
        return Err(format!("unexpected {what} at {text:?}"));
    }
    let Some(after) = after.strip_prefix('=') else { return Ok((key, String::new(), after)) };
    let (value, after) = if after.starts_with('"') {
        quoted(after)?
    } else {
        let (value, after) = until(after, |c| is_space(c) || c == '=' || c == '"');
        (value.to_owned(), after)
    };
    if after.starts_with(|c| !is_space(c)) {
        return Err(format!("unexpected text behind the value of {key}: {after:?}"));
    }
    Ok((key, value, after))
}

/// A text in quotes, and what stands behind it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut escaped = true;
    for (at, c) in text.char_indices() {
        let (inside, after) = text.split_at(at + c.len_utf8());
        match c {
            // The first one, too, which opens the text.
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                return match serde_json::from_str(inside) {
                    Ok(value) => Ok((value, after)),
                    Err(_) => Err(format!("bad escapes in {inside}")),
                };
            }
            _ => {}
        }
    }
    Err(format!("unterminated quoted value {text:?}"))
}

/// Splits before the first character that `stop` holds for.
fn until(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests;
