//! Asking the policy server of a room.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#post_matrixpolicyv1sign>

use super::events::of;
use super::{Client, FederationError};
use crate::federation::policy_signing::{read_sign, sign};
use crate::host::Host;
use crate::json::Canonical;
use crate::keys::PublicKey;
use crate::room_version::RoomVersion;

impl Client {
    /// The event with the signature of the policy server `via`, by the key that the room names. The
    /// event that names the policy server needs none, and comes back as it is.
    ///
    /// # Errors
    /// [`FederationError::Remote`] with `M_FORBIDDEN` when the server does not recommend the event.
    pub async fn policy_sign(
        &self,
        host: &Host,
        via: &str,
        key: &PublicKey,
        event: &Canonical,
        version: &'static RoomVersion,
    ) -> Result<Canonical, FederationError> {
        let Some(request) = sign(event) else { return Ok(event.clone()) };
        let body = self.ask(host, via, request).await?;
        read_sign(&body, event, version, via, key).map_err(of(via))
    }
}
