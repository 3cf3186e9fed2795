//! Reporting, the queue, sanctions and appeals, and what staff does in rooms.

use banter_core::accounts::Role;
use banter_core::moderation::Staff;
use banter_core::moderation::audit::Filter;
use banter_core::moderation::tools::{CODE_LIFE, INTERVAL, TOOL_LIFE};
use banter_core::page::PageRequest;
use banter_core::testing::livekit::LiveKit;
use banter_core::testing::{Person, World, files};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::document::Document;
use crate::harness::{Answer, Api, Who};

/// Asks, and holds each answer against the document.
struct Desk {
    api: Api,
    document: Document,
}

impl std::ops::Deref for Desk {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Desk {
    async fn new() -> Self {
        Self::over(Api::new().await).await
    }

    async fn over(api: Api) -> Self {
        let document = api.document().await;
        Self { api, document }
    }

    fn check(&self, method: &str, path: &str, answer: Answer) -> Answer {
        let path = format!("/api{}", path.split('?').next().expect("a path"));
        let fits = |template: &str| {
            let (parts, named) = (path.split('/'), template.split('/'));
            parts.clone().count() == named.clone().count()
                && parts.zip(named).all(|(part, named)| part == named || named.starts_with('{'))
        };
        let mut fitting: Vec<_> = self
            .document
            .operations
            .iter()
            .filter(|operation| operation.method == method && fits(&operation.path))
            .map(|operation| operation.path.as_str())
            .collect();
        // A URL that is written out goes before one with a name in it.
        fitting.sort_by_key(|template| template.matches('{').count());
        if let Some(template) = fitting.first() {
            self.document
                .check_answer(method, template, answer.status, &answer.json)
                .expect("as the document says");
        }
        answer
    }

    async fn get<'a>(&self, path: &str, who: impl Into<Who<'a>>) -> Answer {
        self.check("GET", path, self.api.get(path, who).await)
    }

    async fn post<'a>(&self, path: &str, who: impl Into<Who<'a>>, body: Value) -> Answer {
        self.check("POST", path, self.api.post(path, who, body).await)
    }

    async fn put<'a>(&self, path: &str, who: impl Into<Who<'a>>, body: Value) -> Answer {
        self.check("PUT", path, self.api.put(path, who, body).await)
    }

    async fn patch<'a>(&self, path: &str, who: impl Into<Who<'a>>, body: Value) -> Answer {
        self.check("PATCH", path, self.api.patch(path, who, body).await)
    }

    async fn delete<'a>(&self, path: &str, who: impl Into<Who<'a>>) -> Answer {
        self.check("DELETE", path, self.api.delete(path, who).await)
    }
}

async fn staff(api: &Api, name: &str, role: Role) -> Person {
    let person = api.world.user(name).await;
    api.world.sql(&format!("update users set role = '{}' where id = '{}'", role.name(), person.id)).await;
    person
}

/// Ravi reports what asha wrote to him; the report's id, and the case's.
async fn reported(api: &Desk, asha: &Person, ravi: &Person, moderator: &Person) -> (Value, String) {
    api.acquaint(asha, ravi, "hello").await;
    let sent = json!({ "receiverId": ravi.id, "content": "you will regret this" });
    let message = api.post("/messages", asha, sent).await.is(201)["message"]["id"].clone();
    let report =
        json!({ "reportType": "message", "messageId": message, "reason": "threat", "description": "look" });
    let filed = api.post("/safety/reports", ravi, report).await.is(201);
    let cases = api.get("/moderation/reports", moderator).await.is(200);
    let case = cases["cases"][0]["id"].as_str().expect("a case").to_owned();
    (filed["report"]["id"].clone(), case)
}

