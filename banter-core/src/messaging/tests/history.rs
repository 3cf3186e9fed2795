use super::*;
use crate::messaging::history::{Direction, History, Of};

async fn page(
    world: &World,
    person: &Person,
    of: Of,
    direction: Direction,
    limit: u16,
) -> Result<History, Error> {
    world.banter.messaging().history(&person.caller, of, direction, limit).await
}

fn numbers(history: &History) -> Vec<i64> {
    history.messages.iter().map(|message| message.seq).collect()
}

/// Writes this many messages at once, below the rules: only reading is looked at here.
async fn fill(world: &World, conversation: ConversationId, sender: &Person, from: i64, to: i64) {
    world
        .sql(&format!(
            "insert into messages (id, conversation_id, seq, sender_id, message_type, content, created_at)
             select gen_random_uuid(), '{conversation}', i, '{}', 'text', 'message ' || i, now()
             from generate_series({from}, {to}) i;
             update conversations set last_seq = {to} where id = '{conversation}'",
            sender.id
        ))
        .await;
}

#[tokio::test]
async fn pages_join_without_gap_or_overlap_both_ways() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    fill(&world, conversation, &asha, 3, 250).await;

    let (mut back, mut from) = (Vec::new(), i64::MAX);
    let mut pages = 0;
    loop {
        let history = page(&world, &ravi, Of::User(asha.id), Direction::Before(from), 40).await.unwrap();
        assert_eq!((history.conversation_id, history.last_seq), (Some(conversation), 250));
        back.extend(numbers(&history));
        pages += 1;
        if !history.has_more {
            break;
        }
        assert_eq!(history.messages.len(), 40);
        from = *back.last().unwrap();
    }
    assert_eq!((back, pages), ((1..=250).rev().collect::<Vec<_>>(), 7));

    let (mut forth, mut from) = (Vec::new(), 0);
    loop {
        let of = Of::Conversation(conversation);
        let history = page(&world, &asha, of, Direction::After(from), 50).await.unwrap();
        forth.extend(numbers(&history));
        if !history.has_more {
            break;
        }
        from = *forth.last().unwrap();
    }
    assert_eq!(forth, (1..=250).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_end_exactly_where_the_history_does() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    fill(&world, conversation, &asha, 3, 10).await;
    for (direction, limit, expected, more) in [
        (Direction::Before(i64::MAX), 10, (1..=10).rev().collect(), false),
        (Direction::Before(i64::MAX), 9, (2..=10).rev().collect(), true),
        (Direction::Before(6), 2, vec![5, 4], true),
        (Direction::Before(3), 2, vec![2, 1], false),
        (Direction::Before(1), 5, vec![], false),
        (Direction::Before(-1), 5, vec![], false),
        (Direction::After(0), 10, (1..=10).collect(), false),
        (Direction::After(7), 2, vec![8, 9], true),
        (Direction::After(8), 2, vec![9, 10], false),
        (Direction::After(10), 5, vec![], false),
        (Direction::After(i64::MAX), 5, vec![], false),
        (Direction::After(-7), 1, vec![1], true),
    ] {
        let history = page(&world, &asha, Of::Conversation(conversation), direction, limit).await.unwrap();
        assert_eq!((numbers(&history), history.has_more), (expected, more), "{direction:?} {limit}");
        assert_eq!(history.last_seq, 10);
    }
}

/// How many rows of `messages` were looked at so far. Counted by the one connection that does all the work.
async fn rows_read(world: &World) -> i64 {
    sqlx::query("select pg_stat_force_next_flush()").execute(world.banter.pool()).await.unwrap();
    let read = "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'messages'";
    sqlx::query_scalar(read).fetch_one(world.banter.pool()).await.unwrap()
}

