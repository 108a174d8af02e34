//! Keys of providers and listeners: a name keeps its key for the life of the process, whatever its place in the
//! file and however often the file is read again.

use super::error::{ConfigError, ConfigErrors};
use super::settings::Settings;
use parsecd_core::identity::Text;
use parsecd_core::ids::{ListenerKey, ProviderKey};
use std::collections::BTreeMap;

/// Names that there ever were, each at the place of its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    providers: Vec<Text>,
    listeners: Vec<String>,
}

impl Keys {
    /// `settings`, whose keys are places in the file, with the keys of the names.
    ///
    /// # Errors
    /// There were more names than there are keys.
    pub fn assign(&mut self, settings: Settings) -> Result<Settings, ConfigErrors> {
        let Settings { mut core, listeners, providers, .. } = settings;
        let provider_keys: BTreeMap<ProviderKey, ProviderKey> = core
            .providers
            .iter()
            .map(|(place, provider)| Some((*place, ProviderKey(key(&mut self.providers, &provider.name)?))))
            .collect::<Option<_>>()
            .ok_or_else(|| too_many("provider.name"))?;
        let listener_keys: BTreeMap<ListenerKey, ListenerKey> = listeners
            .iter()
            .map(|(place, listener)| Some((*place, ListenerKey(key(&mut self.listeners, &listener.name)?))))
            .collect::<Option<_>>()
            .ok_or_else(|| too_many("listener.name"))?;
        for listener in core.listeners.values_mut() {
            listener.providers = renamed_all(std::mem::take(&mut listener.providers), &provider_keys);
        }
        core.providers = renamed(core.providers, &provider_keys);
        core.listeners = renamed(core.listeners, &listener_keys);
        let providers = renamed(providers, &provider_keys);
        let listeners = renamed(listeners, &listener_keys);
        Ok(Settings { core, listeners, providers, ..settings })
    }
}

/// The key of a name; `None` if there are no more keys.
fn key<N: Clone + PartialEq>(names: &mut Vec<N>, name: &N) -> Option<u16> {
    let place = names.iter().position(|known| known == name).unwrap_or(names.len());
    let key = u16::try_from(place).ok()?;
    if place == names.len() {
        names.push(name.clone());
    }
    Some(key)
}

fn renamed<K: Ord + Copy, V>(map: BTreeMap<K, V>, keys: &BTreeMap<K, K>) -> BTreeMap<K, V> {
    map.into_iter().filter_map(|(place, value)| Some((*keys.get(&place)?, value))).collect()
}

fn renamed_all<K: Ord + Copy>(places: Vec<K>, keys: &BTreeMap<K, K>) -> Vec<K> {
    places.into_iter().filter_map(|place| keys.get(&place).copied()).collect()
}

fn too_many(key: &str) -> ConfigErrors {
    ConfigErrors(vec![ConfigError {
        file: None,
        position: None,
        key: key.to_owned(),
        message: "65536 names have been in use since parsecd started".to_owned(),
        remedy: "restart parsecd".to_owned(),
    }])
}

#[cfg(test)]
mod tests {
    use super::super::Environment;
    use super::*;
    use std::path::Path;

    fn parse(text: &str) -> Settings {
        Settings::parse(Path::new("test.toml"), text, &Environment::default()).unwrap()
    }

    fn two(first: &str, second: &str) -> Settings {
        let provider = |name| format!("[[provider]]\nprovider_type = \"MbedCrypto\"\nname = \"{name}\"\n");
        let listener = |name| {
            format!(
                "[[listener]]\nname = \"of {name}\"\nsocket_path = \"/{name}\"\nproviders = [\"{name}\"]\n"
            )
        };
        parse(&format!("{}{}{}{}", provider(first), provider(second), listener(second), listener(first)))
    }

    #[test]
    fn names_keep_their_keys_in_any_order_and_new_names_get_new_ones() {
        let mut keys = Keys::default();
        let before = keys.assign(two("a", "b")).unwrap();
        let after = keys.assign(two("b", "a")).unwrap();
        assert_eq!(before, after);
        assert_eq!(before.core.listeners[&ListenerKey(1)].providers, [ProviderKey(0)]);

        let other = keys.assign(two("c", "a")).unwrap();
        assert_eq!(
            other.core.providers.keys().copied().collect::<Vec<_>>(),
            [ProviderKey(0), ProviderKey(2)]
        );
        assert_eq!(other.listeners[&ListenerKey(2)].name, "of c");
        assert_eq!(keys.assign(two("b", "a")).unwrap(), before, "also after a reload without it");
    }

    #[test]
    fn a_process_that_has_seen_too_many_names_says_so() {
        let names = (0..=u16::MAX).map(|name| name.to_string()).collect();
        let mut keys = Keys { listeners: names, ..Keys::default() };
        let refused = keys.assign(two("a", "b")).unwrap_err();
        assert!(refused.to_string().contains("restart"), "{refused}");
    }
}
