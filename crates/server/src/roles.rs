//! What one of several nodes does.

use std::str::FromStr;

/// What a node does of all that a server does. Alone it does everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// Answers the API, and shows the settings page.
    pub api: bool,
    /// Sends webhooks.
    pub delivery: bool,
    /// Holds streams.
    pub realtime: bool,
}

impl Roles {
    /// Everything.
    pub const ALL: Self = Self { api: true, delivery: true, realtime: true };
}

impl FromStr for Roles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut roles = Self::default();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let role = match name {
                "api" => &mut roles.api,
                "delivery" => &mut roles.delivery,
                "realtime" => &mut roles.realtime,
                _ => return Err(format!("`{name}` is no role: write some of api, delivery, realtime")),
            };
            *role = true;
        }
        match roles == Self::default() {
            true => Err("write some of api, delivery, realtime".to_owned()),
            false => Ok(roles),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_by_their_names() {
        assert_eq!("realtime, api,delivery".parse(), Ok(Roles::ALL));
        assert_eq!("delivery".parse(), Ok(Roles { delivery: true, ..Roles::default() }));
        for wrong in ["", ",", "API", "api;delivery", "sender"] {
            assert!(wrong.parse::<Roles>().is_err(), "{wrong}");
        }
    }
}
