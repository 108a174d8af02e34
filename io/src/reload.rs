//! The configuration in force, and what may take its place: read, checked and compared as a whole before
//! anything changes.

use crate::audit::AuditLog;
use crate::config::{Keys, Settings, changes, refuse_fixed};
use crate::hosts::Program;
use crate::log::Level;
use crate::start::{StartError, fit_descriptors, programs, refuse_root};
use parsecd_core::ids::ProviderKey;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file; `None`: there is none, the defaults hold.
    pub file: Option<PathBuf>,
    /// Root may run parsecd whatever the file says.
    pub root_allowed: bool,
}

impl Origin {
    /// What it says now.
    ///
    /// # Errors
    /// Every mistake.
    pub fn read(&self) -> Result<Settings, crate::config::ConfigErrors> {
        match &self.file {
            Some(path) => Settings::load(path),
            None => Settings::defaults(),
        }
    }
}

/// The configuration in force.
pub struct InForce {
    origin: Origin,
    settings: Settings,
    keys: Keys,
    level: Level,
    /// The file with the key that software hosts seal material with.
    store_key: PathBuf,
}

/// A configuration that can take its place.
pub struct Next {
    /// All of it.
    pub settings: Settings,
    keys: Keys,
    /// What it changes, for the log.
    pub changes: Vec<String>,
    /// How hosts are started.
    pub programs: BTreeMap<ProviderKey, Program>,
    /// The audit log, opened again, so that a file that was moved away is followed by a new one.
    pub audit: AuditLog,
}

/// Every reason why it cannot, one a line.
pub struct Refused(pub Vec<String>);

impl<E: std::fmt::Display> From<E> for Refused {
    fn from(error: E) -> Refused {
        Refused(error.to_string().lines().map(str::to_owned).collect())
    }
}

impl InForce {
    /// `settings`, which came from `origin` and have the keys of their names in `keys`.
    pub fn new(origin: Origin, settings: Settings, keys: Keys, level: Level, store_key: PathBuf) -> InForce {
        InForce { origin, settings, keys, level, store_key }
    }

    /// What it says.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where its hosts find the key that they seal material with.
    pub fn store_key(&self) -> &Path {
        &self.store_key
    }

    /// Reads the configuration again; `running` is how the hosts there are were started. Changes nothing.
    ///
    /// # Errors
    /// All mistakes of the file; or all changes that are not possible while the daemon runs; or what the system
    /// refuses.
    pub fn read_again(&self, running: &BTreeMap<ProviderKey, Program>) -> Result<Next, Refused> {
        let mut keys = self.keys.clone();
        let mut settings = keys.assign(fit_descriptors(self.origin.read()?)?)?;
        refuse_fixed(self.origin.file.as_deref(), &self.settings, &settings)?;
        refuse_root(self.origin.root_allowed || settings.allow_root)?;
        let programs = programs(&settings, &self.store_key)?;
        self.count_revisions(&mut settings, running, &programs);
        let audit = AuditLog::open(settings.audit_log.as_deref()).map_err(|cause| StartError::Audit {
            path: settings.audit_log.clone().unwrap_or_default(),
            cause,
        })?;
        let changes = changes(&self.settings, &settings);
        Ok(Next { settings, keys, changes, programs, audit })
    }

    /// A provider whose hosts would be started otherwise than those that run has another revision.
    fn count_revisions(
        &self,
        settings: &mut Settings,
        running: &BTreeMap<ProviderKey, Program>,
        programs: &BTreeMap<ProviderKey, Program>,
    ) {
        for (key, provider) in &mut settings.core.providers {
            let Some(before) = self.settings.core.providers.get(key) else { continue };
            let same = running.get(key) == programs.get(key)
                && self.settings.providers.get(key) == settings.providers.get(key);
            provider.revision = before.revision.wrapping_add(u32::from(!same));
        }
    }
}

impl Next {
    /// Takes the place of `before`. Gives what is to be told to others.
    pub fn come_into_force(self, before: &mut InForce) -> (BTreeMap<ProviderKey, Program>, AuditLog) {
        before.level.set(self.settings.log.level);
        before.settings = self.settings;
        before.keys = self.keys;
        (self.programs, self.audit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn in_force(directory: &Path, text: &str) -> InForce {
        let file = directory.join("config.toml");
        write(&file, text);
        let origin = Origin { file: Some(file), root_allowed: true };
        let mut keys = Keys::default();
        let settings = keys.assign(origin.read().unwrap()).unwrap();
        InForce::new(origin, settings, keys, Level::fixed(), directory.join("store.key"))
    }

    fn read_again(in_force: &InForce, running: &BTreeMap<ProviderKey, Program>, text: &str) -> Next {
        write(in_force.origin.file.as_ref().unwrap(), text);
        in_force.read_again(running).unwrap_or_else(|refused| panic!("{:?}", refused.0))
    }

    /// Other tests of this process change the umask, and others must not be able to write the file.
    fn write(file: &Path, text: &str) {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    const KEY: ProviderKey = ProviderKey(0);
    const PROVIDER: &str = "[[provider]]\nprovider_type = \"MbedCrypto\"\n";

    #[test]
    fn a_provider_has_another_revision_exactly_if_its_hosts_are_started_otherwise() {
        let directory = tempfile::tempdir().unwrap();
        let mut in_force = in_force(directory.path(), PROVIDER);
        let mut running = programs(in_force.settings(), in_force.store_key()).unwrap();
        let hosts = format!("{PROVIDER}hosts = 7\n");
        let next = read_again(&in_force, &running, &hosts);
        assert_eq!(
            next.settings.core.providers[&KEY].revision, 0,
            "the number of hosts is not how they start"
        );
        next.come_into_force(&mut in_force);

        running.get_mut(&KEY).unwrap().arguments.push("--other".into());
        let next = read_again(&in_force, &running, &hosts);
        assert_eq!(next.settings.core.providers[&KEY].revision, 1);
        let (running, _) = next.come_into_force(&mut in_force);
        assert_eq!(read_again(&in_force, &running, &hosts).settings.core.providers[&KEY].revision, 1);
    }

    #[test]
    fn every_mistake_is_a_line_and_nothing_has_changed() {
        let directory = tempfile::tempdir().unwrap();
        let in_force = in_force(directory.path(), PROVIDER);
        let before = in_force.settings().clone();
        write(&directory.path().join("config.toml"), &format!("{PROVIDER}hosst = 1\n[listner]\n"));
        let refused = in_force.read_again(&BTreeMap::new()).err().unwrap().0;
        assert_eq!(refused.len(), 2);
        assert!(refused[0].contains("config.toml:3:") && refused[0].contains("`hosts`"), "{refused:?}");
        assert_eq!(*in_force.settings(), before);
    }
}
