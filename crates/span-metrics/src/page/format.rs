//! In which language a page is.

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text, which every scraper reads. Histograms have fixed buckets alone.
    OpenMetrics,
    /// What Prometheus wants where it is set to take native histograms.
    Protobuf,
}

const PROTOBUF: &str = "application/vnd.google.protobuf";
const FAMILY: &str = "io.prometheus.client.MetricFamily";

impl Format {
    /// What a header `Accept` prefers: protobuf when it stands before all text, or weighs more.
    pub fn preferred(accept: &str) -> Format {
        let mut best = (Format::OpenMetrics, 0.0);
        for wanted in accept.split(',') {
            let mut parts = wanted.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let of = |key: &str| {
                let told = parts.clone().filter_map(|part| part.split_once('='));
                let mut told = told.filter(|(name, _)| name.trim().eq_ignore_ascii_case(key));
                told.next().map(|(_, value)| value.trim().trim_matches('"'))
            };
            let weight = of("q").map_or(Some(1.0), |q| q.parse().ok()).unwrap_or(0.0);
            let format = match name.eq_ignore_ascii_case(PROTOBUF) {
                false => Format::OpenMetrics,
                true if of("proto") == Some(FAMILY) && of("encoding") == Some("delimited") => {
                    Format::Protobuf
                }
                // Another message, or one in another dress.
                true => continue,
            };
            if weight > best.1 {
                best = (format, weight);
            }
        }
        best.0
    }

    /// What the page is, in HTTP's words.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scrapers_accept() {
        let family = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily";
        let open = "application/openmetrics-text;version=1.0.0";
        let cases = [
            (String::new(), Format::OpenMetrics),
            ("*/*".to_owned(), Format::OpenMetrics),
            (format!("{open};q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"), Format::OpenMetrics),
            // Prometheus 2.42 with native histograms, and 3.
            (format!("{family};encoding=delimited,{open};q=0.8,*/*;q=0.1"), Format::Protobuf),
            (format!("{family};encoding=delimited;q=0.6,{open};q=0.5,*/*;q=0.1"), Format::Protobuf),
            (format!("{open};q=0.6,{family};encoding=delimited;q=0.5"), Format::OpenMetrics),
            (format!("{open},{family};encoding=delimited"), Format::OpenMetrics),
            (format!("{family};encoding=text,{open};q=0.1"), Format::OpenMetrics),
            (format!("{family}; encoding=\"delimited\""), Format::Protobuf),
            (format!("{family};encoding=delimited;q=0,{open};q=0.1"), Format::OpenMetrics),
            (format!("{family};encoding=delimited;q=much"), Format::OpenMetrics),
        ];
        for (accept, format) in cases {
            assert_eq!(Format::preferred(&accept), format, "{accept}");
        }
    }
}
