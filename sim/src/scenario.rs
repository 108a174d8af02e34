//! Stories without chance: a few requests for one key, faults at told places, the daemon dying where the story
//! says.

use crate::call::{Auth, Call, KeyUse, Meaning, Template};
use crate::capabilities::ECDSA;
use crate::client::Client;
use crate::plan::{Plan, Script};
use crate::provider::{JobFault, crypto};
use crate::random::Random;
use crate::run::conclude;
use crate::store::GroupFate;
use crate::trace::Trace;
use crate::world::World;
use parsecd_core::identity::KeyIdentity;
use parsecd_wire::{KeyAttributes, Operation, ProviderId, Status};

/// A request of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A key is generated.
    Generate,
    /// A key is imported.
    Import,
    /// A key that was there is destroyed.
    Destroy,
    /// A key that was there signs.
    Sign,
}

impl Request {
    /// All of them.
    pub const ALL: [Request; 4] = [Request::Generate, Request::Import, Request::Destroy, Request::Sign];
}

/// A story.
#[derive(Clone, Debug)]
pub struct Story {
    /// Whether the provider owns its objects.
    pub owning: bool,
    /// Whether the key is there before.
    pub begins_with_key: bool,
    /// What is asked of that key.
    pub requests: Vec<Request>,
    /// Whether everything is asked at one time; else each request is asked when the world is at rest.
    pub together: bool,
    /// How the jobs go that come: those of the requests first, those of recovery after them.
    pub jobs: Vec<JobFault>,
    /// How the group commits go that come.
    pub groups: Vec<GroupFate>,
    /// Which of the states that a failed sync leaves is the truth.
    pub doubt_choice: u64,
    /// Whether the device is another one after the first crash, until the world heals.
    pub other_device: bool,
    /// Whether a crash finds the pending commit written.
    pub keeps_pending: bool,
    /// Inputs and outputs after which the daemon dies: counted from the first request, then from each start.
    pub crashes: Vec<u64>,
}

/// How a story ended.
#[derive(Debug)]
pub struct Ending {
    /// How often the daemon died before the world healed.
    pub crashes: u64,
    /// What its first death left, if nothing was under way: recovery from equal remains is the same.
    pub remains: Option<u64>,
    /// What each client was told, if it was.
    pub told: Vec<Option<Status>>,
    /// Whether the key is there.
    pub exists: bool,
    /// What a client is told that signs with the key at the end.
    pub signs: Option<Status>,
    /// What a client is told that then makes the key.
    pub makes: Option<Status>,
    /// Everything that is wrong.
    pub violations: Vec<String>,
}

/// The application of every story.
fn auth() -> Auth {
    Auth::Direct("story".to_owned())
}

/// A world in which only the script goes wrong.
pub fn world(script: Script) -> World {
    let mut plan = Plan::calm();
    plan.script = script;
    World::new(plan, Random::new(0, u64::MAX), Trace::default())
}

impl Story {
    /// One request without any fault.
    pub fn of(owning: bool, request: Request) -> Story {
        Story {
            owning,
            begins_with_key: matches!(request, Request::Destroy | Request::Sign),
            requests: vec![request],
            together: false,
            jobs: Vec::new(),
            groups: Vec::new(),
            doubt_choice: 0,
            other_device: false,
            keeps_pending: false,
            crashes: Vec::new(),
        }
    }

    /// Tells the story, lets the world heal and checks everything.
    pub fn tell(&self) -> Ending {
        let mut opens = vec![JobFault::None];
        if self.other_device {
            opens.push(JobFault::OtherDevice);
        }
        let calm = Script {
            crash_keeps_pending: self.keeps_pending,
            doubt_choice: self.doubt_choice,
            ..Script::default()
        };
        let mut world = world(Script { opens: opens.into(), ..calm.clone() });
        world.rest();
        if self.begins_with_key {
            self.ask(&mut world, Request::Generate);
            world.rest();
        }
        world.stage.script.jobs = self.jobs.clone().into();
        world.stage.script.groups = self.groups.clone().into();
        let mut crashes = self.crashes.iter().copied();
        if let Some(first) = crashes.next() {
            world.crash_after(first);
        }
        world.stage.script.crashes = crashes.collect();
        let mut asked = Vec::new();
        for request in &self.requests {
            asked.push(self.ask(&mut world, *request));
            if !self.together {
                world.rest();
            }
        }
        world.rest();
        let died = world.counts.crashes;
        let told = asked.into_iter().map(|id| world.status(id)).collect();
        world.stage.script = calm;
        conclude(&mut world);
        let exists = world.store.visible().keys.contains_key(&self.key());
        let signs = self.ask(&mut world, Request::Sign);
        world.rest();
        let makes = self.ask(&mut world, Request::Generate);
        world.rest();
        let violations = world.auditor.findings.violations.iter();
        Ending {
            crashes: died,
            remains: world.first_remains,
            told,
            exists,
            signs: world.status(signs),
            makes: world.status(makes),
            violations: violations
                .map(|violation| format!("{:?}: {}", violation.oracle, violation.text))
                .collect(),
        }
    }

    fn ask(&self, world: &mut World, request: Request) -> usize {
        let call = self.call(world, request);
        world.connect(Client::good(call))
    }

    fn call(&self, world: &mut World, request: Request) -> Call {
        let provider = if self.owning { ProviderId::Pkcs11 } else { ProviderId::MbedCrypto };
        let (key, attributes) = (self.key(), Template::Signer.attributes());
        let key_name = key.name.to_string();
        let create = Meaning::Create { key: key.clone(), attributes, refusals: Vec::new() };
        let (operation, meaning) = match request {
            Request::Generate => (Operation::PsaGenerateKey { key_name, attributes }, create),
            Request::Import => {
                let data = crypto::expand(7, 32).into();
                let attributes = KeyAttributes { bits: 0, ..attributes };
                (Operation::PsaImportKey { key_name, attributes, data }, create)
            }
            Request::Destroy => (Operation::PsaDestroyKey { key_name }, Meaning::Destroy { key }),
            Request::Sign => {
                let (algorithm, hash) = (ECDSA, crypto::expand(9, 32));
                let operation = KeyUse::Sign { algorithm, hash: hash.clone() };
                let meaning = Meaning::Use { key, operation };
                (Operation::PsaSignHash { key_name, algorithm, hash }, meaning)
            }
        };
        world.workload.call(operation, provider, &auth(), meaning)
    }

    fn key(&self) -> KeyIdentity {
        let application = auth().application().expect("a name is an application");
        KeyIdentity::new(&application, &if self.owning { "owning" } else { "sealing" }.into(), "key")
    }
}
