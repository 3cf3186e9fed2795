//! One phone, one thing to tell. The job holds ids only; what is said, and whether anything is, is found out when it
//! runs: one query for the facts, one look at what is on the screen, one pure decision, then FCM.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::texts::{self, Language};
use super::{Kind, facts};
use crate::Banter;
use crate::accounts::settings::QuietHours;
use crate::calls::{self, CallType};
use crate::ids::{CallId, ConversationId, MessageId, NotificationId, SessionId, UserId};
use crate::jobs::Failure;
use crate::providers::fcm::{self, Urgency};

/// Spread over 68 to 85 minutes (2 + 4 + … + 2048 s, and up to a quarter more).
pub const MAX_ATTEMPTS: i32 = 12;
/// What is older is not news any more.
const OLDEST: TimeDelta = TimeDelta::days(1);
/// Characters of a body: what a lock screen shows, with room.
const BODY: usize = 180;
/// Characters of a title. No name of ours is longer.
const TITLE: usize = 60;

/// A push as its job holds it: ids only, so that nothing private lies in the queue. Written by the statement that sends a
/// message (`messaging::send`) as well as from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// The login whose phone is told.
    pub session_id: SessionId,
    pub about: About,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    Message(MessageId),
    Notification(NotificationId),
    /// It rings.
    Call(CallId),
    /// It rings no more.
    CallOver(CallId),
}

/// Why nothing is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// There is no service account to push with.
    NotConfigured,
    /// The login ended, or its phone is another's by now.
    NoDevice,
    /// The message was deleted, or what the notification speaks of is no more, or was never the reader's to see.
    Gone,
    Blocked,
    TooOld,
    Read,
    TurnedOff,
    QuietHours,
    /// It is on the reader's screen.
    Viewing,
}

impl Reason {
    /// For metrics.
    fn name(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::NoDevice => "no_device",
            Self::Gone => "gone",
            Self::Blocked => "blocked",
            Self::TooOld => "too_old",
            Self::Read => "read",
            Self::TurnedOff => "turned_off",
            Self::QuietHours => "quiet_hours",
            Self::Viewing => "viewing",
        }
    }
}

#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    Send(Box<fcm::Message>),
    Skip(Reason),
}

/// All that is known of one phone and one thing to tell.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub now: DateTime<Utc>,
    pub phone: Option<Phone>,
    /// `None`: gone.
    pub thing: Option<Thing>,
}

