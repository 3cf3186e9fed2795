//! What becomes of a call and of everybody's part in it, when somebody wishes something: the policy of [`super::state`]
//! applied to one call. Pure.

use chrono::{DateTime, Utc};

use super::Error;
use super::held::{Held, Person, Wish};
use super::state::{self, Act, Next, Own, Part, Status};
use crate::ids::UserId;

/// How a call and its parts are to be.
pub(super) struct Plan {
    pub status: Status,
    pub changed: Vec<(UserId, Part)>,
}

impl Held {
    pub(super) fn plan(&self, wish: Wish) -> Result<Option<Plan>, Error> {
        if self.conversation.is_some() { self.plan_of_group(wish) } else { self.plan_of_two(wish) }
    }

    fn plan_of_two(&self, wish: Wish) -> Result<Option<Plan>, Error> {
        let act = match wish {
            Wish::Ring => Act::Ring,
            Wish::Answer(..) => Act::Answer,
            Wish::Reject(_) => Act::Reject,
            Wish::Cancel(_) => Act::Cancel,
            Wish::End(user) => self.end_of(user),
            Wish::Lose(user) => match self.end_of(user) {
                // They never heard each other.
                Act::HangUp if self.live().any(|person| !person.was_there) => Act::Fail,
                act => act,
            },
            Wish::TimeOut => Act::TimeOut,
            Wish::Fail => Act::Fail,
            Wish::Close => self.close(),
        };
        let Next::To(status) = state::decide(self.status, act)? else { return Ok(None) };
        let answered = match wish {
            Wish::Answer(user, _) => vec![(user, Part::Joined)],
            _ => Vec::new(),
        };
        Ok(Some(self.whole(status, answered)))
    }

    /// What hanging up means for this one.
    fn end_of(&self, user: UserId) -> Act {
        match self.status {
            Status::Initiated | Status::Ringing if user == self.caller => Act::Cancel,
            Status::Initiated | Status::Ringing => Act::Reject,
            Status::Answered
            | Status::Completed
            | Status::Rejected
            | Status::Missed
            | Status::Cancelled
            | Status::Busy
            | Status::Failed => Act::HangUp,
        }
    }

    fn close(&self) -> Act {
        if self.status == Status::Answered { Act::HangUp } else { Act::Fail }
    }

    fn plan_of_group(&self, wish: Wish) -> Result<Option<Plan>, Error> {
        let own = match wish {
            Wish::Ring => return self.plan_of_all(Act::Ring),
            Wish::Fail => return self.plan_of_all(Act::Fail),
            Wish::Cancel(_) => return self.plan_of_all(Act::Cancel),
            Wish::Close => return self.plan_of_all(self.close()),
            Wish::Answer(..) => Own::Answer,
            Wish::Reject(_) => Own::Reject,
            Wish::End(_) | Wish::Lose(_) => Own::Leave,
            Wish::TimeOut => Own::TimeOut,
        };
        if !self.status.is_live() {
            return match own {
                Own::Answer | Own::Reject => Err(Error::Over),
                Own::Leave | Own::TimeOut => Ok(None),
            };
        }
        if self.status == Status::Initiated && own == Own::TimeOut {
            return self.plan_of_all(Act::TimeOut);
        }
        let mut changed = Vec::new();
        for person in self.people.iter().filter(|person| wish.by().is_none_or(|user| user == person.user)) {
            changed.extend(state::take_part(person.part, own)?.map(|part| (person.user, part)));
        }
        if changed.is_empty() {
            return Ok(None);
        }
        let parts: Vec<_> =
            self.people.iter().map(|person| (person.role, part_in(&changed, person))).collect();
        let status = match state::follows(self.status, &parts) {
            Some(act) => match state::decide(self.status, act)? {
                Next::To(status) => status,
                Next::Stay => self.status,
            },
            None => self.status,
        };
        Ok(Some(self.whole(status, changed)))
    }

    fn plan_of_all(&self, act: Act) -> Result<Option<Plan>, Error> {
        Ok(match state::decide(self.status, act)? {
            Next::To(status) => Some(self.whole(status, Vec::new())),
            Next::Stay => None,
        })
    }

    /// With the end of everybody's part, if the call ends.
    fn whole(&self, status: Status, mut changed: Vec<(UserId, Part)>) -> Plan {
        if !status.is_live() {
            // Whom nobody told of it missed nothing.
            let end = if self.status == Status::Initiated { Status::Failed } else { status };
            for person in &self.people {
                let part = part_in(&changed, person);
                let closed = state::closed(part, end);
                if closed != part {
                    changed.retain(|(user, _)| *user != person.user);
                    changed.push((person.user, closed));
                }
            }
        }
        Plan { status, changed }
    }

    /// When it ended, and how long they talked.
    pub(super) fn end(
        &self,
        wish: Wish,
        status: Status,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, Option<i32>)> {
        if status.is_live() {
            return None;
        }
        let Some(answered_at) = self.answered_at else { return Some((now, None)) };
        let lost_at = match wish {
            Wish::Lose(user) => self.person(user).and_then(|person| person.absent_since),
            _ => None,
        };
        let ended_at = lost_at.unwrap_or(now).clamp(answered_at, now.max(answered_at));
        let talked = if status == Status::Failed { 0 } else { (ended_at - answered_at).num_seconds() };
        Some((ended_at, Some(i32::try_from(talked).unwrap_or(i32::MAX))))
    }
}

pub(super) fn part_in(changed: &[(UserId, Part)], person: &Person) -> Part {
    changed.iter().find(|(user, _)| *user == person.user).map_or(person.part, |(_, part)| *part)
}
