//! Plans: what a subscription costs, and how often. They cannot be changed.

use chrono::{DateTime, Days, Months};
use serde_json::{Value, json};

use super::book::{Work, number, text};
use super::checks::{Fields, Page, Refusal};

impl Work<'_> {
    pub(super) fn create_plan(&mut self, body: &Value) -> Result<Value, Refusal> {
        let id = self.id("plan");
        self.put_plan(&id, body)
    }

    fn put_plan(&mut self, id: &str, body: &Value) -> Result<Value, Refusal> {
        let fields = Fields::of(body, &["period", "interval", "item", "notes"])?;
        let period = Fields::need("period", fields.text("period", 20)?)?;
        let least = match period {
            "daily" => 7,
            "weekly" | "monthly" | "quarterly" | "yearly" => 1,
            _ => return Err(Refusal::field("period", format!("Not a valid period: {period}"))),
        };
        let interval = Fields::need("interval", fields.whole("interval")?)?;
        if interval < least {
            return Err(Refusal::field("interval", format!("The interval must be at least {least}.")));
        }
        let notes = fields.notes()?;
        let item = Fields::of(&body["item"], &["name", "amount", "currency", "description"])?;
        let amount = Fields::need("amount", item.amount()?)?;
        item.currency()?;
        let name = Fields::need("name", item.text("name", 512)?)?;
        let description = item.text("description", 2048)?;
        let plan = json!({
            "id": id,
            "entity": "plan",
            "interval": interval,
            "period": period,
            "item": {
                "id": self.id("item"),
                "active": true,
                "name": name,
                "description": description,
                "amount": amount,
                "unit_amount": amount,
                "currency": "INR",
                "type": "plan",
                "unit": null,
                "tax_inclusive": false,
                "hsn_code": null,
                "sac_code": null,
                "tax_rate": null,
                "tax_id": null,
                "tax_group_id": null,
                "created_at": self.now,
                "updated_at": self.now,
            },
            "notes": notes,
            "created_at": self.now,
        });
        self.book.plans.put(plan.clone());
        Ok(plan)
    }

    pub(super) fn list_plans(&self, query: &[(String, String)]) -> Result<Value, Refusal> {
        Ok(Page::of(query, &[])?.cut(self.book.plans.newest_first()))
    }

    /// Puts the plan of this id on the shelf, unless it is there at this price.
    pub(super) fn ensure_plan(&mut self, id: &str, period: &str, amount: i64) {
        if self.book.plans.get(id).is_ok_and(|plan| plan["item"]["amount"] == amount) {
            return;
        }
        let item = json!({ "name": format!("Premium, {period}"), "amount": amount, "currency": "INR" });
        let plan = json!({ "period": period, "interval": 1, "item": item });
        self.put_plan(id, &plan).expect("as its own rules have it");
    }
}

/// The end of `count` periods that begin at `start` (unix seconds).
pub(super) fn end_of(plan: &Value, start: i64, count: i64) -> i64 {
    let count = u32::try_from(number(plan, "interval") * count).unwrap_or(u32::MAX);
    let months = |each: u32| {
        DateTime::from_timestamp(start, 0)?.checked_add_months(Months::new(count.checked_mul(each)?))
    };
    let days =
        |each: u64| DateTime::from_timestamp(start, 0)?.checked_add_days(Days::new(u64::from(count) * each));
    let end = match text(plan, "period") {
        "daily" => days(1),
        "weekly" => days(7),
        "monthly" => months(1),
        "quarterly" => months(3),
        _ => months(12),
    };
    end.map_or(i64::MAX, |end| end.timestamp())
}
