//! Coins, and what is paid for them. [`history`] what was paid, receipts, the ledger.

pub mod history;
