//! The limits of the configuration, and how near to each of them worlds come.

use parsecd_core::config::{Limits, Quota};

/// A field of [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are called as in `Limits`")]
pub enum Limit {
    BodyLength,
    BufferSize,
    Response,
    KeyName,
    ApplicationName,
    TokenLifetime,
    Tokens,
    Connections,
    ConnectionsPerGroup,
    Pipeline,
    Unsent,
    RequestMemory,
    Cache,
    TenantKeys,
    TenantBytes,
    PrincipalKeys,
    PrincipalBytes,
    Queue,
    TenantQueue,
    Page,
    Reads,
    Writes,
}

impl Limit {
    /// All of them, in order.
    pub const ALL: [Limit; 22] = [
        Limit::BodyLength,
        Limit::BufferSize,
        Limit::Response,
        Limit::KeyName,
        Limit::ApplicationName,
        Limit::TokenLifetime,
        Limit::Tokens,
        Limit::Connections,
        Limit::ConnectionsPerGroup,
        Limit::Pipeline,
        Limit::Unsent,
        Limit::RequestMemory,
        Limit::Cache,
        Limit::TenantKeys,
        Limit::TenantBytes,
        Limit::PrincipalKeys,
        Limit::PrincipalBytes,
        Limit::Queue,
        Limit::TenantQueue,
        Limit::Page,
        Limit::Reads,
        Limit::Writes,
    ];

    /// Its value; times in milliseconds. A field that is new in `Limits` does not compile until it has its place
    /// here.
    pub fn of(self, limits: &Limits) -> u64 {
        let Limits {
            body_length,
            buffer_size,
            response,
            key_name,
            application_name,
            token_lifetime,
            tokens,
            connections,
            connections_per_group,
            pipeline,
            unsent,
            request_memory,
            cache,
            tenant_quota: Quota { keys: tenant_keys, bytes: tenant_bytes },
            principal_quota: Quota { keys: principal_keys, bytes: principal_bytes },
            queue,
            tenant_queue,
            page,
            reads,
            writes,
        } = limits;
        match self {
            Limit::BodyLength => u64::from(*body_length),
            Limit::BufferSize => *buffer_size,
            Limit::Response => *response,
            Limit::KeyName => u64::from(*key_name),
            Limit::ApplicationName => u64::from(*application_name),
            Limit::TokenLifetime => token_lifetime.as_millis() as u64,
            Limit::Tokens => u64::from(*tokens),
            Limit::Connections => u64::from(*connections),
            Limit::ConnectionsPerGroup => u64::from(*connections_per_group),
            Limit::Pipeline => u64::from(*pipeline),
            Limit::Unsent => *unsent,
            Limit::RequestMemory => *request_memory,
            Limit::Cache => *cache,
            Limit::TenantKeys => *tenant_keys,
            Limit::TenantBytes => *tenant_bytes,
            Limit::PrincipalKeys => *principal_keys,
            Limit::PrincipalBytes => *principal_bytes,
            Limit::Queue => u64::from(*queue),
            Limit::TenantQueue => u64::from(*tenant_queue),
            Limit::Page => u64::from(*page),
            Limit::Reads => u64::from(*reads),
            Limit::Writes => u64::from(*writes),
        }
    }
}

/// How near each limit was come, per mille of it; 1000 where nothing more was let in.
#[derive(Clone, Debug)]
pub struct Distances([u64; Limit::ALL.len()]);

impl Default for Distances {
    fn default() -> Self {
        Distances([0; Limit::ALL.len()])
    }
}

impl Distances {
    /// So much was let in.
    pub fn note(&mut self, limit: Limit, size: u64, limits: &Limits) {
        let nearest = &mut self.0[limit as usize];
        if *nearest < 1000 {
            let bound = limit.of(limits);
            let share = if size >= bound { 1000 } else { size * 1000 / bound };
            *nearest = share.max(*nearest);
        }
    }

    /// Per mille of a limit.
    pub fn nearest(&self, limit: Limit) -> u64 {
        self.0[limit as usize]
    }

    /// Adds what another run came near to.
    pub fn add(&mut self, other: &Distances) {
        self.0.iter_mut().zip(other.0).for_each(|(one, other)| *one = other.max(*one));
    }
}

const _: () = assert!(Limit::Writes as usize + 1 == Limit::ALL.len(), "every limit is listed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_limits_is_complete_and_in_order() {
        assert!(Limit::ALL.into_iter().enumerate().all(|(index, limit)| limit as usize == index));
    }

    #[test]
    fn a_limit_is_reached_where_the_whole_of_it_is_let_in() {
        let limits = Limits { pipeline: 3, page: 0, ..Limits::default() };
        let mut distances = Distances::default();
        distances.note(Limit::Pipeline, 2, &limits);
        assert_eq!(distances.nearest(Limit::Pipeline), 666);
        distances.note(Limit::Pipeline, 3, &limits);
        distances.note(Limit::Pipeline, 1, &limits);
        distances.note(Limit::Page, 0, &limits);
        assert_eq!((distances.nearest(Limit::Pipeline), distances.nearest(Limit::Page)), (1000, 1000));
    }
}
