//! Names that stand for something inside: they are refused unless the operator allowed where they lead.

/// Zones that resolve inside a machine, a site or a cluster.
const INNER_ZONES: [&str; 5] = ["localhost", "local", "internal", "svc", "cluster.local"];

/// Whether a host name, in lower case and without the dot at its end, means something inside. A single label does: what
/// it leads to depends on the resolver's search list.
pub(super) fn is_inner(name: &str) -> bool {
    let in_zone =
        |zone: &str| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !name.contains('.') || INNER_ZONES.into_iter().any(in_zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-1
    #[test]
    fn inner_names_are_known() {
        for name in [
            "localhost",
            "app.localhost",
            "printer.local",
            "metadata.google.internal",
            "api.default.svc",
            "api.default.svc.cluster.local",
            "intranet",
        ] {
            assert!(is_inner(name), "{name}");
        }
        for name in ["example.com", "mylocalhost.com", "notlocal.net", "svc.example.com", "x.internals"] {
            assert!(!is_inner(name), "{name}");
        }
    }
}
