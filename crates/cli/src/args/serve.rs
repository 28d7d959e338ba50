//! The flags of `cstar serve` and `cstar dev`, made from the server's table of settings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use cstar_server::{SETTINGS, Setting, SettingKind, Settings};

use super::{Global, variables};
use crate::commands::dev;
use crate::exit::CliError;
use crate::output::Output;

/// What was given to `cstar serve`.
pub(crate) struct ServeFlags {
    values: BTreeMap<String, String>,
    config: Option<PathBuf>,
    pub(crate) print_config: bool,
}

/// What was given to `cstar dev`: the same flags, with other defaults.
pub(crate) struct DevFlags(pub(crate) ServeFlags);

/// What a server itself has no use for: it is whom the other commands speak to.
const OF_CLIENTS: [&str; 5] = ["server", "key", "team", "profile", "yes"];
pub(super) const CONFIG_VARIABLE: &str = "CSTAR_CONFIG";

impl ServeFlags {
    /// These flags, and no others.
    pub(super) fn only(values: BTreeMap<String, String>, config: Option<PathBuf>) -> Self {
        Self { values, config, print_config: false }
    }

    /// Every setting with its value, where `defaults` stand in for the server's own. What in the environment looks like a
    /// setting and is none is told.
    pub(crate) fn resolve(
        &self,
        defaults: &[(&'static str, &str)],
        output: Output,
    ) -> Result<Settings, CliError> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        variables::warnings(names).iter().for_each(|warning| output.note(warning));
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = self.config.clone().or_else(|| variable(CONFIG_VARIABLE).map(PathBuf::from));
        let file = path.map(|path| {
            std::fs::read_to_string(&path)
                .map_err(|error| CliError::usage(format!("{}: {error}", path.display())))
        });
        let file = file.transpose()?;
        Ok(Settings::resolve(&self.values, variable, file.as_deref(), defaults)?)
    }
}

/// Refuses the flags of clients, which would otherwise be ignored.
pub(crate) fn refuse_flags_of_clients(global: &Global, this_one: &str) -> Result<(), CliError> {
    let Global { server, key, team, profile, yes, .. } = global;
    let given = [server.is_some(), key.is_some(), team.is_some(), profile.is_some(), *yes];
    match OF_CLIENTS.iter().zip(given).find(|(_, given)| *given) {
        Some((name, _)) => {
            Err(CliError::usage(format!("--{name} is for the commands that speak to a server; {this_one}")))
        }
        None => Ok(()),
    }
}

fn augment(command: Command, defaults: &[(&str, &str)]) -> Command {
    let hidden = Global::augment_args(Command::new("hidden"));
    let hidden = hidden.get_arguments().filter(|arg| OF_CLIENTS.contains(&arg.get_id().as_str()));
    let command = hidden.cloned().map(|arg| arg.hide(true)).fold(command, Command::arg);
    let settings = SETTINGS.iter().filter_map(|setting| flag(setting, defaults));
    settings
        .fold(command, Command::arg)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help(format!("TOML file with any of these settings [env: {CONFIG_VARIABLE}]")),
        )
        .arg(
            Arg::new("print-config")
                .long("print-config")
                .action(ArgAction::SetTrue)
                .help("Print each setting, its value and where that came from, and end"),
        )
}

/// The environment is read by the server, after the flags, so clap only shows the variable's name.
fn flag(setting: &'static Setting, defaults: &[(&str, &str)]) -> Option<Arg> {
    let stand_in = defaults.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| *value);
    let default = stand_in.or(setting.default);
    let default = default.map(|default| format!(", default: {default}")).unwrap_or_default();
    let help = format!("{} [env: {}{default}]", setting.help, setting.variable());
    let arg = Arg::new(setting.name).long(setting.name).help(help);
    match setting.kind {
        SettingKind::Value(placeholder) | SettingKind::Url(placeholder) => Some(arg.value_name(placeholder)),
        SettingKind::Switch => Some(arg.action(ArgAction::SetTrue)),
        SettingKind::Secret => None,
    }
}

impl Args for ServeFlags {
    fn augment_args(command: Command) -> Command {
        augment(command, &[])
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl Args for DevFlags {
    fn augment_args(command: Command) -> Command {
        augment(command, &dev::DEFAULTS)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ServeFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &Setting| match setting.kind {
            SettingKind::Value(_) | SettingKind::Url(_) => matches.get_one::<String>(setting.name).cloned(),
            SettingKind::Switch => matches.get_flag(setting.name).then(|| "true".to_owned()),
            SettingKind::Secret => None,
        };
        let values =
            SETTINGS.iter().filter_map(|setting| Some((setting.name.to_owned(), given(setting)?))).collect();
        Ok(Self {
            values,
            config: matches.get_one("config").cloned(),
            print_config: matches.get_flag("print-config"),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl FromArgMatches for DevFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        ServeFlags::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}
