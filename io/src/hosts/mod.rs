//! All lane hosts: starting, feeding, listening, replacing, reaping.

mod process;

pub use process::Program;

use crate::poller::Poller;
use parsecd_core::encoding::{HostRequest, HostResponse};
use parsecd_core::ids::{HostKey, LaneKey, ProviderKey, Ticket};
use parsecd_core::input::{HostState, Input};
use parsecd_core::job::Job;
use parsecd_core::outcome::Outcome;
use parsecd_wire::Status;
use process::{HostChild, HostProcess, Lost, spawn};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, ErrorKind};
use std::time::Duration;
use tracing::{info, warn};

/// Most bytes read from a host at a time.
const READ_MAX: usize = 64 << 10;

struct Process {
    name: String,
    /// `None`: it was given up and only its exit is awaited.
    link: Option<HostProcess>,
    child: HostChild,
}

/// All lane hosts.
pub struct Hosts {
    programs: BTreeMap<ProviderKey, Program>,
    /// By serial number, which the poller knows them by.
    processes: BTreeMap<u32, Process>,
    serials: BTreeMap<HostKey, u32>,
    next_serial: u32,
    to_read: BTreeSet<u32>,
    to_write: BTreeSet<u32>,
    events: VecDeque<Input<'static>>,
    /// Every host is read into this; what was read is wiped at once.
    buffer: Box<[u8]>,
}

impl Hosts {
    /// No host yet. `programs` says how to start those of each provider.
    pub fn new(programs: BTreeMap<ProviderKey, Program>) -> Hosts {
        Hosts {
            programs,
            processes: BTreeMap::new(),
            serials: BTreeMap::new(),
            next_serial: 0,
            to_read: BTreeSet::new(),
            to_write: BTreeSet::new(),
            events: VecDeque::new(),
            buffer: vec![0; READ_MAX].into(),
        }
    }

    /// How hosts are started from now on.
    pub fn set_programs(&mut self, programs: BTreeMap<ProviderKey, Program>) {
        self.programs = programs;
    }

    /// How hosts are started.
    pub fn programs(&self) -> &BTreeMap<ProviderKey, Program> {
        &self.programs
    }

    /// Starts `host`. It reports `Opened` itself, or is `Down`.
    pub fn open(&mut self, host: HostKey, poller: &Poller) {
        assert!(!self.serials.contains_key(&host), "a host is opened once");
        let Some(program) = self.programs.get(&host.provider) else {
            self.down(host, "no program is configured for this provider".to_owned());
            return;
        };
        let serial = self.next_serial;
        self.next_serial = serial.wrapping_add(1);
        match spawn(program, host, serial, poller) {
            Ok((link, child)) => {
                let name = format!("{}/{}", program.name, host.slot);
                self.processes.insert(serial, Process { name, link: Some(link), child });
                self.serials.insert(host, serial);
            }
            Err(error) => {
                self.down(host, cannot_start(program, &error));
            }
        }
    }

    /// Gives a lane a job.
    pub fn start(&mut self, lane: LaneKey, ticket: Ticket, job: &Job) {
        let serial = self.serials.get(&lane.host).copied();
        let link =
            serial.and_then(|serial| self.processes.get_mut(&serial)).and_then(|host| host.link.as_mut());
        let (Some(serial), Some(link)) = (serial, link) else {
            return self.not_started(lane.host, ticket);
        };
        match HostRequest::job_frame(ticket, job) {
            Ok(frame) => {
                link.push_job(ticket, lane.lane, frame);
                self.to_write.insert(serial);
            }
            Err(_) => self.finished(ticket, Outcome::Refused(Status::PsaErrorInsufficientMemory)),
        }
    }

    /// Gives up a job that waits. It ends as it ends.
    pub fn cancel(&mut self, ticket: Ticket) {
        let found = self.processes.iter_mut().find_map(|(serial, process)| {
            let link = process.link.as_mut().filter(|link| link.has(ticket))?;
            Some((*serial, link))
        });
        let Some((serial, link)) = found else { return };
        if link.cancel(ticket) {
            self.finished(ticket, Outcome::NoEffect);
        } else {
            self.to_write.insert(serial);
        }
    }

