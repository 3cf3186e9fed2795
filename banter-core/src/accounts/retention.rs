//! What is held, what becomes of it when an account is deleted, how long it is held otherwise, and why. Every table and
//! every column stands here; a test compares the list with the schema, and `docs/data-retention.md` is written from it.

use std::fmt::Write as _;

use chrono::TimeDelta;

use super::deletion::NAME;
use crate::idempotency;
use crate::jobs::prune::{ENDED_SESSIONS, FINISHED_JOBS};

/// What becomes of a table's rows, or of some of its columns, when the account they belong to is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Gone with the account's deletion.
    Deleted,
    /// Emptied, or set to what every deleted account has.
    Anonymised,
    /// Stays as it is.
    Kept,
    /// Tells of nobody.
    Nobody,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Anonymised => "anonymised",
            Self::Kept => "kept",
            Self::Nobody => "tells of nobody",
        }
    }
}

/// Columns that share a fate, and why it is that one.
pub struct Columns {
    pub names: &'static [&'static str],
    pub fate: Fate,
    pub why: &'static str,
}

/// How long rows live while their account does.
#[derive(Clone, Copy)]
pub enum Life {
    /// As long as the account, or until their owner removes them.
    Account,
    /// This long after they are over.
    For(TimeDelta, &'static str),
    /// For ever.
    Always,
}

pub struct Table {
    pub name: &'static str,
    /// What a row is.
    pub holds: &'static str,
    pub life: Life,
    pub columns: &'static [Columns],
}

const fn cols(names: &'static [&'static str], fate: Fate, why: &'static str) -> Columns {
    Columns { names, fate, why }
}

use Fate::{Anonymised, Deleted, Kept, Nobody};

/// Every table, in the order of what people ask about first.
pub const TABLES: &[Table] = &[
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
            cols(&["coins"], Kept, "the sum of the ledger, which is kept"),
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
            cols(&["user_agent"], Anonymised, "null"),
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
                Deleted,
                "whom they had blocked; a block by somebody else is that person's and stays, so that what was hidden \
                 from them stays hidden",
            ),
            cols(&["reason"], Anonymised, "what others wrote about them as a reason becomes null"),
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
        name: "messages",
        holds: "a message",
        life: Life::Always,
        columns: &[
            cols(
                &["content"],
                Kept,
                "the others in the conversation still have what they were told; the author is shown as a deleted \
                 account. The caption of a picture or recording goes with it",
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
            &["user_id", "key", "fingerprint", "status", "body", "created_at"],
            Deleted,
            "an answer holds what was asked for; answers to others that name the person end within the day",
        )],
    },
    Table {
        name: "coin_ledger",
        holds: "a change of somebody's coins",
        life: Life::Always,
        columns: &[cols(
            &["id", "user_id", "kind", "amount", "balance_after", "reference", "note", "created_at"],
            Kept,
            "books must be kept, and every balance must be explained; it names the person by id only",
        )],
    },
    Table {
        name: "transactions",
        holds: "a payment",
        life: Life::Always,
        columns: &[cols(
            &[
                "id",
                "user_id",
                "kind",
                "amount",
                "currency",
                "coins",
                "status",
                "razorpay_order_id",
                "razorpay_payment_id",
                "payment_method",
                "created_at",
                "updated_at",
            ],
            Kept,
            "books must be kept, and money can be claimed back; it names the person by id only",
        )],
    },
    Table {
        name: "reports",
        holds: "that somebody reported a person or a message",
        life: Life::Always,
        columns: &[cols(
            &[
                "id",
                "reporter_id",
                "report_type",
                "reported_user_id",
                "message_id",
                "reason",
                "description",
                "status",
                "created_at",
                "updated_at",
            ],
            Kept,
            "the safety of others: what was reported, by whom and about whom, must be found again, and a deletion must \
             not undo it",
        )],
    },
    Table {
        name: "moderation_actions",
        holds: "what staff did about an account, and why",
        life: Life::Always,
        columns: &[cols(
            &["id", "user_id", "actor_id", "kind", "reason", "until", "created_at"],
            Kept,
            "the safety of others, and answering for what was done",
        )],
    },
    Table {
        name: "jobs",
        holds: "work that waits, or was done",
        life: Life::For(FINISHED_JOBS, "after it was done; what was given up stays until somebody looks"),
        columns: &[
            cols(
                &["payload"],
                Kept,
                "ids only: of accounts, logins, messages. What they name is looked up when the work is done, and is gone",
            ),
            cols(
                &[
                    "id",
                    "kind",
                    "unique_name",
                    "state",
                    "run_at",
                    "attempts",
                    "max_attempts",
                    "leased_until",
                    "last_error",
                    "created_at",
                    "finished_at",
                ],
                Nobody,
                "",
            ),
        ],
    },
    Table {
        name: "_sqlx_migrations",
        holds: "which version the schema has",
        life: Life::Always,
        columns: &[cols(
            &["version", "description", "installed_on", "success", "checksum", "execution_time"],
            Nobody,
            "",
        )],
    },
];

const HEAD: &str = "\
# What is held, how long, and what deletion leaves

<!-- Written by `banter user retention`; edit banter-core/src/accounts/retention.rs instead. -->

Somebody deletes their account in the app (`DELETE /api/users/me`, after signing in to Firebase again), or asks support, who
runs `banter user delete`. Both do the same: in one transaction everything below happens, every login ends on every server
within seconds, and the phone number can register again. Two minutes later a job clears away what was being written at that
very moment. Before that they can take everything with them: `GET /api/users/me/export`.

A dump of the database that a test makes after a deletion holds none of the person's number, address, names, places, phones
and files. Messages keep their text: it is the others' conversation too, and its author is shown as `";

const TAIL: &str = "
## Outside the database

- **Redis** holds presence for a minute and the counters of rate limits for a day at most, by id, or by Firebase's uid.
- **Object storage** holds the files; the collector removes those of a deleted account.
- **Logs** name people by id only, never by number or name.
- **Firebase** keeps its own account of the phone number: it is not deleted there yet, since that takes a service account
  with the right to; until then its console does it. It holds nothing of Banter's.
- **Backups** end as the hosting's retention says; a restored one must have the deletions since run again.
";

/// The text of `docs/data-retention.md`.
pub fn document() -> String {
    let mut text =
        format!("{HEAD}{NAME}`.\n\n| what | while the account lives | when it is deleted |\n|---|---|---|\n");
    for table in TABLES {
        let life = match table.life {
            Life::Account => "until its owner removes it".to_owned(),
            Life::For(time, after) => format!("{} {after}", period(time)),
            Life::Always => "for good".to_owned(),
        };
        let mut fates: Vec<&str> = Vec::new();
        for columns in table.columns {
            if !fates.contains(&columns.fate.word()) {
                fates.push(columns.fate.word());
            }
        }
        let _ = writeln!(
            text,
            "| [`{0}`](#{0}): {1} | {life} | {2} |",
            table.name,
            table.holds,
            fates.join(", ")
        );
    }
    for table in TABLES {
        let _ = write!(
            text,
            "\n## {}\n\n{}.\n\n| columns | on deletion | why |\n|---|---|---|\n",
            table.name,
            sentence(table.holds)
        );
        for columns in table.columns {
            let names: Vec<String> = columns.names.iter().map(|name| format!("`{name}`")).collect();
            let _ = writeln!(text, "| {} | {} | {} |", names.join(" "), columns.fate.word(), columns.why);
        }
    }
    text + TAIL
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn period(time: TimeDelta) -> String {
    match (time.num_days(), time.num_hours()) {
        (0 | 1, hours) => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}
