//! Variables that Kubernetes makes.

/// Kubernetes sets variables for every Service of the namespace: `TRIBUTARY_INGESTER_PORT`,
/// `…_SERVICE_HOST`, `…_PORT_4319_TCP_ADDR` and so on. A Service's name is no setting, so that they
/// are no mistake of the operator's.
pub(crate) fn is_service_link(variable: &str) -> bool {
    let after_port = variable.split("_PORT").last().unwrap_or_default();
    let docker = |rest: &str| {
        let rest = rest.strip_prefix('_')?;
        let (port, protocol) = rest.split_once('_')?;
        let known = ["TCP", "UDP", "SCTP"].iter().any(|p| protocol.starts_with(p));
        (known && port.parse::<u16>().is_ok()).then_some(())
    };
    variable.ends_with("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || variable.ends_with("_PORT")
        || docker(after_port).is_some()
        || ["_ADDR", "_PROTO", "_PORT"].iter().any(|end| {
            let rest = variable.strip_suffix(end);
            rest.and_then(|r| docker(r.split("_PORT").last()?)).is_some()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_links_are_told_from_typos() {
        for link in [
            "TRIBUTARY_PORT",
            "TRIBUTARY_SERVICE_HOST",
            "TRIBUTARY_INGESTER_SERVICE_PORT",
            "TRIBUTARY_INGESTER_SERVICE_PORT_WIRE",
            "TRIBUTARY_INGESTER_PORT",
            "TRIBUTARY_INGESTER_PORT_4319_TCP",
            "TRIBUTARY_INGESTER_PORT_4319_TCP_ADDR",
            "TRIBUTARY_INGESTER_PORT_4319_TCP_PORT",
            "TRIBUTARY_INGESTER_PORT_4319_TCP_PROTO",
        ] {
            assert!(is_service_link(link), "{link}");
        }
        for typo in ["TRIBUTARY_BUFER", "TRIBUTARY_PORT_X", "TRIBUTARY_OTLP_GRPC_LISTENS"] {
            assert!(!is_service_link(typo), "{typo}");
        }
    }
}
