//! Listening sockets: binding them without stealing one that is in use, accepting, removing them at the end.

use crate::service_manager::Inherited;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use parsecd_core::identity::PeerCredentials as Credentials;
use parsecd_core::ids::ListenerKey;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, socket_with,
};
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Connections that wait in the kernel to be accepted; it allows `net.core.somaxconn` of them at most.
const BACKLOG: i32 = 4096;

/// Why a listener could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process serves at the path.
    #[error("{}: {} is listening here already; stop it or configure another socket_path", path.display(), process(*pid))]
    InUse {
        /// Path of the socket.
        path: PathBuf,
        /// Who listens, where the kernel tells.
        pid: Option<u32>,
    },
    /// Something that is not a socket is at the path.
    #[error("{}: exists and is not a socket; remove it or configure another socket_path", .0.display())]
    NotASocket(PathBuf),
    /// The directory is missing.
    #[error("{}: no such directory; create it, owned by the user that runs parsecd, mode 0755", .0.display())]
    NoDirectory(PathBuf),
    /// A system call failed.
    #[error(
        "{}: cannot {action}: {cause}; let the user that runs parsecd write to the directory of the socket, or \
         configure another socket_path",
        path.display()
    )]
    Io {
        /// Path of the socket or of its directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What came of it.
        cause: io::Error,
    },
}

fn process(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

/// Where and how to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Path of the socket.
    pub path: PathBuf,
    /// Mode of the socket file, whatever the umask.
    pub mode: u32,
    /// The user's and the service's runtime directories. A directory for the socket that is missing is made
    /// only in these, mode 0755.
    pub runtime_directories: Vec<PathBuf>,
}

/// A bound, listening, non-blocking socket.
#[derive(Debug)]
pub struct Listener {
    key: ListenerKey,
    socket: OwnedFd,
    path: PathBuf,
    /// Device and inode of the socket file, so that another's is not removed at the end.
    file: Option<(u64, u64)>,
    /// The service manager has bound it: the file is its own.
    inherited: bool,
}

/// What accepting gave.
pub enum Accept {
    /// A connection, non-blocking.
    Connection(OwnedFd),
    /// Nobody waits.
    Nothing,
    /// No descriptors or no memory.
    Exhausted(io::Error),
}

impl Listener {
    /// Binds and listens. A socket file that nobody listens on is replaced. Gives a warning for the operator
    /// if others can write to the directory.
    pub fn bind(key: ListenerKey, address: &Address) -> Result<(Listener, Option<String>), ListenError> {
        let path = &address.path;
        let failed = |action| move |cause: io::Error| ListenError::Io { path: path.clone(), action, cause };
        let name =
            SocketAddrUnix::new(path.as_path()).map_err(|error| failed("use this path")(error.into()))?;
        let warning = prepare_directory(address)?;
        let socket = unix_socket().map_err(failed("create a socket"))?;
        remove_stale(path, &name)?;
        // The kernel applies the umask to 0777 when it creates the file: with this umask it has the mode from
        // its first moment, and nothing has to be changed by name.
        let before = rustix::process::umask(Mode::from_raw_mode(!address.mode & 0o777));
        let bound = bind(&socket, &name);
        rustix::process::umask(before);
        match bound {
            Ok(()) => {}
            Err(Errno::ADDRINUSE) => return Err(ListenError::InUse { path: path.clone(), pid: None }),
            Err(error) => return Err(failed("bind the socket")(error.into())),
        }
        listen(&socket, BACKLOG).map_err(|error| failed("listen")(error.into()))?;
        let file = fs::symlink_metadata(path).ok().as_ref().map(identity);
        Ok((Listener { key, socket, path: path.clone(), file, inherited: false }, warning))
    }

    /// A socket that the service manager has bound.
    pub fn inherit(key: ListenerKey, inherited: Inherited) -> Listener {
        let Inherited { path, socket } = inherited;
        Listener { key, socket, path, file: None, inherited: true }
    }

    /// Whether the service manager has bound it.
    pub fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// From now on it is the socket of the listener `key`.
    pub fn serve(&mut self, key: ListenerKey) {
        self.key = key;
    }

    /// Whether a client that connects to `path` reaches it.
    pub fn is_at(&self, path: &Path) -> bool {
        if self.inherited {
            return same_place(&self.path, path);
        }
        let found = fs::symlink_metadata(path).ok().as_ref().map(identity);
        self.file.is_some() && found == self.file
    }

