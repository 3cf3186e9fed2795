use super::*;
use crate::friends::relationship::Relationship;
use crate::limits::Act;
use crate::page::PageRequest;

async fn found(world: &World, who: &Person, typed: &str) -> Vec<String> {
    let page = PageRequest { limit: 100, cursor: None };
    let page = world.banter.accounts().search(&who.caller, typed, &page).await.unwrap();
    page.items.into_iter().map(|found| found.user.username.unwrap_or_default()).collect()
}

/// Somebody with this name, in the database alone.
async fn person(world: &World, username: &str, full_name: &str) {
    world
        .sql(&format!(
            "insert into users (id, username, full_name, created_at, updated_at)
             values (gen_random_uuid(), '{username}', '{full_name}', now(), now())"
        ))
        .await;
}

#[tokio::test]
async fn the_likeliest_come_first() {
    let world = World::with_memory().await;
    let me = world.user("somebody").await;
    for (username, full_name) in [
        ("alike", "Prija Das"),
        ("middle", "Anita Priya Rao"),
        ("family", "Kavita Priyadarshi"),
        ("name", "Priyanka Nair"),
        ("Priya_22", "Zoya Khan"),
        ("PRIYA", "Zoya Ansari"),
        ("nobody", "Ravi Menon"),
    ] {
        person(&world, username, full_name).await;
    }
    let expected = ["PRIYA", "Priya_22", "name", "middle", "family", "alike"];
    assert_eq!(found(&world, &me, "priya").await, expected);
    assert_eq!(found(&world, &me, " @PRIYA ").await, expected);
    assert_eq!(found(&world, &me, "menon").await, ["nobody"]);
    assert_eq!(found(&world, &me, "ravi me").await, ["nobody"], "over a space");
    assert_eq!(found(&world, &me, "me").await, ["nobody"], "two letters");
    assert!(found(&world, &me, "xyzzy").await.is_empty());
}

#[tokio::test]
async fn every_script_is_searched() {
    let world = World::with_memory().await;
    let me = world.user("somebody").await;
    person(&world, "ravi", "रवि शर्मा").await;
    person(&world, "asha", "ആശ നായർ").await;
    assert_eq!(found(&world, &me, "रव").await, ["ravi"]);
    assert_eq!(found(&world, &me, "शर्मा").await, ["ravi"]);
    assert_eq!(found(&world, &me, "ആശ").await, ["asha"]);
}

#[tokio::test]
async fn characters_that_mean_something_to_a_database_mean_themselves() {
    let world = World::with_memory().await;
    let me = world.user("somebody").await;
    person(&world, "a_bc", "Asha Rao").await;
    person(&world, "axbc", "Ravi Rao").await;
    assert_eq!(found(&world, &me, "a_").await, ["a_bc"]);
    for typed in ["%%", "__", "a%", "\\\\", "a\\", "''", "';--", "*:", "((", "$1"] {
        assert!(found(&world, &me, typed).await.is_empty(), "{typed}");
    }
}

#[tokio::test]
async fn too_little_and_too_much_is_refused_and_cursors_are_ours() {
    let world = World::with_memory().await;
    let me = world.user("somebody").await;
    let page = |cursor: Option<&str>| PageRequest { limit: 20, cursor: cursor.map(str::to_owned) };
    let long = "x".repeat(51);
    for typed in ["", "a", " a ", "@", "@a", &long, "a\0b"] {
        let refused = world.banter.accounts().search(&me.caller, typed, &page(None)).await;
        assert_eq!(code(refused), "VALIDATION_FAILED", "{typed:?}");
    }
    for cursor in ["", "x", "WyJmcmllbmRzIixbMSwiIiwiIl1d"] {
        let refused = world.banter.accounts().search(&me.caller, "asha", &page(Some(cursor))).await;
        assert_eq!(code(refused), "VALIDATION_FAILED", "{cursor}");
    }
}

#[tokio::test]
async fn those_who_cannot_be_met_are_not_found_nor_oneself() {
    let world = World::with_memory().await;
    let me = world.user("priya").await;
    let mut others = Vec::new();
    for name in ["priya_a", "priya_b", "priya_c", "priya_d", "priya_e", "priya_f", "priya_g"] {
        others.push(world.user(name).await);
    }
    world.block(&me, &others[0]).await;
    world.block(&others[1], &me).await;
    for (other, status) in others[2..5].iter().zip(["deleted", "banned", "suspended"]) {
        world.sql(&format!("update users set status = '{status}' where id = '{}'", other.id)).await;
    }
    assert_eq!(found(&world, &me, "priya").await, ["priya_f", "priya_g"]);
    let mut alike = found(&world, &me, "prija").await;
    alike.sort(); // they are alike alike
    assert_eq!(alike, ["priya_f", "priya_g"]);
    assert!(!found(&world, &others[0], "priya").await.contains(&"priya".to_owned()));
    world.befriend(&me, &others[5]).await;
    world.banter.friends().ask(&others[6].caller, me.id, None).await.unwrap();
    let page = PageRequest { limit: 100, cursor: None };
    let page = world.banter.accounts().search(&me.caller, "priya", &page).await.unwrap();
    let stand: Vec<_> = page.items.iter().map(|found| found.relationship).collect();
    assert_eq!(stand, [Relationship::Friends, Relationship::PendingIn]);
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repeat_and_come_to_an_end() {
    let world = World::builder().memory().config(|config| config.limits.multiplier = 100).build().await;
    let me = world.user("somebody").await;
    // More than are candidates: of each kind a hundred, in the order of its index.
    world
        .sql(
            "insert into users (id, username, full_name, created_at, updated_at)
             select gen_random_uuid(), 'ravi_' || i, 'Ravi Kumar', now(), now() from generate_series(1, 300) i
             union all
             select gen_random_uuid(), 'other' || i, 'Meera Ravikumar', now(), now() from generate_series(1, 30) i",
        )
        .await;
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 7, cursor };
        let page = world.banter.accounts().search(&me.caller, "ravi", &page).await.unwrap();
        names.extend(page.items.into_iter().map(|found| found.user.username.unwrap()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, found_all(&world, &me).await);
    assert!((130..=230).contains(&names.len()), "{}", names.len());
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    assert!(names[..100].is_sorted(), "usernames first, in their order");
    assert!(names[names.len() - 30..].iter().all(|name| name.starts_with("other")), "later words last");
}

async fn found_all(world: &World, me: &Person) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 100, cursor };
        let page = world.banter.accounts().search(&me.caller, "ravi", &page).await.unwrap();
        names.extend(page.items.into_iter().map(|found| found.user.username.unwrap()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return names;
        }
    }
}

#[tokio::test]
async fn looking_is_limited() {
    let world = World::with_memory().await;
    let me = world.user("somebody").await;
    for _ in 0..world.banter.limits().limit(Act::Search).max {
        found(&world, &me, "nobody").await;
    }
    let page = PageRequest { limit: 20, cursor: None };
    assert_eq!(code(world.banter.accounts().search(&me.caller, "nobody", &page).await), "RATE_LIMITED");
}
