//! The flags of `cstar serve` and `cstar dev`, made from the server's table of settings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use cstar_server::{SETTINGS, Setting, SettingKind, Settings};

use crate::exit::CliError;

/// What was given on the command line.
pub(crate) struct ServeFlags {
    values: BTreeMap<String, String>,
    config: Option<PathBuf>,
    pub(crate) print_config: bool,
}

impl ServeFlags {
    /// Every setting with its value, where `defaults` stand in for the server's own.
    pub(crate) fn resolve(&self, defaults: &[(&'static str, &str)]) -> Result<Settings, CliError> {
        let file = self.config.as_ref().map(|path| {
            std::fs::read_to_string(path)
                .map_err(|error| CliError::usage(format!("{}: {error}", path.display())))
        });
        let file = file.transpose()?;
        Ok(Settings::resolve(&self.values, |name| std::env::var(name).ok(), file.as_deref(), defaults)?)
    }
}

impl Args for ServeFlags {
    fn augment_args(command: Command) -> Command {
        let command = SETTINGS.iter().filter_map(flag).fold(command, Command::arg);
        command
            .arg(
                Arg::new("config")
                    .long("config")
                    .value_name("FILE")
                    .env("CSTAR_CONFIG")
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("TOML file with any of these settings"),
            )
            .arg(
                Arg::new("print-config")
                    .long("print-config")
                    .action(ArgAction::SetTrue)
                    .help("Print each setting, its value and where that came from, and end"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The environment is read by the server, after the flags, so clap only shows the variable's name.
fn flag(setting: &'static Setting) -> Option<Arg> {
    let default = setting.default.map(|default| format!(", default: {default}")).unwrap_or_default();
    let help = format!("{} [env: {}{default}]", setting.help, setting.variable());
    let arg = Arg::new(setting.name).long(setting.name).help(help);
    match setting.kind {
        SettingKind::Value(placeholder) => Some(arg.value_name(placeholder)),
        SettingKind::Switch => Some(arg.action(ArgAction::SetTrue)),
        SettingKind::Secret => None,
    }
}

impl FromArgMatches for ServeFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &Setting| match setting.kind {
            SettingKind::Value(_) => matches.get_one::<String>(setting.name).cloned(),
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
