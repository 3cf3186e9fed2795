use crate::harness::{Cli, scene};

/// Somebody with their bonus, who bought once, failed once, and got a part back.
async fn with_a_buyer() -> Cli {
    let cli = Cli::with_database().await;
    cli.sql(
        "insert into users (id, firebase_uid, phone_number, username, full_name, date_of_birth, gender, coins,
                            purchased_coins, created_at, updated_at)
         values ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c001', 'uid', '+919800000009', 'asha', 'Asha', '1998-04-23', 'other', 300, 200, now(), now());
         insert into transactions (id, user_id, kind, amount, coins, item, status, payment_method, fee, refunded_amount,
                                   failure_reason, paid_at, created_at, updated_at)
         values ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c0b1', '01980a52-7d1c-7e3b-a1a5-d54a4bb9c001', 'coin_purchase', 9900, 250, 'standard',
                 'partially_refunded', 'upi', 234, 1980, null, '2026-11-21T20:00:00Z', '2026-11-21T19:59:00Z', now()),
                ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c0b2', '01980a52-7d1c-7e3b-a1a5-d54a4bb9c001', 'coin_purchase', 4900, 100, 'basic', 'failed', 'upi',
                 null, 0, 'insufficient_funds', null, '2026-11-21T19:58:00Z', now()),
                ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c0b3', '01980a52-7d1c-7e3b-a1a5-d54a4bb9c001', 'coin_purchase', 4900, 100, 'basic', 'abandoned', null,
                 null, 0, null, null, '2026-11-20T06:00:00Z', now());
         insert into payment_failures (payment_id, transaction_id, method, reason, failed_at)
         values ('pay_1', '01980a52-7d1c-7e3b-a1a5-d54a4bb9c0b2', 'upi', 'insufficient_funds', '2026-11-21T19:58:30Z');
         insert into transactions (id, user_id, parent_id, kind, amount, coins, item, status, created_at, updated_at)
         values ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c0b4', '01980a52-7d1c-7e3b-a1a5-d54a4bb9c001', '01980a52-7d1c-7e3b-a1a5-d54a4bb9c0b1', 'refund', 1980, 50,
                 'standard', 'success', '2026-11-22T06:00:00Z', now());
         insert into coin_ledger (id, user_id, account, kind, amount, purchased, balance_after, reference, created_at)
         values (gen_random_uuid(), '01980a52-7d1c-7e3b-a1a5-d54a4bb9c001', 'coins', 'signup_bonus', 100, 0, 100, 'signup:01980a52-7d1c-7e3b-a1a5-d54a4bb9c001', now()),
                (gen_random_uuid(), '01980a52-7d1c-7e3b-a1a5-d54a4bb9c001', 'coins', 'purchase', 250, 250, 350,
                 'purchase:01980a52-7d1c-7e3b-a1a5-d54a4bb9c0b1', now()),
                (gen_random_uuid(), '01980a52-7d1c-7e3b-a1a5-d54a4bb9c001', 'coins', 'refund', -50, -50, 300,
                 'refund:01980a52-7d1c-7e3b-a1a5-d54a4bb9c0b4', now())"
    )
    .await;
    cli
}

#[tokio::test]
async fn books_that_are_right() {
    let cli = with_a_buyer().await;
    scene!(cli, "ledger_audit", ["ledger", "audit"]);
    scene!(cli, "ledger_audit_user", ["ledger", "audit", "--user", "asha"]);
    scene!(cli, "ledger_audit_json", ["--json", "ledger", "audit"]);
    scene!(cli, "ledger_audit_nobody", ["ledger", "audit", "--user", "nobody"]);
}

#[tokio::test]
async fn books_that_are_wrong() {
    let cli = with_a_buyer().await;
    cli.sql("update users set coins = coins + 7; update transactions set coins = 251 where kind = 'coin_purchase' and coins = 250")
        .await;
    scene!(cli, "ledger_audit_wrong", ["ledger", "audit"]);
    scene!(cli, "ledger_audit_wrong_json", ["--json", "ledger", "audit"]);
}

#[tokio::test]
async fn what_came_in() {
    let cli = with_a_buyer().await;
    let days = ["--from", "2026-11-20", "--to", "2026-11-22"];
    let ask = |more: &[&'static str]| -> Vec<&'static str> {
        ["stats", "revenue"].into_iter().chain(days).chain(more.iter().copied()).collect()
    };
    scene!(cli, "stats_revenue", ask(&[]));
    scene!(cli, "stats_revenue_by_item", ask(&["--by", "item"]));
    scene!(cli, "stats_revenue_json", ask(&["--by", "month", "--json"]));
    scene!(cli, "stats_revenue_none", ["stats", "revenue", "--from", "2025-01-01", "--to", "2025-01-02"]);
    scene!(
        cli,
        "stats_revenue_backwards",
        ["stats", "revenue", "--from", "2026-01-02", "--to", "2026-01-01"]
    );
}
