//! The inbox.

use axum::extract::State;
use banter_core::Banter;
use banter_core::ids::NotificationId;
use banter_core::notifications::Notification;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Caller, PageQuery, Path, Query};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notifications {
    notifications: Vec<Notification>,
    next_cursor: Option<String>,
    /// Of the whole inbox; 1000 stands for that many or more.
    unread_count: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadAll {
    /// The newest that the app showed: what came since stays unread. Left out: all.
    up_to: Option<NotificationId>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// How many are unread now.
    unread_count: i64,
}

/// My notifications, newest first
#[utoipa::path(get, path = "/notifications", operation_id = "listNotifications", tag = "Notifications", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Notifications>), Refusal))]
pub async fn list(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Outcome<Notifications> {
    let inbox = banter.notifications().list(&caller, &page.page()?).await?;
    answer(Notifications {
        notifications: inbox.page.items,
        next_cursor: inbox.page.next_cursor,
        unread_count: inbox.unread,
    })
}

/// Mark a notification as read
#[utoipa::path(post, path = "/notifications/{id}/read", operation_id = "readNotification", tag = "Notifications",
    params(("id" = NotificationId, Path, description = "A notification of the caller's")), security(("bearer" = [])),
    responses((status = OK, body = Answer<Unread>), Refusal))]
pub async fn read(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<NotificationId>,
) -> Outcome<Unread> {
    answer(Unread { unread_count: banter.notifications().read(&caller, id).await? })
}

/// Mark all notifications as read
#[utoipa::path(post, path = "/notifications/read-all", operation_id = "readAllNotifications", tag = "Notifications", request_body = ReadAll, security(("bearer" = [])),
    responses((status = OK, body = Answer<Unread>), Refusal))]
pub async fn read_all(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<ReadAll>,
) -> Outcome<Unread> {
    answer(Unread { unread_count: banter.notifications().read_all(&caller, body.up_to).await? })
}
