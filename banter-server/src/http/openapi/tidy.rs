//! What the derives cannot say. The document is made of the code; this pass makes it a good read for who writes an
//! app, and a good source for who generates one.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

const SCHEMAS: &str = "#/components/schemas/";

/// The document as it is published.
pub fn tidy(document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).expect("a document is plain data");
    name_answers(&mut document);
    for (path, item) in fields(&mut document["paths"]) {
        for (method, operation) in fields(item) {
            describe_responses(operation);
            let kept = !path.starts_with("/api/auth/") && path != "/api/uploads";
            if method == "post" && kept && operation.get("security").is_some() {
                offer_idempotency(operation);
            }
        }
    }
    join_parts(&mut document);
    require_what_is_always_there(&mut document);
    document
}

fn fields(json: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    json.as_object_mut().into_iter().flatten()
}

/// `Answer_Blocks`, two things glued together, becomes the object `BlocksAnswer`; the half that only it used goes.
fn name_answers(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
    let mut renamed = Vec::new();
    for (name, schema) in std::mem::take(schemas) {
        match name.strip_prefix("Answer_") {
            Some(inner) => {
                let new = format!("{}Answer", inner.strip_suffix("Answer").unwrap_or(inner));
                renamed.push((format!("{SCHEMAS}{name}"), format!("{SCHEMAS}{new}")));
                schemas.insert(new, joined(&schema));
            }
            None => {
                schemas.entry(name).or_insert(schema);
            }
        }
    }
    each_reference(document, &mut |reference| {
        if let Some((_, new)) = renamed.iter().find(|(old, _)| old == reference) {
            reference.clone_from(new);
        }
    });
    let mut used = BTreeSet::new();
    each_reference(document, &mut |reference| {
        used.insert(reference.clone());
    });
    let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
    schemas.retain(|name, _| used.contains(&format!("{SCHEMAS}{name}")));
}

/// One object of an `allOf`, or one of several if a part has alternatives.
fn joined(schema: &Value) -> Value {
    let parts = schema["allOf"].as_array().cloned().unwrap_or_default();
    let (one_of, plain): (Vec<Value>, Vec<Value>) =
        parts.into_iter().partition(|part| part.get("oneOf").is_some());
    let alternatives = one_of.first().and_then(|part| part["oneOf"].as_array());
    match alternatives {
        None => merged(&plain),
        Some(alternatives) => {
            let whole = alternatives.iter().map(|one| {
                let mut parts = plain.clone();
                parts.push(one.clone());
                merged(&parts)
            });
            json!({ "oneOf": whole.collect::<Vec<_>>() })
        }
    }
}

fn merged(parts: &[Value]) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// A named object that is another and some fields more becomes one object.
fn join_parts(document: &mut Value) {
    let known = document["components"]["schemas"].clone();
    for (_, schema) in fields(&mut document["components"]["schemas"]) {
        let Some(parts) = schema["allOf"].as_array() else { continue };
        let whole = |part: &Value| match part["$ref"].as_str().and_then(|name| name.strip_prefix(SCHEMAS)) {
            Some(name) => known[name].clone(),
            None => part.clone(),
        };
        let mut joined = merged(&parts.iter().map(whole).collect::<Vec<_>>());
        joined["description"] = schema["description"].clone();
        *schema = joined;
    }
}

fn each_reference(json: &mut Value, visit: &mut impl FnMut(&mut String)) {
    match json {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(reference) if key == "$ref" => visit(reference),
                    value => each_reference(value, visit),
                }
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| each_reference(entry, visit)),
        _ => {}
    }
}

/// A description is not optional in a response.
fn describe_responses(operation: &mut Value) {
    for (status, response) in fields(&mut operation["responses"]) {
        let missing = response["description"].as_str().is_none_or(str::is_empty);
        if missing {
            let reason = status.parse::<axum::http::StatusCode>().ok().and_then(|s| s.canonical_reason());
            response["description"] = json!(reason.unwrap_or("Otherwise"));
        }
    }
}

fn offer_idempotency(operation: &mut Value) {
    let header = json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "Chosen by the client for this act; a repeat within 24 h gets the first answer again.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(header),
        None => operation["parameters"] = json!([header]),
    }
}

/// In what we answer a field that can be null is there all the same: it is optional only in what we are sent.
fn require_what_is_always_there(document: &mut Value) {
    let mut reached = BTreeSet::new();
    let paths = document["paths"].clone();
    for operation in paths.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_object) {
        for mut operation in operation.values().cloned() {
            reach(&mut operation["responses"], document, &mut reached);
        }
    }
    for (name, schema) in fields(&mut document["components"]["schemas"]) {
        if reached.contains(name) {
            require(schema);
        }
    }
}

fn reach(json: &mut Value, document: &Value, reached: &mut BTreeSet<String>) {
    let mut names = Vec::new();
    each_reference(json, &mut |reference| names.extend(reference.strip_prefix(SCHEMAS).map(str::to_owned)));
    for name in names {
        let mut schema = document["components"]["schemas"][&name].clone();
        if reached.insert(name) {
            reach(&mut schema, document, reached);
        }
    }
}

fn require(schema: &mut Value) {
    for one in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        require(one);
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    let nullable = |schema: &Value| {
        let types = schema["type"].as_array().into_iter().flatten();
        let kinds = schema["oneOf"].as_array().into_iter().flatten().map(|one| &one["type"]);
        types.chain(kinds).any(|kind| kind == "null")
    };
    let mut required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, property) in properties {
        if nullable(property) && !required.contains(&json!(name)) {
            required.push(json!(name));
        }
    }
    schema["required"] = Value::Array(required);
}
