//! Reading the configuration file, if nobody else can have written it (threat A9.S).

use super::error::{ConfigError, ConfigErrors, Position};
use super::settings::Warning;
use rustix::fs::{Mode, OFlags, open};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Longest configuration that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The text of the file, and what is to be said about the file itself.
pub(super) fn read(path: &Path) -> Result<(String, Vec<Warning>), ConfigErrors> {
    let refused = |position, message: String, remedy: &str| {
        ConfigErrors(vec![ConfigError {
            file: Some(path.to_owned()),
            position,
            key: String::new(),
            message,
            remedy: remedy.to_owned(),
        }])
    };
    let unreadable = |error: std::io::Error| {
        refused(None, format!("cannot be read: {error}"), "name a file that the user of parsecd can read")
    };
    // Without waiting: a pipe that nobody writes to would hold back the start, and a reload with all its clients.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty()).map_err(|error| unreadable(error.into()))?);
    // Of the open file, not of the name: the name may mean another file by now.
    let metadata = file.metadata().map_err(unreadable)?;
    let own = rustix::process::geteuid().as_raw();
    if !metadata.is_file() {
        return Err(refused(None, "is not a file".to_owned(), "name a TOML file"));
    }
    if metadata.uid() != 0 && metadata.uid() != own {
        let message = format!("belongs to user {}, who could change what parsecd does", metadata.uid());
        return Err(refused(None, message, "run `chown root` or chown to the user of parsecd on it"));
    }
    if metadata.mode() & 0o002 != 0 {
        let message = "can be written by every user".to_owned();
        return Err(refused(None, message, "run `chmod o-w` on it, after looking at what it says"));
    }
    let mut warnings = Vec::new();
    if metadata.mode() & 0o020 != 0 {
        let message = "the configuration file can be written by its group; run `chmod g-w` on it".to_owned();
        warnings.push(Warning { line: None, key: String::new(), message });
    }
    let mut bytes = Vec::new();
    file.take(LONGEST.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(refused(None, format!("is longer than {LONGEST} bytes"), "name a configuration file"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let newlines = before.iter().filter(|byte| **byte == b'\n').count();
        let line = u32::try_from(newlines).unwrap_or(u32::MAX).saturating_add(1);
        let position = Some(Position { line, column: 1 });
        refused(position, "holds bytes that are not UTF-8".to_owned(), "save the file as UTF-8")
    })?;
    Ok((text, warnings))
}
