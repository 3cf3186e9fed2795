//! Automatic rules, from what is written down to what becomes of a message.

use chrono::TimeDelta;

use super::*;
use crate::messaging::send::{Draft, Target};
use crate::moderation::leaks::Leak;
use crate::moderation::rules::keep::{Change, MOST, defaults};
use crate::moderation::rules::matching::{Compiled, Text};
use crate::moderation::rules::{self, Rule, State, Test};

fn rule(name: &str, test: Test, action: rules::Action) -> Rule {
    Rule { name: name.into(), test, action, reason: Reason::Spam, spares_friends: true }
}

fn words(words: &[&str]) -> Test {
    Test::Keywords { words: words.iter().map(|&word| word.into()).collect() }
}

fn pattern(pattern: &str) -> Test {
    Test::Regex { pattern: pattern.into() }
}

fn leak() -> Test {
    Test::Leak { kinds: Leak::ALL.to_vec() }
}

async fn add(world: &World, rule: Rule, state: State) {
    world.banter.moderation().add_rules(Staff::OPERATOR, &[rule], state).await.expect("added");
}

/// What became of it: `sent`, or the code of the refusal.
async fn send(world: &World, from: &Person, to: &Person, text: &str) -> &'static str {
    let draft = Draft::text(Target::User(to.id), text);
    match world.banter.messaging().send(&from.caller, draft, None).await {
        Ok(_) => "sent",
        Err(error) => error.coded().1,
    }
}

async fn hits(world: &World, name: &str) -> (i64, i64) {
    let kept = world.banter.moderation().rule(Staff::OPERATOR, name).await.expect("kept");
    (kept.hits, kept.shadow_hits)
}

#[test]
fn words_are_found_whole_and_however_they_are_written() {
    let found = |test: &Test, text: &str| {
        let rule = Compiled::new(rule("x", test.clone(), rules::Action::Flag), State::On).expect("a rule");
        rule.finds(&Text::new(text)).expect("told by the text alone")
    };
    let test = words(&["kbc lottery", "ओटीपी", "Ass"]);
    for text in
        ["KBC Lottery!", "you won:kbc lottery", "ＫＢＣ lottery", "k\u{200b}bc lottery", "ओटीपी भेजो", "ass"]
    {
        assert!(found(&test, text), "{text}");
    }
    for text in ["kbc  lotter y", "class", "assam", "ओटीपीका"] {
        assert!(!found(&test, text), "{text}");
    }
    let test = pattern(r"\brefund\b.*\bpaytm\b");
    assert!(found(&test, "REFUND by PayTM") && !found(&test, "paytm refund"));
}

#[test]
fn what_could_run_for_long_or_makes_no_sense_is_refused() {
    let refused = |test: Test| {
        let problems = Compiled::new(rule("x", test, rules::Action::Flag), State::On).err().expect("refused");
        problems.to_string()
    };
    // Each would cost hundreds of steps a character.
    for large in [r"(\w{100}){100}", r"(a?){1000}", r"[\p{L}\p{M}]{400}x", r"(.{1,30}){1,30}y"] {
        assert!(refused(pattern(large)).contains("too large"), "{large}");
    }
    for wrong in ["(", r"(a)\1", "(?=a)a", ""] {
        assert!(refused(pattern(wrong)).contains("pattern"), "{wrong}");
    }
    for all in ["a*", ".*", "|", "^"] {
        assert!(refused(pattern(all)).contains("every text"), "{all}");
    }
    assert!(refused(words(&[])).contains("words"));
    assert!(refused(words(&["a"])).contains("words"));
    assert!(refused(Test::Leak { kinds: Vec::new() }).contains("kinds"));
    assert!(refused(Test::Flood { times: 5, seconds: 0 }).contains("seconds"));
    assert!(refused(Test::NewAccount { days: 0, hourly: 5 }).contains("days"));
}

