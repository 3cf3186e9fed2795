//! `banter dev`, with the real PostgreSQL and Redis, in a directory of the test's own.

mod exec;
mod place;
mod up;
