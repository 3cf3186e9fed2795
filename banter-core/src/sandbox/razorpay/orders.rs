//! Orders: what somebody is to pay.

use serde_json::{Value, json};

use super::book::{Work, set, text};
use super::checks::{Fields, Page, Refusal};

impl Work<'_> {
    pub(super) fn create_order(&mut self, body: &Value) -> Result<Value, Refusal> {
        let fields = Fields::of(body, &["amount", "currency", "receipt", "notes", "partial_payment"])?;
        let amount = Fields::need("amount", fields.amount()?)?;
        fields.currency()?;
        if fields.flag("partial_payment")? == Some(true) {
            return Err(Refusal::field("partial_payment", "Partial payments are not enabled"));
        }
        let order = self.order(amount, fields.text("receipt", 40)?, &fields.notes()?);
        self.book.orders.put(order.clone());
        Ok(order)
    }

    /// A new one, which is not in the book yet.
    pub(super) fn order(&self, amount: i64, receipt: Option<&str>, notes: &Value) -> Value {
        json!({
            "id": self.id("order"),
            "entity": "order",
            "amount": amount,
            "amount_paid": 0,
            "amount_due": amount,
            "currency": "INR",
            "receipt": receipt,
            "offer_id": null,
            "status": "created",
            "attempts": 0,
            "notes": notes,
            "created_at": self.now,
        })
    }

    pub(super) fn note_order(&mut self, id: &str, body: &Value) -> Result<Value, Refusal> {
        let fields = Fields::of(body, &["notes"])?;
        if !fields.has("notes") {
            return Err(Refusal::field("notes", "The notes field is required."));
        }
        let notes = fields.notes()?;
        let order = self.book.orders.get_mut(id)?;
        set(order, json!({ "notes": notes }));
        Ok(order.clone())
    }

    pub(super) fn list_orders(&self, query: &[(String, String)]) -> Result<Value, Refusal> {
        let page = Page::of(query, &["receipt", "authorized"])?;
        let of = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let (receipt, authorized) = (of("receipt"), of("authorized"));
        Ok(page.cut(self.book.orders.newest_first().filter(|order| {
            receipt.is_none_or(|receipt| order["receipt"] == receipt)
                && authorized.is_none_or(|wanted| (wanted == "1") == self.has_authorized(text(order, "id")))
        })))
    }

    fn has_authorized(&self, order: &str) -> bool {
        self.payments_of(order).any(|payment| matches!(text(payment, "status"), "authorized" | "captured"))
    }

    pub(super) fn order_payments(&self, id: &str, query: &[(String, String)]) -> Result<Value, Refusal> {
        self.book.orders.get(id)?;
        Ok(Page::of(query, &[])?.cut(self.payments_of(id)))
    }

    fn payments_of(&self, order: &str) -> impl Iterator<Item = &Value> {
        self.book.payments.newest_first().filter(move |payment| payment["order_id"] == order)
    }
}
