//! What a change comes to, by arithmetic alone.
//!
//! Spending takes coins that were given before coins that were bought, so that what was bought stays refundable longest. A
//! refund takes bought coins first, then others; what is not there any more is owed. New coins pay what is owed before
//! anything else.

use super::{Account, Error, Kind};

/// What somebody has. `purchased` is a part of `coins`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    pub coins: i32,
    pub purchased: i32,
    pub earned: i32,
    pub owed: i32,
}

/// One entry to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    pub account: Account,
    pub kind: Kind,
    pub amount: i32,
    pub purchased: i32,
    pub balance_after: i32,
    /// What its reference has after that of the change.
    pub suffix: &'static str,
}

/// The balances after a change, and its entries: the first is the change itself. None: there was nothing to change.
pub(super) fn post(before: Balances, kind: Kind, amount: i32) -> Result<(Balances, Vec<Posting>), Error> {
    let mut book = Book { now: before, postings: Vec::new() };
    match kind {
        Kind::GiftReceived => book.earn(kind, amount)?,
        Kind::Refund => book.take_back(amount.checked_neg().ok_or(Error::TooManyCoins)?)?,
        Kind::Debt | Kind::DebtRepaid => return Err(Error::NothingToChange),
        Kind::Purchase | Kind::RefundReversed => book.credit(kind, amount, amount)?,
        Kind::OpeningBalance | Kind::SignupBonus | Kind::Grant | Kind::GiftSent if amount < 0 => {
            book.spend(kind, amount)?;
        }
        Kind::OpeningBalance | Kind::SignupBonus | Kind::Grant => book.credit(kind, amount, 0)?,
        Kind::GiftSent => return Err(Error::NothingToChange),
    }
    Ok((book.now, book.postings))
}

struct Book {
    now: Balances,
    postings: Vec<Posting>,
}

impl Book {
    fn coins(&mut self, kind: Kind, amount: i32, purchased: i32, suffix: &'static str) -> Result<(), Error> {
        if amount == 0 {
            return Ok(());
        }
        let balance_after = self.now.coins.checked_add(amount).ok_or(Error::TooManyCoins)?;
        if balance_after < 0 {
            return Err(Error::NotEnoughCoins);
        }
        self.now.coins = balance_after;
        self.now.purchased += purchased;
        self.postings.push(Posting {
            account: Account::Coins,
            kind,
            amount,
            purchased,
            balance_after,
            suffix,
        });
        Ok(())
    }

    fn owed(&mut self, kind: Kind, amount: i32, suffix: &'static str) -> Result<(), Error> {
        if amount == 0 {
            return Ok(());
        }
        let balance_after = self.now.owed.checked_add(amount).ok_or(Error::TooManyCoins)?;
        self.now.owed = balance_after;
        self.postings.push(Posting {
            account: Account::Owed,
            kind,
            amount,
            purchased: 0,
            balance_after,
            suffix,
        });
        Ok(())
    }

    fn earn(&mut self, kind: Kind, amount: i32) -> Result<(), Error> {
        if amount <= 0 {
            return Err(Error::NothingToChange);
        }
        let balance_after = self.now.earned.checked_add(amount).ok_or(Error::TooManyCoins)?;
        self.now.earned = balance_after;
        self.postings.push(Posting {
            account: Account::Earned,
            kind,
            amount,
            purchased: 0,
            balance_after,
            suffix: "",
        });
        Ok(())
    }

    fn credit(&mut self, kind: Kind, amount: i32, purchased: i32) -> Result<(), Error> {
        if amount <= 0 {
            return Err(Error::NothingToChange);
        }
        self.coins(kind, amount, purchased, "")?;
        // The coins that came pay, so that bought ones do not stay where bonus ones went.
        let repaid = self.now.owed.min(amount);
        self.coins(Kind::DebtRepaid, -repaid, -repaid.min(purchased), ":repaid")?;
        self.owed(Kind::DebtRepaid, -repaid, ":repaid:owed")
    }

    fn spend(&mut self, kind: Kind, amount: i32) -> Result<(), Error> {
        let given = self.now.coins - self.now.purchased;
        let purchased = amount.checked_add(given).ok_or(Error::NotEnoughCoins)?.min(0);
        self.coins(kind, amount, purchased, "")
    }

