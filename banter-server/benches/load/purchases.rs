//! Purchases: orders that a customer has paid at the stand-in are proven, by many people and by one alone, beside pgbench
//! with the statements that a proof runs.

use std::collections::VecDeque;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use banter_core::clock::Clock;
use banter_core::sandbox::razorpay::{Method, Options, Sandbox};
use serde_json::json;

use crate::Measured;
use crate::http::{self, Connection, Person};
use crate::pgbench::{self, Ceiling, query};

const ORDERS: usize = 1500;
const PEOPLE: usize = 64;
/// Proofs on their way at once; as many as pgbench has clients.
const CONNECTIONS: usize = 20;

pub(crate) async fn stand_in() -> Sandbox {
    Sandbox::start(Options::new(Clock::System)).await.expect("a stand-in for Razorpay")
}

/// What proves one payment, and whose it is.
struct Proof {
    token: String,
    body: String,
}

pub(crate) async fn run(address: &str, sandbox: &Sandbox, database: &str, seconds: u64) {
    let people = http::register(address, PEOPLE).await;
    for (name, people) in
        [("POST /payments/verify, of many", &people[..]), ("POST /payments/verify, of one", &people[..1])]
    {
        let proofs = pay(address, sandbox, people).await;
        let measured = prove(address, proofs).await;
        measured.print(name, Some(ceiling(database, people, seconds)));
    }
}

/// Orders, paid.
async fn pay(address: &str, sandbox: &Sandbox, people: &[Person]) -> Vec<Proof> {
    let mut connection = Connection::open(address).await.expect("the server listens");
    let mut proofs = Vec::with_capacity(ORDERS);
    for person in people.iter().cycle().take(ORDERS) {
        let wanted = json!({ "packageType": "basic" });
        let answer =
            connection.json("POST", "/api/payments/create-order", Some(&person.token), &wanted).await;
        let order = answer["order"]["id"].as_str().expect("an id");
        let paid = sandbox.pay(order, Method::Upi).expect("they pay");
        let proof = json!({
            "orderId": order, "paymentId": paid.razorpay_payment_id, "signature": paid.razorpay_signature,
            "transactionId": answer["transaction"]["id"],
        });
        proofs.push(Proof { token: person.token.clone(), body: proof.to_string() });
    }
    proofs
}

async fn prove(address: &str, proofs: Vec<Proof>) -> Measured {
    let queue = Arc::new(Mutex::new(VecDeque::from(proofs)));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (queue, address) = (Arc::clone(&queue), address.to_owned());
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await.expect("the server listens");
                let mut latencies = Vec::new();
                loop {
                    let next = queue.lock().expect("no panic while locked").pop_front();
                    let Some(proof) = next else { return latencies };
                    let asked = Instant::now();
                    let (status, answer) =
                        connection.ask("POST", "/api/payments/verify", Some(&proof.token), &proof.body).await;
                    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
                    latencies.push(asked.elapsed());
                }
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.expect("no panic"));
    }
    Measured { took: begun.elapsed(), latencies }
}

/// As many orders as pgbench could take in that time on any machine of today.
fn enough(seconds: u64) -> u64 {
    seconds * 10_000
}

fn ceiling(database: &str, people: &[Person], seconds: u64) -> Ceiling {
    let ids: Vec<String> = people.iter().map(|person| format!("'{}'", person.id)).collect();
    let (ids, many) = (ids.join(","), people.len());
    let setup = format!(
        "drop sequence if exists bench_orders;
         create sequence bench_orders;
         delete from transactions where receipt like 'bench-%';
         insert into transactions
             (id, user_id, kind, amount, coins, item, receipt, razorpay_order_id, created_at, updated_at)
         select gen_random_uuid(), (array[{ids}]::uuid[])[1 + i % {many}], 'coin_purchase', 4900, 100, 'basic',
             'bench-{many}-' || i, 'order_bench{many}x' || i, now(), now()
         from generate_series(1, {}) i;
         analyze transactions",
        enough(seconds)
    );
    let ran = Command::new("psql").args([database, "-qc", &setup]).status().expect("psql is there");
    assert!(ran.success(), "the orders are made");
    pgbench::run_scripts(database, seconds, [script(&ids, many)])
}

