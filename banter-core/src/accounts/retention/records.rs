//! What is kept whatever becomes of an account, and what runs the house.

use super::Fate::{Kept, Nobody};
use super::{Life, Table, cols};
use crate::jobs::prune::{FINISHED_JOBS, HEARD};

pub(super) const RECORDS: &[Table] = &[
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
        name: "webhook_events",
        holds: "that an outside service told us something",
        life: Life::For(
            HEARD,
            "after it came from the media server; what the payment provider tells is kept",
        ),
        columns: &[cols(
            &["provider", "event_id", "kind", "payload", "received_at"],
            Kept,
            "ids only; of a payment, what the books need",
        )],
    },
    Table {
        name: "jobs",
        holds: "work that waits, or was done",
        life: Life::For(
            FINISHED_JOBS,
            "after it was done (pushes: not at all); what was given up stays until somebody looks (pushes: a day)",
        ),
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
