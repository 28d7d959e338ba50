//! What the machine beneath a virtual one gave to others: a row that was measured without its processors says nothing.

use std::fs;

use crate::Failure;

/// Above this a row should be measured again.
pub(crate) const BEARABLE_PERCENT: f64 = 2.0;

/// The processors' time so far, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticks {
    all: u64,
    stolen: u64,
}

impl Ticks {
    /// Of all processors together, as the kernel counts them.
    pub(crate) fn now() -> Result<Self, Failure> {
        Self::read(&fs::read_to_string("/proc/stat")?).ok_or_else(|| "no processors in /proc/stat".into())
    }

    /// `cpu  user nice system idle iowait irq softirq steal …`; what follows is counted among those.
    fn read(stat: &str) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks = line.split_whitespace().take(8).map(|field| field.parse().ok());
        let ticks: Vec<u64> = ticks.collect::<Option<_>>()?;
        Some(Self { all: ticks.iter().sum(), stolen: *ticks.get(7)? })
    }

    /// How much was stolen since then, of all the time that there was.
    pub(crate) fn stolen_percent_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        100.0 * self.stolen.saturating_sub(before.stolen) as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stolen_is_a_share_of_all_time() {
        let before = Ticks::read("cpu  100 0 50 800 0 0 0 50 9 9\ncpu0 1 1\n").unwrap();
        assert_eq!(before, Ticks { all: 1000, stolen: 50 });
        let after = Ticks::read("cpu  150 0 50 820 0 0 0 80 9 9\n").unwrap();
        assert_eq!(after.stolen_percent_since(before), 30.0);
        assert_eq!(before.stolen_percent_since(before), 0.0);
        assert_eq!(Ticks::read("intr 1 2 3"), None);
        assert_eq!(Ticks::read("cpu  1 2 3"), None);
    }
}
