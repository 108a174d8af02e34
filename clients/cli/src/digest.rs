//! Hashing on this side of the socket.

use crate::failure::Failure;
use parsecd_wire::algorithm::Hash;
use sha2::digest::DynDigest;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The hash of a file, or of standard input if its path is `-`.
pub(crate) fn hash_file(hash: Hash, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut digest: Box<dyn DynDigest> = match hash {
        Hash::Sha224 => Box::new(sha2::Sha224::default()),
        Hash::Sha256 => Box::new(sha2::Sha256::default()),
        Hash::Sha384 => Box::new(sha2::Sha384::default()),
        Hash::Sha512 => Box::new(sha2::Sha512::default()),
        Hash::Sha512_224 => Box::new(sha2::Sha512_224::default()),
        Hash::Sha512_256 => Box::new(sha2::Sha512_256::default()),
        other => return Err(Failure::HashNotKnown(crate::text::hash(other).into())),
    };
    let failed = |source| Failure::File { path: path.to_owned(), source };
    let mut input = open(path).map_err(failed)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(digest.finalize().into_vec()),
            Ok(count) => digest.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// A whole file, or standard input if its path is `-`.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |source| Failure::File { path: path.to_owned(), source };
    let mut content = Vec::new();
    open(path).map_err(failed)?.read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path == Path::new("-") { Ok(Box::new(io::stdin())) } else { Ok(Box::new(File::open(path)?)) }
}
