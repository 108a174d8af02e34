//! Connections that come and go leave nothing behind.

use crate::world::{World, frame_with, generate, sign, signature};
use parsecd_core::ids::ConnectionKey;
use parsecd_core::input::Input;
use parsecd_wire::Operation;
use parsecd_wire::header::KEEP_CONNECTION;

const CONNECTIONS: u32 = 100_000;

#[test]
fn a_hundred_thousand_connections_of_every_kind_leave_no_memory_behind() {
    let mut world = World::sealed();
    world.create("app", "key");
    let ping = frame_with("app", &Operation::Ping, 0);
    let kept = frame_with("app", &Operation::Ping, KEEP_CONNECTION);
    let sign = frame_with("app", &sign("key"), 0);
    let create = frame_with("app", &generate("another"), 0);
    let churn = |world: &mut World, generation: u32| {
        let connection = world.connect_at(ConnectionKey { slot: 7, generation });
        match generation % 8 {
            0 => world.send(connection, &ping),
            1 => {}
            2 => world.send(connection, &ping[..17]),
            3 => world.send(connection, b"no frame at all, but enough of it to be one"),
            4 => world.send(connection, &kept),
            5 => {
                world.send(connection, &sign);
                world.finish(signature());
            }
            6 => {
                // Its client is gone while the job runs.
                world.send(connection, &sign);
                world.step(Input::ConnectionLost { connection });
                return world.finish(signature());
            }
            _ => world.send(connection, &create[..create.len() - 1]),
        }
        world.lose(connection);
    };
    (0..64).for_each(|generation| churn(&mut world, generation));
    let before = world.service.memory();
    (64..CONNECTIONS).for_each(|generation| churn(&mut world, generation));
    assert_eq!(world.service.memory(), before);
    assert_eq!((before.connections, before.requests, before.tickets), (0, 0, 0));
}