#[tokio::test]
async fn no_cost_grows_with_the_history() {
    let world = World::builder().config(|config| config.database.max_connections = 1).build().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    fill(&world, conversation, &asha, 3, 20_000).await;
    world.sql("analyze").await;
    let messaging = world.banter.messaging();
    // Often enough for PostgreSQL to have settled on a plan.
    for i in 0..8 {
        let before = rows_read(&world).await;
        for of in [Of::User(ravi.id), Of::Conversation(conversation)] {
            for direction in
                [Direction::Before(i64::MAX), Direction::Before(10_000), Direction::After(10_000)]
            {
                assert_eq!(page(&world, &asha, of, direction, 50).await.unwrap().messages.len(), 50);
            }
        }
        let pages = rows_read(&world).await - before;
        assert!(pages <= 6 * 60, "{pages} rows for 6 pages of 50");

        let before = rows_read(&world).await;
        let target = if i % 2 == 0 { Target::User(ravi.id) } else { Target::Conversation(conversation) };
        send(&world, &asha, draft(target, "hello", Some(&i.to_string()))).await.unwrap();
        messaging.unread(&ravi.caller).await.unwrap();
        messaging.conversation(&ravi.caller, conversation).await.unwrap();
        messaging.mark_read(&asha.caller, conversation, i + 1).await.unwrap();
        let others = rows_read(&world).await - before;
        assert!(others <= 10, "{others} rows for a message, two counts and a mark");
    }
}

#[tokio::test]
async fn a_message_reads_the_same_as_it_was_sent() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let sent = send(&world, &asha, draft(Target::User(ravi.id), "hello", Some("c1"))).await.unwrap().message;
    let of = Of::User(ravi.id);
    let history = page(&world, &asha, of, Direction::Before(i64::MAX), 5).await.unwrap();
    assert_eq!(history.messages, std::slice::from_ref(&sent));
    // The receiver does not see what the sender's phone chose.
    let history = page(&world, &ravi, Of::User(asha.id), Direction::After(0), 5).await.unwrap();
    assert_eq!(history.messages, std::slice::from_ref(&sent));
    world.banter.messaging().mark_read(&ravi.caller, sent.conversation_id, 1).await.unwrap();
    for (person, other) in [(&asha, &ravi), (&ravi, &asha)] {
        let history = page(&world, person, Of::User(other.id), Direction::After(0), 5).await.unwrap();
        assert!(history.messages[0].is_read, "{}", person.name);
    }
}

#[tokio::test]
async fn with_somebody_never_written_to_there_is_an_empty_history() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let history = page(&world, &asha, Of::User(ravi.id), Direction::Before(i64::MAX), 5).await.unwrap();
    assert_eq!((history.conversation_id, history.last_seq, history.has_more), (None, 0, false));
    assert!(history.messages.is_empty());
}

#[tokio::test]
async fn a_history_that_is_not_the_caller_s_is_not_there() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let others = world.acquaint(&ravi, &meera).await;
    let own = world.acquaint(&asha, &ravi).await;
    world.user("gone").await;
    let gone = world.banter.accounts().find("gone").await.unwrap();
    world.sql(&format!("update users set status = 'deleted' where id = '{gone}'")).await;
    world.block(&ravi, &asha).await;
    for (of, refusal) in [
        (Of::Conversation(others), "CONVERSATION_NOT_FOUND"),
        (Of::Conversation(own), "CONVERSATION_NOT_FOUND"),
        (Of::Conversation(ConversationId(uuid::Uuid::nil())), "CONVERSATION_NOT_FOUND"),
        (Of::User(ravi.id), "USER_NOT_FOUND"),
        (Of::User(gone), "USER_NOT_FOUND"),
        (Of::User(UserId(uuid::Uuid::nil())), "USER_NOT_FOUND"),
        (Of::User(asha.id), "CANNOT_MESSAGE_YOURSELF"),
    ] {
        assert_eq!(code(page(&world, &asha, of, Direction::After(0), 5).await), refusal, "{of:?}");
    }
    assert_eq!(
        code(page(&world, &ravi, Of::User(asha.id), Direction::After(0), 5).await),
        "USER_NOT_FOUND",
        "the one who blocked does not see it either"
    );
}
