//! Who may do what in a room, and who inherits it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::UserId;

/// What somebody is in a room. Exactly one host, as long as anybody is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = RoomRole)]
pub enum Role {
    Host,
    /// Keeps order.
    Moderator,
    Speaker,
    /// Hears and writes.
    Listener,
}

impl Role {
    /// Hears of raised hands.
    pub(super) fn keeps_order(self) -> bool {
        match self {
            Self::Host | Self::Moderator => true,
            Self::Speaker | Self::Listener => false,
        }
    }
}

/// What somebody does to a room, or to somebody else of this role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Edit,
    Close,
    Invite {
        public: bool,
    },
    /// From this role to that.
    SetRole(Role, Role),
    /// Mutes, or lets speak again.
    Mute(Role),
    /// Kicks or bans. Whoever is not in counts as a listener.
    SendOut(Role),
}

/// The whole policy. Coming, leaving and raising a hand are everybody's right.
pub(super) fn may(role: Role, act: Act) -> bool {
    use Role::{Host, Listener, Moderator, Speaker};
    match (role, act) {
        // There is one host: these are acts on somebody else.
        (Host, Act::SetRole(Host, _) | Act::Mute(Host) | Act::SendOut(Host)) => false,
        (
            Host,
            Act::Edit
            | Act::Close
            | Act::Invite { .. }
            | Act::SetRole(Moderator | Speaker | Listener, _)
            | Act::Mute(Moderator | Speaker | Listener)
            | Act::SendOut(Moderator | Speaker | Listener),
        ) => true,
        (
            Moderator,
            Act::Invite { .. }
            | Act::SetRole(Speaker | Listener, Speaker | Listener)
            | Act::Mute(Speaker | Listener)
            | Act::SendOut(Speaker | Listener),
        ) => true,
        (
            Moderator,
            Act::Edit
            | Act::Close
            | Act::SetRole(Host | Moderator, _)
            | Act::SetRole(Speaker | Listener, Host | Moderator)
            | Act::Mute(Host | Moderator)
            | Act::SendOut(Host | Moderator),
        ) => false,
        (Speaker | Listener, Act::Invite { public }) => public,
        (
            Speaker | Listener,
            Act::Edit | Act::Close | Act::SetRole(_, _) | Act::Mute(_) | Act::SendOut(_),
        ) => false,
    }
}

/// Who becomes host after the host went, of members by the time they joined: the longest-standing moderator, else speaker,
/// else listener.
pub(super) fn heir(members: &[(UserId, Role)]) -> Option<UserId> {
    let of = |wanted: Role| members.iter().find(|(_, role)| *role == wanted).map(|(user, _)| *user);
    of(Role::Moderator).or_else(|| of(Role::Speaker)).or_else(|| of(Role::Listener))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ROLES: [Role; 4] = [Role::Host, Role::Moderator, Role::Speaker, Role::Listener];

    #[test]
    fn who_may_do_what_in_a_room() {
        // The act; host, moderator, speaker, listener.
        let table = [
            (Act::Edit, "y---"),
            (Act::Close, "y---"),
            (Act::Invite { public: true }, "yyyy"),
            (Act::Invite { public: false }, "yy--"),
            (Act::Mute(Role::Host), "----"),
            (Act::Mute(Role::Moderator), "y---"),
            (Act::Mute(Role::Speaker), "yy--"),
            (Act::Mute(Role::Listener), "yy--"),
            (Act::SendOut(Role::Host), "----"),
            (Act::SendOut(Role::Moderator), "y---"),
            (Act::SendOut(Role::Speaker), "yy--"),
            (Act::SendOut(Role::Listener), "yy--"),
            (Act::SetRole(Role::Moderator, Role::Host), "y---"),
            (Act::SetRole(Role::Moderator, Role::Moderator), "y---"),
            (Act::SetRole(Role::Moderator, Role::Speaker), "y---"),
            (Act::SetRole(Role::Moderator, Role::Listener), "y---"),
            (Act::SetRole(Role::Speaker, Role::Host), "y---"),
            (Act::SetRole(Role::Speaker, Role::Moderator), "y---"),
            (Act::SetRole(Role::Speaker, Role::Speaker), "yy--"),
            (Act::SetRole(Role::Speaker, Role::Listener), "yy--"),
            (Act::SetRole(Role::Listener, Role::Host), "y---"),
            (Act::SetRole(Role::Listener, Role::Moderator), "y---"),
            (Act::SetRole(Role::Listener, Role::Speaker), "yy--"),
            (Act::SetRole(Role::Listener, Role::Listener), "yy--"),
        ];
        for (act, allowed) in table {
            let got: String = ROLES.iter().map(|role| if may(*role, act) { 'y' } else { '-' }).collect();
            assert_eq!(got, allowed, "{act:?}");
        }
        for (role, to) in ROLES.into_iter().flat_map(|role| ROLES.map(|to| (role, to))) {
            assert!(!may(role, Act::SetRole(Role::Host, to)), "nobody unseats the host: {role:?}");
        }
    }

    #[test]
    fn the_longest_standing_moderator_inherits_else_speaker_else_listener() {
        let [a, b, c, d] = [1, 2, 3, 4].map(|n| UserId(Uuid::from_u128(n)));
        let of = |roles: [Role; 3]| vec![(a, Role::Host), (b, roles[0]), (c, roles[1]), (d, roles[2])];
        assert_eq!(heir(&of([Role::Listener, Role::Speaker, Role::Moderator])), Some(d));
        assert_eq!(heir(&of([Role::Listener, Role::Speaker, Role::Speaker])), Some(c));
        assert_eq!(heir(&of([Role::Listener, Role::Listener, Role::Listener])), Some(b));
        assert_eq!(heir(&of([Role::Moderator, Role::Moderator, Role::Speaker])), Some(b));
        assert_eq!(heir(&[(a, Role::Host)]), None);
    }
}