    /// Kills a host that no longer answers.
    pub fn kill(&mut self, host: HostKey) {
        if let Some(serial) = self.serials.get(&host).copied() {
            self.give_up(serial, &Lost::Killed);
        }
    }

    /// Lets a host finish what it runs and exit.
    pub fn close(&mut self, host: HostKey) {
        let serial = self.serials.get(&host);
        if let Some(process) = serial.and_then(|serial| self.processes.get_mut(serial))
            && let Some(link) = &mut process.link
        {
            link.close();
        }
    }

    /// The socket of a host is ready for something.
    pub fn link_ready(&mut self, serial: u32, readable: bool, writable: bool) {
        if readable {
            self.to_read.insert(serial);
        }
        if writable {
            self.to_write.insert(serial);
        }
    }

    /// A host wrote to its standard error.
    pub fn errors_ready(&mut self, serial: u32) {
        if let Some(process) = self.processes.get_mut(&serial) {
            let name = &process.name;
            process.child.error_lines(|line| warn!(host = name.as_str(), line, "host reports"));
        }
    }

    /// The process of a host ended. What it sent before is read first.
    pub fn exited(&mut self, serial: u32) {
        while self.read_one(serial) {}
        self.give_up(serial, &Lost::Ended);
        self.errors_ready(serial);
        if let Some(process) = self.processes.get_mut(&serial)
            && let Some(status) = process.child.ended()
        {
            info!(host = process.name.as_str(), %status, "host process ended");
            self.processes.remove(&serial);
        }
    }

    /// Whether a host has sent something.
    pub fn has_input(&self) -> bool {
        !self.to_read.is_empty() || !self.events.is_empty()
    }

    /// Reads every host that has sent something, once each.
    pub fn read(&mut self) {
        for serial in std::mem::take(&mut self.to_read) {
            if self.read_one(serial) {
                self.to_read.insert(serial);
            }
        }
    }

    /// `true`: there may be more.
    fn read_one(&mut self, serial: u32) -> bool {
        let Some(process) = self.processes.get_mut(&serial) else { return false };
        let Some(link) = &mut process.link else { return false };
        let mut responses = Vec::new();
        let result = link.read(&mut self.buffer, &mut responses);
        for response in responses {
            self.events.push_back(match response {
                HostResponse::Opened { lanes, library } => {
                    info!(host = process.name.as_str(), lanes, library, "host opened");
                    Input::HostChanged { host: link.host, state: HostState::Opened { lanes } }
                }
                HostResponse::Finished { ticket, outcome } => Input::JobFinished { ticket, outcome },
            });
        }
        match result {
            Ok(more) => more,
            Err(lost) => {
                self.give_up(serial, &lost);
                false
            }
        }
    }

    /// Writes to every host that has something to be written: one call per host for all jobs of a turn.
    pub fn write(&mut self) {
        for serial in std::mem::take(&mut self.to_write) {
            let link = self.processes.get_mut(&serial).and_then(|process| process.link.as_mut());
            if let Some(link) = link
                && let Err(lost) = link.write()
            {
                // What it answered before it ended is still to be read.
                match lost {
                    Lost::Ended => {
                        self.to_read.insert(serial);
                    }
                    _ => self.give_up(serial, &lost),
                }
            }
        }
    }

