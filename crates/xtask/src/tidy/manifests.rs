//! Each crate says what it is and takes the workspace's lints.

use cargo_metadata::Metadata;

use super::Violation;
use crate::tree::TextFile;

/// What the rule needs of a `Cargo.toml`.
pub(super) struct Manifest {
    path: String,
    described: bool,
    text: String,
}

pub(super) fn read(metadata: &Metadata, files: &[TextFile]) -> Vec<Manifest> {
    let of = |package: &cargo_metadata::Package| {
        let path =
            package.manifest_path.strip_prefix(&metadata.workspace_root).unwrap_or(&package.manifest_path);
        let text = files.iter().find(|file| file.path == path.as_str()).map(|file| file.text.clone());
        let described = package.description.as_deref().is_some_and(|words| !words.trim().is_empty());
        Manifest { path: path.to_string(), described, text: text.unwrap_or_default() }
    };
    metadata.workspace_packages().iter().map(|package| of(package)).collect()
}

pub(super) fn check(manifests: &[Manifest]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in manifests {
        if !manifest.described {
            violations.push(Violation::new(&manifest.path, "has no `description`"));
        }
        if !takes_workspace_lints(&manifest.text) {
            violations.push(Violation::new(&manifest.path, "lacks `[lints]` with `workspace = true`"));
        }
    }
    violations
}

fn takes_workspace_lints(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| line == "[lints]")
        && lines.take_while(|line| !line.starts_with('[')).any(|line| line == "workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\ndescription = \"d\"\n\n[lints]\nworkspace = true\n\n[dependencies]\n";

    fn check(described: bool, text: &str) -> Vec<String> {
        let manifest = Manifest { path: "crates/api/Cargo.toml".into(), described, text: text.into() };
        super::check(&[manifest]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_whole_manifest_passes() {
        assert!(check(true, GOOD).is_empty());
    }

    #[test]
    fn a_missing_description_is_found() {
        assert_eq!(check(false, GOOD), ["crates/api/Cargo.toml: has no `description`"]);
    }

    #[test]
    fn missing_or_own_lints_are_found() {
        assert_eq!(check(true, "[package]\n").len(), 1);
        assert_eq!(check(true, "[lints]\n[dependencies]\nworkspace = true\n").len(), 1);
        assert_eq!(check(true, "[lints.rust]\nunsafe_code = \"allow\"\n").len(), 1);
    }
}
