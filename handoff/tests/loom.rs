//! What passes between the loop and its workers, in every interleaving that loom finds: nothing is lost, nothing
//! is done twice, no wake-up is missed, every thread ends. A wake-up that is missed shows as a deadlock.
//!
//! Bound: every switch where the running thread cannot go on, and as many where it could (preemptions) as stand
//! below; one or two workers, two or three items. Run as `make loom`; without `--cfg loom` this file is empty.
#![cfg(loom)]

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use parsecd_handoff::{Completer, Completions, Receiver, Refused, Sender, WakeFlag};
use parsecd_handoff::{completions, queue, serve_groups};

/// Preemptions in a run with one worker.
const ONE_WORKER: usize = 5;

/// Preemptions in a run with two workers.
const TWO_WORKERS: usize = 3;

/// Preemptions in a run with two workers that share a queue and wake the loop.
const TWO_THAT_WAKE: usize = 2;

/// Explores `model` with at most so many preemptions.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// What the loop sleeps on, as the daemon has it: an event descriptor whose edges an epoll set collects. An edge
/// that comes while nobody sleeps is kept; several are one.
#[derive(Default)]
struct Sleep {
    edge: Mutex<bool>,
    came: Condvar,
}

impl Sleep {
    fn wake(&self) {
        *self.edge.lock().unwrap() = true;
        self.came.notify_one();
    }

    fn sleep(&self) {
        let mut edge = self.edge.lock().unwrap();
        while !*edge {
            edge = self.came.wait(edge).unwrap();
        }
        *edge = false;
    }
}

/// The loop's side: it sleeps until it is woken, then looks at everything.
struct Loop {
    sleep: Arc<Sleep>,
    flag: Arc<WakeFlag>,
}

impl Loop {
    fn new() -> Loop {
        Loop { sleep: Arc::new(Sleep::default()), flag: Arc::new(WakeFlag::new()) }
    }

    /// What workers wake it with.
    fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let (sleep, flag) = (Arc::clone(&self.sleep), Arc::clone(&self.flag));
        move || {
            if flag.raise() {
                sleep.wake();
            }
        }
    }

    fn sleep(&self) {
        self.sleep.sleep();
        self.flag.lower();
    }

    /// Takes `count` answers. Looks before it sleeps, as a loop does that something else has woken.
    fn take(&self, answers: &Completions<usize>, count: usize) -> Vec<usize> {
        let mut taken = answers.take();
        while taken.len() < count {
            self.sleep();
            taken.extend(answers.take());
        }
        taken
    }
}

/// A thread of the executor: takes one item at a time from a queue that it shares.
fn work(
    items: Arc<Receiver<usize>>,
    answers: Completer<usize>,
    runs: Arc<Vec<AtomicUsize>>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        while let Some(taken) = items.take(1) {
            assert_eq!(taken.len(), 1);
            for item in taken {
                runs[item].fetch_add(1, Ordering::Relaxed);
                answers.complete([item]);
            }
        }
    })
}

fn counters(count: usize) -> Arc<Vec<AtomicUsize>> {
    Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect())
}

fn sorted(mut items: Vec<usize>) -> Vec<usize> {
    items.sort_unstable();
    items
}

fn each_ran_once(runs: &[AtomicUsize]) {
    assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1));
}

#[test]
fn the_threads_of_the_executor_answer_every_job_once_and_end() {
    explore(TWO_THAT_WAKE, || {
        let main = Loop::new();
        let (completer, answers) = completions(main.waker());
        let (sender, receiver) = queue(2);
        let (receiver, runs) = (Arc::new(receiver), counters(2));
        let threads: Vec<_> =
            (0..2).map(|_| work(Arc::clone(&receiver), completer.clone(), Arc::clone(&runs))).collect();
        for item in 0..2 {
            assert_eq!(sender.try_send(item), Ok(()));
        }
        assert_eq!(sorted(main.take(&answers, 2)), [0, 1]);
        drop(sender);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(answers.take().is_empty());
        each_ran_once(&runs);
    });
}

#[test]
fn an_executor_that_is_let_go_finishes_what_it_was_given() {
    explore(TWO_WORKERS, || {
        let main = Loop::new();
        let (completer, answers) = completions(main.waker());
        let (sender, receiver) = queue(2);
        let (receiver, runs) = (Arc::new(receiver), counters(2));
        let threads: Vec<_> =
            (0..2).map(|_| work(Arc::clone(&receiver), completer.clone(), Arc::clone(&runs))).collect();
        for item in 0..2 {
            assert_eq!(sender.try_send(item), Ok(()));
        }
        drop(sender);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(sorted(answers.take()), [0, 1]);
        each_ran_once(&runs);
    });
}

#[test]
fn a_job_that_finds_the_queue_full_is_answered_by_the_loop_itself() {
    explore(ONE_WORKER, || {
        let main = Loop::new();
        let (completer, answers) = completions(main.waker());
        let (sender, receiver) = queue(1);
        let runs = counters(3);
        let thread = work(Arc::new(receiver), completer.clone(), Arc::clone(&runs));
        let mut refused = Vec::new();
        for item in 0..3 {
            if let Err(Refused::Full(item) | Refused::Closed(item)) = sender.try_send(item) {
                refused.push(item);
                completer.complete([item]);
            }
        }
        assert_eq!(sorted(main.take(&answers, 3)), [0, 1, 2]);
        drop(sender);
        thread.join().unwrap();
        for (item, runs) in runs.iter().enumerate() {
            assert_eq!(runs.load(Ordering::Relaxed), usize::from(!refused.contains(&item)));
        }
    });
}