    /// The next thing for the core.
    pub fn next_event(&mut self) -> Option<Input<'static>> {
        self.events.pop_front()
    }

    /// Ends all hosts: they finish what they run. Waits for them, at most `grace` for all together.
    pub fn end(&mut self, grace: Duration) {
        for process in self.processes.values_mut() {
            process.link = None;
        }
        let until = std::time::Instant::now() + grace;
        for process in self.processes.values_mut() {
            process.child.wait(until.saturating_duration_since(std::time::Instant::now()));
        }
    }

    fn give_up(&mut self, serial: u32, lost: &Lost) {
        let Some(process) = self.processes.get_mut(&serial) else { return };
        let Some(mut link) = process.link.take() else { return };
        process.child.kill();
        self.serials.remove(&link.host);
        let why = match process.child.ended() {
            Some(status) => format!("{lost} ({status})"),
            None => lost.to_string(),
        };
        for (ticket, outcome) in link.unanswered() {
            self.finished(ticket, outcome);
        }
        self.down(link.host, why);
    }

    /// Gives back a job whose host is lost while the core does not know yet: before it is told, as it expects
    /// the jobs of a host to end before the host does.
    fn not_started(&mut self, lost: HostKey, ticket: Ticket) {
        let is_its_end = |event: &Input<'_>| matches!(event, Input::HostChanged { host, state: HostState::Down { .. } } if *host == lost);
        let place = self.events.iter().position(is_its_end).unwrap_or(self.events.len());
        self.events.insert(place, Input::JobFinished { ticket, outcome: Outcome::NoEffect });
    }

    fn finished(&mut self, ticket: Ticket, outcome: Outcome) {
        self.events.push_back(Input::JobFinished { ticket, outcome });
    }

    fn down(&mut self, host: HostKey, why: String) {
        self.events.push_back(Input::HostChanged { host, state: HostState::Down { why } });
    }
}

