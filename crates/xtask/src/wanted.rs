//! What is asked of `cargo xtask test`.

/// Whether the tests that need servers beside the product are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Servers {
    #[default]
    All,
    LeftOut,
}

/// When clippy looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Lints {
    /// Before anything is built, so that a slip is heard of early, and what was built stays good for other commands.
    #[default]
    First,
    /// While the tests are built.
    InTheBuild,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    pub(crate) servers: Servers,
    pub(crate) lints: Lints,
}

impl Wanted {
    /// Reads flags; `None` if one is unknown.
    pub(crate) fn read(flags: &[&str]) -> Option<Self> {
        flags.iter().try_fold(Self::default(), |wanted, flag| match *flag {
            "--without-servers" => Some(Self { servers: Servers::LeftOut, ..wanted }),
            "--in-one-build" => Some(Self { lints: Lints::InTheBuild, ..wanted }),
            _ => None,
        })
    }
}
