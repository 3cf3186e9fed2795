//! Bodies and values that are broken in every way we could think of.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

pub(super) struct Kind {
    pub name: &'static str,
    pub body: Vec<u8>,
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// What a route that takes a body must answer, where all of them agree.
    pub status: Option<u16>,
}

pub(super) fn base64url(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn json(name: &'static str, body: impl Into<Vec<u8>>, status: Option<u16>) -> Kind {
    Kind { name, body: body.into(), headers: vec![("content-type", b"application/json".to_vec())], status }
}

fn typed(name: &'static str, content_type: &[u8], status: Option<u16>) -> Kind {
    Kind { name, body: b"{}".to_vec(), headers: vec![("content-type", content_type.to_vec())], status }
}

/// Whole bodies: none of them is a good one.
pub(super) fn whole() -> Vec<Kind> {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let many: Vec<String> = (0..10_000).map(|i| format!("\"k{i}\":{i}")).collect();
    let utf16: Vec<u8> = "{\"content\":\"x\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bad = Some(400);
    let mut kinds = vec![
        json("nothing", "", bad),
        json("white space", " \n\t ", bad),
        json("null", "null", bad),
        json("true", "true", bad),
        json("a number", "0", bad),
        json("a string", "\"text\"", bad),
        json("an empty array", "[]", bad),
        json("an array of an object", "[{}]", bad),
        json("an array of many", format!("[{}]", vec!["1"; 10_000].join(",")), bad),
        json("an open brace", "{", bad),
        json("a key cut off", "{\"con", bad),
        json("a value cut off", "{\"content\": \"hel", bad),
        json("two objects", "{}{}", bad),
        json("an object and words", "{} and so on", bad),
        json("NaN", "{\"seq\": NaN}", bad),
        json("Infinity", "{\"seq\": -Infinity}", bad),
        json("single quotes", "{'content': 'x'}", bad),
        json("bare keys", "{content: \"x\"}", bad),
        json("a comment", "/* hello */ {}", bad),
        json("a trailing comma", "{\"content\": \"x\",}", bad),
        json("a leading zero", "{\"seq\": 007}", bad),
        json("hexadecimal", "{\"seq\": 0x10}", bad),
        json("a byte order mark", "\u{feff}{}", bad),
        json("UTF-16", utf16, bad),
        json("bytes that are no UTF-8", b"{\"content\": \"\xff\xfe\"}".to_vec(), bad),
        json("an overlong slash", b"{\"content\": \"\xc0\xaf\"}".to_vec(), bad),
        json("a surrogate in UTF-8", b"{\"content\": \"\xed\xa0\x80\"}".to_vec(), bad),
        json("a truncated character", b"{\"content\": \"\xf0\x9f\x92\"}".to_vec(), bad),
        json("an unpaired surrogate in a key", "{\"\\ud800\": 1}", bad),
        json("a raw NUL", b"{\"content\": \"a\0b\"}".to_vec(), bad),
        json("only NULs", vec![0; 100], bad),
        json("random bytes", (0..=255).collect::<Vec<u8>>(), bad),
        json("deep arrays", deep("[", "]"), bad),
        json("deep objects", deep("{\"a\":", "}"), bad),
        json("depth in an unknown field", format!("{{\"unknown\": {}}}", deep("[", "]")), None),
        json("depth in a known field", format!("{{\"content\": {}}}", deep("[", "]")), None),
        json("a number beyond f64", "{\"unknown\": 1e999999}", None),
        json("a number of 10,000 digits", format!("{{\"seq\": {}}}", "9".repeat(10_000)), None),
        json("10,000 fields", format!("{{{}}}", many.join(",")), None),
        json("a long key", format!("{{\"{}\": 1}}", "k".repeat(100_000)), None),
        json("prototypes", "{\"__proto__\": {\"isAdmin\": true}, \"constructor\": {}}", None),
        json("a repeated unknown key", "{\"a\": 1, \"a\": 2}", None),
        json("10 MB of string", format!("\"{}\"", "x".repeat(10_000_000)), Some(413)),
        json("300 kB of white space", " ".repeat(300_000), Some(413)),
        json(
            "XML",
            "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>",
            bad,
        ),
        json("HTML", "<script>alert(1)</script>", bad),
        json("a form", "content=x&receiverId=y", bad),
        typed("text/plain", b"text/plain", Some(415)),
        typed("multipart", b"multipart/form-data; boundary=x", Some(415)),
        typed("a form's type", b"application/x-www-form-urlencoded", Some(415)),
        typed("an empty type", b"", Some(415)),
        typed("a type without a slash", b"json", Some(415)),
        typed("a type of bytes", b"application/\xffjson", Some(415)),
        typed("semicolons", b";;;;", Some(415)),
        typed("another JSON", b"application/problem+json", Some(415)),
        typed("JSON in another charset", b"application/json; charset=utf-16", None),
        typed("JSON, shouted", b"APPLICATION/JSON", None),
    ];
    kinds.push(Kind { name: "no type at all", body: b"{}".to_vec(), headers: vec![], status: Some(415) });
    let mut gzip =
        json("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xae\x05\0\x43\xbf\xa6\xa3\x02\0\0\0".to_vec(), bad);
    gzip.headers.push(("content-encoding", b"gzip".to_vec()));
    kinds.push(gzip);
    kinds
}

/// Values for any field, as JSON text.
pub(super) fn values() -> Vec<(&'static str, String)> {
    let text = |text: &str| Value::String(text.to_owned()).to_string();
    vec![
        ("null", "null".into()),
        ("true", "true".into()),
        ("a number", "12".into()),
        ("a negative number", "-1".into()),
        ("a fraction", "1.5".into()),
        ("a very large number", "1e308".into()),
        ("a number beyond 64 bits", "18446744073709551616".into()),
        ("the least of 64 bits", "-9223372036854775808".into()),
        ("the most of 64 bits", "9223372036854775807".into()),
        ("an array", "[]".into()),
        ("an array of nulls", "[null, null]".into()),
        ("an object", "{}".into()),
        ("a nested object", "{\"a\": {\"b\": []}}".into()),
        ("an operator", "{\"$ne\": null}".into()),
        ("an unpaired surrogate", "\"\\ud800\"".into()),
        ("a reversed pair", "\"\\udc00\\ud800\"".into()),
        ("an escaped NUL", "\"a\\u0000b\"".into()),
        ("nothing", text("")),
        ("a space", text(" ")),
        ("control characters", text("a\u{1}\u{1b}[31mb\u{7f}\u{85}")),
        ("lines", text("a\r\nSet-Cookie: x=1\r\n\r\nb")),
        ("a right-to-left override", text("\u{202e}txt.exe")),
        ("zalgo", text(&"Z\u{300}\u{301}\u{302}\u{303}\u{304}".repeat(100))),
        ("zero-width characters", text("\u{200b}\u{200d}\u{feff}")),
        ("emoji", text("👩‍👩‍👧‍👦🏳️‍🌈💣")),
        ("a noncharacter", text("\u{ffff}\u{10ffff}")),
        ("SQL", text("'; drop table users; --")),
        ("a LIKE pattern", text("%_%\\")),
        ("a template", text("{{7*7}} ${7*7} <%= 7*7 %> #{7*7}")),
        ("a format string", text("%s%s%s%n%p {} {0} {:?}")),
        ("a path", text("../../../../etc/passwd")),
        ("a script", text("<script>alert(1)</script>")),
        ("a URL", text("http://169.254.169.254/latest/meta-data")),
        ("a nil UUID", text("00000000-0000-0000-0000-000000000000")),
        ("a UUID in braces", text("{0190b2c4-0000-7000-8000-000000000000}")),
        ("a date far away", text("+262142-12-31T23:59:59Z")),
        ("a date long ago", text("-262143-01-01")),
        ("a long text", text(&"x".repeat(100_000))),
        ("a long text of 4-byte characters", text(&"💣".repeat(20_000))),
    ]
}
