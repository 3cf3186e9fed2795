//! Random people: who knows whom, who wrote what, who blocked whom, what they did then.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// User names that stand in no other text: each is its owner's mark, in everything they write.
pub(super) const NAMES: [&str; 7] =
    ["zorbalinth", "quexmirdow", "vantrupesk", "dwyllogisp", "hugfobetar", "jipsandvek", "mektworlun"];

/// What somebody does. Who, whom and where are places in lists, whatever their lengths.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Ask(Index, Index),
    /// Answers, or takes back, a request.
    Decide(Index, Index),
    Part(Index, Index),
    Write {
        from: Index,
        to: Index,
        with: With,
    },
    WriteInGroup {
        from: Index,
        group: Index,
        with: With,
    },
    Edit(Index, Index),
    Delete(Index, Index),
    /// Up to this number.
    Read(Index, Index, i64),
    Type(Index, Index),
    Come(Index),
    Go(Index),
    Rename(Index, Index),
    Call(Index, Index),
    CallGroup(Index, Index),
    /// Answers a call.
    PickUp(Index, Index),
    /// Refuses it, or hangs up.
    HangUp(Index, Index),
}

/// What a message has beside its text.
#[derive(Clone, Debug)]
pub(super) enum With {
    Nothing,
    Picture,
    /// It answers one of those before it.
    Answered(Index),
}

/// A setting that stands in somebody's way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Taste {
    FriendsMayWrite,
    NobodySeesMe,
    NoPushes,
}

#[derive(Clone, Debug)]
pub(super) struct Graph {
    pub(super) people: usize,
    pub(super) friends: Vec<(Index, Index)>,
    /// Who makes it, and two others or more.
    pub(super) groups: Vec<(Index, Vec<Index>)>,
    pub(super) tastes: Vec<(Index, Taste)>,
    pub(super) before: Vec<Act>,
    pub(super) blocks: Vec<(Index, Index, bool)>,
    /// The friendships that the blocks ended are in the table all the same: no statement may lean on their absence.
    pub(super) haunted: bool,
    pub(super) after: Vec<Act>,
}

fn one() -> impl Strategy<Value = Index> {
    any::<Index>()
}

fn pair() -> impl Strategy<Value = (Index, Index)> {
    (one(), one())
}

fn with() -> impl Strategy<Value = With> {
    prop_oneof![4 => Just(With::Nothing), 1 => Just(With::Picture), 3 => one().prop_map(With::Answered)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => pair().prop_map(|(who, whom)| Act::Ask(who, whom)),
        1 => pair().prop_map(|(who, which)| Act::Decide(who, which)),
        1 => pair().prop_map(|(who, whom)| Act::Part(who, whom)),
        5 => (one(), one(), with()).prop_map(|(from, to, with)| Act::Write { from, to, with }),
        8 => (one(), one(), with()).prop_map(|(from, group, with)| Act::WriteInGroup { from, group, with }),
        2 => pair().prop_map(|(who, which)| Act::Edit(who, which)),
        2 => pair().prop_map(|(who, which)| Act::Delete(who, which)),
        7 => (one(), one(), 0..8_i64).prop_map(|(who, place, seq)| Act::Read(who, place, seq)),
        1 => pair().prop_map(|(who, place)| Act::Type(who, place)),
        1 => one().prop_map(Act::Come),
        1 => one().prop_map(Act::Go),
        1 => pair().prop_map(|(who, group)| Act::Rename(who, group)),
        3 => pair().prop_map(|(who, whom)| Act::Call(who, whom)),
        2 => pair().prop_map(|(who, group)| Act::CallGroup(who, group)),
        4 => pair().prop_map(|(who, call)| Act::PickUp(who, call)),
        3 => pair().prop_map(|(who, call)| Act::HangUp(who, call)),
    ]
}

pub(super) fn any_graph() -> impl Strategy<Value = Graph> {
    let taste = prop_oneof![Just(Taste::FriendsMayWrite), Just(Taste::NobodySeesMe), Just(Taste::NoPushes)];
    (
        5..=NAMES.len(),
        vec(pair(), 2..8),
        vec((one(), vec(one(), 3..5)), 1..3),
        vec((one(), taste), 0..2),
        vec(act(), 20..40),
        vec((one(), one(), any::<bool>()), 2..6),
        any::<bool>(),
        vec(act(), 20..40),
    )
        .prop_map(|(people, friends, groups, tastes, before, blocks, haunted, after)| Graph {
            people,
            friends,
            groups,
            tastes,
            before,
            blocks,
            haunted,
            after,
        })
}
