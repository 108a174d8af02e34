//! Limits, deadlines and the rest of the configuration at absurd values.

use crate::deadlines::changing;
use crate::plan::{LISTENER, OTHER_LISTENER, OWNING, SEALING};
use crate::random::{Domain, Random};
use parsecd_core::config::{Config, Deadlines, ExecutorConfig, Limits, MaterialPlace};
use parsecd_wire::Opcode;
use std::time::Duration;

/// Draws the knobs of a run.
pub fn turn(config: &mut Config, random: &mut Random) {
    limits(&mut config.limits, random);
    deadlines(&mut config.deadlines, random);
    if random.chance(Domain::Swarm, 60) {
        // One request of each peer group fits, of two groups at most; the others wait longer than a request may take.
        config.limits.body_length = 64 << 10;
        config.limits.request_memory = 140_000;
        let short = Duration::from_millis(1);
        config.deadlines.request = knob(random, 700, &[short]).unwrap_or(config.deadlines.request);
    }
    if random.chance(Domain::Swarm, 300) {
        other_listener(config, random);
    }
    let mut odd = |per_mille: u32| random.chance(Domain::Swarm, per_mille);
    config.audit = odd(300);
    if odd(300) {
        for provider in
            config.providers.values_mut().filter(|provider| provider.material == MaterialPlace::Record)
        {
            provider.hosts = 1;
        }
    }
    if odd(500) {
        config.executor = if odd(500) { None } else { Some(executor(1)) };
    }
    if config.executor.is_some() && odd(600) {
        let some = if odd(500) { Some(if odd(500) { OWNING } else { SEALING }) } else { None };
        let checked = config.providers.iter_mut().filter(|(key, _)| some.is_none_or(|some| some == **key));
        checked.for_each(|(_, provider)| provider.verify_signatures = true);
    }
}

fn limits(limits: &mut Limits, random: &mut Random) {
    // A cache of 1 byte gives up everything at once, the others hold one key, or two or three.
    limits.cache = knob(random, 500, &[1, 1, 600, 1100]).unwrap_or(limits.cache);
    // As long as names are that are there, and the answers that hold nothing, a hash, a signature, a public key.
    limits.key_name = knob(random, 100, &[1, 6]).unwrap_or(limits.key_name);
    limits.application_name = knob(random, 100, &[4, 14]).unwrap_or(limits.application_name);
    limits.response = knob(random, 120, &[0, 34, 65, 66, 67, 131, 300]).unwrap_or(limits.response);
    limits.buffer_size = knob(random, 100, &[0, 1, 16, 300]).unwrap_or(limits.buffer_size);
    // As long as tokens are valid.
    let usual = Duration::from_secs(2 * 3600);
    limits.token_lifetime = knob(random, 200, &[usual]).unwrap_or(limits.token_lifetime);
    limits.page = knob(random, 300, &[1]).unwrap_or(limits.page);
    limits.reads = knob(random, 150, &[1]).unwrap_or(limits.reads);
    limits.writes = knob(random, 150, &[1]).unwrap_or(limits.writes);
    limits.tokens = knob(random, 300, &[1, 2]).unwrap_or(limits.tokens);
    limits.connections = knob(random, 150, &[2]).unwrap_or(limits.connections);
    limits.connections_per_group = knob(random, 100, &[1, 3]).unwrap_or(limits.connections_per_group);
    limits.pipeline = knob(random, 200, &[1, 3]).unwrap_or(limits.pipeline);
    limits.unsent = knob(random, 150, &[100]).unwrap_or(limits.unsent);
    limits.request_memory = knob(random, 200, &[1 << 20]).unwrap_or(limits.request_memory);
    limits.queue = knob(random, 80, &[1, 3]).unwrap_or(limits.queue);
    limits.tenant_queue = knob(random, 150, &[1]).unwrap_or(limits.tenant_queue);
}

/// Quotas of a few keys and few bytes, those of tenants and principals each for itself.
pub fn quotas(limits: &mut Limits, draw: Domain, random: &mut Random) {
    let Limits { tenant_quota, principal_quota, .. } = Limits::default();
    (limits.tenant_quota, limits.principal_quota) = (tenant_quota, principal_quota);
    for quota in [&mut limits.tenant_quota, &mut limits.principal_quota] {
        if random.chance(draw, 600) {
            quota.keys = *random.pick(draw, &[2, 1, 1, 2, 3, 5, 0]);
        }
        if random.chance(draw, 250) {
            quota.bytes = *random.pick(draw, &[500, 1, 1_000, 2_000]);
        }
    }
}

/// Whether a quota is so small that it may be reached.
pub fn has_quotas(limits: &Limits) -> bool {
    let Limits { tenant_quota, principal_quota, .. } = Limits::default();
    (limits.tenant_quota, limits.principal_quota) != (tenant_quota, principal_quota)
}

/// One millisecond where the default is seconds. The longest pause before a host is opened again stays as it is:
/// who watches a healed world counts how often the core wakes up.
fn deadlines(deadlines: &mut Deadlines, random: &mut Random) {
    let short = Duration::from_millis(1);
    for deadline in changing(deadlines) {
        *deadline = knob(random, 50, &[short]).unwrap_or(*deadline);
    }
    deadlines.reopen_first = knob(random, 50, &[short]).unwrap_or(deadlines.reopen_first);
    if random.chance(Domain::Swarm, 60) {
        deadlines.first_byte = short;
        deadlines.silence = short;
    }
    deadlines.queue = knob(random, 60, &[Duration::from_millis(10)]).unwrap_or(deadlines.queue);
    deadlines.settling = knob(random, 150, &[Duration::from_millis(20)]).unwrap_or(deadlines.settling);
    // A job that takes longer than it may on a healthy device never ends: the fakes need some milliseconds.
    deadlines.operation = knob(random, 100, &[Duration::from_millis(20), Duration::from_millis(100)])
        .unwrap_or(deadlines.operation);
}

/// A second socket, which accepts others and shows less.
fn other_listener(config: &mut Config, random: &mut Random) {
    let Some(mut listener) = config.listeners.get(&LISTENER).cloned() else { return };
    let all = listener.authenticators.len() as u64;
    let absent = random.between(Domain::Swarm, 0, all) as usize;
    if absent < listener.authenticators.len() {
        listener.authenticators.remove(absent);
    }
    let shown: [&[_]; 3] = [&[SEALING], &[OWNING], &[OWNING, SEALING]];
    listener.providers = random.pick(Domain::Swarm, &shown).to_vec();
    config.listeners.insert(OTHER_LISTENER, listener);
}

/// One of `values`, so many times in a thousand.
fn knob<T: Copy>(random: &mut Random, per_mille: u32, values: &[T]) -> Option<T> {
    random.chance(Domain::Swarm, per_mille).then(|| *random.pick(Domain::Swarm, values))
}

/// An executor with so many threads.
pub fn executor(threads: u16) -> ExecutorConfig {
    let mut capabilities = crate::capabilities::owning();
    capabilities.opcodes = [Opcode::PsaVerifyHash, Opcode::PsaHashCompute, Opcode::PsaHashCompare].into();
    ExecutorConfig { threads, capabilities }
}
