//! What a request may say, and how it is refused.

use serde_json::{Map, Value, json};

/// `error` as Razorpay answers it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{description}")]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub description: String,
    pub field: Option<String>,
    /// The request breaks a rule of the API, whatever the state of things: a mistake in the program that asks.
    pub broke_a_rule: bool,
}

impl Refusal {
    /// The request is well formed, but cannot be done as things are.
    pub(super) fn now(description: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: "BAD_REQUEST_ERROR",
            description: description.into(),
            field: None,
            broke_a_rule: false,
        }
    }

    pub(super) fn rule(description: impl Into<String>) -> Self {
        Self { broke_a_rule: true, ..Self::now(description) }
    }

    pub(super) fn field(field: &str, description: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::rule(description) }
    }

    pub(super) fn unknown_id() -> Self {
        Self::now("The id provided does not exist")
    }

    pub(super) fn no_such_url() -> Self {
        Self::rule("The requested URL was not found on the server.")
    }

    pub(super) fn not_authenticated() -> Self {
        Self { status: 401, ..Self::rule("Authentication failed") }
    }

    pub(super) fn body(&self) -> Value {
        let mut error = json!({ "code": self.code, "description": self.description, "metadata": {} });
        let (source, step, reason) = match (self.status, self.broke_a_rule) {
            (401, _) => ("NA", "NA", "NA"),
            (_, true) => ("business", "payment_initiation", "input_validation_failed"),
            (_, false) => ("business", "NA", "NA"),
        };
        error["source"] = source.into();
        error["step"] = step.into();
        error["reason"] = reason.into();
        if let Some(field) = &self.field {
            error["field"] = field.as_str().into();
        }
        json!({ "error": error })
    }
}

/// A JSON object of which every field is known.
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn of(body: &'a Value, known: &[&str]) -> Result<Self, Refusal> {
        let Value::Object(fields) = body else {
            return Err(Refusal::rule("The request body must be a JSON object"));
        };
        let unknown: Vec<_> =
            fields.keys().filter(|name| !known.contains(&name.as_str())).map(String::as_str).collect();
        match unknown.as_slice() {
            [] => Ok(Self(fields)),
            [first, ..] => Err(Refusal::field(
                first,
                format!("{} is/are not required and should not be sent", unknown.join(", ")),
            )),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn need<T>(name: &str, value: Option<T>) -> Result<T, Refusal> {
        value
            .ok_or_else(|| Refusal::field(name, format!("The {} field is required.", name.replace('_', " "))))
    }

    /// Paise, of which there are always a hundred.
    pub(super) fn amount(&self) -> Result<Option<i64>, Refusal> {
        match self.whole("amount")? {
            Some(amount) if amount < 100 => {
                Err(Refusal::field("amount", "The amount must be at least INR 1.00"))
            }
            amount => Ok(amount),
        }
    }

    pub(super) fn whole(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let number = value.as_i64();
                let wrong =
                    || Refusal::field(name, format!("The {} must be an integer.", name.replace('_', " ")));
                number.ok_or_else(wrong).map(Some)
            }
        }
    }

    /// `true`, `false`, `1` or `0`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::Number(number)) if number.as_i64().is_some_and(|n| n == 0 || n == 1) => {
                Ok(Some(number.as_i64() == Some(1)))
            }
            Some(_) => Err(Refusal::field(
                name,
                format!("The {} field must be true or false.", name.replace('_', " ")),
            )),
        }
    }

    /// At most `most` characters.
    pub(super) fn text(&self, name: &str, most: usize) -> Result<Option<&'a str>, Refusal> {
        let named = name.replace('_', " ");
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.chars().count() > most => {
                Err(Refusal::field(name, format!("The {named} may not be greater than {most} characters.")))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::field(name, format!("The {named} must be a string."))),
        }
    }

    /// Indian rupees, and nothing else.
    pub(super) fn currency(&self) -> Result<(), Refusal> {
        match Self::need("currency", self.text("currency", 3)?)? {
            "INR" => Ok(()),
            _ => Err(Refusal::field("currency", "Currency is not supported")),
        }
    }

    /// `[]` when there are none, as it is answered.
    pub(super) fn notes(&self) -> Result<Value, Refusal> {
        let pairs = match self.0.get("notes") {
            None | Some(Value::Null) => return Ok(json!([])),
            Some(Value::Array(none)) if none.is_empty() => return Ok(json!([])),
            Some(Value::Object(pairs)) => pairs,
            Some(_) => return Err(Refusal::field("notes", "notes must be an array of key value pairs")),
        };
        if pairs.len() > 15 {
            return Err(Refusal::field(
                "notes",
                "Number of fields in notes should be less than or equal to 15",
            ));
        }
        let long = |value: &Value| match value {
            Value::String(text) => text.chars().count() > 256,
            Value::Number(_) | Value::Bool(_) => false,
            _ => true,
        };
        if pairs.iter().any(|(name, value)| name.chars().count() > 256 || long(value)) {
            return Err(Refusal::field(
                "notes",
                "The notes fields should not be more than 256 characters long.",
            ));
        }
        Ok(if pairs.is_empty() { json!([]) } else { Value::Object(pairs.clone()) })
    }
}

/// Of a list: which part of it.
pub(super) struct Page {
    from: i64,
    to: i64,
    count: usize,
    skip: usize,
}

impl Page {
    /// `known` names the query's other parameters.
    pub(super) fn of(query: &[(String, String)], known: &[&str]) -> Result<Self, Refusal> {
        let mut page = Self { from: i64::MIN, to: i64::MAX, count: 10, skip: 0 };
        for (name, value) in query {
            let wrong = || Refusal::field(name, format!("The {name} must be an integer."));
            match name.as_str() {
                "from" => page.from = value.parse().map_err(|_| wrong())?,
                "to" => page.to = value.parse().map_err(|_| wrong())?,
                "count" => page.count = value.parse().map_err(|_| wrong())?,
                "skip" => page.skip = value.parse().map_err(|_| wrong())?,
                name if known.contains(&name) => {}
                name => {
                    let why = format!("{name} is/are not required and should not be sent");
                    return Err(Refusal::field(name, why));
                }
            }
        }
        match page.count {
            1..=100 => Ok(page),
            _ => Err(Refusal::field("count", "The count must be between 1 and 100.")),
        }
    }

    /// `all`: the newest first.
    pub(super) fn cut<'a>(&self, all: impl Iterator<Item = &'a Value>) -> Value {
        let when = |entity: &Value| entity["created_at"].as_i64().unwrap_or_default();
        let items: Vec<_> = all
            .filter(|entity| (self.from..=self.to).contains(&when(entity)))
            .skip(self.skip)
            .take(self.count)
            .collect();
        json!({ "entity": "collection", "count": items.len(), "items": items })
    }
}
