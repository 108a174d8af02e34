//! Stories without chance: a few requests for one key, faults at told places, the daemon dying where the story
//! says.

use crate::call::{Auth, Call, KeyUse, Meaning, Template};
use crate::capabilities::ECDSA;
use crate::client::Client;
use crate::crash_table::may::May;
use crate::fork::{Death, Deaths, Forks};
use crate::plan::{Plan, Script};
use crate::provider::{JobFault, Left, crypto};
use crate::random::Random;
use crate::run::conclude;
use crate::stage::SECOND;
use crate::store::GroupFate;
use crate::trace::Trace;
use crate::world::World;
use parsecd_core::identity::KeyIdentity;
use parsecd_wire::{KeyAttributes, Operation, ProviderId, Status};

/// A request of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// One life of the daemon in a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Requests come as soon as it starts; else when it has recovered and is at rest.
    pub hurried: bool,
    /// Another device is there.
    pub other_device: bool,
    /// How the jobs go that come first; those after them go well.
    pub jobs: Vec<JobFault>,
    /// How the group commits go that come first.
    pub groups: Vec<GroupFate>,
    /// Which of the states that a failed sync leaves turns out to be the truth.
    pub doubt: u64,
    /// What comes of a job whose host is killed.
    pub killed: Left,
    /// How it ends; `None`: with the story.
    pub death: Option<Death>,
}

impl Default for Life {
    fn default() -> Self {
        Life {
            hurried: false,
            other_device: false,
            jobs: Vec::new(),
            groups: Vec::new(),
            doubt: 0,
            killed: Left::Nothing,
            death: None,
        }
    }
}

/// A story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Whether the provider owns its objects.
    pub owning: bool,
    /// Whether the key is there before.
    pub begins_with_key: bool,
    /// What is asked of that key: each group at one time, when what came of the one before is at rest.
    pub asked: Vec<Vec<Request>>,
    /// The lives of the daemon; of groups that are asked in one that dies, what is left is not asked again.
    pub lives: Vec<Life>,
}

/// How a life ended that did not end too early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What each client of this life was told, if it was.
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

/// Where a story stands between two lives.
pub struct Stand {
    /// The world without the daemon.
    pub world: World,
    /// What has not been asked.
    pub left: Vec<Vec<Request>>,
    /// Whether the key may be there.
    pub may: May,
}

/// What came of a life.
pub struct Lived {
    /// How it ended without a death.
    pub ending: Ending,
    /// What it left where it died, with what that is as text.
    pub deaths: Vec<(Death, String, Stand)>,
    /// Deaths that were looked at.
    pub tried: u64,
    /// Jobs that were begun and groups that were written before the world healed.
    pub begun: (usize, usize),
    /// What is wrong with it.
    pub broken: Option<String>,
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

/// The script of a life. What a device does by itself comes after the first search for it, and before the second.
fn script(life: &Life) -> Script {
    let opens = if life.other_device { vec![JobFault::OtherDevice] } else { Vec::new() };
    Script {
        jobs: life.jobs.clone().into(),
        groups: life.groups.clone().into(),
        opens: opens.into(),
        doubt_choice: life.doubt,
        killed: Some(life.killed),
        lands_after: Some(SECOND),
        ..Script::default()
    }
}

impl Story {
    /// One request, and nothing goes wrong.
    pub fn of(owning: bool, request: Request) -> Story {
        Story {
            owning,
            begins_with_key: matches!(request, Request::Destroy | Request::Sign),
            asked: vec![vec![request]],
            lives: vec![Life::default()],
        }
    }

    /// Tells the story; `None` if one of its lives does not get as far as its death. What is wrong with it is told
    /// by the last life.
    pub fn tell(&self) -> Option<Lived> {
        let mut stand = self.begin();
        let mut lived = None;
        for life in &self.lives {
            let mut told = self.live(&stand, life, life.death.map(Deaths::This));
            if life.death.is_some() {
                let (_, _, next) = told.deaths.pop()?;
                stand = next;
            }
            lived = Some(told);
        }
        lived
    }

    /// The beginning: the daemon has not started, and the key is there or not.
    pub fn begin(&self) -> Stand {
        let mut world = world(script(&Life::default()));
        if self.begins_with_key {
            world.rest();
            self.ask(&mut world, Request::Generate);
            world.rest();
            world.crash();
        }
        Stand { world, left: self.asked.clone(), may: May::surely(self.begins_with_key) }
    }