#[derive(Clone, Debug)]
pub(super) struct Phone {
    pub language: Language,
    /// Whether this kind of thing is wanted at all.
    pub wanted: bool,
    pub quiet: Option<QuietHours>,
    /// Unread messages.
    pub badge: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub created_at: DateTime<Utc>,
    pub blocked: bool,
    pub read: bool,
    pub viewed: bool,
    pub what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Message {
        id: MessageId,
        conversation: ConversationId,
        sender: UserId,
        sender_name: String,
        /// Of a group.
        group: Option<String>,
        message_type: String,
        content: String,
    },
    News {
        id: NotificationId,
        kind: Kind,
        actor: Option<UserId>,
        subject_id: Option<uuid::Uuid>,
        texts: (&'static str, String),
    },
    Call {
        id: CallId,
        call_type: CallType,
        caller: UserId,
        caller_name: String,
        conversation: Option<ConversationId>,
        /// The name of the group that is called.
        group: Option<String>,
        /// For how long still.
        rings: Duration,
    },
    CallOver {
        id: CallId,
        status: calls::Status,
    },
}

/// What is to be done. The first reason counts; those that concern safety come before those of taste.
pub(super) fn decide(facts: &Facts) -> Decision {
    let Some(phone) = &facts.phone else { return Decision::Skip(Reason::NoDevice) };
    let Some(thing) = &facts.thing else { return Decision::Skip(Reason::Gone) };
    let reasons = [
        (thing.blocked, Reason::Blocked),
        (thing.created_at + OLDEST < facts.now, Reason::TooOld),
        (thing.read, Reason::Read),
        (!phone.wanted, Reason::TurnedOff),
        (phone.quiet.is_some_and(|hours| hours.cover(facts.now)), Reason::QuietHours),
        (thing.viewed, Reason::Viewing),
    ];
    match reasons.iter().find(|(holds, _)| *holds) {
        Some((_, reason)) => Decision::Skip(*reason),
        None => Decision::Send(Box::new(compose(phone, &thing.what))),
    }
}

fn compose(phone: &Phone, what: &What) -> fcm::Message {
    match what {
        What::Message { id, conversation, sender, sender_name, group, message_type, content } => {
            let said = texts::message(phone.language, message_type, content);
            let (title, body) = match group {
                Some(group) => (group, format!("{sender_name}: {said}")),
                None => (sender_name, said),
            };
            fcm::Message {
                title: cut(title, TITLE),
                body: cut(&body, BODY),
                data: BTreeMap::from([
                    ("type", "message".to_owned()),
                    ("conversationId", conversation.to_string()),
                    ("messageId", id.to_string()),
                    ("senderId", sender.to_string()),
                ]),
                urgency: Urgency::Prompt,
                collapse: conversation.to_string(),
                channel: "messages",
                badge: Some(phone.badge),
                silent: false,
            }
        }
        What::News { id, kind, actor, subject_id, texts: (title, body) } => {
            let kind_name = serde_json::to_value(kind).ok().and_then(|name| Some(name.as_str()?.to_owned()));
            let mut data =
                BTreeMap::from([("type", kind_name.unwrap_or_default()), ("notificationId", id.to_string())]);
            data.extend(actor.map(|actor| ("actorId", actor.to_string())));
            data.extend(subject_id.map(|subject| ("subjectId", subject.to_string())));
            fcm::Message {
                title: cut(title, TITLE),
                body: cut(body, BODY),
                data,
                // What was missed takes the place of what rings.
                urgency: if *kind == Kind::CallMissed { Urgency::Prompt } else { Urgency::Calm },
                collapse: match (kind, subject_id) {
                    (Kind::CallMissed, Some(call)) => call.to_string(),
                    _ => id.to_string(),
                },
                channel: "news",
                badge: None,
                silent: false,
            }
        }
        What::Call { id, call_type, caller, caller_name, conversation, group, rings } => {
            let ringing = texts::ringing(phone.language, *call_type);
            let (title, body) = match group {
                Some(group) => (group, format!("{caller_name}: {ringing}")),
                None => (caller_name, ringing.to_owned()),
            };
            let mut data = BTreeMap::from([
                ("type", "call".to_owned()),
                ("callId", id.to_string()),
                ("callType", call_type.name().to_owned()),
                ("callerId", caller.to_string()),
                ("callerName", cut(caller_name, TITLE)),
            ]);
            data.extend(conversation.map(|conversation| ("conversationId", conversation.to_string())));
            fcm::Message {
                title: cut(title, TITLE),
                body: cut(&body, BODY),
                data,
                urgency: Urgency::Ring(*rings),
                collapse: id.to_string(),
                channel: "calls",
                badge: None,
                silent: false,
            }
        }
        What::CallOver { id, status } => fcm::Message {
            title: String::new(),
            body: String::new(),
            data: BTreeMap::from([
                ("type", "call_over".to_owned()),
                ("callId", id.to_string()),
                ("status", status.name().to_owned()),
            ]),
            urgency: Urgency::Ring(Duration::from_secs(calls::RINGS.num_seconds().unsigned_abs())),
            collapse: id.to_string(),
            channel: "calls",
            badge: None,
            silent: true,
        },
    }
}

/// The first so many characters, in one line; `…` says that there is more. Ends on no joiner and before no mark that
/// belongs to the last letter.
pub(super) fn cut(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let chars: Vec<char> = line.chars().take(most).collect();
    let (mut end, mut next) = (most - 1, chars[most - 1]);
    // Marks in a row are few in any language; where somebody stacks hundreds, the text is cut among them.
    for _ in 0..16 {
        if end == 0 || !(continues(next) || joins(chars[end - 1])) {
            break;
        }
        end -= 1;
        next = chars[end];
    }
    let mut kept: String = chars[..end].iter().collect();
    kept.truncate(kept.trim_end_matches(['\u{200d}', ' ']).len());
    kept + "…"
}

/// Makes one of its neighbours: the joiner of emoji, and the viramas of conjuncts.
fn joins(c: char) -> bool {
    let code = u32::from(c);
    code == 0x200d || (0x0900..=0x0d7f).contains(&code) && code & 0x7f == 0x4d
}

/// Belongs to the character before it: joiners, variation selectors, skin tones, combining marks, and the vowel signs
/// and viramas of the Indic blocks.
fn continues(c: char) -> bool {
    match u32::from(c) {
        0x0300..=0x036f | 0x200c..=0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0x1f3fb..=0x1f3ff => true,
        // The blocks from Devanagari to Malayalam are laid out alike, 128 characters each.
        code @ 0x0900..=0x0d7f => {
            matches!(code & 0x7f, 0x00..=0x03 | 0x3c | 0x3e..=0x4d | 0x51..=0x57 | 0x62..=0x63)
        }
        _ => false,
    }
}

impl Push {
    pub(crate) async fn run(&self, banter: &Banter) -> Result<(), Failure> {
        let kind = match self.about {
            About::Message(_) => "message",
            About::Notification(_) => "notification",
            About::Call(_) => "call",
            About::CallOver(_) => "call_over",
        };
        let count = |outcome, reason| {
            metrics::counter!("banter_push_total", "kind" => kind, "outcome" => outcome, "reason" => reason)
                .increment(1);
        };
        if !banter.fcm().is_configured() {
            count("skipped", Reason::NotConfigured.name());
            return Ok(());
        }
        let (token, facts) = match self.about {
            About::Message(id) => facts::about_message(banter, self.session_id, id).await?,
            About::Notification(id) => facts::about_notification(banter, self.session_id, id).await?,
            About::Call(id) => facts::about_call(banter, self.session_id, id).await?,
            About::CallOver(id) => facts::about_call_over(banter, self.session_id, id).await?,
        };
        let message = match decide(&facts) {
            Decision::Skip(reason) => {
                count("skipped", reason.name());
                return Ok(());
            }
            Decision::Send(message) => message,
        };
        match banter.fcm().send(&token, &message).await {
            Ok(name) => {
                tracing::debug!(session = %self.session_id, name, "pushed");
                count("sent", "");
                Ok(())
            }
            Err(error) => {
                count("failed", error.reason());
                self.failed(banter, &token, error).await
            }
        }
    }

    async fn failed(&self, banter: &Banter, token: &str, error: fcm::Error) -> Result<(), Failure> {
        match error {
            fcm::Error::NotConfigured => Ok(()),
            fcm::Error::DeadToken(why) => {
                // Unless the app named another meanwhile.
                sqlx::query!(
                    "delete from devices where session_id = $1 and fcm_token = $2",
                    self.session_id.0,
                    token,
                )
                .execute(banter.pool())
                .await?;
                tracing::info!(session = %self.session_id, why, "a phone cannot be reached any more");
                Ok(())
            }
            fcm::Error::BadMessage(_) | fcm::Error::ThirdPartyAuth(_) => {
                Err(Failure::Never(error.to_string()))
            }
            fcm::Error::Throttled { after } | fcm::Error::Away { after: Some(after), .. } => {
                Err(Failure::NotBefore { why: error.to_string(), after })
            }
            fcm::Error::Away { after: None, .. } | fcm::Error::Auth(_) | fcm::Error::Refused(_) => {
                Err(Failure::Later(error.to_string()))
            }
        }
    }
}