/// Why a host is down that could not be executed, and what to do where that is known.
fn cannot_start(program: &Program, error: &io::Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => {
            "; put the parsecd-host of this version beside parsecd, executable for the user of parsecd, or let \
             the environment variable PARSECD_HOST name it"
        }
        _ => "",
    };
    format!("cannot start {}: {error}{remedy}", program.path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poller::Source;
    use parsecd_core::input::HostState;

    const HOST: HostKey = HostKey { provider: ProviderKey(0), slot: 0, generation: 0 };
    const LANE: LaneKey = LaneKey { host: HOST, lane: 0 };
    const JOB: Job = Job::Random { length: 16 };

    /// A host that does what a shell script says; its end of the link is descriptor 0.
    fn with_host(script: &str, test: impl FnOnce(&mut Hosts, &mut Poller)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async {
            let program = Program {
                path: "/bin/sh".into(),
                arguments: vec!["-c".into(), script.into()],
                name: "script".to_owned(),
            };
            let mut hosts = Hosts::new(BTreeMap::from([(HOST.provider, program)]));
            let mut poller = Poller::new().unwrap();
            hosts.open(HOST, &poller);
            test(&mut hosts, &mut poller);
            hosts.kill(HOST);
        });
    }

    /// The next event, which comes.
    fn next(hosts: &mut Hosts, poller: &mut Poller) -> Input<'static> {
        loop {
            if let Some(event) = hosts.next_event() {
                return event;
            }
            let mut readiness = Vec::new();
            poller.collect(&mut readiness).unwrap();
            for ready in readiness {
                match ready.source {
                    Source::HostLink(serial) => hosts.link_ready(serial, ready.readable, ready.writable),
                    Source::HostErrors(serial) => hosts.errors_ready(serial),
                    Source::HostExit(serial) => hosts.exited(serial),
                    other => panic!("{other:?}"),
                }
            }
            hosts.read();
            hosts.write();
            std::thread::yield_now();
        }
    }

    fn finished(event: Input<'static>) -> (u64, Outcome) {
        match event {
            Input::JobFinished { ticket, outcome } => (ticket.0, outcome),
            other => panic!("{other:?}"),
        }
    }

    fn assert_down(event: Input<'static>, why: &str) {
        match event {
            Input::HostChanged { host: HOST, state: HostState::Down { why: told } } => {
                assert!(told.contains(why), "{told}");
            }
            other => panic!("{other:?}"),
        }
    }

    /// `Opened` with one lane and no name of a library: length, 1, lanes, length of the name.
    const OPENED: &str = r"printf '\007\000\000\000\001\001\000\000\000\000\000' >&0; ";

    fn assert_opened(event: Input<'static>) {
        match event {
            Input::HostChanged { host: HOST, state: HostState::Opened { lanes: 1 } } => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_host_that_ends_loses_the_first_job_of_its_lane_and_none_behind_it() {
        // It reads one byte, so the jobs were written, and ends.
        with_host(&format!("{OPENED} dd bs=1 count=1 of=/dev/null 2>/dev/null; exit 7"), |hosts, poller| {
            assert_opened(next(hosts, poller));
            for ticket in [1, 2, 3] {
                hosts.start(LANE, Ticket(ticket), &JOB);
            }
            assert_eq!(finished(next(hosts, poller)), (1, Outcome::LaneLost));
            assert_eq!(finished(next(hosts, poller)), (2, Outcome::NoEffect));
            assert_eq!(finished(next(hosts, poller)), (3, Outcome::NoEffect));
            assert_down(next(hosts, poller), "its process ended");
            hosts.start(LANE, Ticket(4), &JOB);
            assert_eq!(finished(next(hosts, poller)), (4, Outcome::NoEffect), "it is gone");
        });
    }

    #[test]
    fn a_host_that_says_what_makes_no_sense_is_given_up() {
        for (script, why) in [
            (r"printf '\001\000\000\000\377' >&0; exec sleep 60", "it sent"),
            (r"printf '\377\377\377\377' >&0; exec sleep 60", "it sent"),
            (r"printf '\007\000\000\000\001\000\000\000\000\000\000' >&0; exec sleep 60", "without lanes"),
            (&format!("{OPENED}{OPENED} exec sleep 60"), "a second start"),
            (
                r"printf '\012\000\000\000\002\005\000\000\000\000\000\000\000\003' >&0; exec sleep 60",
                "an answer to no job",
            ),
        ] {
            with_host(script, |hosts, poller| {
                let mut event = next(hosts, poller);
                if matches!(event, Input::HostChanged { state: HostState::Opened { .. }, .. }) {
                    event = next(hosts, poller);
                }
                assert_down(event, why);
            });
        }
    }

    #[test]
    fn killing_a_host_ends_its_jobs_before_it_is_said_to_be_down() {
        with_host(&format!("{OPENED} exec sleep 60"), |hosts, poller| {
            assert_opened(next(hosts, poller));
            hosts.start(LANE, Ticket(1), &JOB);
            hosts.start(LANE, Ticket(2), &JOB);
            hosts.write();
            hosts.kill(HOST);
            assert_eq!(finished(next(hosts, poller)), (1, Outcome::LaneLost));
            assert_eq!(finished(next(hosts, poller)), (2, Outcome::NoEffect));
            assert_down(next(hosts, poller), "killed");
        });
    }

    #[test]
    fn a_job_that_never_left_the_daemon_has_no_effect_and_can_be_cancelled_at_once() {
        with_host(&format!("{OPENED} exec sleep 60"), |hosts, poller| {
            assert_opened(next(hosts, poller));
            hosts.start(LANE, Ticket(1), &JOB);
            hosts.start(LANE, Ticket(2), &JOB);
            hosts.cancel(Ticket(2));
            assert_eq!(finished(next(hosts, poller)), (2, Outcome::NoEffect));
        });
        with_host(&format!("{OPENED} exec sleep 60"), |hosts, poller| {
            assert_opened(next(hosts, poller));
            hosts.start(LANE, Ticket(1), &JOB);
            hosts.kill(HOST);
            assert_eq!(finished(next(hosts, poller)), (1, Outcome::NoEffect));
        });
    }

    #[test]
    fn a_program_that_is_not_there_is_a_host_that_is_down_and_where_to_put_it_is_said() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async {
            let program = Program {
                path: "/nonexistent/parsecd-host".into(),
                arguments: Vec::new(),
                name: "script".to_owned(),
            };
            let mut hosts = Hosts::new(BTreeMap::from([(HOST.provider, program)]));
            let mut poller = Poller::new().unwrap();
            hosts.open(HOST, &poller);
            hosts.open(HOST, &poller);
            assert_down(next(&mut hosts, &mut poller), "/nonexistent/parsecd-host");
            assert_down(next(&mut hosts, &mut poller), "beside parsecd");
        });
    }
}
