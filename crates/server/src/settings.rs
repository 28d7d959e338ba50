//! The settings of `cstar serve`, each defined once: its flag, its variable, its key in the file, its default.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// How a setting is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// A flag with a value; the text is its placeholder.
    Value(&'static str),
    /// The same, a URL whose user and password are not printed (SEC-3).
    Url(&'static str),
    /// A flag without a value; `true` or `false` elsewhere.
    Switch,
    /// From the environment alone, so that it stands in no process list and no file by accident (SEC-3).
    Secret,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The flag without dashes in front, and the key in the file.
    pub name: &'static str,
    /// How it is given.
    pub kind: SettingKind,
    /// What holds if nothing is given.
    pub default: Option<&'static str>,
    /// For people: what it does, and why one would change it.
    pub help: &'static str,
}

impl Setting {
    /// The environment variable: `CSTAR_ATTEMPT_TIMEOUT` for `attempt-timeout`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("CSTAR_{}", self.name.replace('-', "_").to_uppercase())
    }
}

const fn value(
    name: &'static str,
    placeholder: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting { name, kind: SettingKind::Value(placeholder), default, help }
}

/// Every setting, in the order of `--help` and `--print-config`.
pub const SETTINGS: &[Setting] = &[
    value("listen", "ADDR", Some("127.0.0.1:7070"), "Address and port to serve the API on"),
    value("data", "DIR", Some("cstar-data"), "Directory that holds the log; one process uses it at a time"),
    Setting {
        name: "store",
        kind: SettingKind::Url("URL"),
        default: None,
        help: "PostgreSQL database that several nodes share in place of --data, as postgres://user:password@host/database; in the environment if it has a password",
    },
    Setting {
        name: "doorbell",
        kind: SettingKind::Url("URL"),
        default: None,
        help: "How nodes tell each other that there is something new: nats://host:4222, or a postgres:// URL that leads past a pooler; without one, by --store",
    },
    value(
        "store-ca",
        "FILE",
        None,
        "PEM file of the authority that the certificates of --store and --doorbell come from, if the system does not know it",
    ),
    value(
        "node-lease",
        "TIME",
        Some("15s"),
        "How long a node that shares --store may be silent before others take over what it was about to send",
    ),
    value(
        "roles",
        "ROLE,...",
        Some("api,delivery,realtime"),
        "What a node that shares --store does: answer the API, send webhooks, hold streams",
    ),
    value("public-url", "URL", None, "How clients reach this server; webhooks to its host are refused"),
    value("retry-schedule", "WAITS", Some("1m,5m,30m"), "Waits before each retry of a failed attempt"),
    value(
        "attempt-timeout",
        "TIME",
        Some("10s"),
        "Time for one attempt, from resolving to the response head",
    ),
    value(
        "disable-after",
        "TIME",
        Some("5d"),
        "Disable a webhook whose attempts have all failed for so long",
    ),
    value("disable-attempts", "COUNT", Some("20"), "And at least so often; 0 disables none"),
    value("max-in-flight", "COUNT", Some("512"), "Attempts under way at once, over all webhooks"),
    value("retention", "TIME", Some("30d"), "How long events and their deliveries are kept"),
    value("audit-retention", "TIME", Some("365d"), "How long the audit log is kept"),
    value("allow-targets", "CIDR,...", None, "Private ranges that webhooks may reach, such as 10.0.0.0/8"),
    Setting {
        name: "allow-http",
        kind: SettingKind::Switch,
        default: Some("false"),
        help: "Allow webhooks with http:// URLs",
    },
    Setting {
        name: "egress-proxy",
        kind: SettingKind::Url("URL"),
        default: None,
        help: "Proxy that webhooks are sent through, as http://user:password@host:port; in the environment if it has a password",
    },
    value(
        "extra-ca",
        "FILE",
        None,
        "PEM file of further authorities that webhooks' certificates may come from",
    ),
    value(
        "envelope-max-bytes",
        "BYTES",
        Some("65536"),
        "Largest envelope, at most 98304: common receivers refuse more",
    ),
    value("webhooks-per-team", "COUNT", Some("100"), "Most webhooks a team may have, at most 1000"),
    value(
        "event-types",
        "COUNT",
        Some("200"),
        "Most event types that may be added to the built-in ones, at most 1000",
    ),
    value(
        "stream-memory",
        "BYTES",
        Some("67108864"),
        "Memory for the newest frames of all live streams together",
    ),
    value(
        "requests-per-key",
        "COUNT",
        Some("1000"),
        "Requests a team key may send in a second; 0 is no limit",
    ),
    value(
        "requests-per-team",
        "COUNT",
        Some("2000"),
        "Requests a team's keys may send in a second, together; 0 is no limit",
    ),
    value("streams-per-key", "COUNT", Some("10000"), "Most open streams a key may have"),
    value("streams-per-team", "COUNT", Some("20000"), "Most open streams a team may have"),
    value(
        "cors-origins",
        "ORIGIN,...",
        None,
        "Web pages that may read from this server, such as https://app.example.com, localhost (any port) or *",
    ),
    value(
        "trusted-proxies",
        "CIDR,...",
        None,
        "Proxies in front of this server that are believed when they say whom they heard, such as 10.0.0.0/8",
    ),
    Setting {
        name: "check-host",
        kind: SettingKind::Switch,
        default: Some("false"),
        help: "Answer only to IP addresses, localhost and the host of --public-url",
    },
    value(
        "tls-cert",
        "FILE",
        None,
        "PEM certificate chain; with it and --tls-key the API is served over TLS",
    ),
    value("tls-key", "FILE", None, "PEM private key of --tls-cert"),
    value("metrics-listen", "ADDR", None, "Serve /metrics here, and no longer on the API's address"),
    Setting {
        name: "otlp-endpoint",
        kind: SettingKind::Url("URL"),
        default: None,
        help: "Collector that traces are sent to by OTLP over HTTP, such as http://127.0.0.1:4318; off without",
    },
    value("log", "FILTER", Some("info"), "What is logged: error, warn, info, debug, or a filter by module"),
    value("log-format", "FORMAT", Some("text"), "How it is logged: text or json"),
    value(
        "master-key-file",
        "FILE",
        None,
        "File with the key that encrypts secrets; made beside the data if neither is given",
    ),
    Setting {
        name: "master-key",
        kind: SettingKind::Secret,
        default: None,
        help: "The key that encrypts secrets, 64 hex characters",
    },
    Setting {
        name: "platform-key",
        kind: SettingKind::Secret,
        default: None,
        help: "The key that may do everything, at least 32 characters; made and printed once if not given",
    },
];

