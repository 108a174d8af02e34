//! Group commit: whatever has queued up while the worker was busy is its next group.

use crate::completions::Completer;
use crate::queue::Receiver;

/// Serves `requests` until every sender is gone: takes all that are queued, at most `limit` (at least 1) at a
/// time, has `serve` do them together, and hands the answers over only when the whole group is done. Answers
/// need not be as many as requests; that each request is answered is up to `serve`.
///
/// Under light load a group is one request and waits for nobody; under heavy load the cost that `serve` has
/// per group, such as one fsync, is shared by all that came during the last one.
pub fn serve_groups<T, A>(
    requests: &Receiver<T>,
    answers: &Completer<A>,
    limit: usize,
    mut serve: impl FnMut(Vec<T>) -> Vec<A>,
) {
    while let Some(group) = requests.take(limit) {
        answers.complete(serve(group));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::completions::completions;
    use crate::queue::{Refused, queue};
    use std::thread;

    #[test]
    fn what_queues_up_during_a_group_is_the_next_group() {
        let (sender, receiver) = queue(8);
        let (completer, completions) = completions(|| ());
        sender.try_send(1).unwrap();
        let mut groups = Vec::new();
        let mut sender = Some(sender);
        serve_groups(&receiver, &completer, 8, |group| {
            if let Some(sender) = sender.take() {
                for number in [2, 3, 4] {
                    sender.try_send(number).unwrap();
                }
            }
            groups.push(group.clone());
            group
        });
        assert_eq!(groups, [vec![1], vec![2, 3, 4]]);
        assert_eq!(completions.take(), [1, 2, 3, 4]);
    }

    #[test]
    fn no_group_is_larger_than_its_limit() {
        let (sender, receiver) = queue(8);
        let (completer, completions) = completions(|| ());
        (0..7).for_each(|number| sender.try_send(number).unwrap());
        drop(sender);
        let mut sizes = Vec::new();
        serve_groups(&receiver, &completer, 3, |group| {
            sizes.push(group.len());
            group
        });
        assert_eq!(sizes, [3, 3, 1]);
        assert_eq!(completions.take(), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn answers_come_in_the_order_of_requests_across_threads() {
        let (sender, receiver) = queue(4);
        let (completer, completions) = completions(|| ());
        let worker = thread::spawn(move || serve_groups(&receiver, &completer, 2, |group| group));
        for number in 0..1000 {
            let mut item = number;
            while let Err(Refused::Full(back) | Refused::Closed(back)) = sender.try_send(item) {
                item = back;
                thread::yield_now();
            }
        }
        drop(sender);
        worker.join().unwrap();
        assert_eq!(completions.take(), (0..1000).collect::<Vec<_>>());
    }
}
