//! Groups: 3 to 10 friends with one conversation. Every change of a group moves its conversation's row first, as a send
//! does, so the number of members, the one owner and the sequence are never seen half changed; a send that waited for a
//! change sees it and starts again.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Messaging};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::events::{ConversationRef, Delivery, Event};
use crate::ids::{ConversationId, UserId};
use crate::limits::Act;
use crate::notifications::{self, News};
use crate::text;

/// How many people a new group has at least, its creator among them.
pub const LEAST: usize = 3;
/// How many a group ever has.
pub const MOST: usize = 10;

/// What a member may do. Exactly one owner, and any number of admins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = GroupRole)]
pub enum Role {
    Owner,
    Admin,
    Member,
}

impl Role {
    /// May take back what others wrote.
    pub fn moderates(self) -> bool {
        match self {
            Self::Owner | Self::Admin => true,
            Self::Member => false,
        }
    }
}

/// What somebody does to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupAct {
    Rename,
    Add,
    /// Somebody else, of this role.
    Remove(Role),
    /// Somebody else: from this role to that.
    SetRole(Role, Role),
}

/// The whole policy. Leaving is everybody's right.
fn may(role: Role, act: GroupAct) -> bool {
    match (role, act) {
        (Role::Owner, GroupAct::Rename | GroupAct::Add | GroupAct::Remove(_) | GroupAct::SetRole(_, _)) => {
            true
        }
        (Role::Admin, GroupAct::Rename | GroupAct::Add | GroupAct::Remove(Role::Member)) => true,
        (Role::Admin, GroupAct::Remove(Role::Owner | Role::Admin) | GroupAct::SetRole(_, _)) => false,
        (Role::Member, GroupAct::Rename | GroupAct::Add | GroupAct::Remove(_) | GroupAct::SetRole(_, _)) => {
            false
        }
    }
}

/// A group whose row is locked, and who is in it.
struct Locked {
    role: Role,
    last_seq: i64,
    members: Vec<(UserId, Role)>,
    /// Members who blocked the caller: to the caller they are not there.
    out_of_sight: Vec<UserId>,
}

impl Locked {
    fn role_of(&self, user: UserId) -> Option<Role> {
        self.members.iter().find(|(member, _)| *member == user).map(|(_, role)| *role)
    }

    /// The same of somebody the caller names.
    fn seen_role_of(&self, user: UserId) -> Option<Role> {
        self.role_of(user).filter(|_| !self.out_of_sight.contains(&user))
    }

    fn ids(&self) -> Vec<UserId> {
        self.members.iter().map(|(user, _)| *user).collect()
    }
}

