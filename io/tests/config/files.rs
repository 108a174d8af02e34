//! The file itself: who may have written it.

use crate::REFERENCE;
use parsecd::config::{ConfigErrors, Settings};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use tempfile::TempDir;

fn file(content: impl AsRef<[u8]>, mode: u32) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    (directory, path)
}

fn refused(path: &std::path::Path) -> ConfigErrors {
    let errors = Settings::load(path).unwrap_err();
    assert_eq!(errors.0.len(), 1, "{errors}");
    assert_eq!(errors.0[0].file.as_deref(), Some(path));
    errors
}

#[test]
fn a_file_that_only_its_owner_can_write_is_read() {
    for mode in [0o600, 0o640, 0o644, 0o400] {
        let (_directory, path) = file(REFERENCE, mode);
        assert_eq!(Settings::load(&path).unwrap().warnings.len(), 2);
    }
}

#[test]
fn a_file_that_everybody_can_write_is_refused() {
    let (_directory, path) = file(REFERENCE, 0o646);
    let text = refused(&path).to_string();
    assert!(text.contains("can be written by every user") && text.contains("chmod o-w"), "{text}");
}

#[test]
fn a_file_that_its_group_can_write_is_read_with_a_warning() {
    let (_directory, path) = file(REFERENCE, 0o664);
    let settings = Settings::load(&path).unwrap();
    assert_eq!(settings.warnings.len(), 3);
    assert!(settings.warnings[0].to_string().contains("chmod g-w"), "{}", settings.warnings[0]);
}

#[test]
fn a_file_of_another_user_is_refused() {
    let (_directory, path) = file(REFERENCE, 0o644);
    // Only root can give a file away; others own no file of another user that they could name here.
    if rustix::process::geteuid().is_root() {
        chown(&path, Some(12345), None).unwrap();
        let text = refused(&path).to_string();
        assert!(text.contains("belongs to user 12345") && text.contains("chown"), "{text}");
    } else {
        Settings::load(&path).unwrap();
        Settings::load(std::path::Path::new("/etc/hostname")).unwrap_err();
    }
}

#[test]
fn what_is_not_a_readable_text_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(refused(&directory.path().join("none.toml")).to_string().contains("cannot be read"));
    assert!(refused(directory.path()).to_string().contains("is not a file"));
    let pipe = directory.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert!(refused(&pipe).to_string().contains("is not a file"), "and nobody has to write to it first");
    let (_directory, path) = file(b"[listener]\nsocket_path = \"\xff\"\n", 0o600);
    let errors = refused(&path);
    assert_eq!(errors.0[0].position.unwrap().line, 2);
    assert!(errors.to_string().contains("not UTF-8"), "{errors}");
    let (_directory, path) = file("#".repeat((1 << 20) + 1), 0o600);
    assert!(refused(&path).to_string().contains("longer than"));
}
