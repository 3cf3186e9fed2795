//! Who of the staff may do what: one table for the API, the command line and the console.

use crate::accounts::Role;

/// What staff do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// The queue, cases without what is private in them, numbers.
    Look,
    /// What was reported, and what people showed to be verified.
    SeePrivate,
    /// Takes a case, gives it back, or hands it up.
    Claim,
    /// Dismisses, warns, takes away a message or a picture, mutes, closes a room.
    Decide,
    /// Suspends for [`MODERATORS_LONGEST`](super::MODERATORS_LONGEST) at most.
    Suspend,
    /// Suspends for longer.
    SuspendLong,
    /// Proposes a ban, or that a wallet be frozen.
    Propose,
    /// Has another's proposal come into force, or not.
    Confirm,
    /// Decides what was handed up.
    DecideEscalated,
    /// Files what a court or an authority orders.
    FileOrders,
    /// Takes back one's own act.
    ReverseOwn,
    /// Takes back another's act.
    Reverse,
    /// Decides what the sanctioned ask.
    DecideAppeals,
    /// Decides whether somebody is who they say.
    Verify,
    /// Hears a room without being seen.
    Listen,
    /// Has somebody's reports not count for a while.
    MuteReporter,
    /// Adds, changes and switches automatic rules.
    KeepRules,
    /// Reads the audit log.
    ReadAudit,
    /// Takes data out: the audit log, cases, numbers for reports to the public.
    Export,
    /// Makes somebody staff, and ends it.
    NameStaff,
}

impl Duty {
    pub const ALL: [Self; 20] = [
        Self::Look,
        Self::SeePrivate,
        Self::Claim,
        Self::Decide,
        Self::Suspend,
        Self::SuspendLong,
        Self::Propose,
        Self::Confirm,
        Self::DecideEscalated,
        Self::FileOrders,
        Self::ReverseOwn,
        Self::Reverse,
        Self::DecideAppeals,
        Self::Verify,
        Self::Listen,
        Self::MuteReporter,
        Self::KeepRules,
        Self::ReadAudit,
        Self::Export,
        Self::NameStaff,
    ];

    /// The least role that may.
    pub fn needs(self) -> Role {
        match self {
            Self::Look => Role::Viewer,
            Self::SeePrivate
            | Self::Claim
            | Self::Decide
            | Self::Suspend
            | Self::Propose
            | Self::ReverseOwn
            | Self::Verify
            | Self::Listen
            | Self::MuteReporter => Role::Moderator,
            Self::SuspendLong
            | Self::Confirm
            | Self::DecideEscalated
            | Self::FileOrders
            | Self::Reverse
            | Self::DecideAppeals
            | Self::KeepRules
            | Self::ReadAudit => Role::Senior,
            Self::Export | Self::NameStaff => Role::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out once more, by hand: `u`ser, `v`iewer, `m`oderator, `s`enior, `a`dmin.
    #[test]
    fn who_may_do_what() {
        use Duty::*;
        let table = [
            (Look, "-vmsa"),
            (SeePrivate, "--msa"),
            (Claim, "--msa"),
            (Decide, "--msa"),
            (Suspend, "--msa"),
            (SuspendLong, "---sa"),
            (Propose, "--msa"),
            (Confirm, "---sa"),
            (DecideEscalated, "---sa"),
            (FileOrders, "---sa"),
            (ReverseOwn, "--msa"),
            (Reverse, "---sa"),
            (DecideAppeals, "---sa"),
            (Verify, "--msa"),
            (Listen, "--msa"),
            (MuteReporter, "--msa"),
            (KeepRules, "---sa"),
            (ReadAudit, "---sa"),
            (Export, "----a"),
            (NameStaff, "----a"),
        ];
        assert_eq!(table.map(|(duty, _)| duty), Duty::ALL);
        for (duty, expected) in table {
            let may: String = Role::ALL
                .iter()
                .zip("uvmsa".chars())
                .map(|(role, letter)| if *role >= duty.needs() { letter } else { '-' })
                .collect();
            assert_eq!(may, expected, "{duty:?}");
        }
    }
}