/// Where a value came from; the first of these that has one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// The file given with `--config`.
    File,
    /// Nobody said otherwise.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
        })
    }
}

/// The settings cannot be used; the text names the setting, where it was given, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);

/// Each setting with its value, if it has one, and where that came from. Secrets among them do not print (SEC-3).
pub struct Settings(BTreeMap<&'static str, (String, Source)>);

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settings").field(&self.print()).finish()
    }
}

impl Settings {
    /// Looks each setting up in the flags, the environment, and the text of the configuration file, in that order.
    /// `defaults` stand in for the settings' own.
    ///
    /// # Errors
    /// When the file is no TOML, or holds a key that is no setting, a secret, or a value that is no text, number or boolean.
    pub fn resolve(
        flags: &BTreeMap<String, String>,
        environment: impl Fn(&str) -> Option<String>,
        file: Option<&str>,
        defaults: &[(&'static str, &str)],
    ) -> Result<Self, SettingsError> {
        let file = parse_file(file.unwrap_or_default())?;
        let found = SETTINGS.iter().filter_map(|setting| {
            let from = |found: Option<String>, source| found.map(|text| (text, source));
            from(flags.get(setting.name).cloned(), Source::Flag)
                .or_else(|| {
                    from(
                        environment(&setting.variable()).filter(|text| !text.is_empty()),
                        Source::Environment,
                    )
                })
                .or_else(|| from(file.get(setting.name).cloned(), Source::File))
                .or_else(|| from(default_of(setting, defaults), Source::Default))
                .map(|found| (setting.name, found))
        });
        Ok(Self(found.collect()))
    }

    /// The value of a setting, read by `parse`; `None` if it has none.
    ///
    /// # Errors
    /// What `parse` says, with the setting's name and where the value came from.
    pub fn read<T, E: fmt::Display>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, SettingsError> {
        debug_assert!(SETTINGS.iter().any(|setting| setting.name == name), "{name} is no setting");
        let Some((text, source)) = self.0.get(name) else { return Ok(None) };
        parse(text).map(Some).map_err(|error| SettingsError(format!("--{name} (from the {source}): {error}")))
    }

    /// Each setting's name, its value, which is left out of secrets, and where it came from.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, Option<Cow<'_, str>>, Option<Source>)> {
        SETTINGS.iter().map(|setting| match self.0.get(setting.name) {
            Some((_, source)) if setting.kind == SettingKind::Secret => (setting.name, None, Some(*source)),
            Some((text, source)) if matches!(setting.kind, SettingKind::Url(_)) => {
                (setting.name, Some(without_credentials(text)), Some(*source))
            }
            Some((text, source)) => (setting.name, Some(Cow::Borrowed(text.as_str())), Some(*source)),
            None => (setting.name, None, None),
        })
    }

    /// One line for each setting: `name = value  # source`, with secrets left out.
    #[must_use]
    pub fn print(&self) -> String {
        let line = |(name, value, source): (&str, Option<Cow<'_, str>>, Option<Source>)| match (value, source)
        {
            (Some(text), Some(source)) => format!("{name} = {text:?}  # {source}\n"),
            (None, Some(source)) => format!("# {name} is set  # {source}\n"),
            (_, None) => format!("# {name} is not set\n"),
        };
        self.rows().map(line).collect()
    }
}

/// A URL without what stands in front of its last `@`, be it well formed or not.
fn without_credentials(url: &str) -> Cow<'_, str> {
    // As a parameter of a database's URL, which takes one, too.
    let url = url.split_once("password=").map_or(url, |(before, _)| before);
    let Some((before, host)) = url.rsplit_once('@') else { return Cow::Borrowed(url) };
    let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
    Cow::Owned(format!("{scheme}://…@{host}"))
}

fn default_of(setting: &Setting, defaults: &[(&'static str, &str)]) -> Option<String> {
    let stand_in = defaults.iter().find(|(name, _)| *name == setting.name).map(|(_, text)| *text);
    stand_in.or(setting.default).map(str::to_owned)
}

fn parse_file(text: &str) -> Result<BTreeMap<String, String>, SettingsError> {
    let table: toml::Table = text.parse().map_err(|error| no_toml(text, &error))?;
    table.into_iter().map(|(key, value)| file_value(&key, &value).map(|text| (key, text))).collect()
}

/// Where it is wrong and why, without the line itself: it may hold a proxy's password (SEC-3).
fn no_toml(text: &str, error: &toml::de::Error) -> SettingsError {
    let before = error.span().and_then(|span| text.get(..span.start));
    let place = before.map_or_else(String::new, |before| {
        let (line, column) =
            (before.split('\n').count(), before.rsplit('\n').next().unwrap_or_default().chars().count() + 1);
        format!(" (line {line}, column {column})")
    });
    SettingsError(format!("the configuration file is no TOML{place}: {}", error.message()))
}

fn file_value(key: &str, value: &toml::Value) -> Result<String, SettingsError> {
    let setting = SETTINGS.iter().find(|setting| setting.name == key);
    let setting = setting.ok_or_else(|| {
        SettingsError(format!(
            "the configuration file has `{key}`, which is no setting; `cstar serve --help` lists them"
        ))
    })?;
    if setting.kind == SettingKind::Secret {
        let variable = setting.variable();
        return Err(SettingsError(format!(
            "`{key}` is a secret and is not read from the file: set {variable}"
        )));
    }
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(switch) => Ok(switch.to_string()),
        _ => Err(SettingsError(format!(
            "`{key}` in the configuration file must be a text, a number or a boolean"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn text(settings: &Settings, name: &'static str) -> String {
        settings.read(name, |text| Ok::<_, String>(text.to_owned())).unwrap().unwrap_or_default()
    }

    #[test]
    fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
        let environment =
            |name: &str| matches!(name, "CSTAR_LISTEN" | "CSTAR_DATA").then(|| "environment".to_owned());
        let file = "listen = 'file'\ndata = 'file'\nretention = 'file'";
        let settings =
            Settings::resolve(&flags(&[("listen", "flag")]), environment, Some(file), &[]).unwrap();
        let found = ["listen", "data", "retention", "attempt-timeout"].map(|name| text(&settings, name));
        assert_eq!(found, ["flag", "environment", "file", "10s"]);
    }

    /// SEC-3: secrets are neither printed nor taken from the file.
    #[test]
    fn secrets_come_from_the_environment_and_are_never_printed() {
        let environment = |name: &str| {
            (name == "CSTAR_PLATFORM_KEY").then(|| "canary-of-32-characters-or-more!".to_owned())
        };
        let settings = Settings::resolve(&flags(&[]), environment, None, &[]).unwrap();
        assert!(!settings.print().contains("canary") && !format!("{settings:?}").contains("canary"));
        assert!(settings.print().contains("# platform-key is set  # environment"));
        let error = Settings::resolve(&flags(&[]), |_| None, Some("platform-key = 'x'"), &[]).unwrap_err();
        assert!(error.0.contains("CSTAR_PLATFORM_KEY"), "{error}");
    }

    /// SEC-3: a proxy's password is printed neither from a URL nor from what was meant to be one.
    #[test]
    fn credentials_in_a_url_are_not_printed() {
        for (given, printed) in [
            ("http://us:canary@proxy.internal:3128", "http://…@proxy.internal:3128"),
            ("us:canary@proxy.internal:3128", "://…@proxy.internal:3128"),
            ("http://us:can@ary@proxy.internal", "http://…@proxy.internal"),
            ("http://proxy.internal:3128", "http://proxy.internal:3128"),
            ("postgres://db/cstar?password=canary", "postgres://db/cstar?"),
            ("host=db password=canary", "host=db "),
        ] {
            let settings =
                Settings::resolve(&flags(&[("egress-proxy", given)]), |_| None, None, &[]).unwrap();
            let text = format!("{}{settings:?}", settings.print());
            assert!(text.contains(&format!("egress-proxy = \"{printed}\"  # flag")), "{text}");
            assert!(!text.contains("canary") && !text.contains("us:"), "{text}");
        }
    }

    /// SEC-3: what is wrong in a file is told by its place; the line may hold a password.
    #[test]
    fn a_file_that_is_no_toml_is_not_repeated() {
        for line in [
            "egress-proxy = \"http://us:canary@proxy.internal",
            "egress-proxy = http://us:canary@proxy.internal",
            "egress-proxy = 'http://us:canary@proxy.internal' canary",
            "egress-proxy = \"\\canary\"",
            "egress-proxy = 'a'\negress-proxy = 'canary'",
        ] {
            let file = format!("log = 'info'\n{line}\n");
            let wrong = Settings::resolve(&flags(&[]), |_| None, Some(&file), &[]).err().unwrap().0;
            assert!(!wrong.contains("canary") && !wrong.contains("us:"), "{wrong}");
            assert!(wrong.starts_with("the configuration file is no TOML (line "), "{wrong}");
        }
        let wrong =
            Settings::resolve(&flags(&[]), |_| None, Some("log = 'info'\ndata = ?"), &[]).err().unwrap().0;
        assert!(wrong.contains("(line 2, column 8): "), "{wrong}");
    }

    #[test]
    fn an_unknown_key_or_a_wrong_value_says_where_it_stands() {
        let unknown = Settings::resolve(&flags(&[]), |_| None, Some("lissten = ':80'"), &[]).unwrap_err();
        assert!(unknown.0.contains("`lissten`"), "{unknown}");
        let settings = Settings::resolve(&flags(&[("listen", "nope")]), |_| None, None, &[]).unwrap();
        let wrong = settings.read("listen", str::parse::<std::net::SocketAddr>).unwrap_err();
        assert!(wrong.0.starts_with("--listen (from the flag)"), "{wrong}");
    }

    #[test]
    fn every_setting_has_one_name_and_a_default_that_prints() {
        let names: std::collections::BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), SETTINGS.len());
        let printed = Settings::resolve(&flags(&[]), |_| None, None, &[]).unwrap().print();
        assert_eq!(printed.lines().count(), SETTINGS.len());
    }
}