    fn take_back(&mut self, amount: i32) -> Result<(), Error> {
        if amount <= 0 {
            return Err(Error::NothingToChange);
        }
        let taken = self.now.coins.min(amount);
        let purchased = self.now.purchased.min(taken);
        self.coins(Kind::Refund, -taken, -purchased, "")?;
        let suffix = if taken == 0 { "" } else { ":debt" };
        self.owed(Kind::Debt, amount - taken, suffix)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn balances(coins: i32, purchased: i32, earned: i32, owed: i32) -> Balances {
        Balances { coins, purchased, earned, owed }
    }

    #[test]
    fn what_a_change_comes_to() {
        let zero = Balances::default();
        let cases = [
            (balances(100, 0, 0, 0), Kind::Purchase, 250, balances(350, 250, 0, 0)),
            (balances(350, 250, 0, 0), Kind::GiftSent, -150, balances(200, 200, 0, 0)),
            (balances(350, 250, 0, 0), Kind::GiftSent, -50, balances(300, 250, 0, 0)),
            (balances(350, 250, 0, 0), Kind::Refund, -250, balances(100, 0, 0, 0)),
            (balances(100, 60, 0, 0), Kind::Refund, -250, balances(0, 0, 0, 150)),
            (zero, Kind::Refund, -250, balances(0, 0, 0, 250)),
            (balances(0, 0, 0, 150), Kind::Purchase, 250, balances(100, 100, 0, 0)),
            (balances(0, 0, 0, 150), Kind::Grant, 50, balances(0, 0, 0, 100)),
            (balances(0, 0, 0, 250), Kind::RefundReversed, 250, zero),
            (balances(5, 5, 1, 0), Kind::GiftReceived, 20, balances(5, 5, 21, 0)),
            (balances(100, 40, 0, 0), Kind::Grant, -80, balances(20, 20, 0, 0)),
        ];
        for (before, kind, amount, after) in cases {
            assert_eq!(post(before, kind, amount).unwrap().0, after, "{before:?} {kind:?} {amount}");
        }
    }

    #[test]
    fn what_cannot_be() {
        let code = |before, kind, amount| format!("{:?}", post(before, kind, amount).unwrap_err());
        let some = balances(100, 50, 0, 0);
        assert_eq!(code(some, Kind::GiftSent, -101), "NotEnoughCoins");
        assert_eq!(code(some, Kind::Grant, i32::MIN), "NotEnoughCoins");
        assert_eq!(code(some, Kind::Purchase, i32::MAX), "TooManyCoins");
        assert_eq!(code(some, Kind::Refund, i32::MIN), "TooManyCoins");
        for (kind, amount) in
            [(Kind::Purchase, -1), (Kind::GiftSent, 1), (Kind::GiftReceived, 0), (Kind::Debt, 1)]
        {
            assert_eq!(code(some, kind, amount), "NothingToChange", "{kind:?} {amount}");
        }
    }

    proptest! {
        #[test]
        fn entries_add_up_to_the_balances(
            coins in 0..1000, bought in 0..1000, earned in 0..1000, owed in 0..1000, amount in -2000..2000,
            kind in prop::sample::select(vec![
                Kind::Grant, Kind::Purchase, Kind::Refund, Kind::RefundReversed, Kind::GiftSent, Kind::GiftReceived,
            ]),
        ) {
            // Nobody has coins and owes some.
            let owed: i32 = if coins > 0 { 0 } else { owed };
            let before = balances(coins, std::cmp::min::<i32>(bought, coins), earned, owed);
            let Ok((after, postings)) = post(before, kind, amount) else { return Ok(()) };
            let sum = |account| -> i32 { postings.iter().filter(|p| p.account == account).map(|p| p.amount).sum() };
            prop_assert_eq!(before.coins + sum(Account::Coins), after.coins);
            prop_assert_eq!(before.earned + sum(Account::Earned), after.earned);
            prop_assert_eq!(before.owed + sum(Account::Owed), after.owed);
            prop_assert_eq!(before.purchased + postings.iter().map(|p| p.purchased).sum::<i32>(), after.purchased);
            prop_assert!((0..=after.coins).contains(&after.purchased), "{:?}", after);
            prop_assert!(after.earned >= 0 && after.owed >= 0 && (after.owed == 0 || after.coins == 0));
            prop_assert!(postings.iter().all(|p| p.amount != 0 && p.balance_after >= 0));
            let mut suffixes: Vec<_> = postings.iter().map(|p| p.suffix).collect();
            suffixes.dedup();
            prop_assert_eq!(suffixes.len(), postings.len());
            prop_assert_eq!(postings.first().map(|p| p.suffix), Some(""));
        }
    }
}
