//! `m.federate`: a room may be closed to users of other servers.

use super::Check;
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::outline::Rule;
use crate::evidence::Evidence;

impl Check<'_> {
    /// "If the `content` of the `m.room.create` event in the room state has the property
    /// `m.federate` set to `false` …": only that, and it is the sender whose server counts.
    pub(super) fn federate(&self, path: &mut Path) -> Flow {
        let (event, create) = (self.event, self.create);
        let of_sender = event.sender_server();
        let of_room = create.sender_server();
        let closed = !create.federates() && of_sender != of_room;
        path.reject_if(Rule::Federate, closed, &|| {
            Why::new(
                "room_not_federated",
                format!("the room is closed to servers other than {of_room}, the sender is of {of_sender}"),
                Evidence::object([
                    ("sender_server", of_sender.into()),
                    ("room_server", of_room.into()),
                    ("federates", create.federates().into()),
                    ("event_id", create.id().into()),
                ]),
            )
        })
    }
}
