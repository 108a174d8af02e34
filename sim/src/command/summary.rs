//! What is told of many worlds, to people and to programs.

use super::many::Summary;
use crate::faults::Family;
use crate::limit::Limit;
use crate::oracle::{Mark, Oracle};
use std::fmt::{Debug, Formatter, Write};

/// Nanoseconds of an hour.
const HOUR: f64 = 3.6e12;

/// As text.
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes everything");
    line("faults that struck, by family".to_owned());
    for family in Family::ALL {
        line(format!("  {:>13}  {family:?}", summary.findings.faults.struck(family)));
    }
    line("checks evaluated, by oracle".to_owned());
    for oracle in Oracle::ALL {
        line(format!("  {:>13}  {oracle:?}", summary.findings.evaluated(oracle)));
    }
    line("marks: times reached, worlds that reached them".to_owned());
    for (mark, runs) in Mark::ALL.into_iter().zip(&summary.runs_with) {
        let share = *runs as f64 * 100.0 / summary.runs.max(1) as f64;
        line(format!("  {:>13}  {share:>5.1} %  {mark:?}", summary.findings.reached(mark)));
    }
    line("limits: how much of each was let in at most, in any world".to_owned());
    for limit in Limit::ALL {
        let (whole, tenth) = percent(summary.findings.distances.nearest(limit));
        line(format!("  {whole:>11}.{tenth} %  {limit:?}"));
    }
    line("bounds of what is held, as worked out from the limits: the same".to_owned());
    for (name, share) in &summary.findings.peaks {
        let (whole, tenth) = percent(*share);
        line(format!("  {whole:>11}.{tenth} %  {name}"));
    }
    let (counts, cpu) = (summary.counts, summary.cpu_seconds.max(1e-9));
    line(format!(
        "{} worlds in {:.1} s on {} threads; {} requests, {} events, {:.1} simulated hours, {} crashes",
        summary.runs,
        summary.seconds,
        summary.threads,
        counts.requests,
        counts.events,
        summary.simulated as f64 / HOUR,
        counts.crashes
    ));
    line(format!(
        "per second of a core: {:.0} requests, {:.0} events, {:.2} simulated hours, {:.0} crashes",
        summary.speed(),
        counts.events as f64 / cpu,
        summary.simulated as f64 / HOUR / cpu,
        counts.crashes as f64 / cpu
    ));
    text
}

/// As JSON.
pub fn json(summary: &Summary, shortcomings: &[String]) -> String {
    let counts = summary.counts;
    let failure = summary.failure.as_ref().map_or("null".to_owned(), |failure| {
        format!(
            "{{\"seed\":{},\"budget\":{},\"oracle\":\"{:?}\",\"text\":{}}}",
            failure.seed,
            failure.budget,
            failure.violation.oracle,
            quoted(&failure.violation.text)
        )
    });
    let shortcomings: Vec<_> = shortcomings.iter().map(|text| quoted(text)).collect();
    format!(
        "{{\"runs\":{},\"seconds\":{:.3},\"cpu_seconds\":{:.3},\"threads\":{},\"requests\":{},\"events\":{},\"commits\":{},\
         \"crashes\":{},\"simulated_hours\":{:.3},\"requests_per_cpu_second\":{:.0},\"faults\":{},\
         \"checks\":{},\"marks\":{},\"limits_per_mille\":{},\"bounds_per_mille\":{},\"shortcomings\":[{}],\"failure\":{failure}}}",
        summary.runs,
        summary.seconds,
        summary.cpu_seconds,
        summary.threads,
        counts.requests,
        counts.events,
        counts.commits,
        counts.crashes,
        summary.simulated as f64 / HOUR,
        summary.speed(),
        object(Family::ALL.map(|family| (family, summary.findings.faults.struck(family)))),
        object(Oracle::ALL.map(|oracle| (oracle, summary.findings.evaluated(oracle)))),
        object(Mark::ALL.map(|mark| (mark, summary.findings.reached(mark)))),
        object(Limit::ALL.map(|limit| (limit, summary.findings.distances.nearest(limit)))),
        object(summary.findings.peaks.iter().map(|(name, share)| (Bare(name), *share))),
        shortcomings.join(",")
    )
}

/// The whole and the tenth of so many per mille, as percent.
fn percent(per_mille: u64) -> (u64, u64) {
    (per_mille / 10, per_mille % 10)
}

/// A name that is shown as it is.
struct Bare<'a>(&'a str);

impl Debug for Bare<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

fn object<K: Debug>(pairs: impl IntoIterator<Item = (K, u64)>) -> String {
    let members: Vec<_> = pairs.into_iter().map(|(name, count)| format!("\"{name:?}\":{count}")).collect();
    format!("{{{}}}", members.join(","))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if u32::from(control) < 0x20 => {
                write!(quoted, "\\u{:04x}", u32::from(control)).expect("a string takes everything");
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_json_is_escaped() {
        assert_eq!(quoted("a \"b\\c\"\n"), "\"a \\\"b\\\\c\\\"\\u000a\"");
    }
}