#[tokio::test]
async fn a_report_becomes_a_case_and_its_reporter_hears_the_end() {
    let api = Desk::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mira = staff(&api, "mira", Role::Moderator).await;
    let (report, case) = reported(&api, &asha, &ravi, &mira).await;
    let again = api.get("/safety/reports", &ravi).await.is(200)["reports"][0].take();
    let same = json!({ "reportType": "message", "messageId": again["messageId"], "reason": "threat" });
    assert_eq!(api.post("/safety/reports", &ravi, same).await.is(200)["report"]["id"], report);
    let queue = api.get("/moderation/reports", &mira).await.is(200);
    let listed = &queue["cases"][0];
    assert_eq!(
        json!([
            listed["reason"],
            listed["severity"],
            listed["reporters"],
            listed["user"]["username"],
            listed["status"]
        ]),
        json!(["threat", 4, 1, "asha", "open"])
    );
    assert!(!queue.to_string().contains("regret"), "the queue holds nothing private");
    let held = api.post(&format!("/moderation/reports/{case}/claim"), &mira, json!({})).await.is(200);
    assert_eq!(held["case"]["claimedBy"]["username"], json!("mira"));
    let dossier = api.get(&format!("/moderation/reports/{case}"), &mira).await.is(200);
    let evidence = &dossier["reports"][0]["evidence"];
    assert!(evidence["messages"].to_string().contains("you will regret this"), "{evidence}");
    assert_eq!(dossier["person"]["strikes"], json!(0));
    let resolve = format!("/moderation/reports/{case}/resolve");
    for (body, code) in [
        (json!({ "outcome": "action_taken", "note": "x" }), "VALIDATION_FAILED"),
        (json!({ "outcome": "dismissed", "action": "warn", "note": "x" }), "VALIDATION_FAILED"),
        (json!({ "outcome": "dismissed" }), "VALIDATION_FAILED"),
        (json!({ "outcome": "dismissed", "note": "" }), "VALIDATION_FAILED"),
        (json!({ "outcome": "action_taken", "action": "suspend", "note": "x" }), "VALIDATION_FAILED"),
        (json!({ "outcome": "action_taken", "action": "close_room", "note": "x" }), "VALIDATION_FAILED"),
    ] {
        api.post(&resolve, &mira, body).await.refused(400, code);
    }
    let decision = json!({ "outcome": "action_taken", "action": "suspend", "days": 3, "note": "a threat" });
    let ended = api.post(&resolve, &mira, decision.clone()).await.is(200);
    assert_eq!(
        (&ended["case"]["status"], &ended["case"]["outcome"]),
        (&json!("resolved"), &json!("action_taken"))
    );
    api.post(&resolve, &mira, decision).await.refused(409, "CASE_RESOLVED");
    let told = api.get("/safety/reports", &ravi).await.is(200);
    assert_eq!(told["reports"][0]["status"], json!("action_taken"));
    let inbox = api.get("/notifications", &ravi).await.is(200);
    assert_eq!(inbox["notifications"][0]["kind"], json!("report_decided"));
    api.get("/auth/me", &asha).await.refused(403, "ACCOUNT_SUSPENDED");
    api.get(&format!("/moderation/reports/{}", asha.id), &mira).await.refused(404, "CASE_NOT_FOUND");
}

#[tokio::test]
async fn a_report_that_makes_no_sense_is_refused() {
    let api = Desk::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let nobody = "0190b2c4-0000-7000-8000-000000000000";
    for (body, status, code) in [
        (json!({ "reportType": "user", "reason": "spam" }), 400, "VALIDATION_FAILED"),
        (
            json!({ "reportType": "message", "reason": "spam", "reportedUserId": ravi.id }),
            400,
            "VALIDATION_FAILED",
        ),
        (
            json!({ "reportType": "user", "reportedUserId": ravi.id, "reason": "rude" }),
            400,
            "VALIDATION_FAILED",
        ),
        (
            json!({ "reportType": "user", "reportedUserId": ravi.id, "reason": "legal_order" }),
            400,
            "VALIDATION_FAILED",
        ),
        (
            json!({ "reportType": "user", "reportedUserId": ravi.id, "reason": "spam", "description": "x".repeat(2001) }),
            400,
            "VALIDATION_FAILED",
        ),
        (
            json!({ "reportType": "user", "reportedUserId": asha.id, "reason": "spam" }),
            400,
            "CANNOT_REPORT_YOURSELF",
        ),
        (
            json!({ "reportType": "user", "reportedUserId": nobody, "reason": "spam" }),
            404,
            "SUBJECT_NOT_FOUND",
        ),
        (json!({ "reportType": "message", "messageId": nobody, "reason": "spam" }), 404, "SUBJECT_NOT_FOUND"),
        (json!({ "reportType": "room", "roomId": nobody, "reason": "spam" }), 404, "SUBJECT_NOT_FOUND"),
        (json!({ "reportType": "call", "callId": nobody, "reason": "spam" }), 404, "SUBJECT_NOT_FOUND"),
    ] {
        api.post("/safety/reports", &asha, body).await.refused(status, code);
    }
    assert_eq!(
        api.get("/safety/reports", &asha).await.is(200),
        json!({
            "success": true, "reports": [], "nextCursor": null,
        })
    );
}

