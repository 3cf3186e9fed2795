//! What the OpenAPI document says, and requests made from it: a new route is tested by being there.

use axum::http::Method;
use serde_json::{Map, Value, json};

use banter_core::testing::files;
use reqwest::RequestBuilder;

use super::{Api, Who, form};

/// One operation as the document describes it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub method: Method,
    pub path: String,
    /// It needs no access token.
    pub public: bool,
    /// Path parameters, by name, with their schemas.
    in_path: Vec<(String, Value)>,
    in_query: Vec<(String, Value)>,
    pub body: Option<Value>,
    /// It takes a form with a file.
    pub takes_file: bool,
}

/// The document, and what to write where it asks for an id.
pub(crate) struct Document {
    pub json: Value,
    pub operations: Vec<Operation>,
}

/// Gives the value for a schema of this name (`UserId`), or a field of this name (`firebaseToken`).
pub(crate) type Fill<'a> = &'a dyn Fn(&str) -> Option<Value>;

impl Api {
    pub(crate) async fn document(&self) -> Document {
        let json = self.get("/api/openapi.json", Who::Nobody).await.is(200);
        let mut operations = Vec::new();
        for (path, item) in json["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                operations.push(Operation::read(path, method, operation));
            }
        }
        Document { json, operations }
    }
}

impl Operation {
    fn read(path: &str, method: &str, json: &Value) -> Self {
        let parameters = |place: &str| {
            let all = json["parameters"].as_array().into_iter().flatten();
            let some = all.filter(|parameter| parameter["in"] == place);
            some.map(|p| (p["name"].as_str().expect("a name").to_owned(), p["schema"].clone())).collect()
        };
        let body = &json["requestBody"]["content"]["application/json"]["schema"];
        Self {
            method: method.to_uppercase().parse().expect("a method"),
            path: path.to_owned(),
            public: json["security"].as_array().is_none_or(Vec::is_empty),
            in_path: parameters("path"),
            in_query: parameters("query"),
            takes_file: !json["requestBody"]["content"]["multipart/form-data"].is_null(),
            // What is signed as it comes is a text, without fields to fill.
            body: (!body.is_null() && body["type"] != "string").then(|| body.clone()),
        }
    }

    /// The names of what may follow `?`.
    pub(crate) fn query(&self) -> impl Iterator<Item = &str> {
        self.in_query.iter().map(|(name, _)| name.as_str())
    }

    /// A good body of the kind it takes.
    pub(crate) fn with_body(&self, request: RequestBuilder, json: Option<&Value>) -> RequestBuilder {
        if self.takes_file {
            let (content_type, body) = form(&files::png(8, 8));
            return request.header("content-type", content_type).body(body);
        }
        match json {
            Some(json) => request.json(json),
            None => request,
        }
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Document {
    /// The URL with everything that is asked for filled in.
    pub(crate) fn url(&self, operation: &Operation, fill: Fill<'_>) -> String {
        let mut url = operation.path.clone();
        let text = |schema: &Value, name: &str| match self.sample(schema, name, fill) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        for (name, schema) in &operation.in_path {
            url = url.replace(&format!("{{{name}}}"), &text(schema, name));
        }
        assert!(!url.contains('{'), "{url}: a path parameter is not described");
        let query =
            operation.in_query.iter().filter(|(name, _)| !["cursor", "afterSeq"].contains(&name.as_str()));
        let query: Vec<String> =
            query.map(|(name, schema)| format!("{name}={}", text(schema, name))).collect();
        if query.is_empty() { url } else { format!("{url}?{}", query.join("&")) }
    }

    /// Bodies with every required field: one with each of the optional ones that may hold an id, and one without.
    pub(crate) fn bodies(&self, operation: &Operation, fill: Fill<'_>) -> Vec<Value> {
        let Some(schema) = operation.body.as_ref().map(|body| self.resolve(body)) else { return Vec::new() };
        let properties = schema["properties"].as_object().expect("a body of named fields");
        let least = self.required(schema, fill);
        let mut bodies = Vec::new();
        let is_id =
            |schema: &Value| schema.to_string().contains("Id\"") && schema.to_string().contains("$ref");
        for (name, property) in properties.iter().filter(|(_, schema)| is_id(schema)) {
            if !least.contains_key(name) {
                let mut body = least.clone();
                body.insert(name.clone(), self.sample(property, name, fill));
                bodies.push(Value::Object(body));
            }
        }
        bodies.push(Value::Object(least));
        bodies
    }

    /// The fields of a body with their schemas.
    pub(crate) fn fields(&self, operation: &Operation) -> Vec<(String, Value)> {
        let Some(schema) = operation.body.as_ref().map(|body| self.resolve(body)) else { return Vec::new() };
        let properties = schema["properties"].as_object().expect("a body of named fields");
        properties.iter().map(|(name, schema)| (name.clone(), self.resolve(schema).clone())).collect()
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let found = self.json.pointer(reference.trim_start_matches('#'));
                self.resolve(found.unwrap_or_else(|| panic!("{reference} leads nowhere")))
            }
            None => schema,
        }
    }

    fn sample(&self, schema: &Value, name: &str, fill: Fill<'_>) -> Value {
        if let Some(value) = fill(name) {
            return value;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let kind = reference.rsplit('/').next().expect("a name");
            return fill(kind).unwrap_or_else(|| self.sample(self.resolve(schema), name, fill));
        }
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
            return first.clone();
        }
        let of_several = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        if let Some(some) = of_several.and_then(|all| all.iter().find(|s| s["type"] != "null")) {
            return self.sample(some, name, fill);
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("object");
        match kind {
            "string" => {
                let length = schema["minLength"].as_u64().unwrap_or(3).max(3);
                json!("x".repeat(usize::try_from(length).expect("a length")))
            }
            "integer" | "number" => json!(schema["minimum"].as_i64().unwrap_or(1)),
            "boolean" => json!(false),
            "array" => json!([]),
            _ => Value::Object(self.required(schema, fill)),
        }
    }

    /// The fields that an object must have.
    fn required(&self, schema: &Value, fill: Fill<'_>) -> Map<String, Value> {
        let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        names
            .filter_map(|name| {
                let property = schema["properties"].get(name)?;
                Some((name.to_owned(), self.sample(property, name, fill)))
            })
            .collect()
    }
}