    /// Lets the daemon live from where the story stands, asks what is left, and concludes.
    pub fn live(&self, stand: &Stand, life: &Life, deaths: Option<Deaths>) -> Lived {
        let mut world = stand.world.without_daemon();
        world.stage.script = script(life);
        world.stage.begun = (0, 0);
        world.forks = deaths.map(|deaths| Forks::new(self.key(), deaths));
        let mut lived = Lived {
            ending: Ending {
                told: Vec::new(),
                exists: false,
                signs: None,
                makes: None,
                violations: Vec::new(),
            },
            deaths: Vec::new(),
            tried: 0,
            begun: (0, 0),
            broken: None,
        };
        if life.hurried {
            world.start();
        } else {
            world.rest();
        }
        lived.died(&mut world, &[], &stand.may, &stand.left);
        let mut may = stand.may.clone();
        for (index, group) in stand.left.iter().enumerate() {
            let asked: Vec<_> =
                group.iter().map(|request| (*request, self.ask(&mut world, *request))).collect();
            world.rest();
            lived.died(&mut world, &asked, &may, &stand.left[index + 1..]);
            let told: Vec<_> = asked.into_iter().map(|(request, id)| (request, world.status(id))).collect();
            may = may.after(&told, false);
            lived.ending.told.extend(told.into_iter().map(|(_, status)| status));
        }
        lived.begun = world.stage.begun;
        world.forks = None;
        world.stage.script.jobs.clear();
        world.stage.script.groups.clear();
        conclude(&mut world);
        self.conclude(&mut world, life, &may, &mut lived);
        lived
    }

    fn conclude(&self, world: &mut World, life: &Life, may: &May, lived: &mut Lived) {
        let key = self.key();
        let object = world.store.visible().keys.get(&key).map(|row| row.object);
        let signs = self.ask(world, Request::Sign);
        world.rest();
        let makes = self.ask(world, Request::Generate);
        world.rest();
        let ending = &mut lived.ending;
        ending.exists = object.is_some();
        (ending.signs, ending.makes) = (world.status(signs), world.status(makes));
        let violations = world.auditor.findings.violations.iter();
        ending.violations =
            violations.map(|violation| format!("{:?}: {}", violation.oracle, violation.text)).collect();
        // A later request may have made the key on the other device.
        let away = object.is_some_and(|object| world.fleet.owning().is_away(object));
        let (signed, made) = match ending.exists {
            true if away => (Status::PsaErrorHardwareFailure, Status::PsaErrorAlreadyExists),
            true => (Status::Success, Status::PsaErrorAlreadyExists),
            false => (Status::PsaErrorDoesNotExist, Status::Success),
        };
        // A key whose creation failed stays if the store refuses to take it back.
        let unknown = life.groups.iter().position(|fate| *fate == GroupFate::Unknown);
        let failed = unknown.map_or(&[][..], |place| &life.groups[place + 1..]);
        let kept = ending.exists && failed.iter().any(|fate| *fate != GroupFate::Normal);
        let wrong = if !ending.violations.is_empty() {
            "an invariant is broken"
        } else if (ending.signs, ending.makes) != (Some(signed), Some(made)) {
            "the key is neither usable nor gone"
        } else if !may.allows(ending.exists) && !kept {
            "what was told does not lead there"
        } else {
            return;
        };
        lived.broken.get_or_insert(format!("{wrong}: {ending:?}"));
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

    /// The key that the story is about.
    pub fn key(&self) -> KeyIdentity {
        let application = auth().application().expect("a name is an application");
        KeyIdentity::new(&application, &if self.owning { "owning" } else { "sealing" }.into(), "key")
    }
}

impl Lived {
    /// Takes what deaths left while these requests were under way. They are never told more than they were then.
    fn died(&mut self, world: &mut World, asked: &[(Request, usize)], may: &May, left: &[Vec<Request>]) {
        let Some(forks) = &mut world.forks else { return };
        self.tried += std::mem::take(&mut forks.tried);
        forks.known.clear();
        for fork in std::mem::take(&mut forks.found) {
            let told: Vec<_> = asked.iter().map(|(request, id)| (*request, fork.world.status(*id))).collect();
            let may = may.after(&told, true);
            if may.is_impossible() {
                self.broken
                    .get_or_insert(format!("what was told cannot be: {told:?}, before {:?}", fork.death));
            }
            self.deaths.push((
                fork.death,
                fork.remains,
                Stand { world: fork.world, left: left.to_vec(), may },
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Version;

    #[test]
    fn what_a_newer_version_wrote_is_refused_by_the_older_one_and_serves_again_after_the_upgrade() {
        for owning in [false, true] {
            let story = Story::of(owning, Request::Sign);
            let versions = [Version::Newer, Version::Own, Version::Newer].into();
            let mut world = world(Script { versions, ..Script::default() });
            let mut told = |asked: &[Request]| -> Vec<_> {
                world.rest();
                let told = asked.iter().map(|request| {
                    let id = story.ask(&mut world, *request);
                    world.rest();
                    world.status(id)
                });
                let told = told.collect();
                world.crash();
                told
            };
            assert_eq!(told(&[Request::Generate, Request::Sign]), [Some(Status::Success); 2]);
            let corrupt = Some(Status::PsaErrorDataCorrupt);
            let asked = [Request::Sign, Request::Destroy, Request::Generate];
            assert_eq!(told(&asked), [corrupt; 3]);
            assert_eq!(told(&[Request::Sign, Request::Destroy]), [Some(Status::Success); 2]);
            assert_eq!(world.auditor.findings.violations, []);
        }
    }
}
