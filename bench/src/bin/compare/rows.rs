//! The table: one row for each limit.

use crate::cases::{Case, ECHO, KEPT, OURS, PIPELINED, Results, Target, case};
use crate::idle::{Idle, OfServers};
use parsecd_bench::load::Mode;
use parsecd_bench::server::Program;
use parsecd_bench::workload::Kind;

const MIB: f64 = 1_048_576.0;

/// Which side of the limit is good.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// A figure, its limit, and what it was made from.
#[derive(Clone, Debug)]
pub struct Row {
    what: &'static str,
    /// What parsecd gave.
    ours: String,
    /// What it is compared with.
    beside: String,
    figure: f64,
    unit: &'static str,
    limit: Limit,
    /// The same figure of the references.
    references: Vec<Option<f64>>,
    /// What to profile if it misses.
    case: Option<Case>,
}

impl Row {
    /// Whether the figure is within its limit.
    pub fn holds(&self) -> bool {
        match self.limit {
            Limit::AtLeast(least) => self.figure >= least,
            Limit::AtMost(most) => self.figure <= most,
        }
    }
}

/// Rates of two cases, divided.
fn ratio(results: &Results, ours: Case, beside: Case) -> (String, String, f64) {
    let (a, b) = (results.rate(ours).unwrap_or(0.0), results.rate(beside).unwrap_or(0.0));
    (format!("{a:.0}/s"), format!("{b:.0}/s"), a / b)
}

/// Latencies of two cases.
fn latency(results: &Results, ours: Case, beside: Case) -> (String, String, f64, f64) {
    let (a, b) = (results.p50(ours).unwrap_or(0.0), results.p50(beside).unwrap_or(0.0));
    (format!("{a:.1} µs"), format!("{b:.1} µs"), a, b)
}

/// All rows.
pub fn rows(results: &Results, idle: &OfServers, references: &[Program]) -> Vec<Row> {
    let mut rows = Vec::new();
    let of_references = |figure: &dyn Fn(Program) -> Option<f64>| -> Vec<Option<f64>> {
        references.iter().map(|program| figure(*program)).collect()
    };
    let refer = |kind, clients| move |program| case(kind, Mode::PerRequest, clients, Target::Server(program));
    let mut rates = |what, ours: Case, beside: Case, least| {
        let (a, b, figure) = ratio(results, ours, beside);
        let reference = refer(ours.kind, ours.clients);
        let of_reference = |program| Some(results.rate(reference(program))? / results.rate(beside)?);
        rows.push(Row {
            what,
            ours: a,
            beside: b,
            figure,
            unit: "×",
            limit: Limit::AtLeast(least),
            references: of_references(&of_reference),
            case: Some(ours),
        });
    };
    let bare = |kind| case(kind, KEPT, 1, Target::Bare);
    let ours = |kind, mode, clients| case(kind, mode, clients, OURS);
    let echo = |kind, mode, clients| case(kind, mode, clients, ECHO);
    let (ping, export) = (Kind::Ping, Kind::ExportPublic);
    let per = Mode::PerRequest;
    rates("ping, 16 clients, per request / echo", ours(ping, per, 16), echo(ping, per, 16), 0.8);
    rates("ping, 16 clients, kept / echo", ours(ping, KEPT, 16), echo(ping, KEPT, 16), 0.8);
    rates("ping, 1 client, 32 deep / kept", ours(ping, PIPELINED, 1), ours(ping, KEPT, 1), 3.0);
    rates("ping, 16 clients, 32 deep / kept", ours(ping, PIPELINED, 16), ours(ping, KEPT, 16), 3.0);
    rates("P-256 sign, 16 clients, kept / bare", ours(Kind::Sign, KEPT, 16), bare(Kind::Sign), 1.6);
    rates("P-256 verify, 16 clients, kept / bare", ours(Kind::Verify, KEPT, 16), bare(Kind::Verify), 3.0);
    rates("export public, 16 clients, per request / echo", ours(export, per, 16), echo(export, per, 16), 0.7);
    rates("export public, 16 clients, kept / echo", ours(export, KEPT, 16), echo(export, KEPT, 16), 0.7);

    for (what, mode) in
        [("ping, 1 client, per request, p50 / echo", per), ("ping, 1 client, kept, p50 / echo", KEPT)]
    {
        let (a, b, own, other) = latency(results, ours(ping, mode, 1), echo(ping, mode, 1));
        let reference = refer(ping, 1);
        rows.push(Row {
            what,
            ours: a,
            beside: b,
            figure: own / other,
            unit: "×",
            limit: Limit::AtMost(1.3),
            references: of_references(&|program| Some(results.p50(reference(program))? / other)),
            case: Some(ours(ping, mode, 1)),
        });
    }
    let (a, b, own, other) = latency(results, ours(Kind::Sign, KEPT, 1), bare(Kind::Sign));
    let reference = refer(Kind::Sign, 1);
    rows.push(Row {
        what: "P-256 sign, 1 client, kept, p50 − bare",
        ours: a,
        beside: b,
        figure: own - other,
        unit: "µs",
        limit: Limit::AtMost(150.0),
        references: of_references(&|program| Some(results.p50(reference(program))? - other)),
        case: Some(ours(Kind::Sign, KEPT, 1)),
    });
    let pairs = ours(Kind::GenerateDestroy, KEPT, 16);
    let figure = results.rate(pairs).unwrap_or(0.0);
    let reference = refer(Kind::GenerateDestroy, 16);
    rows.push(Row {
        what: "generate + destroy, 16 clients, kept, durable",
        ours: format!("{figure:.0}/s"),
        beside: String::new(),
        figure,
        unit: "pairs/s",
        limit: Limit::AtLeast(1500.0),
        references: of_references(&|program| results.rate(reference(program))),
        case: Some(pairs),
    });
    rows.extend(idle_rows(idle, references));
    rows
}

