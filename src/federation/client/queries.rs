//! What another server knows beside events. None of it is proven.

use super::events::of;
use super::{Client, FederationError};
use crate::federation::openid::{read_userinfo, userinfo};
use crate::federation::published_rooms::{Filter, Page, public_rooms, read_public_rooms};
use crate::federation::queries::{
    AliasTarget, Profile, directory, profile, read_directory, read_profile,
};
use crate::federation::server_version::{ServerVersion, read_version, version};
use crate::federation::spaces::{Hierarchy, hierarchy, read_hierarchy};
use crate::host::Host;

type Result<T> = std::result::Result<T, FederationError>;

impl Client {
    /// What software a server says it runs.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn version(&self, host: &Host, server: &str) -> Result<ServerVersion> {
        let body = self.ask(host, server, version()).await?;
        read_version(&body).map_err(of(server))
    }

    /// A page of the rooms that a server publishes.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn public_rooms(
        &self,
        host: &Host,
        server: &str,
        filter: &Filter<'_>,
    ) -> Result<Page> {
        let body = self.ask(host, server, public_rooms(filter)).await?;
        read_public_rooms(&body).map_err(of(server))
    }

    /// A space and the rooms in it, as a server sees them.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn hierarchy(
        &self,
        host: &Host,
        server: &str,
        room_id: &str,
        suggested_only: bool,
    ) -> Result<Hierarchy> {
        let body = self.ask(host, server, hierarchy(room_id, suggested_only)).await?;
        read_hierarchy(&body, room_id).map_err(of(server))
    }

    /// The room of an alias, from the server of the alias: only that one is asked.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn query_directory(&self, host: &Host, room_alias: &str) -> Result<AliasTarget> {
        let (what, expected) = ("the alias", "a room alias such as #room:example.org");
        let asked = directory(room_alias);
        let (server, request) = asked.ok_or(FederationError::Argument { what, expected })?;
        let body = self.ask(host, server, request).await?;
        read_directory(&body).map_err(of(server))
    }

    /// The profile of a user, or one field of it, from the server of the user: only that one is asked.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn query_profile(
        &self,
        host: &Host,
        user_id: &str,
        field: Option<&str>,
    ) -> Result<Profile> {
        let (what, expected) = ("the user", "a user ID such as @user:example.org");
        let asked = profile(user_id, field);
        let (server, request) = asked.ok_or(FederationError::Argument { what, expected })?;
        let body = self.ask(host, server, request).await?;
        read_profile(&body, field).map_err(of(server))
    }

    /// Whose token it is that a user gave to somebody to prove who they are.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn openid_userinfo(
        &self,
        host: &Host,
        server: &str,
        access_token: &str,
    ) -> Result<String> {
        let body = self.ask(host, server, userinfo(access_token)).await?;
        read_userinfo(&body, server).map_err(of(server))
    }
}
