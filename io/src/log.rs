//! The log: tracing, written to standard error by a thread of its own, so that a terminal or pipe nobody reads
//! never holds up the loop. What does not fit into its buffer is dropped, counted, and told when there is room.

use crate::config::LogLevel;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

/// Most bytes that wait to be written.
const BUFFER_MAX: usize = 1 << 20;

/// Time in which lines gather before they are written: under load one wake-up and one write serve many.
const GATHER: Duration = Duration::from_millis(1);

/// Longest wait for the rest of the log at the end of the process.
const FLUSH: Duration = Duration::from_secs(1);

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text, fields as `name=value`, values escaped.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log. Once per process.
pub fn start(format: Format, level: Option<LogLevel>, timestamps: bool) -> (Log, Level) {
    let log = Log::start(format, io::stderr());
    let (filter, handle) = reload::Layer::new(filter(level));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_target(false).with_ansi(false);
    match (format, timestamps) {
        (Format::Text, true) => registry.with(lines.with_timer(SystemTime)).init(),
        (Format::Text, false) => registry.with(lines.without_time()).init(),
        (Format::Json, true) => {
            registry.with(lines.json().flatten_event(true).with_current_span(false)).init();
        }
        (Format::Json, false) => {
            registry.with(lines.json().flatten_event(true).with_current_span(false).without_time()).init();
        }
    }
    (log, Level(Some(handle)))
}

/// What is logged; can be changed while the log runs.
pub struct Level(Option<reload::Handle<LevelFilter, Registry>>);

impl Level {
    /// One that changes nothing, where no log was started.
    pub fn fixed() -> Level {
        Level(None)
    }

    /// From now on this level and the more severe ones.
    pub fn set(&self, level: Option<LogLevel>) {
        if let Some(handle) = &self.0 {
            // Fails only if there is no log any more.
            handle.reload(filter(level)).ok();
        }
    }
}

/// The configured level, else `RUST_LOG` if it is a level, else info.
fn filter(configured: Option<LogLevel>) -> LevelFilter {
    match configured {
        Some(LogLevel::Off) => LevelFilter::OFF,
        Some(LogLevel::Error) => LevelFilter::ERROR,
        Some(LogLevel::Warn) => LevelFilter::WARN,
        Some(LogLevel::Info) => LevelFilter::INFO,
        Some(LogLevel::Debug) => LevelFilter::DEBUG,
        Some(LogLevel::Trace) => LevelFilter::TRACE,
        None => {
            let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok());
            level.unwrap_or(LevelFilter::INFO)
        }
    }
}

/// Where lines are left for the writing thread.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

struct Shared {
    format: Format,
    state: Mutex<State>,
    more: Condvar,
    written: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    dropped: u64,
    writing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A line is pushed whole or not at all, so the state is right even if its last holder panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn start(format: Format, to: impl Write + Send + 'static) -> Log {
        let log = Log(Arc::new(Shared {
            format,
            state: Mutex::default(),
            more: Condvar::new(),
            written: Condvar::new(),
        }));
        let shared = Arc::clone(&log.0);
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&shared, to));
        assert!(thread.is_ok(), "a thread for the log: {thread:?}");
        log
    }

    /// Leaves one line, or drops it.
    fn push(&self, line: &[u8]) {
        let mut state = self.0.lock();
        if state.lines.len().saturating_add(line.len()) > BUFFER_MAX {
            state.dropped = state.dropped.saturating_add(1);
            return;
        }
        state.lines.extend_from_slice(line);
        let sleeping = !state.writing;
        state.writing = true;
        drop(state);
        if sleeping {
            self.0.more.notify_one();
        }
    }

    /// Waits until everything is written, at most a second.
    pub fn flush(&self) {
        let state = self.0.lock();
        let waiting = |state: &mut State| state.writing || !state.lines.is_empty();
        drop(self.0.written.wait_timeout_while(state, FLUSH, waiting));
    }
}

fn write_all(shared: &Shared, mut to: impl Write) {
    let mut batch = Vec::new();
    let mut state = shared.lock();
    loop {
        if state.lines.is_empty() && state.dropped == 0 {
            state.writing = false;
            shared.written.notify_all();
            drop(shared.more.wait(state).unwrap_or_else(PoisonError::into_inner));
            std::thread::sleep(GATHER);
            state = shared.lock();
            continue;
        }
        batch.clear();
        std::mem::swap(&mut batch, &mut state.lines);
        let dropped = std::mem::take(&mut state.dropped);
        drop(state);
        if dropped > 0 {
            batch.extend_from_slice(dropped_line(shared.format, dropped).as_bytes());
        }
        // Nobody is left to be told that standard error does not work.
        to.write_all(&batch).and_then(|()| to.flush()).ok();
        state = shared.lock();
    }
}

fn dropped_line(format: Format, dropped: u64) -> String {
    let message = "log lines were dropped, standard error was not read in time";
    match format {
        Format::Text => format!(" WARN {message} dropped={dropped}\n"),
        Format::Json => format!("{{\"level\":\"WARN\",\"message\":\"{message}\",\"dropped\":{dropped}}}\n"),
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// Takes one line at a time: the formatter writes each event in one piece.
pub struct Line<'a>(&'a Log);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A reader that takes one batch for each permission it is given.
    struct Slow {
        permissions: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permissions.recv().map_err(io::Error::other)?;
            self.written.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stalls_costs_lines_that_are_counted_and_holds_up_nobody() {
        let (permit, permissions) = mpsc::channel();
        let (written, output) = mpsc::channel();
        let log = Log::start(Format::Json, Slow { permissions, written });
        let line = [b'x'; 1024];
        for _ in 0..4096 {
            log.push(&line);
        }
        let mut all = Vec::new();
        while !all.windows(9).any(|part| part == b"\"dropped\"") {
            permit.send(()).expect("the writer waits for it");
            all.extend(output.recv().expect("the writer goes on"));
        }
        let text = String::from_utf8(all).expect("text");
        let lines = text.bytes().filter(|byte| *byte == b'x').count() / line.len();
        assert!((1024..=2048).contains(&lines), "{lines} lines came through");
        assert!(text.contains(&format!("\"dropped\":{}", 4096 - lines)), "the rest is counted");
    }

    #[test]
    fn flush_returns_when_everything_is_written() {
        let (permit, permissions) = mpsc::channel();
        let (written, output) = mpsc::channel();
        let log = Log::start(Format::Text, Slow { permissions, written });
        permit.send(()).expect("the writer waits for it");
        log.push(b"one line\n");
        log.flush();
        assert_eq!(output.try_recv(), Ok(b"one line\n".to_vec()));
    }
}
