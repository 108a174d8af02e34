//! What is asked of a world that has healed, in whole or in part: each answer is certain and comes soon.

use crate::call::{Auth, Call};
use crate::client::{Client, Manner, Step};
use crate::plan::Kind;
use crate::stage::SECOND;
use crate::world::World;
use parsecd_core::identity::KeyIdentity;
use parsecd_core::ids::ProviderKey;
use std::collections::VecDeque;

/// Names that are asked for while a part of a world is broken.
pub const PROBED: usize = 12;
/// How long an answer takes in which nothing that is broken has a part.
pub const PROMPT: u64 = 20 * SECOND;

/// Requests whose answers are certain.
#[derive(Clone, Copy, Debug)]
pub struct Probing {
    /// The first of them.
    pub first: usize,
    /// A provider that stays broken.
    pub provider: Option<ProviderKey>,
    /// Commits stay broken.
    pub store: bool,
}

impl World {
    /// Asks for keys that were ever there, `most` at most, and for everything else once.
    pub fn probe(&mut self, most: usize) {
        let provider = self.lasting.provider.map(|(provider, _)| provider);
        let store = self.lasting.store.is_some();
        self.auditor.probing = Some(Probing { first: self.calls.len(), provider, store });
        let known: Vec<KeyIdentity> = self.auditor.truth.identities().cloned().collect();
        let stride = known.len().div_ceil(most).max(1);
        let mut applications = Vec::new();
        for key in known.into_iter().step_by(stride) {
            let auth = self.workload.auth_for(&key.application, &mut self.stage.random);
            let owning = &*key.provider == "owning";
            for kind in [Kind::Sign, Kind::ExportPublic] {
                self.ask(kind, auth.clone(), owning, &key.name);
            }
            if !applications.contains(&key.application) {
                self.ask(Kind::ListKeys, auth, owning, "");
                applications.push(key.application);
            }
        }
        if self.plan.requests > 0 {
            self.probe_all();
        }
    }

    /// The life of a new key with each provider, and what needs no key.
    fn probe_all(&mut self) {
        let auth = Auth::Direct("probe".to_owned());
        for owning in [false, true] {
            let name = format!("of {}", self.calls.len());
            let life = [Kind::Create, Kind::Sign, Kind::ExportPublic, Kind::Destroy, Kind::Sign];
            let random = &mut self.stage.random;
            let mut calls: Vec<Call> = life
                .into_iter()
                .map(|kind| self.workload.make(kind, auth.clone(), owning, &name, random))
                .collect();
            let last = calls.len() - 1;
            calls[..last].iter_mut().for_each(Call::keep);
            let total = calls.iter().map(|call| call.length).sum();
            let steps = VecDeque::from([(0, Step::Send(total))]);
            self.connect(Client::scripted(calls, Manner::Good, steps));
            for kind in [Kind::ListKeys, Kind::Random, Kind::Hash, Kind::Ask, Kind::Ask, Kind::Ask] {
                self.ask(kind, auth.clone(), owning, "");
            }
        }
    }

    fn ask(&mut self, kind: Kind, auth: Auth, owning: bool, name: &str) {
        let call = self.workload.make(kind, auth, owning, name, &mut self.stage.random);
        self.connect(Client::good(call));
    }
}