impl Messaging<'_> {
    /// Makes a group of the caller and some of their friends; who they are is told them.
    pub async fn create_group(
        &self,
        caller: &Caller,
        name: &str,
        members: &[UserId],
    ) -> Result<ConversationId, Error> {
        let mut problems = Problems::default();
        let name = problems.take("name", text::clean(name, 1..=60));
        let members = others(caller, members);
        let size = LEAST..=MOST;
        let range = format!("must name {} to {} people beside you", LEAST - 1, MOST - 1);
        problems.check("memberIds", size.contains(&(members.len() + 1)), &range);
        problems.none()?;
        self.limit(caller).await?;
        let now = self.0.clock().now();
        let id = ConversationId(self.0.ids().uuid(now));
        let mut transaction = self.0.pool().begin().await?;
        self.check_friends(&mut transaction, caller, &members).await?;
        sqlx::query!(
            r#"
            with conversation as (
                insert into conversations (id, kind, name, created_by, last_message_at, created_at)
                values ($1, 'group', $2, $3, $4, $4)
                returning id
            )
            insert into conversation_members (conversation_id, user_id, role, last_message_at, joined_at)
            select id, person, case person when $3 then 'owner' else 'member' end, $4, $4
            from conversation, unnest(array[$3] || $5::uuid[]) as person
            "#,
            id.0,
            name,
            caller.user_id.0,
            now,
            &members,
        )
        .execute(&mut *transaction)
        .await?;
        let added = self.note_added(&mut transaction, caller, id, &members).await?;
        transaction.commit().await?;
        let everybody = members.iter().map(|user| UserId(*user)).chain([caller.user_id]).collect();
        self.tell_group(id, everybody);
        self.tell_added(added).await;
        Ok(id)
    }

    pub async fn rename_group(&self, caller: &Caller, id: ConversationId, name: &str) -> Result<(), Error> {
        let name = text::clean(name, 1..=60).map_err(|problem| Problems::one("name", problem))?;
        self.limit(caller).await?;
        let mut transaction = self.0.pool().begin().await?;
        let group = self.lock_group(&mut transaction, caller, id).await?;
        allowed(may(group.role, GroupAct::Rename))?;
        sqlx::query!("update conversations set name = $2 where id = $1", id.0, name)
            .execute(&mut *transaction)
            .await?;
        self.changed(&mut transaction, id).await?;
        transaction.commit().await?;
        self.tell_group(id, group.ids());
        Ok(())
    }

    /// Adds friends of the caller's; who is in already stays as they are. New ones read from here on.
    pub async fn add_members(
        &self,
        caller: &Caller,
        id: ConversationId,
        users: &[UserId],
    ) -> Result<(), Error> {
        let users = others(caller, users);
        let few = (1..MOST).contains(&users.len());
        let mut problems = Problems::default();
        problems.check("memberIds", few, "must name 1 to 9 people beside you");
        problems.none()?;
        self.limit(caller).await?;
        let now = self.0.clock().now();
        let mut transaction = self.0.pool().begin().await?;
        let group = self.lock_group(&mut transaction, caller, id).await?;
        allowed(may(group.role, GroupAct::Add))?;
        let new: Vec<Uuid> =
            users.into_iter().filter(|user| group.seen_role_of(UserId(*user)).is_none()).collect();
        if new.is_empty() {
            return Ok(());
        }
        if group.members.len() + new.len() > MOST {
            return Err(Error::GroupFull);
        }
        self.check_friends(&mut transaction, caller, &new).await?;
        sqlx::query!(
            r#"
            insert into conversation_members
                (conversation_id, user_id, last_read_seq, last_seq, from_seq, last_message_at, joined_at)
            select $1, person, $2::bigint, $2, $2 + 1, $3, $3 from unnest($4::uuid[]) as person
            "#,
            id.0,
            group.last_seq,
            now,
            &new,
        )
        .execute(&mut *transaction)
        .await?;
        self.changed(&mut transaction, id).await?;
        let added = self.note_added(&mut transaction, caller, id, &new).await?;
        transaction.commit().await?;
        let everybody = group.ids().into_iter().chain(new.iter().map(|user| UserId(*user))).collect();
        self.tell_group(id, everybody);
        self.tell_added(added).await;
        Ok(())
    }

    /// Removes somebody else; from the group's call as well.
    pub async fn remove_member(
        &self,
        caller: &Caller,
        id: ConversationId,
        user: UserId,
    ) -> Result<(), Error> {
        self.limit(caller).await?;
        let mut transaction = self.0.pool().begin().await?;
        let calls = self.0.calls().hold_of_group(&mut transaction, id).await?;
        let group = self.lock_group(&mut transaction, caller, id).await?;
        let role =
            group.seen_role_of(user).filter(|_| user != caller.user_id).ok_or(Error::MemberNotFound)?;
        allowed(may(group.role, GroupAct::Remove(role)))?;
        self.take_out(&mut transaction, id, &group, user).await?;
        let parted = self.0.calls().leave_with_group(&mut transaction, &calls, user).await?;
        transaction.commit().await?;
        self.tell_removed(id, &group, user);
        parted.carry_out(self.0).await;
        Ok(())
    }

    /// Leaves. An owner's place goes to the longest-standing admin, else to the longest-standing member.
    pub async fn leave_group(&self, caller: &Caller, id: ConversationId) -> Result<(), Error> {
        self.limit(caller).await?;
        let mut transaction = self.0.pool().begin().await?;
        let calls = self.0.calls().hold_of_group(&mut transaction, id).await?;
        let group = self.lock_group(&mut transaction, caller, id).await?;
        self.take_out(&mut transaction, id, &group, caller.user_id).await?;
        let parted = self.0.calls().leave_with_group(&mut transaction, &calls, caller.user_id).await?;
        transaction.commit().await?;
        self.tell_removed(id, &group, caller.user_id);
        parted.carry_out(self.0).await;
        Ok(())
    }

    /// Makes somebody an admin or a member; as owner they take the caller's place, who is an admin then.
    pub async fn set_role(
        &self,
        caller: &Caller,
        id: ConversationId,
        user: UserId,
        role: Role,
    ) -> Result<(), Error> {
        self.limit(caller).await?;
        let mut transaction = self.0.pool().begin().await?;
        let group = self.lock_group(&mut transaction, caller, id).await?;
        let was = group.seen_role_of(user).filter(|_| user != caller.user_id).ok_or(Error::MemberNotFound)?;
        allowed(may(group.role, GroupAct::SetRole(was, role)))?;
        if role == Role::Owner {
            // First, for there is one owner at most at any moment.
            set_role(&mut transaction, id, caller.user_id, Role::Admin).await?;
        }
        set_role(&mut transaction, id, user, role).await?;
        self.changed(&mut transaction, id).await?;
        transaction.commit().await?;
        self.tell_group(id, group.ids());
        Ok(())
    }

    async fn limit(&self, caller: &Caller) -> Result<(), Error> {
        self.0.limits().take(Act::ChangeGroup, &caller.user_id.to_string()).await?;
        Ok(())
    }

    async fn lock_group(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<Locked, Error> {
        // Moved and not only locked: a send that waited sees by it that the members it knows may be others now.
        let group = sqlx::query!(
            r#"
            update conversations
            set members_version = members_version + 1
            where id = $1 and exists (select from conversation_members where conversation_id = $1 and user_id = $2)
            returning kind, last_seq
            "#,
            id.0,
            caller.user_id.0,
        )
        .fetch_optional(&mut *db)
        .await?
        .ok_or(Error::ConversationNotFound)?;
        let members = sqlx::query!(
            r#"
            select
                user_id as "user_id: UserId",
                role as "role: Role",
                exists (
                    select from blocked_users b where b.user_id = m.user_id and b.blocked_user_id = $2
                ) as "blocks_caller!"
            from conversation_members m
            where conversation_id = $1
            order by joined_at, user_id
            "#,
            id.0,
            caller.user_id.0,
        )
        .fetch_all(&mut *db)
        .await?;
        let out_of_sight = members.iter().filter(|row| row.blocks_caller).map(|row| row.user_id).collect();
        let members: Vec<_> = members.into_iter().map(|row| (row.user_id, row.role)).collect();
        let role = members.iter().find(|(user, _)| *user == caller.user_id).map(|(_, role)| *role);
        let role = role.ok_or(Error::ConversationNotFound)?;
        if group.kind == "group" {
            return Ok(Locked { role, last_seq: group.last_seq, members, out_of_sight });
        }
        // A direct conversation with somebody the caller cannot meet is not there at all.
        let there = sqlx::query_scalar!(
            r#"select exists (select from seen_conversations where viewer = $1 and id = $2) as "there!""#,
            caller.user_id.0,
            id.0,
        );
        let there = there.fetch_one(db).await?;
        Err(if there { Error::NotAGroup } else { Error::ConversationNotFound })
    }

    /// All of them friends of the caller's, with accounts in use.
    async fn check_friends(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        users: &[Uuid],
    ) -> Result<(), Error> {
        let friends = sqlx::query_scalar!(
            r#"
            select count(*) as "count!"
            from friend_pairs f
            join users u on u.id = f.other
            where f.one = $1 and f.other = any($2) and u.status <> 'deleted' and can_interact($1, u.id)
            "#,
            caller.user_id.0,
            users,
        )
        .fetch_one(db)
        .await?;
        if usize::try_from(friends) == Ok(users.len()) {
            Ok(())
        } else {
            Err(Problems::one("memberIds", "must all be friends of yours").into())
        }
    }

    async fn take_out(
        &self,
        db: &mut PgConnection,
        id: ConversationId,
        group: &Locked,
        user: UserId,
    ) -> Result<(), Error> {
        sqlx::query!(
            "delete from conversation_members where conversation_id = $1 and user_id = $2",
            id.0,
            user.0,
        )
        .execute(&mut *db)
        .await?;
        if group.role_of(user) == Some(Role::Owner)
            && let Some(heir) = heir(&group.members, user)
        {
            set_role(db, id, heir, Role::Owner).await?;
        }
        Ok(self.changed(db, id).await?)
    }

    /// Every member's next resync shows it.
    async fn changed(&self, db: &mut PgConnection, id: ConversationId) -> Result<(), sqlx::Error> {
        let now = self.0.clock().now();
        sqlx::query!("update conversation_members set changed_at = $2 where conversation_id = $1", id.0, now)
            .execute(db)
            .await
            .map(|_| ())
    }

    async fn note_added(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        id: ConversationId,
        users: &[Uuid],
    ) -> Result<Vec<notifications::Added>, sqlx::Error> {
        let news = users.iter().map(|user| News {
            to: UserId(*user),
            kind: notifications::Kind::GroupAdded,
            actor: Some(caller.user_id),
            subject: Some(id.0),
        });
        self.0.notifications().add_all(db, news).await
    }

    async fn tell_added(&self, added: Vec<notifications::Added>) {
        for one in added {
            self.0.notifications().tell(one).await;
        }
    }

    fn tell_group(&self, conversation_id: ConversationId, to: Vec<UserId>) {
        let event = Event::ConversationUpdated(ConversationRef { conversation_id });
        self.0.bus().deliver(Delivery { to, except_socket: None, event });
    }

    fn tell_removed(&self, conversation_id: ConversationId, group: &Locked, user: UserId) {
        let event = Event::ConversationRemoved(ConversationRef { conversation_id });
        self.0.bus().deliver(Delivery { to: vec![user], except_socket: None, event });
        self.tell_group(conversation_id, group.ids().into_iter().filter(|member| *member != user).collect());
    }
}

