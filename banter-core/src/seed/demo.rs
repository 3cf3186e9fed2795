//! Asha and Ravi: two people to try the product with, who have exchanged a few messages.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Error, Seeding};
use crate::accounts::sign_in::signup_bonus;
use crate::accounts::{Caller, Gender, Role};
use crate::friends::requests::Asked;
use crate::ids::{SessionId, UserId};

use crate::messaging::send::{Draft, Sent, Target};
use crate::payments::ledger;
use crate::text::PhoneNumber;

#[derive(Clone, Debug)]
pub struct DemoPerson {
    pub id: UserId,
    pub username: String,
    pub full_name: String,
    pub phone_number: PhoneNumber,
}

struct Known {
    username: &'static str,
    full_name: &'static str,
    phone_number: &'static str,
    gender: Gender,
    born: (i32, u32, u32),
    language: &'static str,
    bio: &'static str,
    interests: [&'static str; 3],
}

const PEOPLE: [Known; 2] = [
    Known {
        username: "asha",
        full_name: "Asha Sharma",
        phone_number: "+919800000001",
        gender: Gender::Female,
        born: (1998, 4, 23),
        language: "hi",
        bio: "Chai, cricket and old songs",
        interests: ["cricket", "music", "languages"],
    },
    Known {
        username: "ravi",
        full_name: "Ravi Kumar",
        phone_number: "+919800000002",
        gender: Gender::Male,
        born: (1995, 11, 2),
        language: "te",
        bio: "Weekend trekker, weekday engineer",
        interests: ["trekking", "movies", "street food"],
    },
];

/// Who, and what; nobody has read the last one.
const TALK: [(usize, &str); 4] = [
    (0, "Hi Ravi! Did you see the match last night?"),
    (1, "Asha! What a finish, I am still hoarse"),
    (0, "Ha ha, the whole street heard us too"),
    (1, "Chai this evening? Bring your sister along"),
];

impl Seeding<'_> {
    /// Makes what is missing of them; again changes nothing.
    pub async fn demo(&self) -> Result<Vec<DemoPerson>, Error> {
        self.refuse_production()?;
        let (mut people, mut anybody_new) = (Vec::new(), false);
        for known in &PEOPLE {
            let (person, new) = self.known(known).await?;
            people.push(person);
            anybody_new |= new;
        }
        let now = self.0.clock().now();
        // What became of it later is theirs to say.
        if anybody_new {
            let friends = self.0.friends();
            if let Asked::Sent(request) = friends.ask(&caller(people[0].id, now), people[1].id, None).await? {
                friends.accept(&caller(people[1].id, now), request.id).await?;
            }
        }
        for (i, (sender, content)) in TALK.iter().enumerate() {
            let sent = self.say(&people, *sender, content, i, now).await?;
            // They answer what they read.
            if let Some((next, _)) = TALK.get(i + 1) {
                let reader = caller(people[*next].id, now);
                self.0.messaging().mark_read(&reader, sent.message.conversation_id, sent.message.seq).await?;
            }
        }
        Ok(people)
    }

    /// The account, and whether it was made now.
    async fn known(&self, known: &Known) -> Result<(DemoPerson, bool), Error> {
        let now = self.0.clock().now();
        let (year, month, day) = known.born;
        let interests = known.interests.map(str::to_owned);
        let mut transaction = self.0.pool().begin().await?;
        let made = sqlx::query_scalar!(
            r#"
            insert into users
                (id, phone_number, username, full_name, gender, date_of_birth, language, bio, interests, is_verified,
                 created_at, updated_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, true, $10, $10)
            on conflict do nothing
            returning id as "id: UserId"
            "#,
            self.0.ids().uuid(now),
            known.phone_number,
            known.username,
            known.full_name,
            known.gender as Gender,
            NaiveDate::from_ymd_opt(year, month, day),
            known.language,
            known.bio,
            &interests,
            now,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let new = made.is_some();
        if let Some(user) = made {
            ledger::write(self.0, &mut transaction, &signup_bonus(user)).await?;
        }
        transaction.commit().await?;
        let found = sqlx::query!(
            r#"
            select
                id as "id: UserId",
                username,
                full_name,
                phone_number as "phone_number!: PhoneNumber"
            from users
            where phone_number = $1 and status = 'active'
            "#,
            known.phone_number,
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::DemoInTheWay(known.username))?;
        let person = DemoPerson {
            id: found.id,
            username: found.username.unwrap_or_default(),
            full_name: found.full_name,
            phone_number: found.phone_number,
        };
        Ok((person, new))
    }

    async fn say(
        &self,
        people: &[DemoPerson],
        sender: usize,
        content: &str,
        number: usize,
        now: DateTime<Utc>,
    ) -> Result<Sent, Error> {
        let draft = Draft {
            // The same one again is the same message: that is what makes this safe to repeat.
            client_message_id: Some(format!("demo-{}", number + 1)),
            ..Draft::text(Target::User(people[1 - sender].id), content)
        };
        Ok(self.0.messaging().send(&caller(people[sender].id, now), draft, None).await?)
    }
}

/// For this process only: no session, no token.
fn caller(user_id: UserId, now: DateTime<Utc>) -> Caller {
    let session_id = SessionId(uuid::Uuid::nil());
    Caller { user_id, session_id, role: Role::User, expires_at: now + TimeDelta::minutes(1) }
}
