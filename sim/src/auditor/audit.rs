//! I19: every request that touches keys, or is refused its identity, has one audit event, before its answer.

use super::Auditor;
use crate::call::{Call, Meaning};
use crate::oracle::Oracle;
use parsecd_core::audit::AuditEvent;
use parsecd_core::config::Config;
use parsecd_wire::{Opcode, Status};

impl Auditor {
    /// An audit event is to be written.
    pub fn audited(&mut self, event: &AuditEvent, calls: &[Call]) {
        let Some(&id) = self.requests.get(&event.request) else { return };
        self.audits.entry(id).or_default().push(event.status);
        let Some(call) = calls.get(id) else { return };
        self.findings.check(Oracle::I19Audit, tells(event, call), || {
            format!("request {id} {:?} of {:?} is written down as {event:?}", call.opcode, call.application)
        });
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

/// Whether an event tells who asked for what. Of a request that failed it may be unknown for whom, or for which key.
fn tells(event: &AuditEvent, call: &Call) -> bool {
    let succeeded = event.status == Status::Success;
    let subject = match &call.meaning {
        Meaning::DeleteClient(client) => Some(&client.name),
        meaning => meaning.key().map(|key| &key.name),
    };
    let application = match &event.application {
        None => !succeeded || call.application.is_none(),
        told => *told == call.application,
    };
    let named = match (&event.subject, subject) {
        (Some(told), Some(subject)) => told == subject,
        (None, Some(_)) => !succeeded,
        (_, None) => true,
    };
    let asked = (event.provider, event.opcode) == (call.provider, call.opcode);
    asked && event.peer == call.peer.credentials && application && named
}
