//! The answer of `/ready`.

use http::StatusCode;

/// Whether spans are taken, and what there is to remark. A remark changes the text and never the
/// status: a Service that took an ingester away for what it still reads, or for a store that is
/// slow, would send nothing to a process that takes everything.
pub(super) fn ready(takes_spans: bool, remarks: &[String]) -> (StatusCode, String) {
    let (status, word) = match takes_spans {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "starting or leaving"),
    };
    let told = std::iter::once(word).chain(remarks.iter().map(String::as_str));
    (status, told.collect::<Vec<_>>().join("; ") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_change_the_text_and_not_the_status() {
        let table: [(bool, &[&str], u16, &str); 4] = [
            (true, &[], 200, "ready\n"),
            (true, &["still reading: blocks"], 200, "ready; still reading: blocks\n"),
            (true, &["one", "another"], 200, "ready; one; another\n"),
            (false, &["one"], 503, "starting or leaving; one\n"),
        ];
        for (takes_spans, remarks, status, text) in table {
            let remarks: Vec<String> = remarks.iter().map(|&remark| remark.into()).collect();
            let told = ready(takes_spans, &remarks);
            assert_eq!((told.0.as_u16(), told.1.as_str()), (status, text));
        }
    }
}
