//! Generates the protobuf types of `parsecd-wire` from the files in `wire/proto`, without protoc.
//!
//! The result is checked in, so that building the daemon needs neither this crate nor its dependencies.

use std::path::{Path, PathBuf};

/// Why no code could be generated.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// A file could not be read or written.
    #[error("{}", .path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The protobuf definitions are wrong.
    #[error("protobuf definitions")]
    Definitions(#[from] protox::Error),
    /// The definitions cannot be turned into Rust.
    #[error("code generation")]
    Generation(#[source] std::io::Error),
    /// The definitions are not in exactly one package.
    #[error("{0} packages are defined where one is expected")]
    Packages(usize),
}

/// The file that holds the generated types.
pub fn generated_file() -> PathBuf {
    wire_directory().join("src/generated/parsec.rs")
}

/// Rust source of the types of all files in `wire/proto`.
///
/// # Errors
/// A definition cannot be read, is wrong or lies in another package.
pub fn generate() -> Result<String, CodegenError> {
    let directory = wire_directory().join("proto");
    let files = proto_files(&directory)?;
    let mut descriptors = protox::Compiler::new([&directory])?;
    descriptors.include_source_info(true).include_imports(true).open_files(files)?;

    let mut config = prost_build::Config::new();
    // Secrets pass through these types: they must not print, and `Bytes` can own memory that is wiped.
    config.skip_debug(["."]).bytes(["."]);
    let modules = descriptors
        .file_descriptor_set()
        .file
        .into_iter()
        .map(|file| (prost_build::Module::from_protobuf_package_name(file.package()), file))
        .collect();
    let generated = config.generate(modules).map_err(CodegenError::Generation)?;
    let packages = generated.len();
    let mut sources = generated.into_values();
    match (sources.next(), sources.next()) {
        (Some(source), None) => {
            Ok(format!("// Generated from wire/proto by parsecd-wire-codegen.\n{source}"))
        }
        _ => Err(CodegenError::Packages(packages)),
    }
}

fn wire_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn proto_files(directory: &Path) -> Result<Vec<PathBuf>, CodegenError> {
    let failed = |source| CodegenError::File { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
