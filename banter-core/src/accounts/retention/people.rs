//! An account, its people, and what was said.

use super::Fate::{Anonymised, Deleted, Kept};
use super::{Life, Table, cols};
use crate::idempotency;
use crate::jobs::prune::ENDED_SESSIONS;

pub(super) const PEOPLE: &[Table] = &[
    Table {
        name: "users",
        holds: "an account and its profile",
        life: Life::Account,
        columns: &[
            cols(
                &[
                    "phone_number",
                    "firebase_uid",
                    "email",
                    "username",
                    "avatar",
                    "avatar_upload_id",
                    "bio",
                    "gender",
                    "date_of_birth",
                    "last_seen",
                    "status_until",
                    "premium_until",
                    "wallet_frozen_at",
                    "identity_verified_at",
                    "room_muted_until",
                    "reports_muted_until",
                ],
                Anonymised,
                "null, so that nothing says who it was, and number, address and name are free for another account",
            ),
            cols(
                &["full_name"],
                Anonymised,
                "`Deleted account`, which is what others see beside the messages",
            ),
            cols(
                &["language", "is_verified", "role", "interests", "looking_for"],
                Anonymised,
                "what a new account has",
            ),
            cols(&["status", "updated_at"], Anonymised, "`deleted`, and when"),
            cols(
                &["id", "created_at"],
                Kept,
                "what messages, payments and reports refer to; from an id alone nobody can be found",
            ),
            cols(
                &["coins", "purchased_coins", "earned_coins", "owed_coins"],
                Kept,
                "the sums of the ledger, which is kept",
            ),
        ],
    },
    Table {
        name: "sessions",
        holds: "a login",
        life: Life::For(
            ENDED_SESSIONS,
            "after it ended or can no longer be used: \"where was I signed in?\"",
        ),
        columns: &[
            cols(&["user_agent", "tool"], Anonymised, "null"),
            cols(
                &["revoked_at", "revoked_because"],
                Anonymised,
                "ended at once, because of the deletion: every server must still refuse the tokens given out",
            ),
            cols(
                &[
                    "id",
                    "user_id",
                    "refresh_id",
                    "refresh_expires_at",
                    "access_expires_at",
                    "created_at",
                    "last_used_at",
                ],
                Kept,
                "until it is dropped like every ended login",
            ),
        ],
    },
    Table {
        name: "devices",
        holds: "a phone that can be pushed to",
        life: Life::Account,
        columns: &[cols(
            &["session_id", "user_id", "fcm_token", "platform", "updated_at"],
            Deleted,
            "goes with its login",
        )],
    },
    Table {
        name: "user_settings",
        holds: "who may reach somebody, and what their phone is told",
        life: Life::Account,
        columns: &[cols(
            &[
                "user_id",
                "message_from",
                "call_from",
                "presence_to",
                "push_messages",
                "push_friends",
                "push_calls",
                "push_rooms",
                "push_payments",
                "quiet_from",
                "quiet_to",
                "updated_at",
            ],
            Deleted,
            "of use to nobody else",
        )],
    },
    Table {
        name: "user_locations",
        holds: "where somebody is, to about a kilometre",
        life: Life::Account,
        columns: &[cols(
            &["user_id", "latitude_centi", "longitude_centi", "updated_at"],
            Deleted,
            "personal",
        )],
    },
    Table {
        name: "friendships",
        holds: "that two are friends",
        life: Life::Account,
        columns: &[cols(&["user_lo", "user_hi", "created_at"], Deleted, "nobody is left to be friends with")],
    },
    Table {
        name: "friend_requests",
        holds: "that somebody asked to be a friend, and what they wrote",
        life: Life::Account,
        columns: &[cols(
            &["id", "sender_id", "receiver_id", "message", "status", "created_at", "decided_at"],
            Deleted,
            "both those they sent and those they got, with the texts",
        )],
    },
    Table {
        name: "blocked_users",
        holds: "who does not want to meet whom",
        life: Life::Account,
        columns: &[
            cols(
                &["user_id", "blocked_user_id", "created_at"],
                Kept,
                "what a block hid from either of the two stays hidden; it names them by id only",
            ),
            cols(&["reason"], Anonymised, "what they wrote as a reason, and others about them, becomes null"),
        ],
    },
    Table {
        name: "conversations",
        holds: "a conversation of two, a group or a room",
        life: Life::Always,
        columns: &[cols(
            &[
                "id",
                "kind",
                "user_lo",
                "user_hi",
                "last_seq",
                "last_sender_id",
                "last_message_at",
                "created_at",
                "name",
                "created_by",
                "members_version",
            ],
            Kept,
            "it is the others' as well; it names people by id only, and a group's name is the group's",
        )],
    },
    Table {
        name: "conversation_members",
        holds: "that somebody is in a conversation, and how far they have read",
        life: Life::Always,
        columns: &[cols(
            &[
                "conversation_id",
                "user_id",
                "last_read_seq",
                "joined_at",
                "role",
                "from_seq",
                "unread",
                "last_seq",
                "last_message_at",
                "changed_at",
            ],
            Kept,
            "in conversations of two, which the other one still has; in groups it is deleted, and a group they owned \
             gets a new owner",
        )],
    },
    Table {
        name: "former_members",
        holds: "that somebody was in a group and left it, so that their export finds what they wrote there",
        life: Life::Account,
        columns: &[cols(&["user_id", "conversation_id"], Deleted, "nobody is left to ask for an export")],
    },
    Table {
        name: "messages",
        holds: "a message",
        life: Life::Always,
        columns: &[
            cols(
                &["content"],
                Kept,
                "the others in the conversation still have what they were told; the author is shown as a deleted \
                 account. A picture or recording is taken back with its caption, as a deleted message",
            ),
            cols(&["upload_id"], Anonymised, "null: the file is deleted"),
            cols(
                &[
                    "id",
                    "conversation_id",
                    "seq",
                    "sender_id",
                    "message_type",
                    "client_message_id",
                    "created_at",
                    "reply_to_id",
                    "edited_at",
                    "deleted_at",
                    "changed_at",
                ],
                Kept,
                "its place in the conversation; the person stands in it by id only",
            ),
        ],
    },
    Table {
        name: "uploads",
        holds: "a file that somebody uploaded: its bytes lie in object storage",
        life: Life::Account,
        columns: &[cols(
            &[
                "id",
                "user_id",
                "purpose",
                "kind",
                "content_type",
                "bytes",
                "width",
                "height",
                "duration_ms",
                "object_key",
                "thumbnail_key",
                "created_at",
                "used_at",
                "doomed_at",
            ],
            Deleted,
            "marked at once, so that nothing shows it any more; the collector then removes the objects and the row",
        )],
    },
    Table {
        name: "verifications",
        holds: "that somebody asked to be verified, and what was decided",
        life: Life::Always,
        columns: &[
            cols(
                &["document_upload_id", "selfie_upload_id", "reason"],
                Anonymised,
                "null: document and face are deleted like every file",
            ),
            cols(
                &["id", "user_id", "status", "created_at", "decided_at", "decided_by"],
                Kept,
                "what a moderator decided; one that nobody has looked at is deleted",
            ),
        ],
    },
    Table {
        name: "notifications",
        holds: "something in somebody's inbox",
        life: Life::Account,
        columns: &[cols(
            &["id", "user_id", "kind", "actor_id", "subject_id", "data", "read_at", "created_at"],
            Deleted,
            "both their own and those in others' inboxes that tell of them",
        )],
    },
    Table {
        name: "idempotency_keys",
        holds: "the answer to a request, for whoever sends it again",
        life: Life::For(idempotency::KEPT, "after the request"),
        columns: &[cols(
            &["user_id", "key", "fingerprint", "status", "body", "created_at", "names_people"],
            Deleted,
            "an answer holds what was asked for; answers to others go as well when they name the person",
        )],
    },
];