    /// Gives its file these permissions, if it is its file and not another's of that name.
    pub fn change_mode(&self, mode: u32) -> io::Result<()> {
        let file = open(&self.path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let found = fs::File::from(file);
        if Some(identity(&found.metadata()?)) != self.file {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the file is another's"));
        }
        // By descriptor, so that the name cannot come to mean another file in between.
        let by_descriptor = format!("/proc/self/fd/{}", found.as_raw_fd());
        fs::set_permissions(by_descriptor, fs::Permissions::from_mode(mode))
    }

    /// Its key.
    pub fn key(&self) -> ListenerKey {
        self.key
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its socket, to be watched.
    pub fn socket(&self) -> impl AsFd + '_ {
        &self.socket
    }

    /// Removes the socket file, unless it is not this socket's any more: nobody new finds it.
    pub fn unlink(&mut self) {
        let found = fs::symlink_metadata(&self.path).ok().as_ref().map(identity);
        if self.file.take().is_some_and(|file| found == Some(file)) {
            fs::remove_file(&self.path).ok();
        }
    }

    /// Accepts one connection.
    pub fn accept(&self) -> Accept {
        loop {
            match accept_with(&self.socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(connection) => return Accept::Connection(connection),
                Err(Errno::AGAIN) => return Accept::Nothing,
                // The peer was gone before its turn.
                Err(Errno::INTR | Errno::CONNABORTED | Errno::PERM) => {}
                Err(error) => return Accept::Exhausted(error.into()),
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.unlink();
    }
}

/// What the kernel says of the peer of `connection`.
pub fn peer(connection: &OwnedFd) -> Option<Credentials> {
    let credentials = getsockopt(connection, PeerCredentials).ok()?;
    Some(Credentials {
        uid: credentials.uid(),
        gid: credentials.gid(),
        pid: u32::try_from(credentials.pid()).unwrap_or(0),
    })
}

/// Whether two paths name one file, as they are or behind symbolic links.
pub fn same_place(one: &Path, other: &Path) -> bool {
    one == other
        || fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

fn unix_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Creates the directory of the socket if it is missing and lies in a runtime directory.
fn prepare_directory(address: &Address) -> Result<Option<String>, ListenError> {
    let parent = address.path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    let failed = |action| move |cause| ListenError::Io { path: directory.to_path_buf(), action, cause };
    match fs::metadata(directory) {
        Ok(found) => {
            let mode = found.mode();
            let others_write = mode & 0o022 != 0;
            return Ok(others_write.then(|| {
                format!(
                    "{}: mode {:04o} lets others replace the socket; 0755 does not",
                    directory.display(),
                    mode & 0o7777
                )
            }));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("look at the directory")(error)),
    }
    if !address.runtime_directories.iter().any(|base| directory.starts_with(base)) {
        return Err(ListenError::NoDirectory(directory.to_path_buf()));
    }
    let before = rustix::process::umask(Mode::from_raw_mode(0o022));
    let made = DirBuilder::new().recursive(true).mode(0o755).create(directory);
    rustix::process::umask(before);
    made.map_err(failed("create the directory"))?;
    Ok(None)
}

/// Removes a socket file that a daemon left behind when it was killed.
fn remove_stale(path: &Path, name: &SocketAddrUnix) -> Result<(), ListenError> {
    let failed = |action| move |cause| ListenError::Io { path: path.to_path_buf(), action, cause };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("look at the socket")(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.to_path_buf()));
        }
        Ok(_) => {}
    }
    let probe = unix_socket().map_err(failed("create a socket"))?;
    match connect(&probe, name) {
        Err(Errno::CONNREFUSED) => {}
        Err(Errno::NOENT) => return Ok(()),
        // Its queue is full or it is not for us: somebody listens all the same.
        Err(Errno::AGAIN | Errno::ACCESS | Errno::PERM) => {
            return Err(ListenError::InUse { path: path.to_path_buf(), pid: None });
        }
        Err(error) => return Err(failed("find out whether somebody listens")(error.into())),
        Ok(()) => {
            let pid = peer(&probe).map(|peer| peer.pid).filter(|pid| *pid != 0);
            return Err(ListenError::InUse { path: path.to_path_buf(), pid });
        }
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("remove the stale socket")(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use tempfile::TempDir;

    /// The umask belongs to the process: one test at a time.
    pub(crate) fn alone() -> MutexGuard<'static, ()> {
        static LOCK: Mutex<()> = Mutex::new(());
        LOCK.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place() -> (TempDir, Address) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("parsec.sock");
        (directory, Address { path, mode: 0o666, runtime_directories: Vec::new() })
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn the_socket_has_its_mode_whatever_the_umask_which_stays_as_it_was() {
        let _alone = alone();
        for (umask, wanted) in [(0o077, 0o666), (0o000, 0o660), (0o022, 0o600)] {
            let (_directory, mut address) = place();
            address.mode = wanted;
            let before = rustix::process::umask(Mode::from_raw_mode(umask));
            let bound = Listener::bind(ListenerKey(0), &address);
            let after = rustix::process::umask(before);
            bound.unwrap();
            assert_eq!(after.as_raw_mode(), umask);
        }
        let (_directory, address) = place();
        let (_listener, _) = Listener::bind(ListenerKey(0), &address).unwrap();
        assert_eq!(mode(&address.path), 0o666);
    }

    #[test]
    fn a_socket_that_is_in_use_is_left_alone_and_its_owner_named() {
        let _alone = alone();
        let (_directory, address) = place();
        let _first = UnixListener::bind(&address.path).unwrap();
        match Listener::bind(ListenerKey(0), &address) {
            Err(ListenError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{:?}", other.err()),
        }
        UnixStream::connect(&address.path).unwrap();
    }

    #[test]
    fn a_stale_socket_is_replaced_and_any_other_file_refused() {
        let _alone = alone();
        let (_directory, address) = place();
        drop(UnixListener::bind(&address.path).unwrap());
        let (listener, _) = Listener::bind(ListenerKey(0), &address).unwrap();
        UnixStream::connect(&address.path).unwrap();
        drop(listener);
        assert!(!address.path.exists(), "removed at the end");

        fs::write(&address.path, "precious").unwrap();
        assert!(matches!(Listener::bind(ListenerKey(0), &address), Err(ListenError::NotASocket(_))));
        fs::remove_file(&address.path).unwrap();
        std::os::unix::fs::symlink("/nonexistent", &address.path).unwrap();
        assert!(matches!(Listener::bind(ListenerKey(0), &address), Err(ListenError::NotASocket(_))));
    }

    #[test]
    fn a_socket_that_another_put_in_its_place_is_not_removed() {
        let _alone = alone();
        let (_directory, address) = place();
        let (listener, _) = Listener::bind(ListenerKey(0), &address).unwrap();
        fs::remove_file(&address.path).unwrap();
        let _other = UnixListener::bind(&address.path).unwrap();
        drop(listener);
        UnixStream::connect(&address.path).unwrap();
    }

    #[test]
    fn a_missing_directory_is_made_in_a_runtime_directory_only() {
        let _alone = alone();
        let (directory, mut address) = place();
        address.path = directory.path().join("parsec/parsec.sock");
        assert!(matches!(Listener::bind(ListenerKey(0), &address), Err(ListenError::NoDirectory(_))));
        address.runtime_directories.push(directory.path().to_owned());
        let before = rustix::process::umask(Mode::from_raw_mode(0o077));
        let bound = Listener::bind(ListenerKey(0), &address);
        rustix::process::umask(before);
        bound.unwrap();
        assert_eq!(mode(&directory.path().join("parsec")), 0o755);
    }

    #[test]
    fn an_existing_directory_keeps_its_mode_and_is_warned_about_if_others_can_write_to_it() {
        use std::os::unix::fs::PermissionsExt;
        let _alone = alone();
        for (bits, warned) in [(0o777, true), (0o775, true), (0o755, false), (0o700, false)] {
            let (directory, address) = place();
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(bits)).unwrap();
            let (_listener, warning) = Listener::bind(ListenerKey(0), &address).unwrap();
            assert_eq!(warning.is_some(), warned, "{bits:o}");
            assert_eq!(mode(directory.path()), bits);
        }
    }

    #[test]
    fn what_the_system_refuses_is_told_with_what_to_do() {
        let _alone = alone();
        let (directory, mut address) = place();
        fs::write(directory.path().join("file"), "").unwrap();
        address.path = directory.path().join("file/parsec.sock");
        let error = Listener::bind(ListenerKey(0), &address).err().unwrap().to_string();
        assert!(error.contains("file") && error.contains("configure another socket_path"), "{error}");
    }

    #[test]
    fn accepting_gives_connections_with_the_credentials_of_their_peer_then_nothing() {
        let _alone = alone();
        let (_directory, address) = place();
        let (listener, _) = Listener::bind(ListenerKey(3), &address).unwrap();
        let _client = UnixStream::connect(&address.path).unwrap();
        let Accept::Connection(socket) = listener.accept() else { panic!("somebody waits") };
        let credentials = peer(&socket).unwrap();
        assert_eq!(credentials.uid, rustix::process::geteuid().as_raw());
        assert_eq!(credentials.gid, rustix::process::getegid().as_raw());
        assert_eq!(credentials.pid, std::process::id());
        assert!(matches!(listener.accept(), Accept::Nothing));
    }
}