#[tokio::test]
async fn a_shadow_only_counts_and_what_acts_acts() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    add(&world, rule("leaks", leak(), rules::Action::Block), State::Shadow).await;
    assert_eq!(send(&world, &asha, &ravi, "call 9876543210").await, "sent");
    assert_eq!(send(&world, &asha, &ravi, "call me").await, "sent");
    assert_eq!(hits(&world, "leaks").await, (0, 1));
    let change = |state| Change { state: Some(state), ..Change::default() };
    let moderation = world.banter.moderation();
    moderation.change_rule(Staff::OPERATOR, "leaks", &change(State::On)).await.expect("on");
    assert_eq!(send(&world, &asha, &ravi, "call 9876543210").await, "MESSAGE_BLOCKED");
    assert_eq!(send(&world, &asha, &ravi, "call me").await, "sent");
    assert_eq!(hits(&world, "leaks").await, (1, 1));
    moderation.change_rule(Staff::OPERATOR, "leaks", &change(State::Off)).await.expect("off");
    assert_eq!(send(&world, &asha, &ravi, "call 9876543210").await, "sent");
    assert_eq!(hits(&world, "leaks").await, (1, 1));
    world.advance(TimeDelta::days(8));
    assert_eq!(hits(&world, "leaks").await, (0, 0), "a week is counted");
}

#[tokio::test]
async fn what_is_flagged_is_delivered_and_becomes_one_case() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    add(&world, rule("leaks", leak(), rules::Action::Flag), State::On).await;
    assert_eq!(send(&world, &asha, &ravi, "mine is 9876543210").await, "sent");
    let case = only_case(&world).await;
    assert_eq!((case.reporters, case.user.id, case.reason), (0, asha.id, Reason::Spam));
    let (_, meera) = staffer(&world, "meera", Role::Moderator).await;
    let shown = world.banter.moderation().dossier(meera, case.id).await.expect("shown");
    let evidence = shown.evidence.expect("frozen").to_string();
    assert!(evidence.contains("mine is 9876543210") && evidence.contains("leaks"), "{evidence}");
    world.may_leave_jobs();
}

#[tokio::test]
async fn the_gravest_rule_decides_and_friends_are_spared() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    add(&world, rule("a-flag", leak(), rules::Action::Flag), State::On).await;
    add(&world, rule("b-block", pattern("9876"), rules::Action::Block), State::On).await;
    add(&world, rule("c-hold", leak(), rules::Action::Hold), State::On).await;
    assert_eq!(send(&world, &asha, &ravi, "call 9876543210").await, "MESSAGE_BLOCKED");
    assert_eq!(send(&world, &asha, &ravi, "call 8765432109").await, "MESSAGE_HELD");
    world.befriend(&asha, &ravi).await;
    assert_eq!(send(&world, &asha, &ravi, "call 9876543210").await, "sent");
    let change = Change { spares_friends: Some(false), ..Change::default() };
    world.banter.moderation().change_rule(Staff::OPERATOR, "b-block", &change).await.expect("changed");
    assert_eq!(send(&world, &asha, &ravi, "call 9876543210").await, "MESSAGE_BLOCKED");
    world.may_leave_jobs();
}

#[tokio::test]
async fn floods_and_new_accounts_are_counted() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    add(&world, rule("flood", Test::Flood { times: 3, seconds: 60 }, rules::Action::Block), State::On).await;
    for _ in 0..3 {
        assert_eq!(send(&world, &asha, &ravi, "Join my room").await, "sent");
    }
    assert_eq!(send(&world, &asha, &ravi, "join my ROOM").await, "MESSAGE_BLOCKED", "folded, it is the same");
    assert_eq!(send(&world, &asha, &ravi, "another thing").await, "sent");
    assert_eq!(send(&world, &ravi, &asha, "Join my room").await, "sent", "each for themselves");
    world.banter.moderation().remove_rule(Staff::OPERATOR, "flood").await.expect("removed");
    let new = Test::NewAccount { days: 1, hourly: 2 };
    add(&world, rule("new", new, rules::Action::Block), State::On).await;
    let meera = world.user("meera").await;
    world.acquaint(&meera, &ravi).await;
    let mut came_of = Vec::new();
    for n in 0..4 {
        came_of.push(send(&world, &meera, &ravi, &format!("hello {n}")).await);
    }
    assert_eq!(came_of.last(), Some(&"MESSAGE_BLOCKED"), "{came_of:?}");
    world.advance(TimeDelta::days(2));
    let meera = world.sign_in(&meera).await;
    for n in 0..4 {
        assert_eq!(send(&world, &meera, &ravi, &format!("again {n}")).await, "sent");
    }
}

