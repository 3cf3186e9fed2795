//! Azure's connection strings ("Configure Azure Storage connection strings"): `Name=value` pairs between semicolons.

/// The emulator's account, which everybody knows.
const EMULATOR: (&str, &str) = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Connection {
    pub account: String,
    pub key: String,
    /// Of the blob service, without a slash at its end.
    pub endpoint: String,
}

impl Connection {
    /// Problems never hold the text: there is a key in it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let value = |name: &str| {
            let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
            // Keys are base64 and may end in `=` themselves.
            let found = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
            Some(found.1.trim().to_owned()).filter(|value| !value.is_empty())
        };
        if value("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            let (account, key) = EMULATOR;
            return Ok(Self {
                account: account.into(),
                key: key.into(),
                endpoint: format!("http://127.0.0.1:10000/{account}"),
            });
        }
        let account = value("AccountName").ok_or("has no AccountName")?;
        let key =
            value("AccountKey").ok_or("has no AccountKey: links to private media are signed with it")?;
        let is_base64 = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &key).is_ok();
        if !is_base64 {
            return Err("has an AccountKey that is not base64");
        }
        let endpoint = value("BlobEndpoint").unwrap_or_else(|| {
            let scheme = value("DefaultEndpointsProtocol").unwrap_or_else(|| "https".into());
            let suffix = value("EndpointSuffix").unwrap_or_else(|| "core.windows.net".into());
            format!("{scheme}://{account}.blob.{suffix}")
        });
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        if !["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme)) {
            return Err("has a BlobEndpoint that is no http URL");
        }
        Ok(Self { account, key, endpoint })
    }
}

pub(super) fn is_container(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (3..=63).contains(&name.len())
        && plain
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_name_account_key_and_endpoint() {
        let key = "c2VjcmV0IGtleSBvZiB0ZXN0cw==";
        let of = |text: &str| Connection::parse(&text.replace("KEY", key)).map(|c| (c.account, c.endpoint));
        let is = |account: &str, endpoint: &str| Ok((account.to_owned(), endpoint.to_owned()));
        assert_eq!(
            of(
                "DefaultEndpointsProtocol=https;AccountName=banter;AccountKey=KEY;EndpointSuffix=core.windows.net"
            ),
            is("banter", "https://banter.blob.core.windows.net")
        );
        assert_eq!(
            of("AccountName=b;AccountKey=KEY;BlobEndpoint=http://127.0.0.1:1/b/;"),
            is("b", "http://127.0.0.1:1/b")
        );
        assert_eq!(of("accountname=b; accountkey=KEY"), is("b", "https://b.blob.core.windows.net"));
        assert_eq!(
            of("UseDevelopmentStorage=true"),
            is("devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1")
        );
        assert_eq!(Connection::parse(&format!("AccountName=b;AccountKey={key}")).unwrap().key, key);
        for bad in [
            "",
            "AccountName=b",
            "AccountKey=KEY",
            "AccountName=b;AccountKey=***",
            "AccountName=b;AccountKey=KEY;BlobEndpoint=ftp://x",
        ] {
            of(bad).unwrap_err();
        }
    }

    #[test]
    fn containers_have_the_names_that_azure_allows() {
        for good in ["avatars", "chat-media", "a1b"] {
            assert!(is_container(good), "{good}");
        }
        for bad in ["ab", "Avatars", "a--b", "-ab", "ab-", "a_b", "a/b", ""] {
            assert!(!is_container(bad), "{bad}");
        }
    }
}
