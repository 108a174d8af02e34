//! `kill -9` of the daemon and of its lane hosts, under load: what was acknowledged holds.

mod support;

use parsecd_client::{Authentication, Client, Endpoint, Error};
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::{KeyAttributes, ProviderId, Status};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use support::{Options, Place};

const KILLS: u32 = 200;
const CLIENTS: u32 = 4;
const NAMES: u32 = 6;
const ALGORITHM: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));

fn attributes() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: UsageFlags { sign_hash: true, verify_hash: true, ..UsageFlags::default() },
        algorithm: Algorithm::AsymmetricSignature(ALGORITHM),
    }
}

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Absent,
    Present,
    /// A request about it was not answered.
    Either,
}

/// One application, and what it was told.
struct Application {
    client: Client,
    random: u64,
    names: BTreeMap<String, Known>,
}

impl Application {
    fn new(socket: &Path, number: u32) -> Application {
        let client = Client::new(Endpoint::at(socket))
            .with_authentication(Authentication::Direct(format!("application {number}")))
            .with_provider(ProviderId::MbedCrypto)
            .with_deadline(support::PATIENCE);
        let names = (0..NAMES).map(|name| (format!("🔑 {name}"), Known::Absent)).collect();
        Application { client, random: u64::from(number) + 1, names }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.random >> 33) % below
    }

    /// One operation on one of its keys. `false`: it was not answered.
    fn act(&mut self) -> Result<bool, String> {
        let place = usize::try_from(self.random(u64::from(NAMES))).unwrap();
        let (name, known) = self.names.iter().nth(place).map(|(name, known)| (name.clone(), *known)).unwrap();
        let destroys = self.random(4) == 0;
        let (outcome, next) = match known {
            Known::Either => return Ok(true),
            Known::Absent => (self.client.generate_key(&name, attributes()), Known::Present),
            Known::Present if destroys => (self.client.destroy_key(&name), Known::Absent),
            Known::Present => (self.client.sign_hash(&name, ALGORITHM, &[7; 32]).map(|_| ()), Known::Present),
        };
        let now = match outcome {
            Ok(()) => next,
            Err(Error::Transport(_)) if next == known => known,
            Err(Error::Transport(_)) => Known::Either,
            Err(error) => return Err(format!("{name}, which is {known:?}: {error}")),
        };
        self.names.insert(name, now);
        Ok(!matches!(outcome, Err(Error::Transport(_))))
    }

    /// Compares what is listed with what was told, and signs with everything that is there.
    fn check(&mut self) {
        let listed: BTreeSet<String> =
            self.client.list_keys().unwrap().into_iter().map(|key| key.name).collect();
        for (name, known) in &mut self.names {
            match (*known, listed.contains(name)) {
                (Known::Present, false) => panic!("{name} was acknowledged and is lost"),
                (Known::Absent, true) => panic!("{name} was destroyed and is back"),
                (_, true) => {
                    *known = Known::Present;
                    let signature = self.client.sign_hash(name, ALGORITHM, &[7; 32]).unwrap();
                    self.client.verify_hash(name, ALGORITHM, &[7; 32], &signature).unwrap();
                }
                (_, false) => *known = Known::Absent,
            }
        }
    }
}

fn unfinished(place: &Place) -> u32 {
    let store = rusqlite::Connection::open(place.path().join("store/keys.sqlite")).unwrap();
    store.query_row("SELECT count(*) FROM unfinished", [], |row| row.get(0)).unwrap()
}

#[test]
fn killing_the_daemon_loses_no_acknowledged_key_and_brings_none_back() {
    let place = Place::new(&Options::default());
    let mut applications: Vec<Application> =
        (0..CLIENTS).map(|number| Application::new(&place.socket(), number)).collect();
    let (mut answered, mut unanswered) = (0_u32, 0_u32);
    for kill in 0..KILLS {
        let mut daemon = place.start();
        std::thread::scope(|scope| {
            for application in &mut applications {
                scope.spawn(move || application.check());
            }
        });
        let counts: Vec<(u32, u32)> = std::thread::scope(|scope| {
            let workers: Vec<_> = applications
                .iter_mut()
                .map(|application| {
                    scope.spawn(move || {
                        let mut answered = 0;
                        loop {
                            match application.act() {
                                Ok(true) => answered += 1,
                                Ok(false) => return (answered, 1),
                                Err(wrong) => panic!("{wrong}"),
                            }
                        }
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(5 + u64::from(kill * 7 % 40)));
            daemon.kill();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        answered += counts.iter().map(|(answered, _)| answered).sum::<u32>();
        unanswered += counts.iter().map(|(_, unanswered)| unanswered).sum::<u32>();
    }
    let _daemon = place.start();
    applications.iter_mut().for_each(Application::check);
    assert_eq!(unfinished(&place), 0);
    println!("{KILLS} kills, {answered} requests answered, {unanswered} not");
    assert!(answered > KILLS, "there was load");
}

#[test]
fn killing_a_lane_host_costs_at_most_what_it_ran_and_loses_no_key() {
    let place = Place::new(&Options::default());
    let mut daemon = place.start();
    let mut applications: Vec<Application> =
        (0..CLIENTS).map(|number| Application::new(&place.socket(), number)).collect();
    let stop = AtomicBool::new(false);
    let (answered, refused) = (AtomicU32::new(0), AtomicU32::new(0));
    let mut replacements: Vec<Duration> = Vec::new();
    std::thread::scope(|scope| {
        for application in &mut applications {
            let (stop, answered, refused) = (&stop, &answered, &refused);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    application.load(answered, refused);
                }
            });
        }
        for kill in 0..KILLS {
            let before = daemon.hosts();
            let victim = before[usize::try_from(kill).unwrap() % before.len()];
            kill_process(Pid::from_raw(i32::try_from(victim).unwrap()).unwrap(), Signal::KILL).unwrap();
            let killed = Instant::now();
            daemon.wait_until("a new host is there", |daemon| {
                let hosts = daemon.hosts();
                !hosts.contains(&victim) && hosts.len() == before.len()
            });
            replacements.push(killed.elapsed());
            std::thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::Relaxed);
    });
    applications.iter_mut().for_each(Application::check);
    let (answered, refused) = (answered.into_inner(), refused.into_inner());
    replacements.sort();
    println!(
        "{KILLS} kills, {answered} requests answered, {refused} refused; a new host after {:?} (median), {:?} \
         (longest)",
        replacements[replacements.len() / 2],
        replacements[replacements.len() - 1]
    );
    assert!(refused <= KILLS, "a host runs one job at a time: {refused} requests were refused");
    assert!(answered > KILLS, "there was load");
}

impl Application {
    /// As [`Application::act`], where a request may be told that its host was lost, and then changed nothing.
    fn load(&mut self, answered: &AtomicU32, refused: &AtomicU32) {
        let before = self.names.clone();
        match self.act() {
            Ok(true) => answered.fetch_add(1, Ordering::Relaxed),
            Ok(false) => panic!("a request was not answered"),
            Err(wrong) if wrong.contains(&format!("{:?}", Status::PsaErrorCommunicationFailure)) => {
                self.names = before;
                refused.fetch_add(1, Ordering::Relaxed)
            }
            Err(wrong) => panic!("{wrong}"),
        };
    }
}