#[tokio::test]
async fn what_was_held_is_sent_once_or_not_at_all() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    add(&world, rule("leaks", leak(), rules::Action::Hold), State::On).await;
    for text in ["call 9876543210", "pay asha@okaxis"] {
        assert_eq!(send(&world, &asha, &ravi, text).await, "MESSAGE_HELD");
    }
    let (_, meera) = staffer(&world, "meera", Role::Moderator).await;
    let moderation = world.banter.moderation();
    let held = moderation.held_messages(meera, &ALL).await.expect("listed").items;
    assert_eq!(held.len(), 2);
    let (one, two) = tokio::join!(
        moderation.release_message(meera, held[0].id),
        moderation.release_message(meera, held[0].id),
    );
    assert_eq!(one.is_ok() as u8 + two.is_ok() as u8, 1, "let go once");
    moderation.drop_message(meera, held[1].id, "a leak").await.expect("dropped");
    assert_eq!(code(moderation.release_message(meera, held[1].id).await), "HELD_MESSAGE_DECIDED");
    assert!(moderation.held_messages(meera, &ALL).await.expect("listed").items.is_empty());
    let delivered = "select from messages where content like 'call%' or content like 'pay%'";
    assert_eq!(world.sql(delivered).await, 1);
    world.may_leave_jobs();
}

#[tokio::test]
async fn rules_come_all_or_none_and_not_without_end() {
    let world = World::new().await;
    let moderation = world.banter.moderation();
    let defaults = defaults();
    let added = moderation.add_rules(Staff::OPERATOR, &defaults, State::Shadow).await.expect("added");
    assert_eq!(added.len(), defaults.len());
    let two = [rule("new", leak(), rules::Action::Flag), defaults[0].clone()];
    assert_eq!(code(moderation.add_rules(Staff::OPERATOR, &two, State::On).await), "RULE_EXISTS");
    assert_eq!(code(moderation.rule(Staff::OPERATOR, "new").await), "RULE_NOT_FOUND");
    let many: Vec<_> = (0..MOST).map(|n| rule(&format!("n{n}"), leak(), rules::Action::Flag)).collect();
    assert_eq!(code(moderation.add_rules(Staff::OPERATOR, &many, State::On).await), "TOO_MANY_RULES");
    assert_eq!(moderation.rules(Staff::OPERATOR).await.expect("listed").len(), defaults.len());
    let (_, meera) = staffer(&world, "meera", Role::Moderator).await;
    assert_eq!(code(moderation.add_rules(meera, &many[..1], State::On).await), "ROLE_FORBIDS");
    for name in ["nothing", "\0", "", "../x"] {
        assert_eq!(code(moderation.remove_rule(Staff::OPERATOR, name).await), "RULE_NOT_FOUND");
    }
}

#[tokio::test]
async fn another_replica_learns_of_a_rule() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    let other = world.replica().await;
    add(&world, rule("leaks", leak(), rules::Action::Block), State::On).await;
    rules::learn(&other.banter).await.expect("learned");
    let draft = Draft::text(Target::User(ravi.id), "call 9876543210");
    let refused = other.banter.messaging().send(&asha.caller, draft, None).await.expect_err("refused");
    assert_eq!(refused.coded().1, "MESSAGE_BLOCKED");
}
