//! Calls and rooms.

use super::Fate::{Anonymised, Deleted, Kept};
use super::{Life, Table, cols};
use crate::jobs::prune::CALLS;

pub(super) const VOICE: &[Table] = &[
    Table {
        name: "chat_rooms",
        holds: "a room: what it says of itself, and its end",
        life: Life::Always,
        columns: &[
            cols(&["cover_image", "cover_upload_id"], Anonymised, "null where the picture was theirs"),
            cols(
                &[
                    "id",
                    "description",
                    "room_type",
                    "category",
                    "language",
                    "max_members",
                    "is_public",
                    "livekit_room",
                    "member_count",
                    "empty_since",
                    "created_at",
                    "updated_at",
                    "closed_at",
                    "closed_note",
                    "closed_because",
                ],
                Kept,
                "it is the others' as well, and what is said in it may be reported; it names nobody",
            ),
        ],
    },
    Table {
        name: "chat_room_members",
        holds: "that somebody is in a room now",
        life: Life::Account,
        columns: &[cols(
            &[
                "room_id",
                "user_id",
                "role",
                "is_muted",
                "hand_raised_at",
                "session_id",
                "joined_at",
                "connected_at",
                "absent_since",
            ],
            Deleted,
            "they leave their rooms, and a room they host gets a new host",
        )],
    },
    Table {
        name: "chat_room_bans",
        holds: "that somebody was sent out of a room; it goes with the room's end",
        life: Life::Always,
        columns: &[cols(
            &["room_id", "user_id", "banned_by", "until", "created_at"],
            Kept,
            "those whom they sent out stay out while the room lives; it names people by id only",
        )],
    },
    Table {
        name: "chat_room_invitations",
        holds: "that somebody may enter a room; it goes with the room's end",
        life: Life::Account,
        columns: &[
            cols(&["room_id", "user_id", "created_at"], Deleted, "those to them"),
            cols(&["invited_by"], Kept, "the others they invited may still come; it names them by id only"),
        ],
    },
    Table {
        name: "chat_room_watchers",
        holds: "that somebody looks at a room",
        life: Life::Account,
        columns: &[cols(&["room_id", "user_id", "until"], Deleted, "of use for two minutes")],
    },
    Table {
        name: "call_logs",
        holds: "that somebody called",
        life: Life::For(CALLS, "after the call ended"),
        columns: &[
            cols(
                &[
                    "id",
                    "caller_id",
                    "receiver_id",
                    "conversation_id",
                    "call_type",
                    "status",
                    "livekit_room",
                    "started_at",
                    "answered_at",
                    "ended_at",
                    "duration",
                ],
                Kept,
                "it stands in the log of the other as well, who sees a deleted account there",
            ),
            cols(&["end_reason"], Kept, "the safety of others: why staff ended it"),
        ],
    },
    Table {
        name: "call_participants",
        holds: "who was in a call",
        life: Life::For(CALLS, "with the call"),
        columns: &[cols(
            &[
                "call_id",
                "user_id",
                "role",
                "state",
                "session_id",
                "joined_at",
                "left_at",
                "connected_at",
                "absent_since",
            ],
            Kept,
            "with the call, by id only",
        )],
    },
];
