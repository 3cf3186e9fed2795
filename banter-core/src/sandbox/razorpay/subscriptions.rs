//! Subscriptions as the merchant sees them: made, looked at, paused, ended.

use serde_json::{Value, json};

use super::book::{Work, number, set, text};
use super::checks::{Fields, Page, Refusal};

impl Work<'_> {
    pub(super) fn create_subscription(&mut self, body: &Value) -> Result<Value, Refusal> {
        let known =
            ["plan_id", "total_count", "quantity", "start_at", "expire_by", "customer_notify", "notes"];
        let fields = Fields::of(body, &known)?;
        let plan = Fields::need("plan_id", fields.text("plan_id", 40)?)?;
        let plan = self.book.plans.get(plan)?;
        let count = Fields::need("total_count", fields.whole("total_count")?)?;
        let most = match text(plan, "period") {
            "daily" => 36_500,
            "weekly" => 5_200,
            "monthly" => 1_200,
            "quarterly" => 400,
            _ => 100,
        } / number(plan, "interval");
        if !(1..=most).contains(&count) {
            return Err(Refusal::field(
                "total_count",
                format!("The total count must be between 1 and {most}."),
            ));
        }
        let quantity = fields.whole("quantity")?.unwrap_or(1);
        if quantity < 1 {
            return Err(Refusal::field("quantity", "The quantity must be at least 1."));
        }
        let (start_at, expire_by) = (fields.whole("start_at")?, fields.whole("expire_by")?);
        for (name, time) in [("start_at", start_at), ("expire_by", expire_by)] {
            if time.is_some_and(|time| time <= self.now) {
                return Err(Refusal::field(name, format!("{name} cannot be lesser than the current time.")));
            }
        }
        let id = self.id("sub");
        let subscription = json!({
            "short_url": format!("https://rzp.io/i/{}", &id[id.len() - 8..]),
            "id": id,
            "entity": "subscription",
            "plan_id": plan["id"],
            "customer_id": null,
            "status": "created",
            "current_start": null,
            "current_end": null,
            "ended_at": null,
            "quantity": quantity,
            "notes": fields.notes()?,
            "charge_at": start_at,
            "start_at": start_at,
            "end_at": start_at.map(|start| super::plans::end_of(plan, start, count)),
            "auth_attempts": 0,
            "total_count": count,
            "paid_count": 0,
            "customer_notify": fields.flag("customer_notify")?.unwrap_or(true),
            "created_at": self.now,
            "expire_by": expire_by,
            "has_scheduled_changes": false,
            "change_scheduled_at": null,
            "source": "api",
            "offer_id": null,
            "remaining_count": count,
        });
        self.book.subscriptions.put(subscription.clone());
        Ok(subscription)
    }

    pub(super) fn list_subscriptions(&self, query: &[(String, String)]) -> Result<Value, Refusal> {
        let page = Page::of(query, &["plan_id"])?;
        let plan = query.iter().find(|(name, _)| name == "plan_id").map(|(_, value)| value);
        let all = self.book.subscriptions.newest_first();
        Ok(page.cut(all.filter(|subscription| plan.is_none_or(|plan| subscription["plan_id"] == **plan))))
    }

    pub(super) fn cancel_as_asked(&mut self, id: &str, body: &Value) -> Result<Value, Refusal> {
        let later = match body {
            Value::Null => false,
            body => Fields::of(body, &["cancel_at_cycle_end"])?.flag("cancel_at_cycle_end")?.unwrap_or(false),
        };
        let subscription = self.book.subscriptions.get(id)?;
        let status = text(subscription, "status");
        match status {
            "cancelled" | "completed" | "expired" => {
                let why = format!("Subscription is not cancellable in {status} status.");
                Err(Refusal { field: Some("status".into()), ..Refusal::now(why) })
            }
            "created" | "authenticated" if later => {
                Err(Refusal::now("Subscription cannot be cancelled since no billing cycle is going on"))
            }
            _ if later => {
                self.book.ending.insert(id.to_owned());
                Ok(self.book.subscriptions.get(id)?.clone())
            }
            _ => self.cancel(id),
        }
    }

    pub(super) fn cancel(&mut self, id: &str) -> Result<Value, Refusal> {
        self.book.ending.remove(id);
        let ended = json!({ "status": "cancelled", "ended_at": self.now, "charge_at": null });
        self.move_on(id, ended, "subscription.cancelled")
    }

    pub(super) fn pause(&mut self, id: &str, body: &Value) -> Result<Value, Refusal> {
        self.only_now(body, "pause_at")?;
        match text(self.book.subscriptions.get(id)?, "status") {
            "active" => {
                let paused =
                    json!({ "status": "paused", "paused_at": self.now, "pause_initiated_by": "self" });
                self.move_on(id, paused, "subscription.paused")
            }
            // Of what never ran nothing can be resumed.
            "authenticated" => self.cancel(id),
            status => Err(Refusal::now(format!("Subscription is not pausable in {status} status."))),
        }
    }

    pub(super) fn resume(&mut self, id: &str, body: &Value) -> Result<Value, Refusal> {
        self.only_now(body, "resume_at")?;
        match text(self.book.subscriptions.get(id)?, "status") {
            "paused" => {
                let resumed = json!({ "status": "active", "paused_at": null, "pause_initiated_by": null });
                self.move_on(id, resumed, "subscription.resumed")
            }
            status => Err(Refusal::now(format!("Subscription is not resumable in {status} status."))),
        }
    }

    fn only_now(&self, body: &Value, field: &str) -> Result<(), Refusal> {
        if body.is_null() {
            return Ok(());
        }
        match Fields::of(body, &[field])?.text(field, 10)? {
            None | Some("now") => Ok(()),
            Some(_) => {
                Err(Refusal::field(field, format!("The selected {} is invalid.", field.replace('_', " "))))
            }
        }
    }

    /// Sets these fields, and tells of it; the subscription then.
    pub(super) fn move_on(&mut self, id: &str, fields: Value, event: &str) -> Result<Value, Refusal> {
        let subscription = self.book.subscriptions.get_mut(id)?;
        set(subscription, fields);
        let subscription = subscription.clone();
        self.tell(event, &[("subscription", told(&subscription))]);
        Ok(subscription)
    }
}

/// As events have it.
pub(super) fn told(subscription: &Value) -> Value {
    let mut told = subscription.clone();
    set(&mut told, json!({ "type": 2 }));
    told
}
