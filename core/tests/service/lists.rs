//! Lists, and the deletion of a client.

use crate::world::{World, generate, sign};
use parsecd_core::identity::Text;
use parsecd_core::ids::ConnectionKey;
use parsecd_core::outcome::Outcome;
use parsecd_core::store::{CommitResult, Fetched, ListedKey, Mutation, Page, Query, Unfinished};
use parsecd_wire::{Opcode, Operation, ProviderId, Reply, Status};

fn publish(world: &mut World, application: &str, key: &str) -> ListedKey {
    let connection = world.ask(application, &generate(key));
    world.fetched(Fetched::Absent);
    world.make();
    let Mutation::Publish { record, identity, .. } = world.commits[0].1.clone() else {
        panic!("a key is published")
    };
    world.commit(CommitResult::Durable);
    world.lose(connection);
    ListedKey { provider: identity.provider, name: identity.name, record: Some(record) }
}

#[test]
fn keys_are_listed_with_the_attributes_of_their_records_and_unreadable_ones_left_out() {
    let mut world = World::sealed();
    let row = publish(&mut world, "app", "🔑");
    let connection = world.ask("app", &Operation::ListKeys);
    let swapped = ListedKey { name: Text::from("other"), ..row.clone() };
    world.listed(Page::Keys(vec![row, swapped]));
    let Some((Status::Success, Some(Reply::ListKeys { keys }))) = world.response(connection) else {
        panic!("a list")
    };
    assert_eq!(keys.len(), 1);
    assert_eq!((keys[0].name.as_str(), keys[0].provider), ("🔑", ProviderId::MbedCrypto));
}

#[test]
fn mac_operations_are_served_but_never_listed_and_admin_operations_only_for_admins() {
    let mut world = World::sealed();
    let opcodes = |world: &mut World, name, provider| {
        let connection = world.ask(name, &Operation::ListOpcodes { provider });
        match world.response(connection) {
            Some((Status::Success, Some(Reply::ListOpcodes { opcodes }))) => opcodes,
            other => panic!("a list of opcodes, not {other:?}"),
        }
    };
    let served = opcodes(&mut world, "app", ProviderId::MbedCrypto);
    assert!(!served.contains(&Opcode::PsaMacCompute.number()));
    assert_eq!(opcodes(&mut world, "app", ProviderId::Core), [0x01, 0x08, 0x09, 0x0E, 0x1A]);
    assert_eq!(opcodes(&mut world, "admin", ProviderId::Core), [0x01, 0x08, 0x09, 0x0E, 0x1A, 0x1B, 0x1C]);
}

#[test]
fn a_deleted_client_keeps_nothing_and_its_requests_wait_meanwhile() {
    let mut world = World::sealed();
    let rows = vec![publish(&mut world, "app", "a"), publish(&mut world, "app", "b")];
    let deletion = world.ask("admin", &Operation::DeleteClient { client: String::from("app") });
    let late = world.ask("app", &sign("a"));
    let stranger = world.ask("stranger", &sign("a"));
    world.fetched(Fetched::Absent);
    assert_eq!(world.status(stranger), Some(Status::PsaErrorDoesNotExist));
    world.listed(Page::Keys(rows));
    assert_eq!(world.status(late), None);
    world.commit(CommitResult::Durable);
    world.commit(CommitResult::Durable);
    assert!(matches!(world.lists[0].1, Query::UnfinishedOf { .. }));
    world.listed(Page::Unfinished(Vec::new()));
    assert_eq!(world.status(deletion), Some(Status::Success));
    assert_eq!(world.status(late), Some(Status::PsaErrorDoesNotExist));
}

#[test]
fn a_deletion_that_left_something_says_so() {
    let mut world = World::sealed();
    let rows = vec![publish(&mut world, "app", "a")];
    let deletion = world.ask("admin", &Operation::DeleteClient { client: String::from("app") });
    world.listed(Page::Keys(rows));
    world.commit(CommitResult::Full);
    world.listed(Page::Unfinished(Vec::new()));
    assert_eq!(world.status(deletion), Some(Status::PsaErrorCommunicationFailure));
}

#[test]
fn only_admins_delete_clients() {
    let mut world = World::sealed();
    let connection = world.ask("app", &Operation::DeleteClient { client: String::from("app") });
    assert_eq!(world.status(connection), Some(Status::AdminOperation));
}

#[test]
fn a_row_that_was_read_before_its_object_was_published_is_not_left() {
    let mut world = World::owned();
    let created = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    let Mutation::Reserve(row) = world.commits[0].1.clone() else { panic!("an object is reserved") };
    world.commit(CommitResult::Durable);
    let deletion = world.ask("admin", &Operation::DeleteClient { client: String::from("app") });
    world.listed(Page::Keys(Vec::new()));
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(created), Some(Status::Success));
    world.listed(Page::Unfinished(vec![row]));
    assert_eq!(world.status(deletion), Some(Status::Success));
}

