//! What a receiver of OTLP answers.

use tributary_span::protobuf::{Fields, Malformed};

/// Reads an `ExportTraceServiceResponse`: `partial_success` = 1 { `rejected_spans` = 1,
/// `error_message` = 2 }.
///
/// # Errors
/// When spans were rejected, or it cannot be read.
pub(crate) fn all_taken(response: &[u8]) -> Result<(), String> {
    match rejected(response) {
        Ok((0, _)) => Ok(()),
        Ok((rejected, message)) => Err(format!("{rejected} spans were rejected: {message}")),
        Err(why) => Err(why.to_string()),
    }
}

fn rejected(response: &[u8]) -> Result<(u64, &str), Malformed> {
    let (mut rejected, mut message) = (0, "");
    let mut fields = Fields::new(response);
    while let Some(field) = fields.next_field()? {
        if field.number != 1 {
            continue;
        }
        let mut inner = Fields::new(field.bytes()?);
        while let Some(field) = inner.next_field()? {
            match field.number {
                1 => rejected = field.varint()?,
                2 => message = field.text()?,
                _ => {}
            }
        }
    }
    Ok((rejected, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_spans_are_an_error() {
        assert!(all_taken(&[]).is_ok());
        assert!(all_taken(&[10, 0]).is_ok(), "a message alone is a warning");
        assert!(all_taken(&[10, 2, 8, 3]).unwrap_err().contains("3 spans were rejected"));
        assert!(all_taken(&[10, 9]).is_err());
    }
}
