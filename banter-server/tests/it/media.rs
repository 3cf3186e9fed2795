//! Uploads, links to them, and what they are used for.

use std::time::Duration;

use axum::http::Method;
use banter_core::media::Purpose;
use banter_core::testing::files::{self, Boxed, PLACE, holds};
use banter_core::testing::{Person, World, redact};
use banter_server::patience::Patience;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Who, form, until};

/// The path of one of our own links, as the test's server answers it.
fn path(link: &Value) -> String {
    let link = link.as_str().expect("a link");
    link.strip_prefix("http://127.0.0.1:5000").expect("one of ours").to_owned()
}

async fn fetch(api: &Api, link: &Value) -> Answer {
    api.get(&path(link), Who::Nobody).await
}

/// Every file that lies in storage.
fn stored(world: &World) -> Vec<Vec<u8>> {
    let folders = Purpose::ALL.map(|purpose| world.media_dir().join(purpose.slug()));
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    files.map(|file| std::fs::read(file.expect("an entry").path()).expect("a file")).collect()
}

async fn rows(api: &Api) -> i64 {
    let mut db = api.world.database().connect().await;
    sqlx::query_scalar("select count(*) from uploads").fetch_one(&mut db).await.expect("a count")
}

#[tokio::test]
async fn a_picture_is_stored_without_its_place_and_read_by_its_link() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let answer = api.upload(&asha, "chat", files::jpeg_with_exif(600, 400, 6)).await.is(200);
    insta::assert_json_snapshot!("uploaded", answer, {
        ".mediaId" => redact::uuid(), ".mediaUrl" => "[link]", ".thumbnailUrl" => "[link]",
        ".expiresAt" => redact::time(), ".bytes" => "[bytes]",
    });
    let file = fetch(&api, &answer["mediaUrl"]).await;
    assert_eq!((file.status, file.header("content-type")), (200, Some("image/jpeg")));
    assert_eq!(json!(file.body.len()), answer["bytes"]);
    assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(file.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    assert_eq!(file.header("cache-control"), Some("private, max-age=2700, immutable"));
    assert_eq!(fetch(&api, &answer["thumbnailUrl"]).await.status, 200);
    let files = stored(&api.world);
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|bytes| !holds(bytes, PLACE) && !holds(bytes, "Exif")));
}

#[tokio::test]
async fn recordings_and_films_keep_their_samples_and_lose_their_places() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let film = Boxed { brand: b"isom", film: true, seconds: 7, place_track: true };
    for (purpose, bytes, kind, content_type, ms) in [
        ("chat", files::boxes(film), "video", "video/mp4", 7000),
        ("voice", files::boxes(Boxed { film: false, brand: b"M4A ", ..film }), "audio", "audio/mp4", 7000),
        ("voice", files::wav(2), "audio", "audio/wav", 2000),
        ("chat", files::webm(4), "audio", "audio/webm", 3000),
    ] {
        let answer = api.upload(&asha, purpose, bytes.clone()).await.is(200);
        let got = [&answer["kind"], &answer["contentType"], &answer["durationMs"], &answer["bytes"]];
        assert_eq!(json!(got), json!([kind, content_type, ms, bytes.len()]));
        let file = fetch(&api, &answer["mediaUrl"]).await;
        assert_eq!((file.status, file.header("content-type")), (200, Some(content_type)));
        assert!(!holds(&file.body, PLACE) && file.body.len() == bytes.len(), "{content_type}");
    }
}

