//! What `banter dev` shows once all is up: where it is, whom to be, what to try.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::printer::Printer;

/// In JSON the names are part of the contract with scripts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tour {
    /// `None`: started without the server.
    pub url: Option<String>,
    pub docs: Option<String>,
    /// `None`: not ours, so not ours to show.
    pub database_url: Option<String>,
    pub redis_url: Option<String>,
    pub livekit_url: Option<String>,
    pub turn_url: Option<String>,
    /// Of the stand-in, at which `banter dev pay` pays.
    pub razorpay_url: Option<String>,
    pub server_pid: Option<i32>,
    pub people: Vec<Person>,
    #[serde(skip)]
    pub env_file: PathBuf,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    pub id: String,
    pub username: String,
    pub access_token: String,
    #[serde(skip)]
    pub full_name: String,
    /// Where the token lies, so that a command can be shown in a line and still works tomorrow.
    #[serde(skip)]
    pub token_file: PathBuf,
}

impl Tour {
    pub(super) fn show(&self, out: &Printer) {
        if out.is_json() {
            out.json(self);
        } else {
            out.data(self.text());
        }
    }

    fn text(&self) -> String {
        let bold = anstyle::Style::new().bold();
        let mut text = String::new();
        match (&self.url, &self.docs) {
            (Some(url), Some(docs)) => {
                let _ = writeln!(text, "\n{bold}Banter is up: {url}{bold:#}\n\n  Documentation  {docs}");
            }
            _ => {
                let _ = writeln!(text, "\n{bold}The services are up{bold:#}, without the server\n");
            }
        }
        for (name, url) in [
            ("PostgreSQL", &self.database_url),
            ("Redis", &self.redis_url),
            ("LiveKit", &self.livekit_url),
            ("coturn", &self.turn_url),
            ("Razorpay", &self.razorpay_url),
        ] {
            if let Some(url) = url {
                let _ = writeln!(text, "  {name:<13}  {url}");
            }
        }
        let _ = writeln!(text, "  Environment    {}", self.env_file.display());
        if !self.people.is_empty() {
            let _ = writeln!(text, "\nPeople to try it as, with access tokens for 12 hours:");
        }
        for person in &self.people {
            let Person { full_name, username, id, access_token, .. } = person;
            let _ = writeln!(text, "\n  {bold}{full_name}{bold:#} (@{username}, {id})\n  {access_token}");
        }
        if let (Some(url), [one, other, ..]) = (&self.url, self.people.as_slice()) {
            self.try_out(&mut text, url, one, other);
        }
        text.push_str("\nCtrl-C stops it; the data stays.");
        text
    }

    fn try_out(&self, text: &mut String, url: &str, one: &Person, other: &Person) {
        let bearer =
            |person: &Person| format!("-H \"Authorization: Bearer $(cat {})\"", quote(&person.token_file));
        let given = |person: &Person| person.full_name.split(' ').next().unwrap_or_default().to_owned();
        let (asha, ravi) = (given(one), given(other));
        let _ = writeln!(text, "\nTo try in another terminal:\n\n  # who am I?");
        let _ = writeln!(text, "  curl {url}/api/auth/me {}", bearer(one));
        let _ = writeln!(text, "\n  # {asha} writes to {ravi}");
        let _ = writeln!(text, "  curl {url}/api/messages {} \\", bearer(one));
        let _ = writeln!(text, "    -H 'Content-Type: application/json' \\");
        let message = serde_json::json!({
            "receiverId": other.id,
            "content": format!("Namaste {ravi}"),
            "messageType": "text",
        });
        let _ = writeln!(text, "    -d '{message}'");
        let _ = writeln!(text, "\n  # {ravi} reads what {asha} wrote");
        let _ = writeln!(text, "  curl {url}/api/messages/{} {}", one.id, bearer(other));
    }
}

/// For a shell.
fn quote(path: &std::path::Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%=:,".contains(c);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Person {
        Person {
            id: format!("id-of-{name}"),
            username: name.to_lowercase(),
            access_token: format!("token-of-{name}"),
            full_name: format!("{name} Devi"),
            token_file: format!("/b/tokens/{name}").into(),
        }
    }

    fn tour(server: bool) -> Tour {
        let url = server.then(|| "http://127.0.0.1:5000".to_owned());
        Tour {
            docs: url.as_ref().map(|url| format!("{url}/docs")),
            url,
            database_url: Some("postgres://banter:p@127.0.0.1:20001/banter".into()),
            redis_url: None,
            livekit_url: Some("ws://127.0.0.1:20003".into()),
            turn_url: Some("turn:127.0.0.1:20006".into()),
            razorpay_url: Some("http://127.0.0.1:20007".into()),
            server_pid: server.then_some(42),
            people: vec![person("Asha"), person("Ravi")],
            env_file: "/b/env".into(),
        }
    }

    #[test]
    fn it_names_everything_and_shows_what_to_try() {
        insta::assert_snapshot!(anstream::adapter::strip_str(&tour(true).text()));
    }

    #[test]
    fn without_the_server_there_is_nothing_to_try() {
        let text = tour(false).text();
        assert!(!text.contains("curl") && text.contains("token-of-Asha"), "{text}");
    }

    #[test]
    fn the_json_is_what_scripts_read() {
        insta::assert_json_snapshot!(tour(true));
    }

    #[test]
    fn paths_are_quoted_for_the_shell() {
        assert_eq!(quote("/a/b-c.d/tokens/asha".as_ref()), "/a/b-c.d/tokens/asha");
        assert_eq!(quote("/Asha's work/x".as_ref()), r"'/Asha'\''s work/x'");
    }
}
