//! The audit log, numbers, and who the staff is.

use axum::extract::State;
use banter_core::Banter;
use banter_core::accounts::Role;
use banter_core::ids::UserId;
use banter_core::moderation::audit::{Filter, Row};
use banter_core::moderation::staff::Member;
use banter_core::moderation::stats::Stats;
use banter_core::page::PageRequest;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::extract::{Body, Path, Query, limit};
use super::super::openapi::Refusal;
use super::super::{Answer, Outcome, answer};
use super::Staff;

/// What numbers are of, unless told.
const STATS: TimeDelta = TimeDelta::days(30);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct AuditQuery {
    /// Who did it.
    actor_id: Option<UserId>,
    /// Whom or what it was done to: `user:ID`, `case:ID`, …
    subject: Option<String>,
    /// What was done: `case.claim`, or `case` for all of that kind.
    act: Option<String>,
    /// From this moment on.
    from: Option<DateTime<Utc>>,
    /// Before this moment.
    to: Option<DateTime<Utc>>,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditLog {
    /// Newest first.
    entries: Vec<Row>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// 30 days before `to` unless told.
    from: Option<DateTime<Utc>>,
    /// Now unless told.
    to: Option<DateTime<Utc>>,
}

#[derive(Serialize, ToSchema)]
pub struct StaffNumbers {
    stats: Stats,
}

#[derive(Serialize, ToSchema)]
pub struct StaffMembers {
    /// The highest first.
    staff: Vec<Member>,
}

#[derive(Deserialize, ToSchema)]
pub struct NewRole {
    /// `user` ends it.
    role: Role,
}

#[derive(Serialize, ToSchema)]
pub struct Named {
    /// Whether it was otherwise before.
    changed: bool,
}

/// What staff did, and looked at
#[utoipa::path(get, path = "/moderation/audit", operation_id = "listAuditLog", tag = "Moderation", params(AuditQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<AuditLog>), Refusal))]
pub async fn audit(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Query(query): Query<AuditQuery>,
) -> Outcome<AuditLog> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let filter = Filter {
        actor: query.actor_id,
        subject: query.subject,
        act: query.act,
        from: query.from,
        to: query.to,
    };
    let page = banter.moderation().audit(staff, &filter, &page).await?;
    answer(AuditLog { entries: page.items, next_cursor: page.next_cursor })
}

/// How moderation goes
#[utoipa::path(get, path = "/moderation/stats", operation_id = "moderationStats", tag = "Moderation", params(StatsQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<StaffNumbers>), Refusal))]
pub async fn stats(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Query(query): Query<StatsQuery>,
) -> Outcome<StaffNumbers> {
    let to = query.to.unwrap_or_else(|| banter.clock().now());
    let from = query.from.unwrap_or(to - STATS);
    answer(StaffNumbers { stats: banter.moderation().stats(staff, from, to).await? })
}

/// Who the staff is
#[utoipa::path(get, path = "/moderation/staff", operation_id = "listStaff", tag = "Moderation", security(("bearer" = [])),
    responses((status = OK, body = Answer<StaffMembers>), Refusal))]
pub async fn staff(State(banter): State<Banter>, Staff(staff): Staff) -> Outcome<StaffMembers> {
    answer(StaffMembers { staff: banter.moderation().staff_list(staff).await? })
}

/// Make somebody staff, change what they are, or end it
///
/// All their logins end with it.
#[utoipa::path(put, path = "/moderation/staff/{userId}", operation_id = "nameStaff", tag = "Moderation", params(("userId" = UserId, Path, description = "Whom it is about")),
    request_body = NewRole, security(("bearer" = [])), responses((status = OK, body = Answer<Named>), Refusal))]
pub async fn name_staff(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(user): Path<UserId>,
    Body(body): Body<NewRole>,
) -> Outcome<Named> {
    answer(Named { changed: banter.moderation().name_staff(staff, user, body.role).await? })
}