#[tokio::test]
async fn what_is_not_taken_leaves_nothing_behind() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec();
    let film = files::boxes(Boxed { brand: b"isom", film: true, seconds: 1, place_track: false });
    let large = [files::jpeg(4, 4), vec![0; 11 << 20]].concat();
    let larger = [film[..24].to_vec(), vec![0; 51 << 20]].concat();
    for (purpose, bytes, status, code) in [
        ("chat", svg.clone(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("avatar", svg, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("avatar", film.clone(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("voice", film, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("voice", files::jpeg(4, 4), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("chat", vec![b'x'; 11 << 20], 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("chat", Vec::new(), 400, "MEDIA_INVALID"),
        ("chat", files::jpeg(40, 40)[..100].to_vec(), 400, "MEDIA_INVALID"),
        ("chat", files::png_bomb(60_000, 60_000), 400, "IMAGE_TOO_LARGE"),
        ("voice", files::wav(301), 400, "MEDIA_TOO_LONG"),
        ("chat", large, 413, "FILE_TOO_LARGE"),
        ("chat", larger, 413, "FILE_TOO_LARGE"),
        ("nonsense", files::jpeg(4, 4), 400, "VALIDATION_FAILED"),
    ] {
        api.upload(&asha, purpose, bytes).await.refused(status, code);
    }
    assert_eq!((stored(&api.world).len(), rows(&api).await), (0, 0));
}

#[tokio::test]
async fn a_form_without_a_file_is_no_upload() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    for (content_type, body, status, code) in [
        ("application/json", "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/form-data", "", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/form-data; boundary=x", "--x--\r\n", 400, "VALIDATION_FAILED"),
        ("multipart/form-data; boundary=x", "", 400, "VALIDATION_FAILED"),
        ("multipart/form-data; boundary=x", "nonsense", 400, "VALIDATION_FAILED"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\ncontent-disposition: form-data; name=\"words\"\r\n\r\nhello\r\n--x--\r\n",
            400,
            "VALIDATION_FAILED",
        ),
    ] {
        let request = api.ask(Method::POST, "/uploads?purpose=chat", &asha);
        let answer = api.send(request.header("content-type", content_type).body(body)).await;
        answer.refused(status, code);
    }
    let (content_type, body) = form(&files::jpeg(4, 4));
    let request = api.ask(Method::POST, "/uploads?purpose=chat", &asha).header("content-type", content_type);
    api.send(request.body(body[..body.len() - 60].to_vec())).await.refused(400, "BODY_INCOMPLETE");
}

#[tokio::test]
async fn who_goes_away_in_the_middle_leaves_nothing() {
    use tokio::io::AsyncWriteExt as _;
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    for _ in 0..4 {
        let mut stream = tokio::net::TcpStream::connect(api.address).await.unwrap();
        let (content_type, body) = form(&files::jpeg(400, 400));
        let head = format!(
            "POST /api/uploads?purpose=chat HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             content-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            asha.access_token,
            body.len(),
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body[..body.len() / 2]).await.unwrap();
    }
    // Their places are free again: three at once are all that one person has.
    until("there is room again", async || api.upload(&asha, "chat", files::jpeg(4, 4)).await.status == 200)
        .await;
    assert_eq!(rows(&api).await, 1);
}

#[tokio::test]
async fn a_place_is_taken_before_anything_is_read() {
    use tokio::io::AsyncWriteExt as _;
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = tokio::net::TcpStream::connect(api.address).await.unwrap();
        let head = format!(
            "POST /api/uploads?purpose=chat HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             content-type: multipart/form-data; boundary=x\r\ncontent-length: 1000000\r\n\r\n",
            asha.access_token,
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    until("there is no room left", async || api.upload(&asha, "chat", files::jpeg(4, 4)).await.status == 503)
        .await;
    held[0].write_all(&[b'y'; 100_000]).await.unwrap();
    until("who sends no file loses it", async || {
        api.upload(&asha, "chat", files::jpeg(4, 4)).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn an_upload_has_more_time_than_a_request() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let patience = Patience { request: Duration::from_millis(300), ..Patience::default() };
    let api = Api::patiently(World::builder(), patience).await;
    let asha = api.world.user("asha").await;
    let (content_type, body) = form(&files::jpeg(40, 40));
    let mut stream = tokio::net::TcpStream::connect(api.address).await.unwrap();
    let head = format!(
        "POST /api/v1/uploads?purpose=chat HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        asha.access_token,
        body.len(),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (first, second) = body.split_at(body.len() / 2);
    stream.write_all(first).await.unwrap();
    // Another request that waits for its body is given up meanwhile.
    let slow = "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    Answer::read("slow", &api.raw(slow.as_bytes()).await).refused(503, "TIMEOUT");
    stream.write_all(second).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    Answer::read("an upload", &answer).is(200);
}

#[tokio::test]
async fn a_day_has_its_quota() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let day = 500 << 20;
    let sql = format!(
        "insert into uploads (id, user_id, purpose, kind, content_type, bytes, object_key, created_at)
         values (gen_random_uuid(), '{}', 'chat', 'video', 'video/mp4', {}, 'x.mp4', '{}')",
        asha.id,
        day - 10,
        api.world.now(),
    );
    api.world.sql(&sql).await;
    let refused = api.upload(&asha, "chat", files::jpeg(40, 40)).await;
    assert_eq!(refused.header("retry-after"), Some("3600"));
    refused.refused(429, "UPLOAD_QUOTA_EXCEEDED");
    assert_eq!(stored(&api.world).len(), 0);
    api.upload(&api.world.user("ravi").await, "chat", files::jpeg(40, 40)).await.is(200);
    api.world.advance(TimeDelta::days(1));
    let asha = api.world.sign_in(&asha).await;
    api.upload(&asha, "chat", files::jpeg(40, 40)).await.is(200);
}

#[tokio::test]
async fn private_links_hold_for_a_while_and_cannot_be_made_up() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let upload = api.upload(&asha, "chat", files::png(40, 40)).await.is(200);
    let other = api.upload(&asha, "chat", files::png(40, 40)).await.is(200);
    let link = path(&upload["mediaUrl"]);
    let fresh = |api: &Api| {
        api.ask(Method::GET, &format!("/api/media/{}", upload["mediaId"].as_str().unwrap()), &asha)
    };
    let again = api.send(fresh(&api)).await.is(200);
    assert_eq!(again["media"]["url"], upload["mediaUrl"], "the same while the window lasts");
    assert_eq!(again["media"]["expiresAt"], upload["expiresAt"]);
    let ends: chrono::DateTime<chrono::Utc> = serde_json::from_value(upload["expiresAt"].clone()).unwrap();
    let left = ends - api.world.now();
    assert!((TimeDelta::minutes(15)..=TimeDelta::minutes(45)).contains(&left), "{left}");

    let (bare, signed) = link.split_once('?').unwrap();
    let expires = signed.split('&').next().unwrap();
    let of_other = path(&other["mediaUrl"]);
    let longer = format!("expires={}", ends.timestamp() + 3600);
    let mut wrong = link.clone();
    let last = wrong.pop().unwrap();
    wrong.push(if last == '0' { '1' } else { '0' });
    for forged in [
        bare.to_owned(),
        format!("{bare}?{expires}"),
        format!("{bare}?{}", signed.replace(expires, &longer)),
        format!("{bare}?{}", of_other.split_once('?').unwrap().1),
        wrong,
        link.replace("/chat/", "/verification/"),
    ] {
        api.get(&forged, Who::Nobody).await.refused(403, "MEDIA_LINK_INVALID");
    }
    // A public purpose needs no signature, but the file is not there.
    api.get(&bare.replace("/chat/", "/avatar/"), Who::Nobody).await.refused(404, "MEDIA_NOT_FOUND");
    api.get(&format!("{bare}?expires=soon"), Who::Nobody).await.refused(400, "VALIDATION_FAILED");

    api.world.advance(left - TimeDelta::seconds(1));
    assert_eq!(api.get(&link, Who::Nobody).await.status, 200);
    api.world.advance(TimeDelta::seconds(1));
    api.get(&link, Who::Nobody).await.refused(403, "MEDIA_LINK_EXPIRED");
}

#[tokio::test]
async fn no_path_leads_out_of_the_directory() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    api.upload(&asha, "avatar", files::png(4, 4)).await.is(200);
    std::fs::write(api.world.media_dir().join("secret.jpg"), "secret").unwrap();
    for path in [
        "/media/avatar/../secret.jpg",
        "/media/avatar/..%2fsecret.jpg",
        "/media/avatar/%2e%2e%2fsecret.jpg",
        "/media/avatar/..%5csecret.jpg",
        "/media/avatar//etc/passwd",
        "/media/avatar/%00",
        "/media/avatar/",
        "/media/..%2f/secret.jpg",
        "/media/avatar/secret.jpg",
        "/media/avatar/0190b2c4-0000-7000-8000-000000000000.html",
        "/media/avatar/0190b2c4-0000-7000-8000-000000000000.jpg.html",
        "/media/avatar/{0190b2c4-0000-7000-8000-000000000000}.jpg",
        "/media/avatar/0190B2C4-0000-7000-8000-000000000000.jpg",
        "/media/avatar/0190b2c4-0000-7000-8000-000000000000.jpg",
        "/media/nonsense/0190b2c4-0000-7000-8000-000000000000.jpg",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = Answer::read(path, &api.raw(request.as_bytes()).await);
        assert_eq!(answer.status, 404, "{path}: {}", answer.json);
        assert!(!holds(&answer.body, "secret"), "{path}");
    }
}

#[tokio::test]
async fn a_part_of_a_file_can_be_had() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let upload = api.upload(&asha, "chat", files::wav(1)).await.is(200);
    let link = path(&upload["mediaUrl"]);
    let whole = api.get(&link, Who::Nobody).await;
    let size = whole.body.len();
    let tag = whole.header("etag").unwrap().to_owned();
    let ask = |header: &'static str, value: String| {
        api.send(api.ask(Method::GET, &link, Who::Nobody).header(header, value))
    };
    for (range, start, end) in
        [("0-9", 0, 10), ("10-", 10, size), ("-5", size - 5, size), ("8-99999999", 8, size)]
    {
        let part = ask("range", format!("bytes={range}")).await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.header("content-range"), Some(format!("bytes {start}-{}/{size}", end - 1).as_str()));
        assert_eq!(part.body, whole.body[start..end], "{range}");
    }
    for nonsense in
        ["bytes=9-1", "bytes=x-y", "bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=1-18446744073709551615"]
    {
        assert_eq!(ask("range", nonsense.into()).await.body.len(), size, "{nonsense}");
    }
    ask("range", format!("bytes={size}-")).await.refused(416, "RANGE_NOT_SATISFIABLE");
    let known = ask("if-none-match", tag).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let zipped = ask("accept-encoding", "gzip".into()).await;
    assert_eq!(zipped.header("content-encoding"), None, "sound is not squeezed again");
}

#[tokio::test]
async fn a_link_is_for_whoever_may_see_the_message() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mallory = api.world.user("mallory").await;
    let conversation = api.acquaint(&asha, &ravi, "hello").await;
    let upload = api.upload(&asha, "chat", files::png(4, 4)).await.is(200);
    let id = upload["mediaId"].as_str().unwrap().to_owned();
    let sees = async |who: &Person| api.get(&format!("/api/media/{id}"), who).await.status;
    assert_eq!((sees(&asha).await, sees(&ravi).await), (200, 404), "it is in no message yet");
    api.world
        .sql(&format!(
            "update messages set upload_id = '{id}' where conversation_id = '{conversation}' and seq = 1;
             update uploads set used_at = now()"
        ))
        .await;
    assert_eq!((sees(&asha).await, sees(&ravi).await, sees(&mallory).await), (200, 200, 404));
    let later = format!("update conversation_members set from_seq = 2 where user_id = '{}'", ravi.id);
    api.world.sql(&later).await;
    assert_eq!(sees(&ravi).await, 404, "who came later does not see what was before");
    api.world.sql("update conversation_members set from_seq = 1").await;
    api.world.block(&asha, &ravi).await;
    assert_eq!((sees(&asha).await, sees(&ravi).await), (200, 404), "blocked");
    api.world.sql("delete from blocked_users").await;
    api.world
        .sql("update messages set deleted_at = now(), content = '', upload_id = null where seq = 1")
        .await;
    assert_eq!(sees(&ravi).await, 404, "deleted");
    api.world.sql("update uploads set doomed_at = now()").await;
    assert_eq!(sees(&asha).await, 404, "doomed");
    api.get("/api/media/nonsense", &asha).await.refused(400, "VALIDATION_FAILED");
}

#[tokio::test]
async fn an_avatar_is_public_and_its_link_stays() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let first = api.upload(&asha, "avatar", files::jpeg(800, 800)).await.is(200);
    assert_eq!((&first["width"], &first["expiresAt"]), (&json!(512), &json!(null)));
    let put = async |who: &Person, body: Value| api.put("/users/me/avatar", who, body).await;
    for _ in 0..2 {
        let me = put(&asha, json!({ "mediaUrl": first["mediaUrl"] })).await.is(200);
        assert_eq!(me["user"]["avatar"], first["mediaUrl"]);
    }
    api.world.advance(TimeDelta::minutes(10));
    assert_eq!(
        fetch(&api, &first["mediaUrl"]).await.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let second = api.upload(&asha, "avatar", files::jpeg(80, 80)).await.is(200);
    put(&asha, json!({ "mediaId": second["mediaId"] })).await.is(200);
    assert_eq!(api.get("/auth/me", &asha).await.is(200)["user"]["avatar"], second["mediaUrl"]);
    put(&asha, json!({ "mediaId": first["mediaId"] })).await.refused(404, "MEDIA_NOT_FOUND"); // it is to go
    let photo = api.upload(&asha, "chat", files::jpeg(8, 8)).await.is(200);
    put(&asha, json!({ "mediaId": photo["mediaId"] })).await.refused(404, "MEDIA_NOT_FOUND");
    put(&ravi, json!({ "mediaId": second["mediaId"] })).await.refused(404, "MEDIA_NOT_FOUND");
    for body in [json!({}), json!({ "mediaUrl": "https://evil.example/x.jpg" })] {
        put(&asha, body).await.refused(400, "VALIDATION_FAILED");
    }
    assert_eq!(api.get("/auth/me", &asha).await.is(200)["user"]["avatar"], second["mediaUrl"]);
    for _ in 0..2 {
        let me = api.delete("/users/me/avatar", &asha).await.is(200);
        assert_eq!(me["user"]["avatar"], json!(null));
    }
}

#[tokio::test]
async fn of_two_avatars_at_once_one_stays_and_the_other_goes() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(api.upload(&asha, "avatar", files::jpeg(8, 8)).await.is(200)["mediaId"].take());
    }
    let (one, other) = tokio::join!(
        api.put("/users/me/avatar", &asha, json!({ "mediaId": ids[0] })),
        api.put("/users/me/avatar", &asha, json!({ "mediaId": ids[1] })),
    );
    one.is(200);
    other.is(200);
    let mut db = api.world.database().connect().await;
    let count =
        "select count(*) from uploads where doomed_at is null and id = (select avatar_upload_id from users)";
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut db).await.unwrap(), 1);
    let doomed = "select count(*) from uploads where doomed_at is not null";
    assert_eq!(sqlx::query_scalar::<_, i64>(doomed).fetch_one(&mut db).await.unwrap(), 1);
}

