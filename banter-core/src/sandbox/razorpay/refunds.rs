//! Refunds: money that goes back. The one thing with an idempotency key.

use chrono::Days;
use serde_json::{Value, json};

use super::book::{Work, number, set, text};
use super::checks::{Fields, Page, Refusal};
use super::payments;

/// For how long a payment can be refunded.
const DAYS: u64 = 180;

impl Work<'_> {
    /// `key`: of the header `X-Refund-Idempotency`.
    pub(super) fn refund_as_asked(
        &mut self,
        payment: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let fields = Fields::of(body, &["amount", "speed", "notes", "receipt"])?;
        let (amount, notes, receipt) = (fields.amount()?, fields.notes()?, fields.text("receipt", 40)?);
        let speed = match fields.text("speed", 8)? {
            None | Some("normal") => "normal",
            Some("optimum") => "optimum",
            Some(_) => return Err(Refusal::field("speed", "The selected speed is invalid.")),
        };
        let asked = json!([payment, body]);
        if let Some(key) = key {
            let good = key.len() >= 10
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
            if !good {
                return Err(Refusal::rule(
                    "The idempotency key must have 10 characters or more of A-Z, a-z, 0-9, - and _",
                ));
            }
            match self.book.keys.get(key) {
                Some((before, refund)) if *before == asked => {
                    return Ok(self.book.refunds.get(refund)?.clone());
                }
                Some(_) => {
                    return Err(Refusal::rule("Different request body sent for the same idempotency key"));
                }
                None => {}
            }
        }
        let id = self.refund(payment, amount, speed, &notes, receipt)?;
        if let Some(key) = key {
            self.book.keys.insert(key.to_owned(), (asked, id.clone()));
        }
        Ok(self.book.refunds.get(&id)?.clone())
    }

    /// `amount`: all that is left of the payment unless given. The refund's id.
    pub(super) fn refund(
        &mut self,
        payment: &str,
        amount: Option<i64>,
        speed: &str,
        notes: &Value,
        receipt: Option<&str>,
    ) -> Result<String, Refusal> {
        let paid = self.book.payments.get(payment)?;
        match text(paid, "status") {
            "captured" => {}
            "refunded" => return Err(Refusal::now("The payment has been fully refunded already")),
            _ => return Err(Refusal::now("The payment status should be captured for action to be taken")),
        }
        let oldest = chrono::DateTime::from_timestamp(self.now, 0)
            .and_then(|now| now.checked_sub_days(Days::new(DAYS)));
        if oldest.is_some_and(|oldest| number(paid, "created_at") < oldest.timestamp()) {
            return Err(Refusal::now("Payment is more than 6 months old and cannot be refunded"));
        }
        let left = number(paid, "amount") - number(paid, "amount_refunded");
        let amount = amount.unwrap_or(left);
        if amount > left {
            return Err(Refusal {
                field: Some("amount".into()),
                ..Refusal::now("The total refund amount is greater than the refund payment amount")
            });
        }
        let slow = self.book.slow_refunds;
        let refund = json!({
            "id": self.id("rfnd"),
            "entity": "refund",
            "amount": amount,
            "currency": "INR",
            "payment_id": payment,
            "notes": notes,
            "receipt": receipt,
            "acquirer_data": { "arn": null },
            "created_at": self.now,
            "batch_id": null,
            "status": if slow { "pending" } else { "processed" },
            "speed_processed": "normal",
            "speed_requested": speed,
        });
        let id = text(&refund, "id").to_owned();
        self.book.refunds.put(refund);
        self.give_back(payment, amount)?;
        self.tell_refund("refund.created", &id)?;
        if !slow {
            self.tell_refund("refund.processed", &id)?;
        }
        Ok(id)
    }

    /// The bank took a refund that was pending.
    pub(super) fn process_refund(&mut self, id: &str) -> Result<Value, Refusal> {
        let refund = self.book.refunds.get_mut(id)?;
        if refund["status"] != "pending" {
            return Err(Refusal::now(format!("The refund is {} already", text(refund, "status"))));
        }
        set(refund, json!({ "status": "processed" }));
        let refund = refund.clone();
        self.tell_refund("refund.processed", id)?;
        Ok(refund)
    }

    /// The bank did not take it: the money is the merchant's again.
    pub(super) fn fail_refund(&mut self, id: &str) -> Result<Value, Refusal> {
        let refund = self.book.refunds.get_mut(id)?;
        if refund["status"] == "failed" {
            return Err(Refusal::now("The refund has failed already"));
        }
        set(refund, json!({ "status": "failed", "speed_processed": null }));
        let refund = refund.clone();
        self.give_back(text(&refund, "payment_id"), -number(&refund, "amount"))?;
        self.tell_refund("refund.failed", id)?;
        Ok(refund)
    }

    fn give_back(&mut self, payment: &str, amount: i64) -> Result<(), Refusal> {
        let payment = self.book.payments.get_mut(payment)?;
        let refunded = number(payment, "amount_refunded") + amount;
        let (status, how) = match refunded {
            0 => ("captured", None),
            all if all == number(payment, "amount") => ("refunded", Some("full")),
            _ => ("captured", Some("partial")),
        };
        set(payment, json!({ "amount_refunded": refunded, "status": status, "refund_status": how }));
        Ok(())
    }

    fn tell_refund(&mut self, event: &str, id: &str) -> Result<(), Refusal> {
        let refund = self.book.refunds.get(id)?.clone();
        let payment = payments::told(self.book.payments.get(text(&refund, "payment_id"))?);
        self.tell(event, &[("refund", refund), ("payment", payment)]);
        Ok(())
    }

    pub(super) fn refunds_of(&self, payment: &str, query: &[(String, String)]) -> Result<Value, Refusal> {
        self.book.payments.get(payment)?;
        let all = self.book.refunds.newest_first().filter(|refund| refund["payment_id"] == payment);
        Ok(Page::of(query, &[])?.cut(all))
    }

    pub(super) fn refund_of(&self, payment: &str, id: &str) -> Result<Value, Refusal> {
        let refund = self.book.refunds.get(id)?;
        if refund["payment_id"] == payment { Ok(refund.clone()) } else { Err(Refusal::unknown_id()) }
    }
}
