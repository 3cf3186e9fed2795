//! The customer of a subscription, and the time that passes: authorised, charged each period, failing, over.

use serde_json::{Value, json};

use super::book::{Work, number, set, text};
use super::checks::Refusal;
use super::customer::{Checkout, Method, failed};
use super::{payments, plans, subscriptions};

/// Charges that fail one after another until the subscription halts.
const ATTEMPTS: i64 = 4;
const DAY: i64 = 86_400;
/// What a payment has that Razorpay's events of subscriptions leave out.
const NOT_OF_EVENTS: [&str; 5] =
    ["base_amount", "acquirer_data", "error_source", "error_step", "error_reason"];

impl Work<'_> {
    /// The customer agrees, and pays the first period unless that begins later.
    pub(super) fn subscribe(&mut self, secret: &str, id: &str, method: Method) -> Result<Checkout, Refusal> {
        let subscription = self.book.subscriptions.get(id)?;
        let status = text(subscription, "status");
        if status != "created" {
            return Err(Refusal::now(format!("Subscription cannot be paid for in {status} status.")));
        }
        let start = number(subscription, "start_at");
        let customer = self.id("cust");
        let agreed = json!({ "customer_id": customer, "status": "authenticated" });
        set(self.book.subscriptions.get_mut(id)?, agreed);
        let payment = self.charge(id, method)?;
        self.tell_both("subscription.authenticated", id, &payment)?;
        if start <= self.now {
            self.begin_period(id, self.now)?;
            self.tell_both("subscription.activated", id, &payment)?;
            self.tell_both("subscription.charged", id, &payment)?;
            self.complete_if_paid(id, &payment)?;
        }
        Ok(Checkout::of_subscription(secret, id, text(&payment, "id")))
    }

    /// The next period begins: it is paid, or the subscription ends that was to end with its period.
    pub(super) fn charge_next(&mut self, id: &str) -> Result<Value, Refusal> {
        let subscription = self.book.subscriptions.get(id)?;
        let status = text(subscription, "status").to_owned();
        if !matches!(&*status, "authenticated" | "active" | "pending" | "halted") {
            return Err(Refusal::now(format!("Subscription is not charged in {status} status.")));
        }
        if self.book.ending.contains(id) {
            return self.cancel(id);
        }
        let start = match subscription["current_end"].as_i64() {
            Some(end) => end,
            None => subscription["start_at"].as_i64().unwrap_or(self.now),
        };
        let payment = self.charge(id, Method::Card)?;
        self.begin_period(id, start)?;
        if status != "active" {
            self.tell_both("subscription.activated", id, &payment)?;
        }
        self.tell_both("subscription.charged", id, &payment)?;
        self.complete_if_paid(id, &payment)?;
        Ok(self.book.subscriptions.get(id)?.clone())
    }

    /// The bank refuses the charge: it will be tried again on the next day, until the subscription halts.
    pub(super) fn fail_charge(&mut self, id: &str) -> Result<Value, Refusal> {
        let subscription = self.book.subscriptions.get(id)?;
        let status = text(subscription, "status");
        if !matches!(status, "active" | "pending") {
            return Err(Refusal::now(format!("Subscription is not charged in {status} status.")));
        }
        let attempts = number(subscription, "auth_attempts") + 1;
        let payment = self.of_subscription(id, Method::Card, "failed", failed("payment_failed"))?;
        self.tell("payment.failed", &[("payment", payments::told(&payment))]);
        let (status, charge_at) = match attempts {
            ATTEMPTS.. => ("halted", None),
            _ => ("pending", Some(self.now + DAY)),
        };
        let fields = json!({ "status": status, "auth_attempts": attempts, "charge_at": charge_at });
        self.move_on(id, fields, &format!("subscription.{status}"))
    }

    /// Every period was paid.
    pub(super) fn complete(&mut self, id: &str) -> Result<Value, Refusal> {
        let subscription = self.book.subscriptions.get(id)?;
        let status = text(subscription, "status");
        if status != "active" {
            return Err(Refusal::now(format!("Subscription is not completed in {status} status.")));
        }
        let paid = self
            .book
            .payments
            .newest_first()
            .find(|payment| payment["customer_id"] == subscription["customer_id"]);
        let payment = paid.ok_or_else(Refusal::unknown_id)?.clone();
        let total = number(subscription, "total_count");
        set(self.book.subscriptions.get_mut(id)?, json!({ "paid_count": total, "remaining_count": 0 }));
        self.complete_if_paid(id, &payment)?;
        Ok(self.book.subscriptions.get(id)?.clone())
    }

    /// Nobody agreed in time. Razorpay has no event for it.
    pub(super) fn expire(&mut self, id: &str) -> Result<Value, Refusal> {
        let subscription = self.book.subscriptions.get_mut(id)?;
        let status = text(subscription, "status");
        if status != "created" {
            return Err(Refusal::now(format!("Subscription does not expire in {status} status.")));
        }
        set(subscription, json!({ "status": "expired", "charge_at": null, "ended_at": self.now }));
        Ok(subscription.clone())
    }

    /// Takes the money, by an order that nobody asked for.
    fn charge(&mut self, id: &str, method: Method) -> Result<Value, Refusal> {
        let payment = self.of_subscription(id, method, "authorized", json!({}))?;
        self.tell("payment.authorized", &[("payment", payments::told(&payment))]);
        self.capture(text(&payment, "id"))?;
        Ok(self.book.payments.get(text(&payment, "id"))?.clone())
    }

    fn of_subscription(
        &mut self,
        id: &str,
        method: Method,
        status: &str,
        fields: Value,
    ) -> Result<Value, Refusal> {
        let subscription = self.book.subscriptions.get(id)?;
        let customer = subscription["customer_id"].clone();
        let plan = self.book.plans.get(text(subscription, "plan_id"))?;
        let amount = number(&plan["item"], "amount") * number(subscription, "quantity");
        let order = self.order(amount, None, &json!([]));
        self.book.orders.put(order.clone());
        let payment = self.attempt(text(&order, "id"), method, status)?;
        let invoice = self.id("inv");
        let payment = self.book.payments.get_mut(text(&payment, "id"))?;
        set(
            payment,
            json!({
                "invoice_id": invoice,
                "customer_id": customer,
                "description": "Recurring Payment via Subscription",
            }),
        );
        set(payment, fields);
        Ok(payment.clone())
    }

    fn begin_period(&mut self, id: &str, start: i64) -> Result<(), Refusal> {
        let subscription = self.book.subscriptions.get_mut(id)?;
        let plan = self.book.plans.get(text(subscription, "plan_id"))?;
        let end = plans::end_of(plan, start, 1);
        let (paid, total) = (number(subscription, "paid_count") + 1, number(subscription, "total_count"));
        if subscription["start_at"].is_null() {
            let over = plans::end_of(plan, start, total);
            set(subscription, json!({ "start_at": start, "end_at": over }));
        }
        let fields = json!({
            "status": "active",
            "current_start": start,
            "current_end": end,
            "charge_at": end,
            "auth_attempts": 0,
            "paid_count": paid,
            "remaining_count": total - paid,
        });
        set(subscription, fields);
        Ok(())
    }

    fn complete_if_paid(&mut self, id: &str, payment: &Value) -> Result<(), Refusal> {
        let subscription = self.book.subscriptions.get_mut(id)?;
        if number(subscription, "remaining_count") > 0 {
            return Ok(());
        }
        set(subscription, json!({ "status": "completed", "ended_at": self.now, "charge_at": null }));
        self.tell_both("subscription.completed", id, payment)
    }

    fn tell_both(&mut self, event: &str, id: &str, payment: &Value) -> Result<(), Refusal> {
        let subscription = subscriptions::told(self.book.subscriptions.get(id)?);
        let mut payment = payment.clone();
        // Here, and only here, it is a text.
        set(&mut payment, json!({ "captured": "1" }));
        if let Value::Object(fields) = &mut payment {
            fields.retain(|name, _| !NOT_OF_EVENTS.contains(&name.as_str()) && name != "upi");
        }
        self.tell(event, &[("subscription", subscription), ("payment", payment)]);
        Ok(())
    }
}
