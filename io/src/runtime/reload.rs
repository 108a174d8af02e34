//! SIGHUP: all or nothing, between two turns of the loop.

use super::Runtime;
use crate::listeners::{self, Plan};
use crate::reload::{Next, Refused};
use crate::service_manager::{tell_ready, tell_reloading};
use crate::world::Gate;
use parsecd_core::input::Input;
use std::time::Duration;
use tracing::{Level, enabled, error, info, warn};

/// How long the socket of a listener that has moved is kept without a name: far longer than a client takes from
/// finding a socket to waiting at it.
const LEAVING: Duration = Duration::from_secs(1);

/// What replaces the configuration in force, with everything that could have failed.
struct Replacement {
    next: Next,
    sockets: Plan,
    gates: Vec<Gate>,
}

impl Runtime {
    pub(super) fn reload(&mut self) {
        if self.stopping {
            return info!("stopping: the configuration is not read again");
        }
        info!("reading the configuration again");
        tell_reloading();
        let trouble = match self.replacement() {
            Ok(replacement) => {
                self.apply(replacement);
                None
            }
            Err(Refused(reasons)) => {
                reasons.iter().for_each(|reason| error!("configuration: {reason}"));
                error!("the reload is refused, the old configuration stays");
                Some("serving; the last reload was refused, the log says why")
            }
        };
        if self.ready {
            tell_ready(trouble);
        }
    }

    fn replacement(&mut self) -> Result<Replacement, Refused> {
        let next = self.in_force.read_again(self.world.hosts.programs())?;
        let present: Vec<_> = self.world.gates.iter().map(|gate| &gate.listener).collect();
        let mut sockets = listeners::plan(&next.settings, &present)?;
        let mut gates = Vec::new();
        for listener in std::mem::take(&mut sockets.bound) {
            let gate = self.world.gate(listener);
            gates.push(gate.map_err(|cause| format!("cannot watch a listener: {cause}"))?);
        }
        Ok(Replacement { next, sockets, gates })
    }

    fn apply(&mut self, replacement: Replacement) {
        let Replacement { next, sockets, gates } = replacement;
        next.settings.warnings.iter().for_each(|warning| warn!("configuration: {warning}"));
        let changes = next.changes.clone();
        let tell = || changes.iter().for_each(|change| info!("{change}"));
        // Under the level of before or, if that hides it, the new one.
        let shown = enabled!(Level::INFO);
        if shown {
            tell();
        }
        let config = next.settings.core.clone();
        self.observer.configure(&config, next.settings.log.error_details);
        let modes = self.in_force.settings().listeners.clone();
        let (programs, audit) = next.come_into_force(&mut self.in_force);
        if !shown {
            tell();
        }
        self.world.hosts.set_programs(programs);
        self.write_audit();
        self.world.audit = audit;

        for (gate, owner) in self.world.gates.iter_mut().zip(sockets.kept) {
            gate.ready = true;
            let Some((key, mode)) = owner else {
                // Nobody finds it any more; who has found it already is served.
                gate.listener.unlink();
                gate.leaving = true;
                continue;
            };
            let before = modes.get(&gate.listener.key()).map(|listener| listener.socket_mode);
            gate.listener.serve(key);
            if before != Some(mode)
                && !gate.listener.is_inherited()
                && let Err(cause) = gate.listener.change_mode(mode)
            {
                let path = gate.listener.path().display();
                warn!(%path, %cause, "cannot change the mode of the socket");
            }
        }
        self.world.gates.extend(gates);
        self.accept_leaving();
        self.step(Input::Reconfigured { config: Box::new(config) });
        // The core takes nobody for a listener that is not configured any more.
        let settings = self.in_force.settings();
        self.world.gates.retain(|gate| settings.listeners.contains_key(&gate.listener.key()));
        if self.world.gates.iter().any(|gate| gate.leaving) {
            self.leave_at = Some(self.clock.now().instant.after(LEAVING));
        }
        info!("the new configuration is in force");
    }

    /// Accepts everybody who waits at sockets without a name.
    fn accept_leaving(&mut self) {
        for place in 0..self.world.gates.len() {
            if self.world.gates.get(place).is_some_and(|gate| gate.leaving) {
                while self.accept_one(place) {}
            }
        }
        self.read_connections(usize::MAX);
    }
}
