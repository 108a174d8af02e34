//! The store's directory and files: made for their owner alone, and so that they are still there after a power
//! cut.

use super::error::OpenError;
use super::lock::LOCK;
use super::reserve::RESERVE;
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// File with the key that lane hosts seal material with.
pub(super) const STORE_KEY: &str = "store.key";

/// File with the key of the tags over rows.
pub(super) const TAG_KEY: &str = "tag.key";

/// Length of both keys, in bytes.
pub(super) const KEY_LENGTH: usize = 32;

/// Suffix of a file that is not yet what its name says.
const UNFINISHED: &str = ".new";

/// For `map_err`: the operating system refused `action` on `path`.
pub(super) fn access(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| match Errno::from_io_error(&source) {
        Some(Errno::NOSPC | Errno::DQUOT) => OpenError::Full { path },
        _ => OpenError::Access { action, path, source },
    }
}

/// `path` with `suffix` added to its last component.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes names in `directory` durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), OpenError> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(access("sync", directory))
}

/// Makes `directory` and what is missing above it, 0700 whatever the umask.
pub(super) fn make_directory(directory: &Path) -> Result<(), OpenError> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().unwrap_or(Path::new("/"));
    make_directory(parent)?;
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => return Ok(()),
        Err(error) => return Err(access("make the directory", directory)(error)),
    }
    fs::set_permissions(directory, Permissions::from_mode(0o700))
        .map_err(access("set the permissions of", directory))?;
    sync_directory(parent)
}

/// Refuses a directory in which others could replace files; closes one that holds nothing but the store and
/// belongs to us. Others that may list a directory with other things in it see names, not contents.
pub(super) fn close_directory(directory: &Path, database: &Path) -> Result<(), OpenError> {
    let metadata = fs::metadata(directory).map_err(access("look at", directory))?;
    let exposed = metadata.mode() & 0o077;
    if exposed == 0 {
        return Ok(());
    }
    let ours = metadata.uid() == rustix::process::geteuid().as_raw() && holds_only(directory, database)?;
    if ours {
        return fs::set_permissions(directory, Permissions::from_mode(0o700))
            .map_err(access("set the permissions of", directory));
    }
    if exposed & 0o022 != 0 {
        return Err(OpenError::Exposed { directory: directory.to_owned() });
    }
    tracing::warn!(directory = %directory.display(), "other users can list the directory of the store");
    Ok(())
}

fn holds_only(directory: &Path, database: &Path) -> Result<bool, OpenError> {
    let own = own_files(directory, database);
    for entry in fs::read_dir(directory).map_err(access("list", directory))? {
        let entry = entry.map_err(access("list", directory))?;
        if !own.contains(&entry.path()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn own_files(directory: &Path, database: &Path) -> Vec<PathBuf> {
    let mut own: Vec<PathBuf> =
        ["", "-wal", "-shm", "-journal"].iter().map(|suffix| with_suffix(database, suffix)).collect();
    own.extend([STORE_KEY, TAG_KEY, LOCK, RESERVE].iter().map(|name| directory.join(name)));
    let unfinished: Vec<PathBuf> = own.iter().map(|path| with_suffix(path, UNFINISHED)).collect();
    own.extend(unfinished);
    own
}

/// Takes the permissions of others off every file of the store that exists.
pub(super) fn close_files(directory: &Path, database: &Path) -> Result<(), OpenError> {
    for path in own_files(directory, database) {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() && metadata.mode() & 0o7777 != 0o600 => {
                fs::set_permissions(&path, Permissions::from_mode(0o600))
                    .map_err(access("set the permissions of", &path))?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(access("look at", &path)(error)),
        }
    }
    Ok(())
}

/// Makes a file so that it is there with all that `fill` puts into it, or not at all. `fill` gets the path of
/// an empty file, 0600 whatever the umask.
pub(super) fn make_whole(
    path: &Path,
    fill: impl FnOnce(&Path, &mut File) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let unfinished = with_suffix(path, UNFINISHED);
    for left_over in [unfinished.clone(), with_suffix(&unfinished, "-journal")] {
        match fs::remove_file(&left_over) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(access("remove", &left_over)(error)),
        }
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&unfinished).map_err(access("make", &unfinished))?;
    file.set_permissions(Permissions::from_mode(0o600))
        .map_err(access("set the permissions of", &unfinished))?;
    fill(&unfinished, &mut file)?;
    file.sync_all().map_err(access("sync", &unfinished))?;
    fs::rename(&unfinished, path).map_err(access("make", path))?;
    sync_directory(path.parent().unwrap_or(Path::new("/")))
}

/// Sees to it that the key file `path` is there and has the right length. It is made if it is missing, unless
/// rows exist that need it.
pub(super) fn ensure_key(path: &Path, needed: bool) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() == KEY_LENGTH as u64 => Ok(()),
        Ok(_) => Err(OpenError::KeyFileDamaged { path: path.to_owned(), expected: KEY_LENGTH }),
        Err(error) if error.kind() == ErrorKind::NotFound && needed => {
            Err(OpenError::KeyFileMissing { path: path.to_owned() })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => make_whole(path, |unfinished, file| {
            let key = random_key().map_err(access("draw random bytes for", unfinished))?;
            file.write_all(key.as_slice()).map_err(access("write", unfinished))
        }),
        Err(error) => Err(access("look at", path)(error)),
    }
}

fn random_key() -> io::Result<Zeroizing<[u8; KEY_LENGTH]>> {
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    // Up to 256 bytes come whole, or not at all before the kernel's pool was first filled.
    let drawn = rustix::rand::getrandom(key.as_mut_slice(), rustix::rand::GetRandomFlags::empty())?;
    if drawn != KEY_LENGTH {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(key)
}
