//! Contact leaks: how well they are found in labelled texts, and what it costs a message.

use std::hint::black_box;
use std::time::{Duration, Instant};

use banter_core::moderation::leaks::labelled::{HELD_OUT, KNOWN, Score, lines};
use banter_core::moderation::leaks::{find, fold};

/// Each text is looked through so often.
const ROUNDS: u32 = 200;
/// Characters of the longest message there is.
const LONGEST: usize = 4000;

pub(crate) fn run() {
    println!("{:<34} {:>10} {:>9} {:>9} {:>9}", "contact leaks", "texts", "precision", "recall", "µs each");
    for (name, set) in [("texts it was made with", KNOWN), ("texts written after it", HELD_OUT)] {
        let (score, texts) = (Score::of(set), lines(set).count());
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            for (_, text) in lines(set) {
                black_box(find(&fold(black_box(text))));
            }
        }
        let each = micros(begun.elapsed()) / f64::from(ROUNDS) / texts as f64;
        println!("{name:<34} {texts:>10} {:>9.3} {:>9.3} {each:>9.1}", score.precision(), score.recall());
        for (what, texts) in [("wrongly found", score.wrongly), ("missed", score.missed)] {
            for text in texts {
                println!("  {what}: {text}");
            }
        }
    }
    // Whatever makes it look back must not make it look back at everything.
    let worst =
        ["9 ", "nine ", "@a ", "a.b ", "insta ", "1.", "a dot ", "ek", "(at) ", "n i n e ", "a_b ", "+1"]
            .map(|part| {
                let text: String = part.chars().cycle().take(LONGEST).collect();
                let begun = Instant::now();
                black_box(find(&fold(black_box(&text))));
                (micros(begun.elapsed()), part)
            })
            .into_iter()
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .expect("there are some");
    println!("{:<34} {:>40.0}   of `{}` repeated\n", "the dearest of 4,000 characters", worst.0, worst.1);
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
