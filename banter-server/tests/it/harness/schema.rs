//! Is an answer what the document says? Strictly: nothing is missing, nothing is there that is not described.

use serde_json::Value;

use super::document::Document;

impl Document {
    /// The answer of this status to `GET /api/…`, or why it is not as documented.
    pub(crate) fn check_answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        answer: &Value,
    ) -> Result<(), String> {
        let responses = &self.json["paths"][path][method.to_lowercase()]["responses"];
        let response = responses.get(status.to_string()).unwrap_or(&responses["default"]);
        let schema = &response["content"]["application/json"]["schema"];
        self.conforms(schema, answer, "").map_err(|why| format!("{method} {path}: {status}: {why}: {answer}"))
    }

    /// Payloads of socket events name the same schemas.
    pub(crate) fn conforms(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let found = self.json.pointer(reference.trim_start_matches('#'));
            return self.conforms(found.ok_or_else(|| format!("{reference} leads nowhere"))?, value, at);
        }
        if let Some(some) = schema["oneOf"].as_array() {
            let fits = some.iter().filter(|one| self.conforms(one, value, at).is_ok()).count();
            return if fits == 1 { Ok(()) } else { Err(format!("{at} fits {fits} of the alternatives")) };
        }
        if let Some(all) = schema["enum"].as_array() {
            return if all.contains(value) { Ok(()) } else { Err(format!("{at} is not listed")) };
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            one => vec![one.clone()],
        };
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !types.contains(&Value::String(kind.into())) {
            return Err(format!("{at} is {kind}, expected {types:?}"));
        }
        match value {
            Value::String(text) => {
                formatted(schema["format"].as_str(), text).map_err(|why| format!("{at} {why}"))
            }
            Value::Array(entries) => entries
                .iter()
                .try_for_each(|entry| self.conforms(&schema["items"], entry, &format!("{at}[]"))),
            Value::Object(fields) => {
                let missing = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                if let Some(name) = missing.into_iter().find(|name| !fields.contains_key(*name)) {
                    return Err(format!("{at}.{name} is missing"));
                }
                let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
                fields.iter().try_for_each(|(name, field)| match properties.get(name) {
                    None => Err(format!("{at}.{name} is not described")),
                    Some(property) => self.conforms(property, field, &format!("{at}.{name}")),
                })
            }
            _ => Ok(()),
        }
    }
}

fn formatted(format: Option<&str>, text: &str) -> Result<(), String> {
    let fits = match format {
        Some("uuid") => text.parse::<uuid::Uuid>().is_ok(),
        Some("date-time") => chrono::DateTime::parse_from_rfc3339(text).is_ok() && text.ends_with('Z'),
        Some("date") => text.parse::<chrono::NaiveDate>().is_ok(),
        Some(_) | None => true,
    };
    if fits { Ok(()) } else { Err(format!("is no {format:?}: {text}")) }
}
