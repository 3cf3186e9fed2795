//! The policies, as tables.

use super::super::state::{Act, Next, Own, Part, Role, Status, closed, decide, follows, take_part};
use crate::error::Coded as _;

#[test]
fn what_may_become_of_a_call() {
    use Status::{Answered, Busy, Cancelled, Completed, Failed, Initiated, Missed, Rejected, Ringing};
    let to = |status| Ok(Next::To(status));
    let stay = Ok(Next::Stay);
    let (over, not_ringing, not_answered) =
        (Err("CALL_OVER"), Err("CALL_NOT_RINGING"), Err("CALL_NOT_ANSWERED"));
    let acts = [Act::Ring, Act::Answer, Act::Reject, Act::Cancel, Act::HangUp, Act::TimeOut, Act::Fail];
    type Row = (Status, [Result<Next, &'static str>; 7]);
    #[rustfmt::skip]
    let table: [Row; 9] = [
        //           ring         answer        reject        cancel         hang up        time out    fail
        (Initiated, [to(Ringing), to(Answered), to(Rejected), to(Cancelled), not_answered,  to(Failed), to(Failed)]),
        (Ringing,   [stay,        to(Answered), to(Rejected), to(Cancelled), not_answered,  to(Missed), to(Failed)]),
        (Answered,  [stay,        stay,         not_ringing,  not_ringing,   to(Completed), stay,       to(Failed)]),
        (Completed, [over,        over,         over,         over,          stay,          stay,       stay]),
        (Rejected,  [over,        over,         stay,         over,          stay,          stay,       stay]),
        (Missed,    [over,        over,         over,         over,          stay,          stay,       stay]),
        (Cancelled, [over,        over,         over,         stay,          stay,          stay,       stay]),
        (Busy,      [over,        over,         over,         over,          stay,          stay,       stay]),
        (Failed,    [over,        over,         over,         over,          stay,          stay,       stay]),
    ];
    for (status, row) in table {
        for (act, expected) in acts.into_iter().zip(row) {
            let decided = decide(status, act).map_err(|error| error.coded().1);
            assert_eq!(decided, expected, "{status:?} {act:?}");
            if let Ok(Next::To(next)) = decided {
                assert!(status.is_live(), "{status:?} is the end");
                assert_ne!(status, next);
            }
        }
    }
}

#[test]
fn what_may_become_of_a_part() {
    use Part::{Busy, Joined, Left, Missed, Rejected, Ringing};
    let (to, stay, not_ringing) = (|part| Ok(Some(part)), Ok(None), Err("CALL_NOT_RINGING"));
    let acts = [Own::Answer, Own::Reject, Own::Leave, Own::TimeOut];
    type Row = (Part, [Result<Option<Part>, &'static str>; 4]);
    #[rustfmt::skip]
    let table: [Row; 6] = [
        (Ringing,  [to(Joined), to(Rejected), to(Rejected), to(Missed)]),
        (Joined,   [stay,       not_ringing,  to(Left),     stay]),
        (Left,     [to(Joined), not_ringing,  stay,         stay]),
        (Rejected, [to(Joined), stay,         stay,         stay]),
        (Missed,   [to(Joined), not_ringing,  stay,         stay]),
        (Busy,     [to(Joined), not_ringing,  stay,         stay]),
    ];
    for (part, row) in table {
        for (own, expected) in acts.into_iter().zip(row) {
            let decided = take_part(part, own).map_err(|error| error.coded().1);
            assert_eq!(decided, expected, "{part:?} {own:?}");
        }
    }
}

#[test]
fn what_parts_come_to() {
    use Part::{Busy, Joined, Left, Missed, Rejected, Ringing};
    let parts = |caller: Part, others: &[Part]| {
        let others = others.iter().map(|part| (Role::Receiver, *part));
        std::iter::once((Role::Caller, caller)).chain(others).collect::<Vec<_>>()
    };
    let rings = Status::Ringing;
    #[rustfmt::skip]
    let table = [
        (rings, parts(Joined, &[Ringing, Ringing]), None),
        (rings, parts(Joined, &[Ringing, Rejected]), None),
        (rings, parts(Joined, &[Joined, Ringing]), Some(Act::Answer)),
        (rings, parts(Joined, &[Rejected, Missed]), Some(Act::Reject)),
        (rings, parts(Joined, &[Missed, Busy]), Some(Act::TimeOut)),
        (rings, parts(Left, &[Ringing, Ringing]), Some(Act::Cancel)),
        (Status::Initiated, parts(Joined, &[Joined, Ringing]), Some(Act::Answer)),
        (Status::Answered, parts(Joined, &[Joined, Left]), None),
        (Status::Answered, parts(Left, &[Joined, Joined]), None),
        // One alone waits while it rings for others, and no longer.
        (Status::Answered, parts(Joined, &[Left, Ringing]), None),
        (Status::Answered, parts(Joined, &[Left, Missed]), Some(Act::HangUp)),
        (Status::Answered, parts(Left, &[Left, Ringing]), Some(Act::HangUp)),
    ];
    for (status, parts, expected) in table {
        assert_eq!(follows(status, &parts), expected, "{status:?} {parts:?}");
    }
    let over = [
        Status::Completed,
        Status::Rejected,
        Status::Missed,
        Status::Cancelled,
        Status::Busy,
        Status::Failed,
    ];
    for status in over {
        assert_eq!(follows(status, &parts(Joined, &[Ringing])), None);
        assert_eq!(closed(Joined, status), Left);
        assert!(!closed(Ringing, status).is_live(), "{status:?}");
        for part in [Left, Rejected, Missed, Busy] {
            assert_eq!(closed(part, status), part, "what has ended stays");
        }
    }
    assert_eq!(closed(Ringing, Status::Cancelled), Missed);
    assert_eq!(closed(Ringing, Status::Rejected), Rejected);
}
