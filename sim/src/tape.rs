//! Everything that was drawn in a run, as text that can be kept: a run without its seed.
//!
//! A tape is independent of how numbers are drawn from a seed, and of draws that are added in other domains
//! than its own.

use crate::random::Domain;
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Number of domains.
pub const DOMAINS: usize = 10;

/// What was drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    /// Draws until the world heals.
    pub budget: u64,
    /// Draws by [`Domain`]. 0 is the quietest value of each.
    pub draws: [Vec<u64>; DOMAINS],
    /// Clients, by the order in which they come, that are drawn and stay away.
    pub away: BTreeSet<usize>,
    /// How many draws for requests there were when each client came. Known where the tape was recorded only.
    pub arrivals: Vec<usize>,
}

impl Tape {
    /// Number of draws.
    pub fn len(&self) -> usize {
        self.draws.iter().map(Vec::len).sum()
    }

    /// Whether nothing was drawn.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Leaves away what is drawn for the requests of clients that stay away.
    pub fn cut_away(&mut self) {
        let requests = &mut self.draws[Domain::Workload as usize];
        for client in std::mem::take(&mut self.away).into_iter().rev() {
            let Some(&from) = self.arrivals.get(client) else { continue };
            let to = self.arrivals.get(client + 1).copied().unwrap_or(requests.len()).min(requests.len());
            if from < to {
                requests.drain(from..to);
                self.arrivals.remove(client);
                self.arrivals[client..].iter_mut().for_each(|later| *later -= to - from);
            }
        }
    }

    /// Leaves away zeros at the ends, which are drawn there anyway; not those of requests, whose end ends the
    /// storm.
    pub fn trim(&mut self) {
        for domain in Domain::ALL.into_iter().filter(|domain| *domain != Domain::Workload) {
            let draws = &mut self.draws[domain as usize];
            let end = draws.iter().rposition(|draw| *draw != 0).map_or(0, |last| last + 1);
            draws.truncate(end);
        }
    }
}

impl Display for Tape {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "budget {}", self.budget)?;
        if !self.away.is_empty() {
            write!(out, "away")?;
            self.away.iter().try_for_each(|client| write!(out, " {client}"))?;
            writeln!(out)?;
        }
        for domain in Domain::ALL {
            for line in self.draws[domain as usize].chunks(20) {
                write!(out, "{}", domain.name())?;
                line.iter().try_for_each(|draw| write!(out, " {draw}"))?;
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Tape {
    type Err = String;

    /// Reads what [`Display`] writes; lines that begin with `#` say nothing.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut tape = Tape::default();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap_or_default();
            let numbers: Result<Vec<u64>, _> = words.map(str::parse).collect();
            let numbers = numbers.map_err(|error| format!("{line:?}: {error}"))?;
            match (name, Domain::ALL.into_iter().find(|domain| domain.name() == name), numbers.as_slice()) {
                ("budget", _, [budget]) => tape.budget = *budget,
                ("away", ..) => tape.away.extend(numbers.iter().map(|client| *client as usize)),
                (_, Some(domain), _) => tape.draws[domain as usize].extend(numbers),
                _ => return Err(format!("{line:?} is no line of a tape")),
            }
        }
        Ok(tape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_reads_as_it_was_written() {
        let mut tape = Tape { budget: 12, away: [3, 4].into(), ..Tape::default() };
        tape.draws[Domain::Crash as usize] = (0..50).collect();
        tape.draws[Domain::Swarm as usize] = vec![u64::MAX];
        assert_eq!(format!("# why\n\n{tape}").parse(), Ok(tape));
        assert!("budget 1 2".parse::<Tape>().is_err());
        assert!("weather 1".parse::<Tape>().is_err());
    }

    #[test]
    fn requests_of_clients_that_stay_away_are_cut_out() {
        let mut tape = Tape { away: [0, 2].into(), arrivals: vec![0, 2, 3, 5], ..Tape::default() };
        tape.draws[Domain::Workload as usize] = vec![10, 11, 20, 30, 31, 40];
        tape.cut_away();
        assert_eq!(tape.draws[Domain::Workload as usize], [20, 40]);
        assert_eq!((tape.arrivals, tape.away), (vec![0, 1], BTreeSet::new()));
    }

    #[test]
    fn zeros_at_the_end_are_left_away_but_those_of_requests() {
        let mut tape = Tape::default();
        tape.draws[Domain::Store as usize] = vec![0, 3, 0, 0];
        tape.draws[Domain::Workload as usize] = vec![0, 0];
        tape.trim();
        assert_eq!(tape.draws[Domain::Store as usize], [0, 3]);
        assert_eq!(tape.len(), 4);
    }
}
