//! The server: it reads its settings, puts the parts together, runs them as tasks, and ends them in order.
//!
//! Of the server's crates this one alone reads the environment, files and signals; everything below gets an options value.

mod descriptors;
mod error;
mod keys;
mod listen;
mod metrics;
pub mod moving;
mod nodes;
pub mod offline;
mod operations;
mod options;
mod page;
mod retention;
mod roles;
mod rotation;
mod server;
mod settings;
pub mod signals;
mod stream_runtime;
mod tasks;
mod telemetry;
mod tls;
mod traces;

pub use error::{StartError, StopError};
pub use options::{LogFormat, Options, SecretSetting, SharedStore};
pub use roles::Roles;
pub use server::Server;
pub use settings::{SETTINGS, Setting, SettingKind, Settings, SettingsError, Source};
pub use tasks::TaskFailed;
pub use telemetry::start_logging;