#[tokio::test]
async fn a_verification_is_asked_for_once_at_a_time() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let newest = async || api.get("/users/me/verification", &asha).await.is(200)["verification"].take();
    assert_eq!(newest().await, json!(null));
    let mut urls = Vec::new();
    for purpose in ["verification", "verification", "chat"] {
        urls.push(api.upload(&asha, purpose, files::jpeg(8, 8)).await.is(200)["mediaUrl"].take());
    }
    let ask = async |who: &Person, document: &Value, selfie: &Value| {
        let body = json!({ "documentMediaUrl": document, "selfieMediaUrl": selfie });
        api.post("/users/me/verification", who, body).await
    };
    ask(&asha, &urls[0], &urls[0]).await.refused(400, "VALIDATION_FAILED");
    ask(&asha, &urls[0], &json!("https://evil.example/")).await.refused(400, "VALIDATION_FAILED");
    ask(&asha, &urls[0], &urls[2]).await.refused(404, "MEDIA_NOT_FOUND");
    ask(&ravi, &urls[0], &urls[1]).await.refused(404, "MEDIA_NOT_FOUND");
    let (one, other) = tokio::join!(ask(&asha, &urls[0], &urls[1]), ask(&asha, &urls[0], &urls[1]));
    let (done, refused) = if one.status == 200 { (one, other) } else { (other, one) };
    let asked = done.is(200)["verification"].take();
    refused.refused(409, "VERIFICATION_PENDING");
    assert_eq!((&asked["status"], &newest().await), (&json!("pending"), &asked));
    api.world
        .sql("update verifications set status = 'rejected', reason = 'too dark', decided_at = now()")
        .await;
    assert_eq!(newest().await["reason"], "too dark");
    api.world.advance(TimeDelta::minutes(1));
    ask(&asha, &urls[0], &urls[1]).await.is(200);
    api.world
        .sql("update verifications set status = 'approved', decided_at = now() where status = 'pending'")
        .await;
    ask(&asha, &urls[0], &urls[1]).await.refused(409, "ALREADY_VERIFIED");
}

#[tokio::test]
async fn storage_that_is_away_is_said_to_be() {
    let builder = World::builder().config(|config| {
        config.storage = banter_core::config::Storage::Disk { dir: "/dev/null/media".into() };
    });
    let api = Api::over(builder).await;
    let asha = api.world.user("asha").await;
    api.upload(&asha, "chat", files::jpeg(8, 8)).await.refused(503, "STORAGE_UNAVAILABLE");
}
