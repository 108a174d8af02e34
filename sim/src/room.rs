//! Who waits for room gets it as soon as there is some, in order (ARCHITECTURE.md, *Life of a request*).
//!
//! Only what is certain from outside is looked at: first requests of connections, which nothing but room can hold
//! back, and of these the ones whose peer group has nothing else, so that no share of it is used up.

use crate::link::Link;
use crate::oracle::{Mark, Oracle};
use crate::world::World;
use parsecd_core::ids::ConnectionKey;
use parsecd_wire::header::HEADER_LENGTH;

/// Body and authentication up to this size need no room.
const ALLOWANCE: u64 = 16 << 10;

impl World {
    /// Bytes that wait for room with the first request of a connection.
    fn announced(&self, connection: ConnectionKey) -> Option<u64> {
        let link = self.links.get(&connection)?;
        let first = link.complete == 0 && link.answers == 0 && link.delivered >= HEADER_LENGTH;
        let held = first && link.given_up.is_none() && !link.finishing && link.finish.is_none();
        let announced = self.clients.get(link.client)?.announced?;
        (held && announced > ALLOWANCE).then_some(announced)
    }

    /// The core has taken bytes of a connection. If that is the header of a first request, it has room at once or
    /// waits for it; at once only if nobody waits whose peer group has nothing else.
    pub(crate) fn begin_to_wait_for_room(&mut self, connection: ConnectionKey) {
        let Some(service) = &self.service else { return };
        let known = self.entered.contains(&connection) || self.room.contains_key(&connection);
        if self.announced(connection).is_none() || known {
            return;
        }
        if service.read_budget(connection) == 0 {
            if self.room.insert(connection, self.last_instant).is_none() && self.is_alone(connection) {
                self.auditor.findings.mark(Mark::WaitsForRoomAlone);
            }
            return;
        }
        self.entered.insert(connection);
        let passed = self.room.keys().copied().find(|other| self.is_alone(*other));
        self.auditor.findings.check(Oracle::RoomInOrder, passed.is_none(), || {
            format!("{connection:?} gets room at once, before {passed:?}, which waits for it")
        });
    }

    /// Whether the peer group of a connection has nothing beside it: no answer, no request, no large part of one.
    fn is_alone(&self, connection: ConnectionKey) -> bool {
        let group = self.links.get(&connection).map(|link| link.group);
        let nothing = |other: &ConnectionKey, link: &Link| {
            let answered = link.answers == link.complete && link.announced.is_empty();
            let begun = link.first_at.is_some() && (link.complete > 0 || self.announced(*other).is_some());
            answered && !begun
        };
        self.auditor.deletions == 0
            && self.links.iter().all(|(other, link)| {
                *other == connection || Some(link.group) != group || nothing(other, link)
            })
    }

    /// A connection is to be read on.
    pub(crate) fn read_on(&mut self, connection: ConnectionKey) {
        // What is given up is read on to be thrown away.
        let given_up = self.announced(connection).is_none();
        let since = self.room.remove(&connection).filter(|_| !given_up);
        if since.is_some() {
            self.entered.insert(connection);
        }
        self.reading.push((connection, since));
    }

    /// Who is told to read on may, unless the same step ends it; and nobody goes on waiting who has waited longer and
    /// whose peer group has nothing else, nor had within the step.
    pub(crate) fn check_reading(&mut self) {
        let Some(service) = &self.service else { return };
        let ends =
            |connection: &ConnectionKey| self.links.get(connection).is_none_or(|link| link.finish.is_some());
        let mut told = self.reading.iter().map(|(connection, _)| connection);
        let held = told.find(|connection| service.read_budget(**connection) == 0 && !ends(connection));
        let passed = self.reading.iter().find_map(|(connection, since)| {
            let before = self.room.iter().filter(|(_, other)| since.is_some_and(|since| **other < since));
            let passed = before.map(|(other, _)| *other).find(|other| {
                self.announced(*other).is_some() && self.is_alone(*other) && !self.was_freed(*other)
            });
            passed.map(|passed| (*connection, passed))
        });
        let findings = &mut self.auditor.findings;
        findings.check(Oracle::RoomInOrder, passed.is_none(), || {
            format!("{passed:?}: the first gets room before the second, which has waited longer")
        });
        findings.check(Oracle::RoomInOrder, held.is_none(), || {
            format!("{held:?} is to be read on, and nothing of it may be read")
        });
    }

    /// Whether another connection of its peer group was ended in this step.
    fn was_freed(&self, connection: ConnectionKey) -> bool {
        let group = |connection| self.links.get(connection).map(|link| link.group);
        self.finished.iter().any(|(ended, _)| group(ended) == group(&connection))
    }

    /// Whoever has waited longest waits only as long as there is no room.
    pub(crate) fn check_room(&mut self) {
        let Some(service) = &self.service else { return };
        let memory = service.memory().reserved;
        let waiting = &self.room;
        let Some(longest) = waiting.iter().min_by_key(|(_, since)| **since).map(|(key, _)| *key) else {
            return;
        };
        let Some(announced) = self.announced(longest) else {
            self.room.remove(&longest);
            return;
        };
        let full = memory > 0 && memory + announced > self.plan.config.limits.request_memory;
        // Who is held with a later request may have waited longer, for more.
        let others =
            |(key, link): (&ConnectionKey, &Link)| link.held_since.is_some() && !self.room.contains_key(key);
        let holds = full || !self.is_alone(longest) || self.links.iter().any(others);
        self.auditor.findings.check(Oracle::RoomInOrder, holds, || {
            format!("{longest:?} waits for {announced} bytes of room, {memory} are taken")
        });
    }
}
