//! One socket's messages, in the order they came. Socket.IO handlers run side by side; two messages typed one after
//! the other must not overtake each other on their way to the database.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Cheap while unused.
#[derive(Clone, Default)]
pub(super) struct Lane(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Work>,
    running: bool,
}

/// Work a socket may have waiting.
const LONGEST: usize = 256;

impl Lane {
    /// Puts work at the end; `Err` gives it back when there is too much. `Ok(true)`: the caller must [`Self::run`].
    pub(super) fn push(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<bool, ()> {
        let mut queue = self.0.lock().expect("no panic while locked");
        if queue.waiting.len() >= LONGEST {
            return Err(());
        }
        queue.waiting.push_back(Box::pin(work));
        Ok(!std::mem::replace(&mut queue.running, true))
    }

    /// Does all that waits, one after the other. A panic ends that work only.
    pub(super) async fn run(self) {
        loop {
            let work = {
                let mut queue = self.0.lock().expect("no panic while locked");
                match queue.waiting.pop_front() {
                    Some(work) => work,
                    None => {
                        queue.running = false;
                        queue.waiting.shrink_to_fit();
                        return;
                    }
                }
            };
            if let Err(error) = tokio::spawn(work).await {
                tracing::error!(%error, "a socket's handler broke");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn work_is_done_in_order_and_a_panic_stops_nothing() {
        let lane = Lane::default();
        let done = Arc::new(Mutex::new(Vec::new()));
        let mut starts = 0;
        for i in 0..100 {
            let done = Arc::clone(&done);
            let work = async move {
                tokio::task::yield_now().await;
                assert_ne!(i, 50, "this one breaks");
                done.lock().unwrap().push(i);
            };
            starts += usize::from(lane.push(work) == Ok(true));
        }
        assert_eq!(starts, 1);
        lane.run().await;
        let expected: Vec<i32> = (0..100).filter(|i| *i != 50).collect();
        assert_eq!(*done.lock().unwrap(), expected);
    }

    #[test]
    fn a_flood_is_given_back() {
        let lane = Lane::default();
        for _ in 0..LONGEST {
            lane.push(async {}).unwrap();
        }
        assert_eq!(lane.push(async {}), Err(()));
    }
}
