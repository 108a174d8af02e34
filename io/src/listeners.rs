//! The sockets that a configuration asks for: those that are there already, those that are bound now, and those
//! that nobody asks for any more.

use crate::config::{ListenerSettings, Settings};
use crate::listener::{Address, ListenError, Listener, same_place};
use crate::service_manager::{ActivationError, Inherited};
use parsecd_core::ids::ListenerKey;
use std::path::{Path, PathBuf};
use tracing::{info, warn};

/// What becomes of the sockets when a configuration is applied.
pub struct Plan {
    /// For each socket there is: the listener that it is for from now on, and the mode of its file; `None`:
    /// nobody's.
    pub kept: Vec<Option<(ListenerKey, u32)>>,
    /// New sockets.
    pub bound: Vec<Listener>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A new socket cannot be bound.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A socket that the service manager has bound would be nobody's.
    #[error(
        "{}: the service manager has bound this socket, so no listener can be moved away from it; undo the \
         change, or change ListenStream= in the socket unit and restart both units", .0.display()
    )]
    Inherited(PathBuf),
}

/// The sockets of `settings` at the start: those of the service manager, the others are bound.
///
/// # Errors
/// A socket of the service manager that no listener has, or a path that cannot be bound.
pub fn open(
    settings: &Settings,
    inherited: Vec<Inherited>,
) -> Result<Vec<Listener>, super::start::StartError> {
    let mut listeners = Vec::new();
    for given in inherited {
        let wanted =
            settings.listeners.iter().find(|(_, wanted)| same_place(&given.path, &wanted.socket_path));
        let Some((key, wanted)) = wanted else {
            return Err(ActivationError::Unknown(given.path).into());
        };
        info!(listener = wanted.name.as_str(), path = %given.path.display(), "listening, by socket activation");
        listeners.push(Listener::inherit(*key, given));
    }
    for (key, wanted) in &settings.listeners {
        if !listeners.iter().any(|listener| listener.is_at(&wanted.socket_path)) {
            listeners.push(bind(*key, wanted)?);
        }
    }
    Ok(listeners)
}

/// What `settings` means for the sockets that are there. A socket stays whoever's it becomes; new ones are bound
/// before the old ones go.
///
/// # Errors
/// [`PlanError`]; nothing has changed then.
pub fn plan(settings: &Settings, present: &[&Listener]) -> Result<Plan, PlanError> {
    let owner = |listener: &Listener| {
        let wanted = settings.listeners.iter().find(|(_, wanted)| listener.is_at(&wanted.socket_path));
        wanted.map(|(key, wanted)| (*key, wanted.socket_mode))
    };
    let kept: Vec<Option<(ListenerKey, u32)>> = present.iter().map(|listener| owner(listener)).collect();
    for (listener, owner) in present.iter().zip(&kept) {
        if listener.is_inherited() && owner.is_none() {
            return Err(PlanError::Inherited(listener.path().to_owned()));
        }
    }
    let mut bound = Vec::new();
    for (key, wanted) in &settings.listeners {
        if !kept.iter().flatten().any(|(owner, _)| owner == key) {
            bound.push(bind(*key, wanted)?);
        }
    }
    Ok(Plan { kept, bound })
}

fn bind(key: ListenerKey, settings: &ListenerSettings) -> Result<Listener, ListenError> {
    let address = Address {
        path: settings.socket_path.clone(),
        mode: settings.socket_mode,
        runtime_directories: runtime_directories(),
    };
    let (listener, warning) = Listener::bind(key, &address)?;
    if let Some(warning) = warning {
        warn!("{warning}");
    }
    info!(listener = settings.name.as_str(), path = %listener.path().display(), "listening");
    Ok(listener)
}

