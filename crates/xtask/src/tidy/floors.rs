//! A crate depends on lower floors alone, and some on less than that. ARCHITECTURE.md draws the floors.

use cargo_metadata::{DependencyKind, Metadata};

use super::Violation;

/// Where a crate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Floor {
    Product(u8),
    /// Receivers, tasks and load: above everything, shipped never.
    Development,
}

const FLOORS: [(&str, Floor); 19] = [
    ("cstar-types", Floor::Product(0)),
    ("cstar-signature", Floor::Product(0)),
    ("cstar-sse", Floor::Product(0)),
    ("cstar-store", Floor::Product(1)),
    ("cstar-traces", Floor::Product(1)),
    ("cstar-doorbell", Floor::Product(1)),
    ("cstar-wire", Floor::Product(1)),
    ("cstar-delivery", Floor::Product(2)),
    ("cstar-realtime", Floor::Product(2)),
    ("cstar-client", Floor::Product(2)),
    ("cstar-api", Floor::Product(3)),
    ("cstar-server", Floor::Product(4)),
    ("cstar-cli", Floor::Product(5)),
    ("cstar-testkit", Floor::Development),
    ("cstar-bench", Floor::Development),
    ("cstar-count", Floor::Development),
    ("cstar-soak", Floor::Development),
    ("rust-receiver", Floor::Development),
    ("xtask", Floor::Development),
];

/// Lower floors that a crate must not know all the same.
const STRANGERS: [(&str, &str, &str); 6] = [
    ("cstar-client", "cstar-store", "the client speaks the public API alone"),
    ("cstar-delivery", "cstar-wire", "delivery does not know the API's shapes"),
    ("cstar-cli", "cstar-store", "the command line reaches a store through `client` or `server`"),
    ("cstar-cli", "cstar-delivery", "the command line reaches delivery through `client` or `server`"),
    ("cstar-cli", "cstar-realtime", "the command line reaches streams through `client` or `server`"),
    ("cstar-cli", "cstar-api", "the command line reaches the API through `client` or `server`"),
];

/// A dependency between two crates of the workspace.
#[derive(Debug)]
pub(super) struct Edge {
    from: String,
    to: Option<String>,
    for_tests: bool,
}

/// Every crate once (to nothing), and every dependency on a crate of the workspace.
pub(super) fn edges(metadata: &Metadata) -> Vec<Edge> {
    let packages = metadata.workspace_packages();
    let edges_of = |package: &cargo_metadata::Package| {
        let from = package.name.to_string();
        let inside = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
        let mut edges = vec![Edge { from: from.clone(), to: None, for_tests: false }];
        edges.extend(inside.map(|dependency| Edge {
            from: from.clone(),
            to: Some(dependency.name.clone()),
            for_tests: dependency.kind == DependencyKind::Development,
        }));
        edges
    };
    packages.iter().flat_map(|package| edges_of(package)).collect()
}

pub(super) fn check(edges: &[Edge]) -> Vec<Violation> {
    edges.iter().filter_map(|edge| Some(Violation::new(edge.from.clone(), problem(edge)?))).collect()
}

fn problem(edge: &Edge) -> Option<String> {
    let Some(from) = floor_of(&edge.from) else {
        return Some(
            "has no floor; give it one in ARCHITECTURE.md and crates/xtask/src/tidy/floors.rs".into(),
        );
    };
    let name = edge.to.as_deref()?;
    // A crate without a floor is reported by its own row.
    let to = floor_of(name)?;
    match (from, to) {
        // A crate's tests may turn on its own features.
        _ if edge.for_tests && edge.from == name => None,
        (Floor::Development, _) if edge.from == "xtask" => {
            Some(format!("links {name}; xtask links no product crate"))
        }
        (Floor::Development, _) => None,
        (Floor::Product(_), Floor::Development) if edge.for_tests && name == "cstar-testkit" => None,
        (Floor::Product(_), Floor::Development) => Some(format!("depends on {name}, which is not shipped")),
        (Floor::Product(_), Floor::Product(_)) if to >= from => {
            Some(format!("depends on {name}, which stands on the same floor or a higher one"))
        }
        (Floor::Product(_), Floor::Product(_)) => stranger(&edge.from, name),
    }
}

fn floor_of(name: &str) -> Option<Floor> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}

fn stranger(from: &str, to: &str) -> Option<String> {
    let (_, _, why) = STRANGERS.iter().find(|(one, other, _)| *one == from && *other == to)?;
    Some(format!("depends on {to}; {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, to: &str, for_tests: bool) -> Option<String> {
        problem(&Edge { from: from.into(), to: Some(to.into()), for_tests })
    }

    #[test]
    fn lower_floors_are_open() {
        assert_eq!(check("cstar-api", "cstar-store", false), None);
        assert_eq!(check("cstar-client", "cstar-wire", false), None);
        assert_eq!(check("cstar-cli", "cstar-server", false), None);
        assert_eq!(check("cstar-bench", "cstar-server", false), None);
    }

    #[test]
    fn the_same_floor_and_higher_ones_are_closed() {
        for (from, to) in [
            ("cstar-realtime", "cstar-delivery"),
            ("cstar-client", "cstar-realtime"),
            ("cstar-client", "cstar-server"),
            ("cstar-store", "cstar-api"),
            ("cstar-signature", "cstar-types"),
            ("cstar-server", "cstar-cli"),
        ] {
            let problem = check(from, to, false).unwrap_or_else(|| panic!("{from} may depend on {to}"));
            assert!(problem.contains("same floor or a higher one"), "{problem}");
            assert!(check(from, to, true).is_some(), "{from} may depend on {to} in tests");
        }
    }

    #[test]
    fn strangers_stay_strangers_in_tests_too() {
        for (from, to, _) in STRANGERS {
            assert!(check(from, to, false).is_some(), "{from} may depend on {to}");
            assert!(check(from, to, true).is_some(), "{from} may depend on {to} in tests");
        }
    }

    #[test]
    fn only_testkit_and_only_for_tests() {
        assert_eq!(check("cstar-store", "cstar-testkit", true), None);
        assert_eq!(check("cstar-store", "cstar-store", true), None, "for its own features");
        assert!(check("cstar-store", "cstar-testkit", false).is_some());
        assert!(check("cstar-store", "cstar-bench", true).is_some());
    }

    #[test]
    fn xtask_links_no_product_crate() {
        assert!(check("xtask", "cstar-types", false).is_some());
        assert!(check("xtask", "cstar-testkit", true).is_some());
    }

    #[test]
    fn a_crate_without_a_floor_is_told_where_to_get_one() {
        let edge = Edge { from: "cstar-queue".into(), to: None, for_tests: false };
        assert!(problem(&edge).unwrap().contains("ARCHITECTURE.md"));
    }
}
