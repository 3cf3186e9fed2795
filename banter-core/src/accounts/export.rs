//! All that is held about somebody, as one JSON document, piece by piece: somebody may have sent a million messages, and
//! neither this process nor the database ever holds more of them than one page. Of others it holds their names as the
//! person sees them, and nothing that is theirs alone: no reports about the person, no blocks of the person, and no name of
//! anybody they cannot meet, but of those they blocked themselves.
//!
//! `parts` the statements

mod parts;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde_json::json;
use uuid::Uuid;

use super::{Accounts, Caller, Error};
use crate::Banter;
use crate::ids::UserId;
use crate::limits::Act;

/// Rows in one piece, as the statements say themselves: a limit that PostgreSQL does not know when it plans lets it sort all
/// there is for every page.
const PAGE: usize = 500;

/// The parts of the document, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Account,
    Settings,
    Location,
    Logins,
    Devices,
    Friends,
    FriendRequests,
    Blocks,
    Conversations,
    Rooms,
    Messages,
    Uploads,
    Verifications,
    Calls,
    Notifications,
    CoinLedger,
    Transactions,
    Subscriptions,
    Gifts,
    Reports,
    Moderation,
    /// What was held against them, and what they said to it.
    Sanctions,
}

impl Part {
    const ALL: [Self; 22] = [
        Self::Account,
        Self::Settings,
        Self::Location,
        Self::Logins,
        Self::Devices,
        Self::Friends,
        Self::FriendRequests,
        Self::Blocks,
        Self::Conversations,
        Self::Rooms,
        Self::Messages,
        Self::Uploads,
        Self::Verifications,
        Self::Calls,
        Self::Notifications,
        Self::CoinLedger,
        Self::Transactions,
        Self::Subscriptions,
        Self::Gifts,
        Self::Reports,
        Self::Moderation,
        Self::Sanctions,
    ];

    /// The member of the document.
    fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Settings => "settings",
            Self::Location => "location",
            Self::Logins => "logins",
            Self::Devices => "devices",
            Self::Friends => "friends",
            Self::FriendRequests => "friendRequests",
            Self::Blocks => "blocks",
            Self::Conversations => "conversations",
            Self::Rooms => "rooms",
            Self::Messages => "messages",
            Self::Uploads => "uploads",
            Self::Verifications => "verifications",
            Self::Calls => "calls",
            Self::Notifications => "notifications",
            Self::CoinLedger => "coinLedger",
            Self::Transactions => "transactions",
            Self::Subscriptions => "subscriptions",
            Self::Gifts => "gifts",
            Self::Reports => "reports",
            Self::Moderation => "moderation",
            Self::Sanctions => "sanctions",
        }
    }

    /// One object, or null, instead of a list.
    fn is_single(self) -> bool {
        matches!(self, Self::Account | Self::Settings | Self::Location)
    }
}

/// A row as JSON, and its place in the list.
struct Row {
    key: Option<Uuid>,
    json: Option<String>,
}

struct State {
    banter: Banter,
    user: UserId,
    /// Place in [`Part::ALL`]; past the end the document is whole.
    part: usize,
    /// The place after which the next page begins.
    after: Option<Uuid>,
    /// The member's name is written, and something of its list.
    opened: bool,
    begun: bool,
    /// Whose messages are still to come, the next one last, once they are known; and up to where it was read.
    conversations: Option<Vec<Uuid>>,
    seq: i64,
}

impl Accounts<'_> {
    /// The caller's own, so many times a day. The text is the members of one JSON object, without its braces.
    pub async fn export(
        &self,
        caller: &Caller,
    ) -> Result<impl Stream<Item = Result<String, Error>> + Send + use<>, Error> {
        self.0.limits().take(Act::Export, &caller.user_id.to_string()).await?;
        Ok(self.export_of(caller.user_id))
    }

    /// Somebody's, for an operator who was asked for it.
    pub fn export_of(&self, user: UserId) -> impl Stream<Item = Result<String, Error>> + Send + use<> {
        let state = State {
            banter: self.0.clone(),
            user,
            part: 0,
            after: None,
            opened: false,
            begun: false,
            conversations: None,
            seq: 0,
        };
        try_unfold(state, State::next)
    }
}

impl State {
    /// The next piece of text.
    async fn next(mut self) -> Result<Option<(String, Self)>, Error> {
        let Some(part) = Part::ALL.get(self.part).copied() else { return Ok(None) };
        let rows = self.rows(part).await?;
        let full = match part {
            Part::Messages => self.conversations.as_ref().is_some_and(|left| !left.is_empty()),
            _ => rows.len() >= PAGE,
        };
        let mut text = String::new();
        if !self.opened {
            self.open(part, &mut text);
            self.opened = true;
        }
        if let Some(last) = rows.last() {
            self.after = last.key;
        }
        if part.is_single() {
            text.push_str(rows.first().and_then(|row| row.json.as_deref()).unwrap_or("null"));
        } else {
            for row in rows {
                text.push_str(if self.begun { ",\n" } else { "\n" });
                self.begun = true;
                text.push_str(row.json.as_deref().unwrap_or("null"));
            }
        }
        if !full || part.is_single() {
            if !part.is_single() {
                text.push(']');
            }
            self.begun = false;
            self.part += 1;
            self.after = None;
            self.opened = false;
        }
        Ok(Some((text, self)))
    }

    fn open(&self, part: Part, text: &mut String) {
        if self.part == 0 {
            text.push_str(&format!("\"exportedAt\":{}", json!(self.banter.clock().now())));
        }
        let bracket = if part.is_single() { "" } else { "[" };
        text.push_str(&format!(",\n\"{}\":{bracket}", part.name()));
    }
}
