//! I19: every request that touches keys, or is refused its identity, has one audit event, before its answer.

use super::Auditor;
use crate::oracle::Oracle;
use parsecd_core::audit::AuditEvent;
use parsecd_core::config::Config;
use parsecd_wire::{Opcode, Status};

impl Auditor {
    /// An audit event is to be written.
    pub fn audited(&mut self, event: &AuditEvent) {
        let Some(id) = self.requests.get(&event.request) else { return };
        self.audits.entry(*id).or_default().push(event.status);
    }

    /// A request is told this: its audit event has to be there already.
    pub(crate) fn check_audit(&mut self, id: usize, opcode: Opcode, status: Status, config: &Config) {
        let refused = matches!(
            status,
            Status::AuthenticationError | Status::AuthenticatorNotRegistered | Status::AdminOperation
        );
        let wanted = config.audit && (opcode.needs_identity() || refused);
        let events = self.audits.remove(&id).unwrap_or_default();
        let expected = if wanted { vec![status] } else { Vec::new() };
        self.findings.check(Oracle::I19Audit, events == expected, || {
            format!("request {id} {opcode:?} is told {status:?}, its audit events are {events:?}")
        });
    }
}
