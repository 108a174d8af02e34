//! Whether a key is there, as far as that follows from what clients were told.

use crate::scenario::Request;
use parsecd_wire::Status;
use std::collections::BTreeSet;

/// Each way in which it may have come about, as whether the key may then be there, and whether it may be absent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct May(BTreeSet<(bool, bool)>);

impl May {
    /// It is known.
    pub fn surely(there: bool) -> May {
        May([(there, !there)].into())
    }

    /// Whether this may be the end.
    pub fn allows(&self, there: bool) -> bool {
        self.0.iter().any(|(be_there, be_absent)| if there { *be_there } else { *be_absent })
    }

    /// Whether no way leads here.
    pub fn is_impossible(&self) -> bool {
        self.0.is_empty()
    }

    /// After requests that were asked at one time and told this, in any order. `crashed`: the daemon died before
    /// what they left was cleared away.
    pub fn after(&self, told: &[(Request, Option<Status>)], crashed: bool) -> May {
        let orders = permutations(told);
        let ways = orders.iter().flat_map(|order| {
            self.0.iter().filter_map(move |may| {
                order.iter().try_fold(*may, |may, (request, told)| step(may, *request, *told, crashed))
            })
        });
        May(ways.collect())
    }
}

fn step(
    (there, absent): (bool, bool),
    request: Request,
    told: Option<Status>,
    crashed: bool,
) -> Option<(bool, bool)> {
    let makes = matches!(request, Request::Generate | Request::Import);
    let possible = |may: (bool, bool)| (may.0 || may.1).then_some(may);
    match told {
        Some(Status::Success) if makes => absent.then_some((true, false)),
        Some(Status::PsaErrorAlreadyExists) if makes => possible((there, false)),
        Some(Status::PsaErrorDoesNotExist) => possible((false, absent)),
        Some(Status::Success) if request == Request::Destroy => there.then_some((false, true)),
        Some(Status::Success) => there.then_some((true, false)),
        Some(_) | None if request == Request::Destroy => Some((there, true)),
        Some(_) if makes => Some((there || (absent && crashed), absent)),
        None if makes => Some((true, absent)),
        _ => Some((there, absent)),
    }
}

fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let Some((first, rest)) = items.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for shorter in permutations(rest) {
        for place in 0..=shorter.len() {
            let mut longer = shorter.clone();
            longer.insert(place, first.clone());
            all.push(longer);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_end(before: bool, told: &[(Request, Option<Status>)], crashed: bool, there: bool) -> bool {
        let one_by_one = told.iter().fold(May::surely(before), |may, one| may.after(&[*one], crashed));
        one_by_one.allows(there)
    }

    #[test]
    fn what_was_told_bounds_what_may_be() {
        let made = (Request::Generate, Some(Status::Success));
        let destroyed = (Request::Destroy, Some(Status::Success));
        let lost = (Request::Destroy, None);
        assert!(may_end(false, &[made], false, true));
        assert!(!may_end(false, &[made], true, false));
        assert!(!may_end(true, &[made], false, true));
        assert!(!may_end(false, &[made, destroyed], true, true));
        assert!(may_end(false, &[made, lost], true, true) && may_end(false, &[made, lost], true, false));
        let failed = (Request::Generate, Some(Status::PsaErrorCommunicationFailure));
        assert!(!may_end(false, &[failed], false, true));
        assert!(may_end(false, &[failed], true, true));
    }

    #[test]
    fn of_what_is_asked_at_one_time_each_order_may_be() {
        let both = [(Request::Generate, Some(Status::Success)), (Request::Destroy, Some(Status::Success))];
        let absent = May::surely(false).after(&both, false);
        assert!(absent.allows(false) && !absent.allows(true));
        let there = May::surely(true).after(&both, false);
        assert!(there.allows(true) && !there.allows(false));
        assert!(May::surely(true).after(&both[..1], false).is_impossible());
        assert_eq!(permutations(&[1, 2, 3]).into_iter().collect::<BTreeSet<_>>().len(), 6);
    }
}
