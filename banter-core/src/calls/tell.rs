//! Who hears of a change of a call, and as what.

use super::Calls;
use super::held::{Held, Wish};
use super::plan::{Plan, part_in};
use super::state::{Part, Role, Status};
use crate::events::{CallUpdate, Event};
use crate::ids::UserId;
use crate::voice::aftermath::Aftermath;

impl Calls<'_> {
    /// Both sides' devices; of a change of one's own part in a group, those who talk.
    pub(super) fn tell(
        &self,
        call: &Held,
        plan: &Plan,
        wish: Wish,
        duration: Option<i32>,
        aftermath: &mut Aftermath,
    ) {
        let (at, by) = (self.0.clock().now(), wish.by());
        let update = |user_id, session_id| CallUpdate {
            call_id: call.id,
            status: plan.status,
            user_id,
            session_id,
            duration,
            at,
        };
        if plan.status == call.status {
            for (user, part) in &plan.changed {
                let joined = call.people.iter().filter(|person| {
                    part_in(&plan.changed, person) == Part::Joined && !call.are_apart(person.user, *user)
                });
                let others = joined.map(|person| person.user).filter(|other| other != user).collect();
                let session = if let Wish::Answer(_, session) = wish { Some(session) } else { None };
                for (to, session) in [(others, None), (vec![*user], session)] {
                    let update = update(Some(*user), session);
                    let event = match part {
                        Part::Joined => Event::CallAnswered(update),
                        Part::Rejected => Event::CallRejected(update),
                        Part::Missed => Event::CallMissed(update),
                        Part::Left | Part::Ringing | Part::Busy => Event::CallEnded(update),
                    };
                    aftermath.tell(to, event);
                }
            }
            return;
        }
        // Whom nobody told that it rings hears nothing of its end.
        let told = call.live().filter(|person| {
            call.status != Status::Initiated || person.role == Role::Caller || Some(person.user) == by
        });
        let told: Vec<UserId> = told.map(|person| person.user).collect();
        let name = |to: UserId| by.filter(|by| !(call.conversation.is_some() && call.are_apart(to, *by)));
        for to in told {
            let event = match plan.status {
                Status::Answered => {
                    let own =
                        if let Wish::Answer(user, session) = wish { Some((user, session)) } else { None };
                    let session = own.filter(|(user, _)| *user == to).map(|(_, session)| session);
                    // In a group it rings on for the others.
                    let rings_on =
                        call.conversation.is_some() && part_of(plan, call, to) == Some(Part::Ringing);
                    if rings_on {
                        continue;
                    }
                    Event::CallAnswered(update(name(to), session))
                }
                Status::Rejected => Event::CallRejected(update(name(to), None)),
                Status::Missed => Event::CallMissed(update(None, None)),
                Status::Cancelled => Event::CallCancelled(update(name(to), None)),
                Status::Completed | Status::Failed | Status::Busy => Event::CallEnded(update(name(to), None)),
                // `ring` tells of it, with what each phone shows.
                Status::Initiated | Status::Ringing => continue,
            };
            aftermath.tell(vec![to], event);
        }
    }
}

fn part_of(plan: &Plan, call: &Held, user: UserId) -> Option<Part> {
    call.person(user).map(|person| part_in(&plan.changed, person))
}