#[test]
fn a_deletion_says_so_while_the_object_of_a_failed_creation_is_left() {
    let mut world = World::owned();
    let created = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    let Mutation::Reserve(row) = world.commits[0].1.clone() else { panic!("an object is reserved") };
    world.commit(CommitResult::Durable);
    world.finish(Outcome::Unknown);
    assert_eq!(world.status(created), Some(Status::PsaErrorCommunicationFailure));
    let deletion = world.ask("admin", &Operation::DeleteClient { client: String::from("app") });
    world.listed(Page::Keys(Vec::new()));
    world.listed(Page::Unfinished(vec![row]));
    assert_eq!(world.status(deletion), Some(Status::PsaErrorCommunicationFailure));
}

/// A key is published after the deletion of its client began, and its owner has it destroyed: it is retired when
/// the deletion looks for what is unfinished. Who destroys it, the deletion, and the row.
fn destroyed_while_its_client_is_deleted(world: &mut World) -> (ConnectionKey, ConnectionKey, Unfinished) {
    let created = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.commit(CommitResult::Durable);
    world.make();
    let destroyed = world.ask("app", &Operation::PsaDestroyKey { key_name: String::from("key") });
    let deletion = world.ask("admin", &Operation::DeleteClient { client: String::from("app") });
    world.listed(Page::Keys(Vec::new()));
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(created), Some(Status::Success));
    let Mutation::Retire(row) = world.commits[0].1.clone() else { panic!("the key is retired") };
    world.commit(CommitResult::Durable);
    (destroyed, deletion, row)
}

#[test]
fn a_deletion_says_so_while_a_key_is_removed_that_was_published_after_it_began() {
    let mut world = World::owned();
    let (destroyed, deletion, row) = destroyed_while_its_client_is_deleted(&mut world);
    world.listed(Page::Unfinished(vec![row]));
    assert_eq!(world.status(destroyed), None);
    assert_eq!(world.status(deletion), Some(Status::PsaErrorCommunicationFailure));
}

#[test]
fn a_deletion_says_so_while_the_object_is_left_of_a_key_that_was_published_and_destroyed_after_it_began() {
    let mut world = World::owned();
    let (destroyed, deletion, row) = destroyed_while_its_client_is_deleted(&mut world);
    world.finish(Outcome::Refused(Status::PsaErrorHardwareFailure));
    assert_eq!(world.status(destroyed), Some(Status::PsaErrorCommunicationFailure));
    world.listed(Page::Unfinished(vec![row]));
    assert_eq!(world.status(deletion), Some(Status::PsaErrorCommunicationFailure));
}

#[test]
fn what_is_listed_counts_as_memory_from_the_first_page_on() {
    let limits = parsecd_core::config::Limits { page: 1, request_memory: 1000, ..Default::default() };
    let config = crate::world::config(parsecd_core::config::MaterialPlace::Record, 1);
    let mut world = World::new(parsecd_core::config::Config { limits, ..config });
    let name = "n".repeat(400);
    let row = publish(&mut world, "app", &name);
    let first = world.ask("app", &Operation::ListKeys);
    let second = world.ask("app", &Operation::ListKeys);
    world.listed(Page::Keys(vec![row.clone()]));
    assert!(world.service.memory().reserved > 400);
    world.listed(Page::Keys(vec![row]));
    assert_eq!(world.status(second), Some(Status::PsaErrorInsufficientMemory));
    world.listed(Page::Keys(Vec::new()));
    assert_eq!(world.status(first), Some(Status::Success));
    assert_eq!(world.service.memory().reserved, 0);
}

#[test]
fn a_list_is_refused_only_when_it_is_larger_than_an_answer_may_be() {
    let listed = |response| {
        let mut world = World::sealed();
        let mut config = crate::world::config(parsecd_core::config::MaterialPlace::Record, 1);
        if let Some(response) = response {
            config.limits.response = response;
        }
        let rows = vec![publish(&mut world, "app", "a"), publish(&mut world, "app", "b")];
        let mut world = World::new(config);
        let keys = world.ask("app", &Operation::ListKeys);
        world.listed(Page::Keys(rows));
        let clients = world.ask("admin", &Operation::ListClients);
        world.listed(Page::Clients(vec!["app".into(), "other".into()]));
        (world.response(keys).unwrap(), world.response(clients).unwrap())
    };
    let ((_, keys), (_, clients)) = listed(None);
    let (keys, clients) = (keys.unwrap().encode().len() as u64, clients.unwrap().encode().len() as u64);
    assert!(clients < keys);
    assert_eq!(listed(Some(keys)).0.0, Status::Success);
    assert_eq!(listed(Some(keys - 1)).0.0, Status::ResponseTooLarge);
    assert_eq!(listed(Some(clients)).1.0, Status::Success);
    assert_eq!(listed(Some(clients - 1)).1.0, Status::ResponseTooLarge);
}