/// A writer that commits in groups of at most two, and remembers them.
fn write(
    mutations: Receiver<usize>,
    answers: Completer<usize>,
    groups: Arc<Mutex<Vec<Vec<usize>>>>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        serve_groups(&mutations, &answers, 2, |group| {
            assert!((1..=2).contains(&group.len()));
            groups.lock().unwrap().push(group.clone());
            group
        });
    })
}

#[test]
fn the_writer_of_the_store_commits_every_mutation_once_and_in_order() {
    explore(ONE_WORKER, || {
        let main = Loop::new();
        let (completer, answers) = completions(main.waker());
        let (sender, receiver) = queue(3);
        let groups = Arc::new(Mutex::new(Vec::new()));
        let thread = write(receiver, completer, Arc::clone(&groups));
        for mutation in 0..3 {
            assert_eq!(sender.try_send(mutation), Ok(()));
        }
        assert_eq!(main.take(&answers, 3), [0, 1, 2]);
        drop(sender);
        thread.join().unwrap();
        assert_eq!(groups.lock().unwrap().concat(), [0, 1, 2]);
    });
}

#[test]
fn a_store_that_is_closed_commits_what_it_was_given_before_its_threads_end() {
    explore(TWO_WORKERS, || {
        let main = Loop::new();
        let (completer, answers) = completions(main.waker());
        let groups = Arc::new(Mutex::new(Vec::new()));
        // Writer and reader answer the same loop.
        let ((writes, receiver), (reads, read)) = (queue(2), queue(1));
        let writer = write(receiver, completer.clone(), Arc::clone(&groups));
        let reader = thread::spawn(move || serve_groups(&read, &completer, 1, |group| group));
        for mutation in 0..2 {
            assert_eq!(writes.try_send(mutation), Ok(()));
        }
        assert_eq!(reads.try_send(9), Ok(()));
        drop((writes, reads));
        writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(sorted(answers.take()), [0, 1, 9]);
        assert_eq!(groups.lock().unwrap().concat(), [0, 1]);
        assert!(answers.ended());
    });
}

/// A lane: runs one job, while one more may wait.
fn lane(completer: &Completer<usize>) -> (Sender<usize>, thread::JoinHandle<()>) {
    let (sender, receiver) = queue(2);
    let completer = completer.clone();
    let run = thread::spawn(move || {
        while let Some(jobs) = receiver.take(1) {
            completer.complete(jobs);
        }
    });
    (sender, run)
}

#[test]
fn lanes_of_one_host_share_a_waker_and_lose_no_answer() {
    explore(TWO_WORKERS, || {
        let link = Loop::new();
        let (completer, answers) = completions(link.waker());
        let lanes = [lane(&completer), lane(&completer)];
        for (job, (sender, _)) in [0, 1].into_iter().zip(&lanes) {
            assert_eq!(sender.try_send(job), Ok(()));
        }
        assert_eq!(sorted(link.take(&answers, 2)), [0, 1]);
        // A lane that has been idle is given more.
        assert_eq!(lanes[0].0.try_send(2), Ok(()));
        assert_eq!(link.take(&answers, 1), [2]);
        for (sender, run) in lanes {
            drop(sender);
            run.join().unwrap();
        }
        assert!(answers.take().is_empty());
    });
}

#[test]
fn the_end_of_a_worker_wakes_the_loop_and_later_jobs_come_back() {
    explore(ONE_WORKER, || {
        let main = Loop::new();
        let (completer, answers) = completions(main.waker());
        let (sender, receiver) = queue(2);
        let thread = thread::spawn(move || {
            // It ends after its first job, as one that panics does.
            let first = receiver.take(1).unwrap();
            completer.complete(first);
        });
        let mut returned = Vec::new();
        for item in 0..2 {
            if let Err(Refused::Full(item) | Refused::Closed(item)) = sender.try_send(item) {
                returned.push(item);
            }
        }
        while !answers.ended() {
            main.sleep();
        }
        assert_eq!(answers.take(), [0]);
        assert!(returned.is_empty() || returned == [1]);
        thread.join().unwrap();
        assert_eq!(sender.try_send(2), Err(Refused::Closed(2)));
    });
}

#[test]
fn whoever_shares_the_end_of_a_queue_sees_all_items_and_then_the_end() {
    explore(TWO_WORKERS, || {
        let (sender, receiver) = queue(2);
        let receiver = Arc::new(receiver);
        let second = sender.clone();
        let sends = thread::spawn(move || assert_eq!(second.try_send(1), Ok(())));
        let takes: Vec<_> = (0..2)
            .map(|_| {
                let receiver = Arc::clone(&receiver);
                thread::spawn(move || {
                    let mut taken = Vec::new();
                    while let Some(items) = receiver.take(2) {
                        assert!(!items.is_empty());
                        taken.extend(items);
                    }
                    taken
                })
            })
            .collect();
        assert_eq!(sender.try_send(0), Ok(()));
        drop(sender);
        sends.join().unwrap();
        let taken = takes.into_iter().flat_map(|take| take.join().unwrap()).collect();
        assert_eq!(sorted(taken), [0, 1]);
    });
}
