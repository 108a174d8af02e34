//! The command line.

use super::many::Worlds;
use crate::run::BUDGETS;

/// How it is used.
pub const USAGE: &str = "usage: parsecd-sim [OPTION]...
Runs worlds with faults around parsecd's core, one seed and budget each, and says what broke.

  --runs N            so many worlds, one seed after another (default 1000)
  --seconds S         as many worlds as begin in S seconds
  --seed S            the first seed (default 1)
  --budget B          random draws of each world (default: follows from the seed)
  --budget-min B      least of such budgets (default 300)
  --budget-max B      largest of such budgets (default 1000000)
  --threads N         worlds at one time (default: one per core)
  --json              the summary as JSON
  --quiet             no progress and no summary

  --crash-table       no worlds: stories of up to three requests with crashes at each point, all of them
  --trace             one world; print its last events
  --minimise          one world; if it fails, find the least that fails, and print it as a tape
  --tape FILE         play a tape and print its last events

  --against PROGRAM   another build of this program runs the same worlds: every hash must be the same,
                      or the first event that differs is shown
  --hashes FILE       write the hash of each world
  --compare FILE      run the worlds of such a file: every hash must be the same
  --checkpoints       one world; print its hashes on the way
  --log FIRST LAST    one world; print these events, each with the hash of all until then

Fails (1) if an invariant is broken, if hashes differ, and, where there are enough worlds, if a check never
ran or a mark was never reached; (2) if it does not understand what it is asked.";

/// What is asked.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields are those of the command line")]
pub struct Options {
    pub runs: Option<u64>,
    pub seconds: Option<u64>,
    pub seed: u64,
    pub budget: Option<u64>,
    pub budgets: (u64, u64),
    pub threads: Option<usize>,
    pub json: bool,
    pub quiet: bool,
    pub crash_table: bool,
    pub trace: bool,
    pub minimise: bool,
    pub tape: Option<String>,
    pub against: Option<String>,
    pub hashes: Option<String>,
    pub compare: Option<String>,
    pub checkpoints: bool,
    pub log: Option<(u64, u64)>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            runs: None,
            seconds: None,
            seed: 1,
            budget: None,
            budgets: BUDGETS,
            threads: None,
            json: false,
            quiet: false,
            crash_table: false,
            trace: false,
            minimise: false,
            tape: None,
            against: None,
            hashes: None,
            compare: None,
            checkpoints: false,
            log: None,
        }
    }
}

impl Options {
    /// Reads a command line without the program's name.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options::default();
        while let Some(argument) = arguments.next() {
            let mut text = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--runs" => options.runs = Some(number(&text()?)?),
                "--seconds" => options.seconds = Some(number(&text()?)?),
                "--seed" => options.seed = number(&text()?)?,
                "--budget" => options.budget = Some(number(&text()?)?),
                "--budget-min" => options.budgets.0 = number(&text()?)?.max(1),
                "--budget-max" => options.budgets.1 = number(&text()?)?,
                "--threads" => options.threads = Some(number(&text()?)?.max(1) as usize),
                "--json" => options.json = true,
                "--quiet" => options.quiet = true,
                "--crash-table" => options.crash_table = true,
                "--trace" => options.trace = true,
                "--minimise" => options.minimise = true,
                "--tape" => options.tape = Some(text()?),
                "--against" => options.against = Some(text()?),
                "--hashes" => options.hashes = Some(text()?),
                "--compare" => options.compare = Some(text()?),
                "--checkpoints" => options.checkpoints = true,
                "--log" => options.log = Some((number(&text()?)?, number(&text()?)?)),
                _ => return Err(format!("{argument} is unknown")),
            }
        }
        if options.budgets.0 > options.budgets.1 {
            return Err("the least budget is larger than the largest".to_owned());
        }
        Ok(options)
    }

    /// The worlds that are asked for.
    pub fn worlds(&self) -> Worlds {
        let count = self.runs.unwrap_or(if self.seconds.is_some() { u64::MAX } else { 1000 });
        Worlds::Seeds { first: self.seed, count, budget: self.budget, budgets: self.budgets }
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_seed_has_the_same_budget_wherever_it_stands() {
        let worlds = |line: &str| parse(line).expect("it is a command line").worlds();
        let all = worlds("--seed 5 --runs 3 --budget-max 20000");
        assert_eq!(all.at(2), worlds("--seed 7 --runs 1 --budget-max 20000").at(0));
        assert!((0..3).all(|index| all.at(index).is_some_and(|(_, draws)| (300..=20_000).contains(&draws))));
        assert_eq!(all.at(3), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["--sed 5", "--seed", "--seed five", "--log 1", "--budget-min 9 --budget-max 3"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
