//! Named steps, each with the time it took.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// The steps of one run, in order; ends at the first that fails.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<(String, Duration)>,
    left_out: Vec<String>,
}

impl Steps {
    pub(crate) fn begin() -> Self {
        Self { started: Instant::now(), done: Vec::new(), left_out: Vec::new() }
    }

    /// Does the work under its name and notes the time taken.
    pub(crate) fn run(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n==> {name}");
        let begun = Instant::now();
        let result = work();
        let taken = begun.elapsed();
        match result {
            Ok(()) => {
                println!("    {name}: ok in {}", spoken(taken));
                self.done.push((name.to_owned(), taken));
                Ok(())
            }
            Err(cause) => Err(Error::Step {
                step: name.to_owned(),
                seconds: taken.as_secs_f64(),
                cause: Box::new(cause),
            }),
        }
    }

    /// Says that a step is not done on this machine, and why.
    pub(crate) fn leave_out(&mut self, name: &str, reason: &str) {
        println!("\n==> {name}\n    {name}: left out, {reason}");
        self.left_out.push(name.to_owned());
    }

    /// One line for the end of the run.
    pub(crate) fn summary(&self) -> String {
        summary(&self.done, &self.left_out, self.started.elapsed())
    }
}

fn summary(done: &[(String, Duration)], left_out: &[String], total: Duration) -> String {
    let steps: Vec<String> = done.iter().map(|(name, taken)| format!("{name} {}", spoken(*taken))).collect();
    let mut line = format!("{} steps passed in {}: {}", done.len(), spoken(total), steps.join(", "));
    if !left_out.is_empty() {
        line.push_str(&format!("; left out: {}", left_out.join(", ")));
    }
    line
}

fn spoken(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_is_named() {
        let error = Steps::begin().run("format", || Err(Error::Untidy { count: 2 })).unwrap_err().to_string();
        assert!(error.starts_with("step `format` failed after 0.0 s: the rules"), "{error}");
    }

    #[test]
    fn the_summary_names_every_step_and_what_was_left_out() {
        let done = [
            ("format".to_owned(), Duration::from_millis(1_250)),
            ("test".to_owned(), Duration::from_secs(95)),
        ];
        assert_eq!(
            summary(&done, &["licences".to_owned()], Duration::from_secs(97)),
            "2 steps passed in 1 min 37 s: format 1.2 s, test 1 min 35 s; left out: licences"
        );
    }
}
