//! What `messages:send` takes, field by field: a field that the service does not know, or a value that it would not
//! take, is refused with the field's name.

use serde_json::{Map, Value};

use crate::providers::fcm::LARGEST;

pub(super) fn check(body: &Value) -> Result<(), String> {
    let body = object(body, "body", &["validate_only", "message"])?;
    if !body.get("validate_only").is_none_or(Value::is_boolean) {
        return Err("validate_only: not a boolean".into());
    }
    let message = body.get("message").ok_or("message: missing")?;
    if message.to_string().len() > LARGEST {
        return Err(format!("message: {} bytes", message.to_string().len()));
    }
    let fields = ["token", "topic", "condition", "notification", "data", "android", "apns", "fcm_options"];
    let fields = object(message, "message", &fields)?;
    let targets = ["token", "topic", "condition"].iter().filter(|name| fields.contains_key(**name)).count();
    if targets != 1 {
        return Err(format!("message: {targets} targets"));
    }
    text(fields, "token")?;
    if let Some(notification) = fields.get("notification") {
        let notification = object(notification, "notification", &["title", "body", "image"])?;
        text(notification, "title")?;
        text(notification, "body")?;
    }
    if let Some(data) = fields.get("data") {
        for (name, value) in data.as_object().ok_or("data: not an object")? {
            if !value.is_string() {
                return Err(format!("data.{name}: not a string"));
            }
            let reserved = ["from", "message_type"].contains(&name.as_str())
                || name.starts_with("google")
                || name.starts_with("gcm");
            if reserved || name.is_empty() {
                return Err(format!("data.{name}: reserved"));
            }
        }
    }
    fields.get("android").map_or(Ok(()), android)?;
    fields.get("apns").map_or(Ok(()), apns)?;
    shown(message)
}

/// What is shown is an alert; what is not says nothing of how it would be.
fn shown(message: &Value) -> Result<(), String> {
    let (headers, aps) = (&message["apns"]["headers"], &message["apns"]["payload"]["aps"]);
    if message.get("notification").is_some() {
        return match headers.get("apns-push-type") {
            Some(kind) if kind != "alert" => Err(format!("apns-push-type: {kind} of what is shown")),
            Some(_) | None => Ok(()),
        };
    }
    if !message["android"]["notification"].is_null() {
        return Err("android.notification: of what is not shown".into());
    }
    if message.get("apns").is_some_and(|_| {
        headers["apns-push-type"] != "background"
            || headers["apns-priority"] != "5"
            || aps["content-available"] != 1
            || aps.as_object().is_none_or(|aps| aps.len() > 1)
    }) {
        return Err("apns: not as what is not shown must be".into());
    }
    Ok(())
}

fn android(android: &Value) -> Result<(), String> {
    let known = [
        "collapse_key",
        "priority",
        "ttl",
        "restricted_package_name",
        "data",
        "notification",
        "direct_boot_ok",
    ];
    let android = object(android, "android", &known)?;
    text(android, "collapse_key")?;
    if !android.get("priority").is_none_or(|value| value == "HIGH" || value == "NORMAL") {
        return Err(format!("android.priority: {}", android["priority"]));
    }
    if let Some(ttl) = android.get("ttl") {
        let seconds = ttl.as_str().and_then(|text| text.strip_suffix('s')?.parse::<f64>().ok());
        if !seconds.is_some_and(|seconds| (0.0..=2_419_200.0).contains(&seconds)) {
            return Err(format!("android.ttl: {ttl}"));
        }
    }
    if let Some(notification) = android.get("notification") {
        let known = [
            "title",
            "body",
            "icon",
            "color",
            "sound",
            "tag",
            "click_action",
            "channel_id",
            "image",
            "notification_priority",
            "visibility",
            "notification_count",
        ];
        let notification = object(notification, "android.notification", &known)?;
        for name in ["sound", "tag", "channel_id"] {
            text(notification, name)?;
        }
    }
    Ok(())
}

fn apns(apns: &Value) -> Result<(), String> {
    let apns = object(apns, "apns", &["headers", "payload", "fcm_options", "live_activity_token"])?;
    let none = Value::Object(Map::new());
    let known =
        ["apns-priority", "apns-push-type", "apns-expiration", "apns-collapse-id", "apns-topic", "apns-id"];
    let headers = object(apns.get("headers").unwrap_or(&none), "apns.headers", &known)?;
    for name in headers.keys() {
        text(headers, name)?;
    }
    let header = |name: &str| headers.get(name).and_then(Value::as_str);
    if !header("apns-priority").is_none_or(|value| ["1", "5", "10"].contains(&value)) {
        return Err("apns-priority".into());
    }
    let types =
        ["alert", "background", "voip", "location", "complication", "fileprovider", "mdm", "liveactivity"];
    if !header("apns-push-type").is_none_or(|value| types.contains(&value)) {
        return Err("apns-push-type".into());
    }
    if header("apns-expiration").is_some_and(|value| value.parse::<u64>().is_err()) {
        return Err("apns-expiration".into());
    }
    if header("apns-collapse-id").is_some_and(|value| value.len() > 64) {
        return Err("apns-collapse-id: over 64 bytes".into());
    }
    let payload = apns.get("payload").unwrap_or(&none);
    let aps = payload.get("aps").unwrap_or(&none);
    let known = [
        "alert",
        "badge",
        "sound",
        "thread-id",
        "category",
        "content-available",
        "mutable-content",
        "interruption-level",
        "relevance-score",
    ];
    let aps = object(aps, "apns.payload.aps", &known)?;
    if aps.get("badge").is_some_and(|badge| badge.as_u64().is_none()) {
        return Err("aps.badge: not a number".into());
    }
    Ok(())
}

fn object<'a>(value: &'a Value, name: &str, known: &[&str]) -> Result<&'a Map<String, Value>, String> {
    let object = value.as_object().ok_or_else(|| format!("{name}: not an object"))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(format!("{name}: Unknown name \"{unknown}\"")),
        None => Ok(object),
    }
}

fn text(object: &Map<String, Value>, name: &str) -> Result<(), String> {
    match object.get(name) {
        Some(value) if value.as_str().is_none_or(str::is_empty) => {
            Err(format!("{name}: not a text, or empty"))
        }
        Some(_) | None => Ok(()),
    }
}
