//! Receipts: a number without gaps, what was bought, and the tax that its price holds.
//!
//! A number is given when somebody first asks, under the lock of the year's counter, so numbers follow each other without
//! gaps and in the order of their dates. India's financial year runs from April to March. A number has sixteen characters,
//! the most that rule 46 of the CGST Rules takes.
//!
//! Nobody asks buyers where they live, so no address is on record, and the place of supply is the seller's (section
//! 12(2)(b)(ii) of the IGST Act): the tax is half the Union's (CGST) and half the state's (SGST).

mod page;

use chrono::{DateTime, Datelike as _, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::catalogue::{Package, Plan};
use super::{Error, Payments};
use crate::accounts::Caller;
use crate::clock::india;
use crate::ids::TransactionId;
use crate::money::Paise;

/// Other on-line contents, in India's list of services.
const SAC: &str = "998439";

/// A receipt, as it is shown and printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    #[schema(example = "BAN/26-27/000001")]
    pub number: String,
    pub issued_at: DateTime<Utc>,
    pub seller: ReceiptSeller,
    /// Who bought.
    pub buyer: String,
    pub transaction_id: TransactionId,
    pub item: ReceiptItem,
    pub currency: String,
    /// Paise, without the tax.
    pub taxable_value: Paise,
    pub tax: ReceiptTax,
    /// Paise, all that was paid.
    pub total: Paise,
    pub razorpay_payment_id: Option<String>,
    pub payment_method: Option<String>,
    pub paid_at: DateTime<Utc>,
    pub refunds: Vec<ReceiptRefund>,
    /// Paise that stay paid.
    pub net: Paise,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceiptSeller {
    pub name: String,
    pub address: Option<String>,
    pub gstin: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptItem {
    pub description: String,
    /// India's number for this kind of service.
    pub sac: String,
    pub coins: Option<i32>,
    pub period_start: Option<DateTime<Utc>>,
    pub period_end: Option<DateTime<Utc>>,
}

/// Goods and Services Tax within the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceiptTax {
    /// Hundredths of a percent.
    #[schema(example = 1800)]
    pub rate: i32,
    /// Paise, the Union's half.
    pub cgst: Paise,
    /// Paise, the state's half; where the tax is odd it has the paisa more.
    pub sgst: Paise,
    /// Paise, both.
    pub total: Paise,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRefund {
    pub transaction_id: TransactionId,
    /// Paise.
    pub amount: Paise,
    /// `pending` or `success`.
    pub status: String,
    pub created_at: DateTime<Utc>,
}

impl Payments<'_> {
    /// The receipt of one of the caller's payments, which gets its number now if it has none.
    pub async fn receipt(&self, caller: &Caller, id: TransactionId) -> Result<Receipt, Error> {
        let mut tx = self.0.pool().begin().await?;
        // Held, so that two who ask at once do not take two numbers.
        let paid = sqlx::query!(
            r#"
            select
                t.kind,
                t.status,
                t.item,
                t.coins,
                t.currency,
                t.amount as "amount: Paise",
                t.refunded_amount as "refunded: Paise",
                t.razorpay_payment_id,
                t.payment_method,
                t.period_start,
                t.period_end,
                coalesce(t.paid_at, t.updated_at) as "paid_at!",
                u.full_name as buyer
            from transactions t
            join users u on u.id = t.user_id
            where t.id = $1 and t.user_id = $2
            for no key update of t
            "#,
            id.0,
            caller.user_id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::TransactionNotFound)?;
        if paid.kind == "refund"
            || !["success", "partially_refunded", "refunded"].contains(&paid.status.as_str())
        {
            return Err(Error::NoReceipt);
        }
        let seller = &self.0.config().seller;
        let issued = issue(&mut tx, id, self.0.clock().now(), seller.gst_rate).await?;
        let refunds = sqlx::query_as!(
            ReceiptRefund,
            r#"
            select
                id as "transaction_id: TransactionId",
                amount as "amount: Paise",
                status,
                created_at
            from transactions
            where parent_id = $1 and kind = 'refund' and status in ('pending', 'success')
            order by id
            "#,
            id.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let tax = tax(paid.amount, issued.gst_rate);
        Ok(Receipt {
            number: issued.number,
            issued_at: issued.issued_at,
            seller: ReceiptSeller {
                name: seller.name.clone(),
                address: seller.address.clone(),
                gstin: seller.gstin.clone(),
            },
            buyer: paid.buyer,
            transaction_id: id,
            item: ReceiptItem {
                description: description(&paid.kind, paid.item.as_deref(), paid.coins),
                sac: SAC.to_owned(),
                coins: paid.coins,
                period_start: paid.period_start,
                period_end: paid.period_end,
            },
            currency: paid.currency,
            taxable_value: paid.amount - tax.total,
            tax,
            total: paid.amount,
            razorpay_payment_id: paid.razorpay_payment_id,
            payment_method: paid.payment_method,
            paid_at: paid.paid_at,
            net: paid.amount - paid.refunded,
            refunds,
        })
    }
}

struct Issued {
    number: String,
    gst_rate: i32,
    issued_at: DateTime<Utc>,
}

/// The receipt that there is, or a new one with the next number.
async fn issue(
    db: &mut PgConnection,
    id: TransactionId,
    now: DateTime<Utc>,
    gst_rate: i32,
) -> Result<Issued, sqlx::Error> {
    let found = sqlx::query_as!(
        Issued,
        "select number, gst_rate, issued_at from receipts where transaction_id = $1",
        id.0
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(found) = found {
        return Ok(found);
    }
    let year = financial_year(now);
    let last = sqlx::query_scalar!(
        r#"
        insert into receipt_counters as c (financial_year, last) values ($1, 1)
        on conflict (financial_year) do update set last = c.last + 1
        returning last
        "#,
        year,
    )
    .fetch_one(&mut *db)
    .await?;
    let number = format!("BAN/{}/{last:06}", &year[2..]);
    sqlx::query!(
        "insert into receipts (transaction_id, number, gst_rate, issued_at) values ($1, $2, $3, $4)",
        id.0,
        number,
        gst_rate,
        now,
    )
    .execute(db)
    .await?;
    Ok(Issued { number, gst_rate, issued_at: now })
}

/// `2026-27`: April to March, by India's days.
fn financial_year(at: DateTime<Utc>) -> String {
    let day = at.with_timezone(&india()).date_naive();
    let begins = if day.month() >= 4 { day.year() } else { day.year() - 1 };
    format!("{begins}-{:02}", (begins + 1) % 100)
}

fn tax(price: Paise, rate: i32) -> ReceiptTax {
    let total = price.tax_within(rate);
    let cgst = Paise(total.0 / 2);
    ReceiptTax { rate, cgst, sgst: total - cgst, total }
}

fn description(kind: &str, item: Option<&str>, coins: Option<i32>) -> String {
    let plan = Plan::ALL.into_iter().find(|plan| item == Some(plan.name()));
    let package = Package::ALL.into_iter().find(|package| item == Some(package.name()));
    match (kind, plan, package, coins) {
        ("subscription", Some(plan), ..) => format!("Banter Premium, {}", plan.name()),
        ("subscription", ..) => "Banter Premium".into(),
        (_, _, Some(package), Some(coins)) => format!("{coins} Banter coins ({} package)", package.name()),
        (_, _, _, Some(coins)) => format!("{coins} Banter coins"),
        // Paid twice, and on its way back.
        _ => "Banter coins".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_financial_year_begins_in_april_in_india() {
        for (at, year) in [
            ("2026-11-22T06:30:00Z", "2026-27"),
            ("2027-03-31T18:29:59Z", "2026-27"),
            ("2027-03-31T18:30:00Z", "2027-28"),
            ("2026-03-31T18:30:00Z", "2026-27"),
            ("2099-12-31T00:00:00Z", "2099-00"),
        ] {
            assert_eq!(financial_year(at.parse().unwrap()), year, "{at}");
        }
    }

    #[test]
    fn tax_and_value_make_the_price() {
        for price in (1..2000).map(Paise) {
            let tax = tax(price, 1800);
            assert_eq!(tax.cgst + tax.sgst, tax.total);
            assert!((0..=1).contains(&(tax.sgst - tax.cgst).0));
            assert_eq!(price - tax.total + tax.total, price);
        }
        assert_eq!(tax(Paise(9900), 1800).total, Paise(1510));
    }

    #[test]
    fn what_was_bought_has_a_name() {
        assert_eq!(
            description("coin_purchase", Some("standard"), Some(250)),
            "250 Banter coins (standard package)"
        );
        assert_eq!(description("subscription", Some("monthly"), None), "Banter Premium, monthly");
        assert_eq!(description("coin_purchase", None, Some(5)), "5 Banter coins");
    }
}
