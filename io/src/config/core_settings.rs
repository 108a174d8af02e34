//! `[core_settings]`: bounds, deadlines, policy, log.

use super::environment::Environment;
use super::settings::{LogFormat, LogLevel, LogSettings};
use super::table::{Report, Table};
use parsecd_core::config::{Deadlines, Limits};
use std::path::PathBuf;
use std::time::Duration;

pub(super) const KEYS: [&str; 26] = [
    "allow_deprecated",
    "allow_root",
    "allowed_modules",
    "audit_log",
    "body_len_limit",
    "buffer_size_limit",
    "connections_max",
    "drain_timeout",
    "executor_threads",
    "forbid_inline_secrets",
    "idle_listener_sleep_duration",
    "idle_timeout",
    "key_name_max",
    "log_error_details",
    "log_format",
    "log_level",
    "log_timestamp",
    "operation_timeout",
    "principal_bytes_max",
    "principal_keys_max",
    "refuse_pkcs1v15_encryption",
    "request_timeout",
    "response_limit",
    "tenant_bytes_max",
    "tenant_keys_max",
    "thread_pool_size",
];

/// Largest body limits, in bytes: half of the memory that all requests share, so that two can always be served.
const BODY_MAX: u64 = 128 << 20;

/// Most threads of the executor.
const THREADS_MAX: u16 = 256;

/// Longest deadline, in milliseconds: a day.
const LONGEST: u64 = 24 * 60 * 60 * 1000;

/// What the section says.
pub(super) struct CoreSettings {
    pub(super) limits: Limits,
    pub(super) deadlines: Deadlines,
    pub(super) log: LogSettings,
    pub(super) audit_log: Option<PathBuf>,
    pub(super) executor_threads: u16,
    pub(super) allow_root: bool,
    pub(super) allow_deprecated: bool,
    pub(super) refuse_pkcs1v15_encryption: bool,
    pub(super) forbid_inline_secrets: bool,
    pub(super) allowed_modules: Option<Vec<PathBuf>>,
}

impl CoreSettings {
    /// What holds where the file says nothing.
    pub(super) fn new(environment: &Environment) -> Self {
        CoreSettings {
            limits: Limits::default(),
            deadlines: Deadlines::default(),
            log: LogSettings { format: LogFormat::Text, level: None, timestamp: false, error_details: false },
            audit_log: None,
            // They only compute: more than cores would take turns, fewer would leave cores idle while hosts have
            // nothing to do. The loop sleeps between its turns, so the scheduler lets it before them.
            executor_threads: environment.cores.clamp(1, THREADS_MAX),
            allow_root: false,
            allow_deprecated: false,
            refuse_pkcs1v15_encryption: false,
            forbid_inline_secrets: false,
            allowed_modules: None,
        }
    }
}

/// Reads the section; `None` stands for a file without it.
pub(super) fn read(
    table: Option<&Table<'_, '_>>,
    environment: &Environment,
    report: &mut Report<'_>,
) -> CoreSettings {
    let mut settings = CoreSettings::new(environment);
    let Some(table) = table else {
        return settings;
    };
    table.check_keys(&KEYS, report);
    for key in ["thread_pool_size", "idle_listener_sleep_duration"] {
        table.ignore(key, "has no effect: parsecd neither polls nor has a pool of threads", report);
    }
    read_limits(table, &mut settings.limits, report);
    read_deadlines(table, &mut settings.deadlines, report);
    read_log(table, &mut settings.log, report);
    if let Some(threads) = table.number("executor_threads", 0..=u64::from(THREADS_MAX), "", report) {
        settings.executor_threads = u16::try_from(threads.value).unwrap_or(THREADS_MAX);
    }
    settings.audit_log = table.path("audit_log", report).map(|at| at.value);
    let mut flag = |key| table.boolean(key, report).unwrap_or(false);
    settings.allow_root = flag("allow_root");
    settings.allow_deprecated = flag("allow_deprecated");
    settings.refuse_pkcs1v15_encryption = flag("refuse_pkcs1v15_encryption");
    settings.forbid_inline_secrets = flag("forbid_inline_secrets");
    settings.allowed_modules = table
        .texts("allowed_modules", report)
        .map(|modules| modules.value.into_iter().map(|module| PathBuf::from(module.value)).collect());
    settings
}

fn read_limits(table: &Table<'_, '_>, limits: &mut Limits, report: &mut Report<'_>) {
    let bytes = " bytes";
    if let Some(length) = table.number("body_len_limit", 1..=BODY_MAX, bytes, report) {
        limits.body_length = u32::try_from(length.value).unwrap_or(limits.body_length);
    }
    if let Some(size) = table.number("buffer_size_limit", 0..=BODY_MAX, bytes, report) {
        limits.buffer_size = size.value;
    }
    // Room for the largest random answer and what surrounds it.
    limits.response = limits.buffer_size.saturating_add(64 << 10);
    if let Some(limit) =
        table.number("response_limit", 1024..=BODY_MAX.saturating_add(64 << 10), bytes, report)
    {
        limits.response = limit.value;
    }
    if let Some(length) = table.number("key_name_max", 1..=65_536, bytes, report) {
        limits.key_name = u32::try_from(length.value).unwrap_or(limits.key_name);
    }
    if let Some(count) = table.number("connections_max", 8..=1_000_000, "", report) {
        limits.connections = u32::try_from(count.value).unwrap_or(limits.connections);
        // The same share as by default, so that no peer group can take all.
        limits.connections_per_group = limits.connections / 4;
    }
    for (key, quota) in [("tenant", &mut limits.tenant_quota), ("principal", &mut limits.principal_quota)] {
        if let Some(keys) = table.number(&format!("{key}_keys_max"), 0..=1 << 40, "", report) {
            quota.keys = keys.value;
        }
        if let Some(held) = table.number(&format!("{key}_bytes_max"), 0..=1 << 50, bytes, report) {
            quota.bytes = held.value;
        }
    }
}

fn read_deadlines(table: &Table<'_, '_>, deadlines: &mut Deadlines, report: &mut Report<'_>) {
    for (key, deadline) in [
        ("request_timeout", &mut deadlines.request),
        ("drain_timeout", &mut deadlines.drain),
        ("operation_timeout", &mut deadlines.operation),
        ("idle_timeout", &mut deadlines.idle),
    ] {
        if let Some(time) = table.number(key, 1..=LONGEST, " milliseconds", report) {
            *deadline = Duration::from_millis(time.value);
        }
    }
}

fn read_log(table: &Table<'_, '_>, log: &mut LogSettings, report: &mut Report<'_>) {
    let levels = [
        ("off", LogLevel::Off),
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];
    log.level = table.choice("log_level", &levels, true, report).map(|at| at.value);
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    if let Some(format) = table.choice("log_format", &formats, false, report) {
        log.format = format.value;
    }
    log.timestamp = table.boolean("log_timestamp", report).unwrap_or(false);
    log.error_details = table.boolean("log_error_details", report).unwrap_or(false);
}