#[tokio::test]
async fn two_moderators_never_hold_one_case() {
    let api = Desk::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mira = staff(&api, "mira", Role::Moderator).await;
    let omar = staff(&api, "omar", Role::Moderator).await;
    let (_, case) = reported(&api, &asha, &ravi, &mira).await;
    let claim = format!("/moderation/reports/{case}/claim");
    let (one, two) = tokio::join!(api.post(&claim, &mira, json!({})), api.post(&claim, &omar, json!({})));
    let mut got = [one.status, two.status];
    got.sort_unstable();
    assert_eq!(got, [200, 409]);
    let (holder, other) = if one.status == 200 { (&mira, &omar) } else { (&omar, &mira) };
    let dismiss = json!({ "outcome": "dismissed", "note": "x" });
    let resolve = format!("/moderation/reports/{case}/resolve");
    api.post(&resolve, other, dismiss.clone()).await.refused(409, "CASE_CLAIMED");
    let next = api.post("/moderation/reports/next", other, json!({})).await.is(200);
    assert_eq!(next["case"], Value::Null, "nothing else waits");
    api.post(&format!("/moderation/reports/{case}/release"), holder, json!({})).await.is(200);
    let next = api.post("/moderation/reports/next", other, json!({})).await.is(200);
    assert_eq!(next["case"]["id"], json!(case));
    let note = json!({ "note": "needs a senior one" });
    api.post(&format!("/moderation/reports/{case}/notes"), other, note.clone()).await.is(201);
    let escalated =
        api.post(&format!("/moderation/reports/{case}/escalate"), other, note.clone()).await.is(200);
    assert_eq!(escalated["case"]["isEscalated"], json!(true));
    api.post(&resolve, other, dismiss.clone()).await.refused(403, "ROLE_FORBIDS");
    let sana = staff(&api, "sana", Role::Senior).await;
    api.post(&resolve, &sana, dismiss).await.is(200);
    let listed = api.get("/moderation/reports?status=resolved&mine=false", &sana).await.is(200);
    assert_eq!(listed["cases"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_ban_takes_two_is_appealed_from_outside_and_taken_back_by_a_third() {
    let api = Desk::new().await;
    let asha = api.world.user("asha").await;
    let mira = staff(&api, "mira", Role::Moderator).await;
    let (sana, omar) = (staff(&api, "sana", Role::Senior).await, staff(&api, "omar", Role::Senior).await);
    let ban = format!("/moderation/users/{}/ban", asha.id);
    let order = json!({ "policy": "scam", "note": "third account" });
    let proposed = api.post(&ban, &mira, order.clone()).await.is(201)["sanction"].take();
    assert_eq!(proposed["state"], json!("proposed"));
    api.post(&ban, &sana, order).await.refused(409, "ALREADY_PROPOSED");
    let id = proposed["id"].as_str().expect("an id");
    let waiting = api.get("/moderation/sanctions?state=proposed", &sana).await.is(200);
    assert_eq!(waiting["sanctions"][0]["id"], json!(id));
    let confirm = format!("/moderation/sanctions/{id}/confirm");
    api.post(&confirm, &mira, json!({})).await.refused(403, "ROLE_FORBIDS");
    assert_eq!(api.post(&confirm, &sana, json!({})).await.is(200)["sanction"]["state"], json!("in_force"));
    api.post(&confirm, &omar, json!({})).await.refused(409, "NOT_PROPOSED");

    let token = api.world.firebase_token(&asha.firebase_uid, &asha.phone);
    api.post("/auth/verify-firebase", Who::Nobody, json!({ "firebaseToken": token }))
        .await
        .refused(403, "ACCOUNT_SUSPENDED");
    let standing = json!({ "firebaseToken": token });
    let shown = api.post("/auth/standing", Who::Nobody, standing).await.is(200);
    assert_eq!(
        (&shown["sanctions"][0]["id"], &shown["sanctions"][0]["canAppeal"]),
        (&json!(id), &json!(true))
    );
    assert!(shown["sanctions"][0].get("note").is_none(), "what staff says to each other is not told");
    let appeal = json!({ "firebaseToken": token, "sanctionId": id, "words": "it was my brother" });
    api.post("/auth/appeal", Who::Nobody, appeal.clone()).await.is(201);
    api.post("/auth/appeal", Who::Nobody, appeal).await.refused(409, "ALREADY_APPEALED");
    let appeals = api.get("/moderation/appeals", &omar).await.is(200);
    let decide =
        format!("/moderation/appeals/{}/decide", appeals["appeals"][0]["id"].as_str().expect("an id"));
    let overturn = json!({ "outcome": "overturn", "answer": "we were wrong" });
    api.post(&decide, &sana, overturn.clone()).await.refused(403, "SECOND_PERSON_NEEDED");
    let reversed = api.post(&decide, &omar, overturn.clone()).await.is(200);
    assert_eq!(reversed["sanction"]["state"], json!("reversed"));
    api.post(&decide, &omar, overturn).await.refused(409, "APPEAL_DECIDED");
    let token = api.world.firebase_token(&asha.firebase_uid, &asha.phone);
    api.post("/auth/verify-firebase", Who::Nobody, json!({ "firebaseToken": token })).await.is(200);
}

#[tokio::test]
async fn what_is_done_to_a_person_without_a_case() {
    let api = Desk::new().await;
    let asha = api.world.user("asha").await;
    let (mira, sana) = (staff(&api, "mira", Role::Moderator).await, staff(&api, "sana", Role::Senior).await);
    let user = |act: &str| format!("/moderation/users/{}/{act}", asha.id);
    let warn = json!({ "policy": "spam", "note": "x", "notice": "Please stop." });
    api.post(&user("warn"), &mira, warn.clone()).await.is(201);
    api.post(&user("tickle"), &mira, warn.clone()).await.refused(404, "NOT_FOUND");
    api.post("/moderation/users/x/warn", &mira, warn.clone()).await.refused(400, "VALIDATION_FAILED");
    api.post(&format!("/moderation/users/{}/warn", mira.id), &mira, warn.clone())
        .await
        .refused(403, "OWN_CASE");
    api.post(&format!("/moderation/users/{}/warn", sana.id), &mira, warn)
        .await
        .refused(403, "STAFF_PROTECTED");
    let mine = api.get("/safety/sanctions", &asha).await.is(200);
    assert_eq!(mine["sanctions"][0]["notice"], json!("Please stop."));
    let appeal = format!("/safety/sanctions/{}/appeal", mine["sanctions"][0]["id"].as_str().expect("an id"));
    api.post(&appeal, &mira, json!({ "words": "x" })).await.refused(404, "SANCTION_NOT_FOUND");
    api.post(&appeal, &asha, json!({ "words": " " })).await.refused(400, "VALIDATION_FAILED");
    let appealed = api.post(&appeal, &asha, json!({ "words": "I was hacked" })).await.is(201);
    assert_eq!(appealed["sanction"]["appeal"], json!("open"));

    api.post(&user("suspend"), &mira, json!({ "policy": "spam", "days": 31, "note": "x" }))
        .await
        .refused(403, "ROLE_FORBIDS");
    api.post(&user("mute"), &mira, json!({ "policy": "spam", "days": 2, "note": "x" })).await.is(201);
    let person = api.get(&format!("/moderation/users/{}", asha.id), &mira).await.is(200)["person"].take();
    assert_eq!(person["sanctions"].as_array().map(Vec::len), Some(2));
    let restored = api.post(&user("restore"), &sana, json!({ "note": "enough" })).await.is(200);
    assert_eq!(restored["sanctions"][0]["action"], json!("mute"));
    api.post(&user("restore"), &sana, json!({ "note": "enough" })).await.refused(409, "NOT_IN_FORCE");
    api.post(&user("mute-reports"), &mira, json!({ "days": 7, "note": "false ones" })).await.is(200);
    let report = |reason: &str| json!({ "reportType": "user", "reportedUserId": mira.id, "reason": reason });
    api.post("/safety/reports", &asha, report("spam")).await.refused(403, "REPORTING_MUTED");
    api.post("/safety/reports", &asha, report("child_safety")).await.is(201);
}

#[tokio::test]
async fn rooms_are_watched_and_kept_in_order() {
    let api = Desk::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mira = staff(&api, "mira", Role::Moderator).await;
    let room = json!({ "name": "Tea", "roomType": "text" });
    let room = api.post("/rooms/create", &asha, room).await.is(201)["room"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    api.post(&format!("/rooms/{room}/join"), &ravi, json!({})).await.is(200);
    let listed = api.get("/moderation/rooms", &mira).await.is(200);
    assert_eq!(listed["rooms"][0]["id"], json!(room));
    let shown = api.get(&format!("/moderation/rooms/{room}"), &mira).await.is(200);
    assert_eq!(shown["members"].as_array().map(Vec::len), Some(2));
    let member = |act: &str| format!("/moderation/rooms/{room}/members/{}/{act}", ravi.id);
    let note = json!({ "note": "insults" });
    api.post(&member("mute"), &mira, note.clone()).await.is(200);
    let said = json!({ "conversationId": room, "content": "x" });
    assert!(api.post("/messages", &ravi, said).await.status >= 400, "muted");
    api.post(&member("kick"), &mira, note.clone()).await.is(200);
    api.post(&member("mute"), &mira, note.clone()).await.refused(404, "MEMBER_NOT_FOUND");
    api.post(&format!("/rooms/{room}/join"), &ravi, json!({})).await.refused(404, "ROOM_NOT_FOUND");
    api.post(&format!("/moderation/rooms/{room}/listen"), &mira, note).await.refused(409, "NOTHING_TO_HEAR");
    let close = format!("/moderation/rooms/{room}/close");
    api.post(&close, &mira, json!({ "policy": "hate", "note": "slurs" })).await.is(200);
    api.post(&close, &mira, json!({ "policy": "hate", "note": "slurs" }))
        .await
        .refused(404, "ROOM_NOT_FOUND");
    assert_eq!(
        api.get("/safety/sanctions", &asha).await.is(200)["sanctions"][0]["action"],
        json!("close_room")
    );
}

#[tokio::test]
async fn a_moderator_hears_a_room_unseen_and_only_for_as_long_as_they_may() {
    let media = LiveKit::shared().await;
    let api = Desk::over(Api::over(World::builder().speaks_at(media)).await).await;
    let asha = api.world.user("asha").await;
    let mira = staff(&api, "mira", Role::Moderator).await;
    let made = api.post("/rooms/create", &asha, json!({ "name": "Chai", "roomType": "voice" })).await.is(201);
    let _asha = media.join(made["room"]["token"].as_str().expect("a token")).await.expect("she enters");
    let room = made["room"]["id"].as_str().expect("an id");
    let listen = format!("/moderation/rooms/{room}/listen");
    api.post(&listen, &asha, json!({ "note": "x" })).await.refused(403, "FORBIDDEN");
    api.post(&listen, &mira, json!({})).await.refused(400, "VALIDATION_FAILED");
    let heard = api.post(&listen, &mira, json!({ "note": "a report" })).await.is(200);
    assert_eq!(heard["participantName"], json!(format!("listener_{}", mira.id)));
    let mut there = media.join(heard["livekitToken"].as_str().expect("a token")).await.expect("she enters");
    api.world.banter.voice().reconcile().await.expect("a round");
    let shown = api.get(&format!("/moderation/rooms/{room}"), &mira).await.is(200);
    assert_eq!(shown["members"].as_array().map(Vec::len), Some(1), "the listener is nobody's to see");
    let page = PageRequest { limit: 100, cursor: None };
    let log = api.world.banter.moderation();
    let log = log.audit(Staff::OPERATOR, &Filter::default(), &page).await.expect("a log");
    let acts: Vec<_> = log.items.into_iter().map(|entry| entry.act).collect();
    assert!(acts.contains(&"room.listen".to_owned()) && acts.contains(&"room.look".to_owned()), "{acts:?}");
    api.world.advance(banter_core::moderation::rooms::LISTEN);
    api.world.banter.voice().reconcile().await.expect("a round");
    there.until_out().await;
    api.world.may_leave_jobs();
}

#[tokio::test]
async fn the_record_numbers_and_staff() {
    let api = Desk::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let (adil, viki) = (staff(&api, "adil", Role::Admin).await, staff(&api, "viki", Role::Viewer).await);
    let (_, case) = reported(&api, &asha, &ravi, &viki).await;
    let seen = api.get(&format!("/moderation/reports/{case}"), &viki).await.is(200);
    assert_eq!(seen["reports"][0]["evidence"], Value::Null, "for moderators");
    api.get(&format!("/moderation/reports/{case}"), &adil).await.is(200);
    let log = api.get("/moderation/audit?act=case", &adil).await.is(200);
    assert_eq!(log["entries"][0]["actorId"], json!(adil.id));
    assert_eq!(log["entries"][0]["subject"], json!(format!("case:{case}")));
    assert_eq!((&seen["reports"][0]["description"], &seen["person"]["bio"]), (&Value::Null, &Value::Null));
    for private in ["/moderation/audit", "/moderation/appeals", "/moderation/sanctions", "/moderation/held"] {
        api.get(private, &viki).await.refused(403, "ROLE_FORBIDS");
    }
    api.world.advance(TimeDelta::seconds(1));
    let stats = api.get("/moderation/stats", &viki).await.is(200);
    assert_eq!((&stats["stats"]["backlog"]["open"], &stats["stats"]["reports"]), (&json!(1), &json!(1)));
    api.get("/moderation/stats?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", &viki)
        .await
        .refused(400, "VALIDATION_FAILED");
    let role = format!("/moderation/staff/{}", ravi.id);
    api.put(&role, &viki, json!({ "role": "admin" })).await.refused(403, "ROLE_FORBIDS");
    assert_eq!(api.put(&role, &adil, json!({ "role": "moderator" })).await.is(200)["changed"], json!(true));
    api.get("/auth/me", &ravi).await.refused(403, "SESSION_REVOKED");
    let ravi = api.world.sign_in(&ravi).await;
    let listed = api.get("/moderation/staff", &ravi).await.is(200);
    let names: Vec<_> =
        listed["staff"].as_array().expect("a list").iter().map(|m| m["username"].clone()).collect();
    assert_eq!(names, [json!("adil"), json!("ravi"), json!("viki")]);
    // Whose role ended is out at once, whatever their token says.
    api.put(&role, &adil, json!({ "role": "user" })).await.is(200);
    api.get("/moderation/staff", &ravi).await.refused(403, "SESSION_REVOKED");
    api.put(&format!("/moderation/staff/{}", adil.id), &adil, json!({ "role": "user" }))
        .await
        .refused(409, "LAST_ADMIN");
}

#[tokio::test]
async fn a_rule_is_tried_as_a_shadow_then_holds_what_it_finds() {
    let api = Desk::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.acquaint(&asha, &ravi, "hello").await;
    let (mira, sana) = (staff(&api, "mira", Role::Moderator).await, staff(&api, "sana", Role::Senior).await);
    let rule = json!({ "name": "upi", "test": { "kind": "leak", "kinds": ["upi"] }, "action": "hold", "reason": "scam" });
    api.post("/moderation/rules", &mira, rule.clone()).await.refused(403, "ROLE_FORBIDS");
    assert_eq!(
        api.post("/moderation/rules", &sana, rule.clone()).await.is(201)["rule"]["state"],
        json!("shadow")
    );
    api.post("/moderation/rules", &sana, rule).await.refused(409, "RULE_EXISTS");
    for (wrong, field) in [
        (
            json!({ "name": "x", "test": { "kind": "regex", "pattern": "(" }, "action": "flag", "reason": "spam" }),
            "pattern",
        ),
        (
            json!({ "name": "x", "test": { "kind": "regex", "pattern": "a*" }, "action": "flag", "reason": "spam" }),
            "pattern",
        ),
        (
            json!({ "name": "x", "test": { "kind": "regex", "pattern": "(?:a{1000}){1000}" }, "action": "flag", "reason": "spam" }),
            "pattern",
        ),
        (
            json!({ "name": "X y", "test": { "kind": "leak", "kinds": ["upi"] }, "action": "flag", "reason": "spam" }),
            "name",
        ),
        (
            json!({ "name": "x", "test": { "kind": "keywords", "words": [] }, "action": "flag", "reason": "spam" }),
            "words",
        ),
        (
            json!({ "name": "x", "test": { "kind": "flood", "times": 0, "seconds": 5 }, "action": "flag", "reason": "spam" }),
            "times",
        ),
    ] {
        let refused = api.post("/moderation/rules", &sana, wrong.clone()).await;
        assert!(
            refused.refused(400, "VALIDATION_FAILED")["details"]["fields"].get(field).is_some(),
            "{wrong}"
        );
    }
    let bait =
        |id: &str| json!({ "receiverId": ravi.id, "content": "send to asha@okaxis", "clientMessageId": id });
    api.post("/messages", &asha, bait("one")).await.is(201);
    let listed = api.get("/moderation/rules", &mira).await.is(200);
    assert_eq!((&listed["rules"][0]["shadowHits"], &listed["rules"][0]["hits"]), (&json!(1), &json!(0)));
    api.patch("/moderation/rules/upi", &sana, json!({ "state": "on" })).await.is(200);
    api.patch("/moderation/rules/nope", &sana, json!({ "state": "on" })).await.refused(404, "RULE_NOT_FOUND");
    for _ in 0..2 {
        api.post("/messages", &asha, bait("two")).await.refused(403, "MESSAGE_HELD");
    }
    assert_eq!(
        api.post("/messages", &asha, bait("one")).await.is(200)["message"]["content"],
        json!("send to asha@okaxis")
    );
    let held = api.get("/moderation/held", &mira).await.is(200);
    assert_eq!(held["messages"].as_array().map(Vec::len), Some(1), "a retry is the same");
    let id = held["messages"][0]["id"].as_str().expect("an id").to_owned();
    let (release, drop) = (format!("/moderation/held/{id}/release"), format!("/moderation/held/{id}/drop"));
    let before =
        api.get("/conversations", &ravi).await.is(200)["conversations"][0]["lastMessage"]["content"].take();
    assert_eq!(before, json!("send to asha@okaxis"), "of the first one");
    let (one, two) =
        tokio::join!(api.post(&release, &mira, json!({})), api.post(&release, &sana, json!({})),);
    let mut got = [one.status, two.status];
    got.sort_unstable();
    assert_eq!(got, [200, 409]);
    api.post(&drop, &mira, json!({ "note": "x" })).await.refused(409, "HELD_MESSAGE_DECIDED");
    assert_eq!(
        api.post("/messages", &asha, bait("two")).await.is(200)["message"]["clientMessageId"],
        json!("two")
    );
    api.post("/messages", &asha, bait("three")).await.refused(403, "MESSAGE_HELD");
    let id = api.get("/moderation/held", &mira).await.is(200)["messages"][0]["id"].clone();
    let drop = format!("/moderation/held/{}/drop", id.as_str().expect("an id"));
    api.post(&drop, &mira, json!({ "note": "bait" })).await.is(200);
    assert_eq!(api.get("/moderation/held", &mira).await.is(200)["messages"], json!([]));

    api.patch("/moderation/rules/upi", &sana, json!({ "action": "flag" })).await.is(200);
    api.post("/messages", &asha, bait("four")).await.is(201);
    let cases = api.get("/moderation/reports?source=rule", &mira).await.is(200);
    let case = cases["cases"][0]["id"].as_str().expect("a case");
    let dossier = api.get(&format!("/moderation/reports/{case}"), &mira).await.is(200);
    assert!(dossier["evidence"]["messages"].to_string().contains("okaxis"), "{dossier}");
    api.patch("/moderation/rules/upi", &sana, json!({ "action": "block" })).await.is(200);
    api.post("/messages", &asha, bait("five")).await.refused(403, "MESSAGE_BLOCKED");
    let hello = json!({ "receiverId": ravi.id, "content": "hello" });
    let sent = api.post("/messages", &asha, hello).await.is(201)["message"]["id"].clone();
    let edit = format!("/messages/{}", sent.as_str().expect("an id"));
    api.patch(&edit, &asha, json!({ "content": "asha@okaxis" })).await.refused(403, "MESSAGE_BLOCKED");
    // Friends may tell each other.
    api.world.befriend(&asha, &ravi).await;
    api.post("/messages", &asha, bait("six")).await.is(201);
    api.delete("/moderation/rules/upi", &sana).await.is(200);
    api.delete("/moderation/rules/upi", &sana).await.refused(404, "RULE_NOT_FOUND");
    api.world.may_leave_jobs();
}

#[tokio::test]
async fn a_tool_is_let_in_from_the_app_and_for_a_while_only() {
    let api = Desk::new().await;
    let asha = api.world.user("asha").await;
    let mira = staff(&api, "mira", Role::Moderator).await;
    let begin = async || {
        let begun = api
            .post("/auth/device/start", Who::Nobody, json!({ "tool": "banter-tui 0.1 on desk" }))
            .await
            .is(201);
        (begun["deviceCode"].clone(), begun["userCode"].as_str().expect("a code").to_owned())
    };
    let poll =
        async |code: &Value| api.post("/auth/device/token", Who::Nobody, json!({ "deviceCode": code })).await;
    let (device, user) = begin().await;
    poll(&device).await.refused(400, "AUTHORIZATION_PENDING");
    poll(&device).await.refused(400, "SLOW_DOWN");
    api.world.advance(INTERVAL);
    let typed = user.to_lowercase().replace('-', "");
    api.get(&format!("/auth/device/{typed}"), &asha).await.refused(403, "FORBIDDEN");
    api.post("/auth/device/approve", &asha, json!({ "userCode": typed })).await.refused(403, "FORBIDDEN");
    let asked = api.get(&format!("/auth/device/{typed}"), &mira).await.is(200);
    assert_eq!((&asked["tool"], &asked["address"]), (&json!("banter-tui 0.1 on desk"), &json!("127.0.0.1")));
    let approve = json!({ "userCode": typed });
    let (one, two) = tokio::join!(
        api.post("/auth/device/approve", &mira, approve.clone()),
        api.post("/auth/device/approve", &mira, approve.clone()),
    );
    let mut got = [one.status, two.status];
    got.sort_unstable();
    assert_eq!(got, [200, 404], "once");
    let (one, two) = tokio::join!(poll(&device), poll(&device));
    let (login, other) = if one.status == 200 { (one, two) } else { (two, one) };
    other.refused(400, "EXPIRED_TOKEN");
    let login = login.is(200);
    let token = login["accessToken"].as_str().expect("a token");
    api.get("/moderation/reports", Who::Token(token)).await.is(200);
    let sessions = api.get("/auth/sessions", &mira).await.is(200);
    assert_eq!(sessions["sessions"][0]["tool"], json!("banter-tui 0.1 on desk"));

    // A tool lets nobody in; what is denied or too old is over.
    let (device, user) = begin().await;
    api.post("/auth/device/approve", Who::Token(token), json!({ "userCode": user }))
        .await
        .refused(403, "APP_NEEDED");
    api.post("/auth/device/deny", &mira, json!({ "userCode": user })).await.is(200);
    poll(&device).await.refused(400, "ACCESS_DENIED");
    poll(&device).await.refused(400, "EXPIRED_TOKEN");
    let (device, user) = begin().await;
    api.world.advance(CODE_LIFE);
    let mira = api.world.sign_in(&mira).await;
    api.post("/auth/device/approve", &mira, json!({ "userCode": user }))
        .await
        .refused(404, "DEVICE_CODE_NOT_FOUND");
    poll(&device).await.refused(400, "EXPIRED_TOKEN");
    poll(&json!("x")).await.refused(400, "EXPIRED_TOKEN");

    // Refreshing does not prolong it.
    let refresh = async |token: &Value| {
        api.post("/auth/refresh", Who::Nobody, json!({ "refreshToken": token, "rotate": true })).await
    };
    api.world.advance(TOOL_LIFE - CODE_LIFE - INTERVAL - TimeDelta::minutes(1));
    let next = refresh(&login["refreshToken"]).await.is(200)["refreshToken"].clone();
    api.world.advance(TimeDelta::minutes(2));
    refresh(&next).await.refused(401, "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn somebody_is_verified_once_and_the_pictures_go() {
    let api = Desk::new().await;
    let (asha, mira) = (api.world.user("asha").await, staff(&api, "mira", Role::Moderator).await);
    let viki = staff(&api, "viki", Role::Viewer).await;
    let ask = async |who: &Person| {
        let mut links = Vec::new();
        for size in [8, 9] {
            let mut upload = api.upload(who, "verification", files::png(size, size)).await.is(200);
            links.push(upload["mediaUrl"].take());
        }
        let asked = json!({ "documentMediaUrl": links[0], "selfieMediaUrl": links[1] });
        api.api.post("/users/me/verification", who, asked).await.is(200);
    };
    ask(&asha).await;
    api.world.advance(TimeDelta::seconds(1));
    ask(&mira).await;
    api.get("/moderation/verifications", &viki).await.refused(403, "ROLE_FORBIDS");
    let listed = api.get("/moderation/verifications", &mira).await.is(200);
    let of = |number: usize| {
        format!(
            "/moderation/verifications/{}",
            listed["verifications"][number]["id"].as_str().expect("an id")
        )
    };
    let (hers, own) = (of(0), of(1));
    api.get(&own, &mira).await.refused(403, "OWN_CASE");
    api.post(&format!("{own}/approve"), &mira, json!({})).await.refused(403, "OWN_CASE");
    let shown = api.get(&hers, &mira).await.is(200);
    let picture = shown["document"].as_str().expect("a link");
    assert!(picture.contains("expires="), "{picture}");
    api.post(&format!("{hers}/reject"), &mira, json!({ "reason": "" }))
        .await
        .refused(400, "VALIDATION_FAILED");
    let decide = async |word: &str, body: Value| api.post(&format!("{hers}/{word}"), &mira, body).await;
    let reject = json!({ "reason": "the picture is dark" });
    let (one, two) = tokio::join!(decide("reject", reject), decide("approve", json!({})));
    let mut got = [one.status, two.status];
    got.sort_unstable();
    assert_eq!(got, [200, 409], "one word counts");
    let gone = api.get(&hers, &mira).await.is(200);
    assert_eq!((&gone["document"], &gone["selfie"]), (&Value::Null, &Value::Null));
    assert_eq!(api.world.sql("select from uploads where doomed_at is not null").await, 2);
    let inbox = api.get("/notifications", &asha).await.is(200);
    assert_eq!(inbox["notifications"][0]["kind"], json!("verification_decided"));
    let verified = api.get("/auth/me", &asha).await.is(200)["user"]["isIdentityVerified"].clone();
    assert_eq!(verified, json!(two.status == 200));
    api.get("/moderation/verifications/0190b2c4-0000-7000-8000-000000000000", &mira)
        .await
        .refused(404, "VERIFICATION_NOT_FOUND");
    api.world.may_leave_jobs();
}
