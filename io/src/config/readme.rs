//! The README describes exactly the keys that there are.

use super::{Environment, Settings, authenticator, core_settings, key_manager, listener, provider};
use parsecd_wire::ProviderId;
use std::collections::BTreeSet;
use std::path::Path;

const README: &str = include_str!("../../../README.md");

/// Keys in the first column of the table below the heading that names this section.
fn described(section: &str) -> BTreeSet<&'static str> {
    let heading = format!("### `{section}`");
    let (_, below) = README.split_once(&heading).unwrap();
    let table = below.split("###").next().unwrap();
    let rows =
        table.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| row.split(" | ").next().unwrap());
    rows.flat_map(|column| column.split(", ")).map(|key| key.trim_matches('`')).collect()
}

#[test]
fn the_readme_describes_every_key_and_no_other() {
    let software = [provider::COMMON.as_slice(), provider::keys_of(ProviderId::MbedCrypto)].concat();
    for (section, keys) in [
        ("[core_settings]", core_settings::KEYS.as_slice()),
        ("[listener]", &listener::KEYS),
        ("[authenticator]", &authenticator::KEYS),
        ("[[key_manager]]", &key_manager::KEYS),
        ("[[provider]]", &software),
    ] {
        assert_eq!(described(section), keys.iter().copied().collect(), "{section}");
    }
}

#[test]
fn the_least_configuration_of_the_readme_is_one() {
    let (_, block) = README.split_once("```toml\n").unwrap();
    let (text, _) = block.split_once("```").unwrap();
    let settings = Settings::parse(Path::new("README.md"), text, &Environment::default()).unwrap();
    assert_eq!((settings.listeners.len(), settings.providers.len()), (1, 1));
}
