//! Payments: attempts to pay an order. Money is promised first (authorised) and taken then (captured), at once unless it
//! comes late.

use serde_json::{Value, json};

use super::book::{Work, number, set, text};
use super::checks::{Fields, Page, Refusal};
use super::customer::Method;

/// Fields that an API's answer has and an event has not.
const OF_THE_API: [&str; 3] = ["customer_id", "token_id", "upi"];

impl Work<'_> {
    pub(super) fn list_payments(&self, query: &[(String, String)]) -> Result<Value, Refusal> {
        Ok(Page::of(query, &[])?.cut(self.book.payments.newest_first()))
    }

    pub(super) fn capture_as_asked(&mut self, id: &str, body: &Value) -> Result<Value, Refusal> {
        let fields = Fields::of(body, &["amount", "currency"])?;
        let amount = Fields::need("amount", fields.amount()?)?;
        fields.currency()?;
        if number(self.book.payments.get(id)?, "amount") != amount {
            return Err(Refusal {
                field: Some("amount".into()),
                ..Refusal::now("Capture amount must be equal to the amount authorized")
            });
        }
        self.capture(id)?;
        Ok(self.book.payments.get(id)?.clone())
    }

    /// Somebody tries to pay: in the book, as `status` says, and nobody told.
    pub(super) fn attempt(&mut self, order: &str, method: Method, status: &str) -> Result<Value, Refusal> {
        let now = self.now;
        let order = self.book.orders.get_mut(order)?;
        if order["status"] == "paid" {
            return Err(Refusal::now("Payment already done for this order."));
        }
        let attempts = number(order, "attempts") + 1;
        set(order, json!({ "status": "attempted", "attempts": attempts }));
        let order = order.clone();
        let mut payment = json!({
            "id": self.id("pay"),
            "entity": "payment",
            "amount": order["amount"],
            "currency": "INR",
            "base_amount": order["amount"],
            "status": status,
            "order_id": order["id"],
            "invoice_id": null,
            "international": false,
            "method": method,
            "amount_refunded": 0,
            "amount_transferred": 0,
            "refund_status": null,
            "captured": false,
            "description": "Test payment",
            "card_id": null,
            "bank": null,
            "wallet": null,
            "vpa": null,
            "email": "customer@example.com",
            "contact": "+919876543210",
            "customer_id": null,
            "token_id": null,
            "notes": order["notes"],
            "fee": null,
            "tax": null,
            "error_code": null,
            "error_description": null,
            "error_source": null,
            "error_step": null,
            "error_reason": null,
            "acquirer_data": {},
            "created_at": now,
        });
        set(&mut payment, self.paid_by(method));
        self.book.payments.put(payment.clone());
        Ok(payment)
    }

    fn paid_by(&self, method: Method) -> Value {
        match method {
            Method::Upi => json!({
                "vpa": "success@razorpay",
                "acquirer_data": { "rrn": "012583617700" },
                "upi": { "payer_account_type": "bank_account", "vpa": "success@razorpay", "flow": "collect" },
            }),
            Method::Card => json!({ "card_id": self.id("card"), "acquirer_data": { "auth_code": "064381" } }),
            Method::Netbanking => {
                json!({ "bank": "HDFC", "acquirer_data": { "bank_transaction_id": "0125836177" } })
            }
            Method::Wallet => json!({ "wallet": "phonepe", "acquirer_data": { "transaction_id": null } }),
        }
    }

    /// Takes the money of an authorised payment: its order is paid.
    pub(super) fn capture(&mut self, id: &str) -> Result<(), Refusal> {
        let payment = self.book.payments.get(id)?;
        match text(payment, "status") {
            "authorized" => {}
            "captured" | "refunded" => return Err(Refusal::now("This payment has already been captured")),
            _ => {
                return Err(Refusal::now(
                    "Only payments which have been authorized and not yet captured can be captured",
                ));
            }
        }
        let amount = number(payment, "amount");
        let order = self.book.orders.get_mut(text(payment, "order_id"))?;
        if order["status"] == "paid" {
            return Err(Refusal::now("Your payment could not be captured as the order is already paid"));
        }
        set(order, json!({ "status": "paid", "amount_paid": amount, "amount_due": 0 }));
        let order = order.clone();
        let (fee, tax) = fee(amount);
        let payment = self.book.payments.get_mut(id)?;
        set(payment, json!({ "status": "captured", "captured": true, "fee": fee, "tax": tax }));
        let told = told(payment);
        self.tell("payment.captured", &[("payment", told.clone())]);
        self.tell("order.paid", &[("payment", told), ("order", order)]);
        Ok(())
    }
}

/// What Razorpay keeps of this amount, and the GST within: 2 % and 18 % of that.
fn fee(amount: i64) -> (i64, i64) {
    let base = amount * 2 / 100;
    let tax = base * 18 / 100;
    (base + tax, tax)
}

/// As events have it.
pub(super) fn told(payment: &Value) -> Value {
    let mut told = payment.clone();
    if let Value::Object(fields) = &mut told {
        fields.retain(|name, _| !OF_THE_API.contains(&name.as_str()));
    }
    told
}
