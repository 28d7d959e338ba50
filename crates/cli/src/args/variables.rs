//! Variables that look like settings and are none.

use cstar_server::SETTINGS;
use cstar_types::catalog::nearest;

use super::serve::CONFIG_VARIABLE;

const PREFIX: &str = "CSTAR_";
/// What the other commands read, which may stand in a server's environment, too.
const OF_CLIENTS: [&str; 4] = ["CSTAR_KEY", "CSTAR_TEAM_ID", "CSTAR_URL", "CSTAR_PROFILE"];

/// A warning for each of `names` that begins like one of our variables and is none: what it should have set has its default.
pub(crate) fn warnings(names: impl Iterator<Item = String>) -> Vec<String> {
    let known: Vec<String> = SETTINGS
        .iter()
        .map(|setting| setting.variable())
        .chain(OF_CLIENTS.map(str::to_owned))
        .chain([CONFIG_VARIABLE.to_owned()])
        .collect();
    let mut unknown: Vec<String> =
        names.filter(|name| name.starts_with(PREFIX) && !known.contains(name)).collect();
    unknown.sort_unstable();
    unknown.iter().map(|name| warning(name, &known)).collect()
}

fn warning(name: &str, known: &[String]) -> String {
    let bare = |name: &str| name[PREFIX.len()..].to_lowercase();
    let known: Vec<String> = known.iter().map(|known| bare(known)).collect();
    let hint = match nearest(&bare(name), known.iter().map(String::as_str)).first() {
        Some(near) => format!("did you mean {PREFIX}{}?", near.to_uppercase()),
        None => "`cstar serve --help` names them all".to_owned(),
    };
    format!("warning: {name} is no setting and is ignored; {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest() {
        let told = |name: &str| warnings(std::iter::once(name.to_owned()));
        assert_eq!(
            told("CSTAR_ATTEMPT_TIMOUT"),
            [
                "warning: CSTAR_ATTEMPT_TIMOUT is no setting and is ignored; did you mean CSTAR_ATTEMPT_TIMEOUT?"
            ]
        );
        assert_eq!(
            told("CSTAR_XYZ"),
            ["warning: CSTAR_XYZ is no setting and is ignored; `cstar serve --help` names them all"]
        );
    }

    #[test]
    fn what_is_known_or_of_others_is_not_told() {
        let known = SETTINGS.iter().map(|setting| setting.variable());
        let others =
            ["CSTAR_KEY", "CSTAR_TEAM_ID", "CSTAR_URL", "CSTAR_PROFILE", "CSTAR_CONFIG", "PATH", "CSTARS"];
        assert_eq!(warnings(known.chain(others.map(str::to_owned))), [""; 0]);
    }
}