/// What a proof does, statement by statement, with pgbench's variables for what the one before answered.
fn script(ids: &str, many: usize) -> String {
    let order = "(:o)::text";
    let fill = |mark: &str, values: &[&str]| {
        let mut sql = query(mark);
        for (n, value) in values.iter().enumerate().rev() {
            sql = sql.replace(&format!("${}", n + 1), value);
        }
        let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default().trim());
        lines.collect::<Vec<_>>().join(" ").trim().trim_end_matches(';').to_owned()
    };
    let next = format!(
        "select 'order_bench{many}x' || n as o, 'pay_bench{many}x' || n as p, gen_random_uuid() as l,
             (array[{ids}]::uuid[])[1 + n % {many}] as u
         from nextval('bench_orders') n \\gset"
    );
    let whose = fill("kind = 'coin_purchase' and ($3::uuid", &[order, ":u", "null"]);
    let locked =
        fill("from transactions\n        where razorpay_order_id = $1\n        for no key update", &[order]);
    let paid = fill(
        "set status = $2, razorpay_payment_id = $3",
        &[":t_id", "'success'", "(:p)::text", "'upi'", "100", "18", "now()"],
    );
    let balances = fill("coins, purchased_coins as purchased", &[":u"]);
    let credited = fill(
        "set coins = $18",
        &[
            ":l",
            ":u",
            "'coins'",
            "'purchase'",
            "100",
            "100",
            "(:b_coins)::int + 100",
            "'purchase:' || (:o)::text",
            "null",
            "now()",
            "'{}'",
            "'{}'",
            "'{}'",
            "'{}'",
            "'{}'",
            "'{}'",
            "'{}'",
            "(:b_coins)::int + 100",
            "(:b_purchased)::int + 100",
            "(:b_earned)::int",
            "(:b_owed)::int",
        ],
    );
    let told = fill(
        "insert into notifications (id, user_id, kind, actor_id, subject_id, created_at)",
        &[
            "array[gen_random_uuid()]",
            "array[(:u)::uuid]",
            "array['payment_succeeded']",
            "array[null]",
            "array[(:t_id)::uuid]",
            "now()",
            "12",
            "true",
        ],
    );
    // pgbench takes a name from each column that an answer has.
    let plain = |sql: &str| {
        let names = ["id", "user", "status", "amount"];
        names.iter().fold(sql.to_owned(), |sql, name| {
            let typed = sql.find(&format!("\"{name}: ")).map(|at| {
                let end = sql[at + 1..].find('"').expect("a quote ends") + at + 2;
                (at, end)
            });
            typed.map_or(sql.clone(), |(at, end)| format!("{}{name}{}", &sql[..at], &sql[end..]))
        })
    };
    [
        next.split_whitespace().collect::<Vec<_>>().join(" "),
        format!("{};", plain(&whose)),
        "begin;".into(),
        format!("{} \\gset t_", plain(&locked).replace("user_id as user,", "")),
        format!("{paid};"),
        format!("{balances} \\gset b_"),
        format!("{credited};"),
        format!("{told};"),
        "commit;".into(),
        "select coins from users where id = :u;".into(),
    ]
    .join("\n")
}

/// Settings of a server that sells through it.
pub(crate) fn environment(sandbox: &Sandbox) -> Vec<(&'static str, String)> {
    let keys = sandbox.keys();
    vec![
        ("RAZORPAY_API_URL", sandbox.url().to_owned()),
        ("RAZORPAY_KEY_ID", keys.key_id.clone()),
        ("RAZORPAY_KEY_SECRET", keys.key_secret.clone()),
        ("RAZORPAY_WEBHOOK_SECRET", keys.webhook_secret.clone()),
    ]
}