fn idle_rows(idle: &OfServers, references: &[Program]) -> Vec<Row> {
    let row = |what, unit, most, figure: &dyn Fn(&Idle) -> Option<f64>| {
        let of = |program: &Program| idle.get(program).and_then(figure);
        Row {
            what,
            ours: String::new(),
            beside: String::new(),
            figure: of(&Program::Parsecd).unwrap_or(f64::NAN),
            unit,
            limit: Limit::AtMost(most),
            references: references.iter().map(of).collect(),
            case: None,
        }
    };
    vec![
        row("wake-ups while idle", "per s", 0.0, &|idle| Some(idle.wakes)),
        row("resident memory idle, daemon", "MiB", 16.0, &|idle| Some(idle.server / MIB)),
        row("resident memory idle, daemon and hosts", "MiB", 16.0, &|idle| Some(idle.resident() / MIB)),
        row("resident memory per idle connection", "KiB", 8.0, &|idle| Some(idle.per_connection? / 1024.0)),
    ]
}

/// What to profile: the cases of the rows that miss their limits.
pub fn missed(rows: &[Row]) -> Vec<Case> {
    rows.iter().filter(|row| !row.holds()).filter_map(|row| row.case).collect()
}

/// Prints the table.
pub fn print(rows: &[Row], references: &[Program]) {
    print!("\n{:<47} {:>11} {:>11} {:>16} {:>8} {:>4}", "", "parsecd", "beside", "figure", "limit", "");
    for program in references {
        let Program::Reference { sleep } = program else { continue };
        print!(" {:>14}", format!("ref, sleep {sleep}"));
    }
    println!();
    for row in rows {
        let limit = match row.limit {
            Limit::AtLeast(least) => format!("≥ {least}"),
            Limit::AtMost(most) => format!("≤ {most}"),
        };
        let verdict = if row.holds() { "ok" } else { "MISS" };
        let figure = format!("{:.2} {}", row.figure, row.unit);
        print!(
            "{:<47} {:>11} {:>11} {:>16} {:>8} {:>4}",
            row.what, row.ours, row.beside, figure, limit, verdict
        );
        for reference in &row.references {
            print!(" {:>14}", reference.map_or(String::from("–"), |figure| format!("{figure:.2}")));
        }
        println!();
    }
}
