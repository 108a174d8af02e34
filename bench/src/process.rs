//! What the kernel says of a process.

use std::fs;
use std::io;
use std::path::PathBuf;

/// A process, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(pub u32);

impl Process {
    /// Itself and its children.
    ///
    /// # Errors
    /// If it is gone.
    pub fn with_children(self) -> io::Result<Vec<Process>> {
        let mut family = vec![self];
        for thread in self.threads()? {
            let children = fs::read_to_string(thread.join("children"))?;
            family.extend(children.split_whitespace().filter_map(|id| id.parse().ok()).map(Process));
        }
        Ok(family)
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// If it is gone.
    pub fn resident(self) -> io::Result<u64> {
        Ok(number(&fs::read_to_string(self.path("status"))?, "VmRSS:")? * 1024)
    }

    /// Most resident memory in bytes since it began or [`Process::forget_peak`].
    ///
    /// # Errors
    /// If it is gone.
    pub fn peak(self) -> io::Result<u64> {
        Ok(number(&fs::read_to_string(self.path("status"))?, "VmHWM:")? * 1024)
    }

    /// Lets [`Process::peak`] begin anew.
    ///
    /// # Errors
    /// If it is gone, or the kernel does not permit it.
    pub fn forget_peak(self) -> io::Result<()> {
        fs::write(self.path("clear_refs"), "5")
    }

    /// How often its threads have waited for something: each time, something woke them.
    ///
    /// # Errors
    /// If it is gone.
    pub fn waits(self) -> io::Result<u64> {
        self.threads()?
            .iter()
            .map(|thread| number(&fs::read_to_string(thread.join("status"))?, "voluntary_ctxt_switches:"))
            .sum()
    }

    /// Processor time of its threads in nanoseconds.
    ///
    /// # Errors
    /// If it is gone.
    pub fn processor_time(self) -> io::Result<u64> {
        self.threads()?
            .iter()
            .map(|thread| {
                let text = fs::read_to_string(thread.join("schedstat"))?;
                let first: Option<u64> =
                    text.split_whitespace().next().and_then(|number| number.parse().ok());
                first.ok_or_else(|| io::Error::other("no processor time in schedstat"))
            })
            .sum()
    }

    /// Open descriptors.
    ///
    /// # Errors
    /// If it is gone.
    pub fn descriptors(self) -> io::Result<usize> {
        Ok(fs::read_dir(self.path("fd"))?.count())
    }

    fn path(self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.0))
    }

    fn threads(self) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(self.path("task"))?.map(|entry| Ok(entry?.path())).collect()
    }
}

/// The number after a label at the start of a line.
fn number(text: &str, label: &str) -> io::Result<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(label))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| io::Error::other(format!("no {label}")))
}