fn allowed(may: bool) -> Result<(), Error> {
    if may { Ok(()) } else { Err(Error::RoleForbids) }
}

/// Each once, without the caller.
fn others(caller: &Caller, users: &[UserId]) -> Vec<Uuid> {
    let mut users: Vec<Uuid> =
        users.iter().filter(|user| **user != caller.user_id).map(|user| user.0).collect();
    users.sort_unstable();
    users.dedup();
    users
}

/// Who inherits, of members by the time they joined.
fn heir(members: &[(UserId, Role)], leaver: UserId) -> Option<UserId> {
    let rest = || members.iter().filter(move |(user, _)| *user != leaver);
    rest().find(|(_, role)| *role == Role::Admin).or_else(|| rest().next()).map(|(user, _)| *user)
}

async fn set_role(
    db: &mut PgConnection,
    id: ConversationId,
    user: UserId,
    role: Role,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update conversation_members set role = $3 where conversation_id = $1 and user_id = $2",
        id.0,
        user.0,
        role as Role,
    )
    .execute(db)
    .await
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 3] = [Role::Owner, Role::Admin, Role::Member];

    #[test]
    fn who_may_do_what_in_a_group() {
        let acts = [GroupAct::Rename, GroupAct::Add]
            .into_iter()
            .chain(ROLES.map(GroupAct::Remove))
            .chain(ROLES.into_iter().flat_map(|was| ROLES.map(move |to| GroupAct::SetRole(was, to))));
        for act in acts {
            assert!(may(Role::Owner, act), "{act:?}");
            assert!(!may(Role::Member, act), "{act:?}");
            let admin = matches!(act, GroupAct::Rename | GroupAct::Add | GroupAct::Remove(Role::Member));
            assert_eq!(may(Role::Admin, act), admin, "{act:?}");
        }
    }

    #[test]
    fn the_longest_standing_admin_inherits_else_the_longest_standing_member() {
        let [a, b, c] = [1, 2, 3].map(|n| UserId(Uuid::from_u128(n)));
        let of = |b_role, c_role| [(a, Role::Owner), (b, b_role), (c, c_role)];
        assert_eq!(heir(&of(Role::Member, Role::Admin), a), Some(c));
        assert_eq!(heir(&of(Role::Admin, Role::Admin), a), Some(b));
        assert_eq!(heir(&of(Role::Member, Role::Member), a), Some(b));
        assert_eq!(heir(&[(a, Role::Owner)], a), None);
    }
}
