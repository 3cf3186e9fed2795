//! The policy, as one table.

use uuid::Uuid;

use super::super::relationship::{Act, Next, State, decide};
use super::*;

const REQUEST: FriendRequestId = FriendRequestId(Uuid::from_u128(1));

fn until() -> DateTime<Utc> {
    "2026-11-29T06:30:00Z".parse().unwrap()
}

#[test]
fn what_may_follow_on_what() {
    use Act::{Accept, Ask, Cancel, Reject, Remove};
    let refused = State::Refused { until: until() };
    type Row = (State, [(Act, Result<Next, &'static str>); 5]);
    let not_found = Err("REQUEST_NOT_FOUND");
    let not_pending = Err("REQUEST_NOT_PENDING");
    let not_friends = Err("NOT_FRIENDS");
    #[rustfmt::skip]
    let table: [Row; 6] = [
        (State::Apart, [
            (Ask, Err("USER_NOT_FOUND")), (Accept, not_found), (Reject, not_found), (Cancel, not_found),
            (Remove, Err("USER_NOT_FOUND")),
        ]),
        (State::Strangers, [
            (Ask, Ok(Next::Ask)), (Accept, not_pending), (Reject, not_pending), (Cancel, not_pending),
            (Remove, not_friends),
        ]),
        (refused, [
            (Ask, Err("REQUEST_TOO_SOON")), (Accept, not_pending), (Reject, not_pending), (Cancel, not_pending),
            (Remove, not_friends),
        ]),
        (State::Asking(REQUEST), [
            (Ask, Ok(Next::Wait(REQUEST))), (Accept, not_found), (Reject, not_found),
            (Cancel, Ok(Next::Cancel(REQUEST))), (Remove, not_friends),
        ]),
        (State::Asked(REQUEST), [
            (Ask, Ok(Next::Befriend(REQUEST))), (Accept, Ok(Next::Befriend(REQUEST))),
            (Reject, Ok(Next::Reject(REQUEST))), (Cancel, not_found), (Remove, not_friends),
        ]),
        (State::Friends, [
            (Ask, Err("ALREADY_FRIENDS")), (Accept, Ok(Next::Nothing)), (Reject, not_pending), (Cancel, not_pending),
            (Remove, Ok(Next::Part)),
        ]),
    ];
    for (state, acts) in table {
        for (act, expected) in acts {
            let decided = decide(state, act).map_err(|error| error.coded().1);
            assert_eq!(decided, expected, "{state:?} {act:?}");
        }
    }
}

#[test]
fn who_asks_too_soon_is_told_when_not_to() {
    let error = decide(State::Refused { until: until() }, Act::Ask).unwrap_err();
    assert_eq!(error.to_string(), "you can ask this person again from 2026-11-29T06:30:00Z");
}
