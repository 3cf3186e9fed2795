//! `banter payments show`: one transaction, and all that belongs to it.

use banter_core::payments::administration::events::Listed as Event;
use banter_core::payments::administration::{Entry, Listed, Shown};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::failure;
use super::list::{standing, what};
use super::webhooks::became;
use crate::commands::when;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};
use crate::table::{Cell, faint, fields, notable, table};

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    transaction: Listed,
    refunds: Vec<Listed>,
    ledger: Vec<Entry>,
    webhooks: Vec<Event>,
}

pub(super) async fn show(name: &str, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    let shown = with_banter(config, async |banter| {
        let payments = banter.payments();
        let id = payments.find(name.trim()).await.map_err(failure)?;
        payments.show(id).await.map_err(failure)
    })
    .await?;
    let Shown { transaction, refunds, ledger, events } = shown;
    if out.is_json() {
        out.json(&Report { transaction, refunds, ledger, webhooks: events });
        return Ok(ExitStatus::Done);
    }
    let mut parts = vec![fields(of(transaction))];
    if !refunds.is_empty() {
        parts.push(table(&["REFUND", "STATUS", "AMOUNT", "COINS", "MADE", "WHY"], rows(refunds, refund)));
    }
    if !ledger.is_empty() {
        parts.push(table(&["LEDGER", "ACCOUNT", "COINS", "BALANCE", "WRITTEN"], rows(&ledger, entry)));
    }
    if !events.is_empty() {
        parts.push(table(&["WEBHOOK", "EVENT", "STATE", "CAME"], rows(events, event)));
    }
    out.data(parts.join("\n\n"));
    Ok(ExitStatus::Done)
}

fn rows<T>(all: impl IntoIterator<Item = T>, row: impl Fn(T) -> Vec<Cell>) -> Vec<Vec<Cell>> {
    all.into_iter().map(row).collect()
}

fn of(one: Listed) -> Vec<(&'static str, Cell)> {
    let time = |time: Option<DateTime<Utc>>| time.map_or_else(|| faint("never"), |time| when(time).into());
    let mut rows: Vec<(&str, Cell)> = vec![
        ("id", one.id.into()),
        ("kind", what(one.kind).into()),
        ("status", standing(one.status)),
        ("user", format!("{} ({})", one.user, one.user_id).into()),
    ];
    let mut add = |name, value: Option<Cell>| rows.extend(value.map(|value| (name, value)));
    add("item", one.item.map(Cell::from));
    add("coins", one.coins.map(Cell::from));
    add("amount", Some(one.amount.into()));
    add("given back", (one.refunded_amount.0 > 0).then(|| notable(one.refunded_amount)));
    add("gives back", one.parent_id.map(Cell::from));
    add("reason", one.reason.map(Cell::from));
    add("subscription", one.subscription_id.map(Cell::from));
    add("method", one.payment_method.map(Cell::from));
    let tax = |tax| format!(", with {tax} of tax");
    add("Razorpay's fee", one.fee.map(|fee| format!("{fee}{}", one.tax.map_or(String::new(), tax)).into()));
    add("order", one.razorpay_order_id.map(Cell::from));
    add("payment", one.razorpay_payment_id.map(Cell::from));
    add("refund", one.razorpay_refund_id.map(Cell::from));
    let why = one.failure_reason.map(|why| format!(": {why}")).unwrap_or_default();
    add("failed because", one.failure_code.map(|code| notable(format!("{code}{why}"))));
    add("made", Some(when(one.created_at).into()));
    add("paid", Some(time(one.paid_at)));
    add("asked about", Some(time(one.asked_at)));
    rows
}

fn refund(one: Listed) -> Vec<Cell> {
    vec![
        one.id.into(),
        standing(one.status),
        one.amount.into(),
        one.coins.map_or_else(|| faint("none"), Cell::from),
        when(one.created_at).into(),
        one.reason.map_or_else(|| faint("not said"), Cell::from),
    ]
}

fn entry(entry: &Entry) -> Vec<Cell> {
    vec![
        entry.kind.name().into(),
        entry.account.name().into(),
        format!("{:+}", entry.amount).into(),
        entry.balance_after.into(),
        when(entry.created_at).into(),
    ]
}

fn event(event: Event) -> Vec<Cell> {
    let became = became(&event);
    vec![event.id.into(), event.kind.into(), became, when(event.received_at).into()]
}