fn runtime_directories() -> Vec<PathBuf> {
    ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"]
        .into_iter()
        .filter_map(std::env::var_os)
        .flat_map(|value| std::env::split_paths(&value).collect::<Vec<_>>())
        .filter(|path: &PathBuf| Path::is_absolute(path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Keys};
    use crate::listener::tests::alone;
    use std::os::unix::net::{UnixListener, UnixStream};

    fn settings(listeners: &[(&str, &Path)]) -> Settings {
        let mut text = "[[provider]]\nprovider_type = \"MbedCrypto\"\n".to_owned();
        for (name, path) in listeners {
            text += &format!("[[listener]]\nname = {name:?}\nsocket_path = {path:?}\n");
        }
        let settings = Settings::parse(Path::new("test.toml"), &text, &Environment::default()).unwrap();
        let mut keys = Keys::default();
        let all = "[[provider]]\nprovider_type = \"MbedCrypto\"\n[[listener]]\nname = \"a\"\nsocket_path = \"/a\"\n[[listener]]\nname = \"b\"\nsocket_path = \"/b\"\n";
        keys.assign(Settings::parse(Path::new("test.toml"), all, &Environment::default()).unwrap()).unwrap();
        keys.assign(settings).unwrap()
    }

    const A: ListenerKey = ListenerKey(0);
    const B: ListenerKey = ListenerKey(1);

    #[test]
    fn listeners_that_swap_their_paths_swap_their_sockets() {
        let _alone = alone();
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        let there = open(&settings(&[("a", &one), ("b", &two)]), Vec::new()).unwrap();
        let there: Vec<&Listener> = there.iter().collect();
        let plan = plan(&settings(&[("b", &one), ("a", &two)]), &there).unwrap();
        assert_eq!(plan.kept, [Some((B, 0o666)), Some((A, 0o666))]);
        assert!(plan.bound.is_empty());
    }

    #[test]
    fn a_moved_listener_is_bound_before_its_old_socket_goes() {
        let _alone = alone();
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        let there = open(&settings(&[("a", &one)]), Vec::new()).unwrap();
        let plan = plan(&settings(&[("a", &two)]), &[&there[0]]).unwrap();
        assert_eq!(plan.kept, [None]);
        assert_eq!(plan.bound.iter().map(Listener::key).collect::<Vec<_>>(), [A]);
        assert!(UnixStream::connect(&one).is_ok() && UnixStream::connect(&two).is_ok());
    }

    #[test]
    fn another_way_to_the_same_file_is_the_same_socket() {
        let _alone = alone();
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        let there = open(&settings(&[("a", &directory.path().join("one"))]), Vec::new()).unwrap();
        let plan = plan(&settings(&[("a", &link.join("one"))]), &[&there[0]]).unwrap();
        assert_eq!((plan.kept, plan.bound.len()), (vec![Some((A, 0o666))], 0));
    }

    #[test]
    fn a_plan_that_fails_leaves_nothing_behind() {
        let _alone = alone();
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        let there = open(&settings(&[("a", &one)]), Vec::new()).unwrap();
        let wrong = settings(&[("a", &two), ("b", Path::new("/nonexistent/parsec.sock"))]);
        let refused = plan(&wrong, &[&there[0]]).err().unwrap();
        assert!(matches!(refused, PlanError::Listen(ListenError::NoDirectory(_))), "{refused}");
        assert!(!two.exists() && UnixStream::connect(&one).is_ok());
    }

    #[test]
    fn a_socket_whose_file_is_gone_is_bound_again() {
        let _alone = alone();
        let directory = tempfile::tempdir().unwrap();
        let one = directory.path().join("one");
        let there = open(&settings(&[("a", &one)]), Vec::new()).unwrap();
        std::fs::remove_file(&one).unwrap();
        let plan = plan(&settings(&[("a", &one)]), &[&there[0]]).unwrap();
        assert_eq!((plan.kept.len(), plan.kept[0], plan.bound.len()), (1, None, 1));
        drop(there);
        UnixStream::connect(&one).unwrap();
    }

    #[test]
    fn a_socket_of_the_service_manager_has_its_listener_and_keeps_its_file() {
        let _alone = alone();
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        let given = |path: &Path| {
            let socket = UnixListener::bind(path).unwrap().into();
            Inherited { path: path.to_owned(), socket }
        };
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        let there = open(&settings(&[("a", &link.join("one"))]), vec![given(&one)]).unwrap();
        assert!(there.len() == 1 && there[0].is_inherited(), "also where a link leads to it");
        let refused = plan(&settings(&[("a", &two)]), &[&there[0]]).err().unwrap();
        assert!(matches!(&refused, PlanError::Inherited(path) if *path == one), "{refused}");
        assert!(!two.exists());
        drop(there);
        assert!(one.exists());

        let unknown = open(&settings(&[("a", &one)]), vec![given(&two)]).err().unwrap().to_string();
        assert!(unknown.contains("no listener has it"), "{unknown}");
    }
}
