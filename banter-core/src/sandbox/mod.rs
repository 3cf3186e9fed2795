//! Stand-ins for services that cost money, for `banter dev` and for tests. Behind the cargo feature `sandbox`, which no
//! server is built with.

pub mod razorpay;
