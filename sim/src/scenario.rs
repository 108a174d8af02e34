//! Stories without chance: one request, faults at told places, the daemon dying where the story says.

use crate::call::{Auth, Call, Meaning, Template};
use crate::client::Client;
use crate::plan::{Kind, Plan, Script};
use crate::provider::{JobFault, crypto};
use crate::random::Random;
use crate::run::conclude;
use crate::trace::Trace;
use crate::world::World;
use parsecd_core::identity::KeyIdentity;
use parsecd_wire::{KeyAttributes, Operation, ProviderId, Status};

/// The one request of a story.
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
    /// What is asked.
    pub request: Request,
    /// How the jobs go that come: that of the request first, those of recovery after it.
    pub jobs: Vec<JobFault>,
    /// Whether the device is another one after the first crash, until the world heals.
    pub other_device: bool,
    /// Whether a crash finds the pending commit written.
    pub keeps_pending: bool,
    /// Inputs and outputs after which the daemon dies: counted from the request, then from each start.
    pub crashes: Vec<u64>,
}

/// How a story ended.
#[derive(Debug)]
pub struct Ending {
    /// How often the daemon died before the world healed.
    pub crashes: u64,
    /// What the client was told, if it was.
    pub told: Option<Status>,
    /// Whether the key is there.
    pub exists: bool,
    /// What a client is told that asks the same again.
    pub again: Option<Status>,
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
    /// Tells the story, lets the world heal and checks everything.
    pub fn tell(&self) -> Ending {
        let mut opens = vec![JobFault::None];
        if self.other_device {
            opens.push(JobFault::OtherDevice);
        }
        let mut world = world(Script {
            opens: opens.into(),
            crashes: [].into(),
            crash_keeps_pending: self.keeps_pending,
            ..Script::default()
        });
        world.rest();
        if matches!(self.request, Request::Destroy | Request::Sign) {
            self.ask(&mut world, Request::Generate);
            world.rest();
        }
        world.stage.script.jobs = self.jobs.clone().into();
        let mut crashes = self.crashes.iter().copied();
        if let Some(first) = crashes.next() {
            world.crash_after(first);
        }
        world.stage.script.crashes = crashes.collect();
        let id = self.ask(&mut world, self.request);
        world.rest();
        let died = world.counts.crashes;
        let told = world.status(id);
        world.stage.script = Script { crash_keeps_pending: self.keeps_pending, ..Script::default() };
        conclude(&mut world);
        let exists = self.exists(&world);
        let again = self.ask(&mut world, self.request);
        world.rest();
        let violations = world.auditor.findings.violations.iter();
        Ending {
            crashes: died,
            told,
            exists,
            again: world.status(again),
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
        let operation = match request {
            Request::Generate => Operation::PsaGenerateKey { key_name, attributes },
            Request::Import => {
                let data = crypto::expand(7, 32).into();
                let attributes = KeyAttributes { bits: 0, ..attributes };
                Operation::PsaImportKey { key_name, attributes, data }
            }
            Request::Destroy | Request::Sign => {
                let kind = if request == Request::Sign { Kind::Sign } else { Kind::Destroy };
                return world.workload.make(kind, auth(), self.owning, &key_name, &mut world.stage.random);
            }
        };
        let meaning = Meaning::Create { key, attributes, refusals: Vec::new() };
        world.workload.call(operation, provider, &auth(), meaning)
    }

    fn key(&self) -> KeyIdentity {
        let application = auth().application().expect("a name is an application");
        KeyIdentity::new(&application, &if self.owning { "owning" } else { "sealing" }.into(), "key")
    }

    fn exists(&self, world: &World) -> bool {
        world.store.visible().keys.contains_key(&self.key())
    }
}
