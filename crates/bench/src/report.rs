//! What was measured, as a table for people and as JSON.

/// One measurement: its name and its figures, each with its unit in its name.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) figures: Vec<(&'static str, f64)>,
}

/// All measurements of a run.
#[derive(Default)]
pub(crate) struct Report(Vec<Measured>);

impl Report {
    pub(crate) fn add(&mut self, measured: Measured) {
        tell(&measured);
        self.0.push(measured);
    }

    #[expect(clippy::print_stdout, reason = "the table is this program's answer")]
    pub(crate) fn print(&self) {
        for measured in &self.0 {
            println!("{}", measured.name);
            for (name, figure) in &measured.figures {
                println!("  {name:<34} {figure:>14.1}");
            }
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let all: serde_json::Map<String, serde_json::Value> = self
            .0
            .iter()
            .map(|measured| {
                let figures: serde_json::Map<_, _> = measured
                    .figures
                    .iter()
                    .map(|(name, figure)| ((*name).to_owned(), (*figure).into()))
                    .collect();
                (measured.name.to_owned(), figures.into())
            })
            .collect();
        serde_json::to_string_pretty(&all).expect("numbers and names are JSON")
    }
}

#[expect(clippy::print_stderr, reason = "progress of a long run")]
fn tell(measured: &Measured) {
    eprintln!("measured {}", measured.name);
}

/// The value below which `percent` of the sorted values lie; 0 for none.
pub(crate) fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let place = (sorted.len() as f64 * percent / 100.0) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}
