//! The configuration: a TOML file, or nothing, turned into everything the daemon needs to know.
//!
//! A file written for the reference loads unchanged (decisions.md 7). All mistakes are reported, not only the
//! first, each with file, line, key and remedy, and never with a value: values may be PINs.

mod authenticator;
mod changes;
mod core_settings;
mod environment;
mod error;
mod file;
mod key_manager;
mod keys;
mod listener;
mod nearest;
mod provider;
#[cfg(test)]
mod readme;
mod settings;
mod table;

pub use changes::{changes, refuse_fixed};
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrors, Position};
pub use keys::Keys;
pub use settings::{ListenerSettings, LogFormat, LogLevel, LogSettings, ProviderSettings, Settings, Warning};

use core_settings::CoreSettings;
use listener::{Known, Listeners};
use parsecd_core::config::{Config, ExecutorConfig, ListenerConfig, ProviderConfig};
use parsecd_core::ids::{ListenerKey, ProviderKey};
use std::path::{Path, PathBuf};
use table::{Report, Table};
use toml::de::DeTable;

const SECTIONS: [&str; 5] = ["core_settings", "listener", "authenticator", "key_manager", "provider"];

impl Settings {
    /// What the file `path` says. Refuses a file that others could have written.
    ///
    /// # Errors
    /// Every mistake.
    pub fn load(path: &Path) -> Result<Settings, ConfigErrors> {
        let (text, mut warnings) = file::read(path)?;
        let mut settings = Settings::parse(path, &text, &Environment::of_process())?;
        warnings.append(&mut settings.warnings);
        settings.warnings = warnings;
        Ok(settings)
    }

    /// What holds without a configuration file: the software provider for processes of this machine, told apart
    /// by their user.
    ///
    /// # Errors
    /// The environment names no place for the socket or the store.
    pub fn defaults() -> Result<Settings, ConfigErrors> {
        Settings::defaults_in(&Environment::of_process())
    }

    /// [`Settings::defaults`] in `environment`.
    ///
    /// # Errors
    /// As there.
    pub fn defaults_in(environment: &Environment) -> Result<Settings, ConfigErrors> {
        let mut errors = Vec::new();
        let mut place = |found: Option<PathBuf>, what: &str, remedy: &str| {
            found.unwrap_or_else(|| {
                errors.push(ConfigError {
                    file: None,
                    position: None,
                    key: String::new(),
                    message: format!("there is no place for the {what}"),
                    remedy: remedy.to_owned(),
                });
                PathBuf::new()
            })
        };
        let socket_path = place(
            environment.socket(),
            "socket",
            "set XDG_RUNTIME_DIR, or name a file with --config that has a [listener] with socket_path",
        );
        let store = place(
            environment.store(),
            "store",
            "set HOME or XDG_STATE_HOME, or name a file with --config that has a [[key_manager]] with \
             sqlite_db_path",
        );
        if !errors.is_empty() {
            return Err(ConfigErrors(errors));
        }
        let provider = provider::software(provider::software_name(), environment.hosts());
        let listener = ListenerSettings {
            name: listener::NAME.to_owned(),
            socket_path,
            socket_mode: listener::SOCKET_MODE,
        };
        let config = ListenerConfig {
            authenticators: vec![authenticator::default()],
            providers: vec![ProviderKey(0)],
        };
        Ok(assemble(CoreSettings::new(environment), vec![provider], vec![(listener, config)], store))
    }

    /// What `text`, the content of `file`, says.
    ///
    /// # Errors
    /// Every mistake.
    pub fn parse(file: &Path, text: &str, environment: &Environment) -> Result<Settings, ConfigErrors> {
        let mut report = Report::new(file, text);
        let (document, syntax) = DeTable::parse_recoverable(text);
        syntax.iter().for_each(|error| report.syntax(error));
        let root = Table::new("", 0..0, document.get_ref());
        root.check_keys(&SECTIONS, &mut report);

        let sections = root.tables("core_settings", "core_settings", &mut report);
        if let Some(second) = sections.get(1) {
            report.error(&second.span, "core_settings", "a second time", "write [core_settings] once");
        }
        let core = core_settings::read(sections.first(), environment, &mut report);
        let tables = root.tables("authenticator", "authenticator", &mut report);
        let authenticators = authenticator::read(&tables, &mut report);
        let tables = root.tables("key_manager", "key_manager", &mut report);
        let managers = key_manager::read(&tables, &mut report);
        let tables = root.tables("provider", "provider", &mut report);
        let providers = provider::read(&tables, core.forbid_inline_secrets, environment.hosts(), &mut report);
        if tables.is_empty() && root.span_of("provider").is_none() {
            let remedy = "add [[provider]] with provider_type = \"MbedCrypto\"";
            report.error_of_file("provider", "there is no provider", remedy);
        }
        let references: Vec<_> =
            providers.iter().map(|provider| (provider.key_manager.clone(), provider.span.clone())).collect();
        let store = key_manager::store(&managers, &references, environment, &mut report);
        let tables = root.tables("listener", "listener", &mut report);
        let known = Known { authenticators: &authenticators, providers: &providers, environment };
        let Listeners { listeners, timeout } = listener::read(&tables, &known, &mut report);

        let warnings = report.finish()?;
        let available = providers.into_iter().filter_map(|provider| provider.available).collect();
        let mut settings = assemble(core, available, listeners, store);
        if let Some(timeout) = timeout {
            settings.core.deadlines.first_byte = timeout;
            settings.core.deadlines.silence = timeout;
        }
        settings.warnings = warnings;
        Ok(settings)
    }
}

/// Puts together what is right by itself. Keys are places in the file.
fn assemble(
    core: CoreSettings,
    providers: Vec<(ProviderConfig, ProviderSettings)>,
    listeners: Vec<(ListenerSettings, ListenerConfig)>,
    store: PathBuf,
) -> Settings {
    let provider_keys = || (0..).map(ProviderKey);
    let listener_keys = || (0..).map(ListenerKey);
    let (provider_configs, provider_settings): (Vec<_>, Vec<_>) = providers.into_iter().unzip();
    let (listener_settings, listener_configs): (Vec<_>, Vec<_>) = listeners.into_iter().unzip();
    Settings {
        core: Config {
            limits: core.limits,
            deadlines: core.deadlines,
            allow_deprecated: core.allow_deprecated,
            refuse_pkcs1v15_encryption: core.refuse_pkcs1v15_encryption,
            executor: (core.executor_threads > 0).then(|| ExecutorConfig {
                threads: core.executor_threads,
                capabilities: parsecd_executor::capabilities(),
            }),
            audit: core.audit_log.is_some(),
            providers: provider_keys().zip(provider_configs).collect(),
            listeners: listener_keys().zip(listener_configs).collect(),
        },
        listeners: listener_keys().zip(listener_settings).collect(),
        providers: provider_keys().zip(provider_settings).collect(),
        store,
        log: core.log,
        audit_log: core.audit_log,
        allow_root: core.allow_root,
        forbid_inline_secrets: core.forbid_inline_secrets,
        allowed_modules: core.allowed_modules,
        warnings: Vec::new(),
    }
}
