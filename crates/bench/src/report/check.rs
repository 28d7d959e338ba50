//! Whether a figure is what was aimed at.

/// What is aimed at: for the figure itself, or for its ratio to the floor where there is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

/// One figure that has a target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Check {
    /// What, with its unit.
    pub(crate) what: &'static str,
    pub(crate) figure: f64,
    /// What it is held against, measured in the same run: its name and its figure.
    pub(crate) floor: Option<(&'static str, f64)>,
    pub(crate) target: Target,
}

impl Check {
    /// A figure that has a bound of its own.
    pub(crate) const fn of(what: &'static str, figure: f64, target: Target) -> Self {
        Self { what, figure, floor: None, target }
    }

    /// A figure that is held against a floor.
    pub(crate) const fn ratio(
        what: &'static str,
        figure: f64,
        floor: (&'static str, f64),
        target: Target,
    ) -> Self {
        Self { what, figure, floor: Some(floor), target }
    }

    /// The figure as a share of its floor; a floor of nothing makes no share.
    pub(crate) fn share(&self) -> Option<f64> {
        self.floor.map(|(_, floor)| if floor > 0.0 { self.figure / floor } else { f64::NAN })
    }

    /// What is not a number meets nothing.
    pub(crate) fn is_met(&self) -> bool {
        let judged = self.share().unwrap_or(self.figure);
        match self.target {
            Target::AtLeast(least) => judged >= least,
            Target::AtMost(most) => judged <= most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_judged_by_itself_or_by_its_share() {
        let by_itself = |figure, target| Check::of("events/s", figure, target).is_met();
        assert!(by_itself(100.0, Target::AtLeast(100.0)) && !by_itself(99.0, Target::AtLeast(100.0)));
        assert!(by_itself(7.0, Target::AtMost(7.0)) && !by_itself(7.1, Target::AtMost(7.0)));

        let share = |figure, target| Check::ratio("events/s", figure, ("post", 200.0), target);
        assert_eq!(share(60.0, Target::AtLeast(0.3)).share(), Some(0.3));
        assert!(share(60.0, Target::AtLeast(0.3)).is_met() && !share(59.0, Target::AtLeast(0.3)).is_met());
        assert!(share(400.0, Target::AtMost(2.0)).is_met() && !share(401.0, Target::AtMost(2.0)).is_met());
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        assert!(!Check::of("events/s", f64::NAN, Target::AtLeast(0.0)).is_met());
        assert!(!Check::of("ms", f64::NAN, Target::AtMost(1.0)).is_met());
        assert!(!Check::ratio("events/s", 1.0, ("post", 0.0), Target::AtLeast(0.3)).is_met());
    }
}
