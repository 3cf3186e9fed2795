//! Stand-ins for services that cost money, for `banter dev` and for tests. Behind the cargo feature `sandbox`, without which
//! a server to be released is built: `cargo build --release -p banter-server`.

pub mod razorpay;
