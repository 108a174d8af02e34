//! The executor's threads: public-key operations and hashes, which need no device. They keep the loop's pace: a
//! queue to them that never blocks the loop, answers by a bell.

use parsecd_core::ids::Ticket;
use parsecd_core::job::Job;
use parsecd_core::outcome::Outcome;
use parsecd_handoff::{Completer, Completions, Receiver, Sender, completions, queue};
use parsecd_wire::Status;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use tracing::error;

/// Jobs that may wait for a thread. The core gives out as many as there are threads, and checks of signatures,
/// of which there are no more than lanes.
const QUEUE: usize = 1 << 16;

type Answer = (Ticket, Outcome);

/// The threads. Dropping it finishes what was submitted.
pub struct Executor {
    jobs: Option<Sender<(Ticket, Arc<Job>)>>,
    answers: Completions<Answer>,
    refusals: Completer<Answer>,
    threads: Vec<JoinHandle<()>>,
}

impl Executor {
    /// Starts `threads` threads; with none, every job is left to a lane. `wake` is called on another thread when
    /// [`Executor::completions`] has something to give.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(threads: u16, wake: impl Fn() + Send + Sync + 'static) -> io::Result<Executor> {
        Executor::with(threads, wake, parsecd_executor::run)
    }

    fn with(
        threads: u16,
        wake: impl Fn() + Send + Sync + 'static,
        run: fn(&Job) -> Outcome,
    ) -> io::Result<Executor> {
        let (completer, answers) = completions(wake);
        let (jobs, receiver) = queue(QUEUE);
        let receiver = Arc::new(receiver);
        let mut executor = Executor {
            jobs: (threads > 0).then_some(jobs),
            answers,
            refusals: completer.clone(),
            threads: Vec::new(),
        };
        for number in 0..threads {
            let (receiver, completer) = (Arc::clone(&receiver), completer.clone());
            let thread = std::thread::Builder::new()
                .name(format!("executor-{number}"))
                .spawn(move || serve(&receiver, &completer, run))?;
            executor.threads.push(thread);
        }
        Ok(executor)
    }

    /// Hands a job over. Never blocks; the answer comes through [`Executor::completions`].
    pub fn submit(&self, ticket: Ticket, job: Arc<Job>) {
        let taken = self.jobs.as_ref().is_some_and(|jobs| jobs.try_send((ticket, job)).is_ok());
        if !taken {
            self.refusals.complete([(ticket, Outcome::NoEffect)]);
        }
    }

    /// Every answer that is ready.
    pub fn completions(&self) -> Vec<Answer> {
        self.answers.take()
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                error!("a thread of the executor had panicked");
            }
        }
    }
}

fn serve(jobs: &Receiver<(Ticket, Arc<Job>)>, answers: &Completer<Answer>, run: fn(&Job) -> Outcome) {
    while let Some(taken) = jobs.take(1) {
        for (ticket, job) in taken {
            // Whatever bytes a tenant has found to break a library with, they cost that request and no more.
            let outcome = catch_unwind(AssertUnwindSafe(|| run(&job))).unwrap_or_else(|_| {
                error!("a job of the executor panicked; please report this");
                Outcome::Refused(Status::PsaErrorGenericError)
            });
            // Its secrets are wiped before the answer can be seen, unless the core still holds it.
            drop(job);
            answers.complete([(ticket, outcome)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parsecd_core::outcome::Effect;
    use parsecd_wire::SecretBytes;
    use parsecd_wire::algorithm::Hash;
    use std::collections::BTreeMap;
    use std::sync::mpsc;

    fn hash_of(input: &[u8]) -> Arc<Job> {
        Arc::new(Job::HashCompute { algorithm: Hash::Sha256, input: SecretBytes::from(input) })
    }

    /// The next `count` answers.
    fn answers(executor: &Executor, woken: &mpsc::Receiver<()>, count: usize) -> BTreeMap<Ticket, Outcome> {
        let mut found = BTreeMap::new();
        while found.len() < count {
            woken.recv().unwrap();
            for (ticket, outcome) in executor.completions() {
                assert!(found.insert(ticket, outcome).is_none(), "a job is answered once");
            }
        }
        found
    }

    fn start(threads: u16, run: fn(&Job) -> Outcome) -> (Executor, mpsc::Receiver<()>) {
        let (wake, woken) = mpsc::channel();
        let wake = std::sync::Mutex::new(wake);
        let ring = move || {
            wake.lock().unwrap().send(()).ok();
        };
        (Executor::with(threads, ring, run).unwrap(), woken)
    }

    #[test]
    fn every_job_is_answered_once_whatever_the_number_of_threads() {
        for threads in [1, 3] {
            let (executor, woken) = start(threads, parsecd_executor::run);
            for slot in 0..200 {
                executor.submit(Ticket(slot), hash_of(&slot.to_le_bytes()));
            }
            let answers = answers(&executor, &woken, 200);
            for (ticket, outcome) in answers {
                let expected = parsecd_executor::run(&hash_of(&ticket.0.to_le_bytes()));
                assert!(matches!(expected, Outcome::Done(Effect::Output(_))));
                assert_eq!(outcome, expected);
            }
        }
    }

    #[test]
    fn without_threads_jobs_are_left_to_lanes() {
        let (executor, woken) = start(0, parsecd_executor::run);
        executor.submit(Ticket(7), hash_of(b"x"));
        assert_eq!(answers(&executor, &woken, 1), BTreeMap::from([(Ticket(7), Outcome::NoEffect)]));
    }

    #[test]
    fn a_job_that_panics_is_refused_and_its_thread_goes_on() {
        let (executor, woken) = start(1, |job| match job {
            Job::Open => panic!("as a test"),
            job => parsecd_executor::run(job),
        });
        executor.submit(Ticket(1), Arc::new(Job::Open));
        executor.submit(Ticket(2), hash_of(b"x"));
        let answers = answers(&executor, &woken, 2);
        assert_eq!(answers[&Ticket(1)], Outcome::Refused(Status::PsaErrorGenericError));
        assert_eq!(answers[&Ticket(2)], parsecd_executor::run(&hash_of(b"x")));
    }

    #[test]
    fn dropped_it_finishes_and_ends_all_its_threads() {
        let (executor, woken) = start(4, parsecd_executor::run);
        for slot in 0..50 {
            executor.submit(Ticket(slot), hash_of(b"x"));
        }
        drop(executor);
        // Each thread and the executor itself rang at its end; then nobody is left to ring.
        while woken.recv().is_ok() {}
    }
}
