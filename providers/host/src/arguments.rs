//! Command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// Which provider to carry, and where its secrets are. Secrets themselves are never on the command line.
#[derive(Debug, PartialEq, Eq)]
pub enum Arguments {
    /// `psa --store-key FILE`
    Psa {
        /// File with the store key.
        store_key: PathBuf,
    },
}

/// The command line is not one of those in [`Arguments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("usage: parsecd-host psa --store-key FILE (it is started by parsecd)")]
pub struct UsageError;

impl Arguments {
    /// Parses the arguments after the program's name.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, UsageError> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        match arguments.as_slice() {
            [provider, option, file] if provider == "psa" && option == "--store-key" => {
                Ok(Arguments::Psa { store_key: file.into() })
            }
            _ => Err(UsageError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_command_lines_are_accepted() {
        let parse =
            |line: &str| Arguments::parse(line.split_whitespace().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(parse("psa --store-key /key"), Ok(Arguments::Psa { store_key: "/key".into() }));
        for line in ["", "psa", "psa --store-key", "tpm --store-key /key", "psa --store-key /key more"] {
            assert_eq!(parse(line), Err(UsageError));
        }
    }
}
