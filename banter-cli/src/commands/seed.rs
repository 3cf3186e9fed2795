//! `banter seed`: made-up people and what they wrote to each other.

use banter_core::seed::{MOST_SEEDS, MOST_USERS, Outcome, Plan, Talked};
use clap::Args;
use serde::Serialize;

use super::count;
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};

/// Fill a development database with made-up people and messages
///
/// The same seed makes the same people, to the id: Asha of one machine is Asha of the next. Running it again adds
/// nothing, a larger number adds the rest. Ctrl-C leaves whole people and whole conversations. Production refuses.
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter seed                                    100 people of seed 1"
    "banter seed --users 1000 --messages 20000      and what they wrote"
    "banter seed --users 1000 --seed 2              a thousand other people"
])]
pub(crate) struct SeedArgs {
    /// How many people
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_USERS)))]
    users: u32,
    /// Which people, 0 to 999: each seed has a million of its own
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u16).range(..i64::from(MOST_SEEDS)), hide_possible_values = true)]
    seed: u16,
    /// How many messages, in direct conversations between random pairs of them
    #[arg(long, value_name = "M", default_value_t = 0)]
    messages: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    users_added: u64,
    users_present: u64,
    users_refused: u64,
    conversations_added: u64,
    conversations_present: u64,
    messages_added: u64,
}

pub(crate) async fn run(args: SeedArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    name_target(&config, out)?;
    let plan = Plan { seed: args.seed, users: args.users, messages: args.messages };
    let (people, talked) = with_banter(config, async |banter| {
        tokio::select! {
            done = sow(banter, plan, out) => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(ExitStatus::Code(130), "stopped")
                .hint("what was written is whole; the same command goes on from there")),
        }
    })
    .await?;
    if out.is_json() {
        out.json(&Report {
            users_added: people.added,
            users_present: people.present,
            users_refused: people.refused,
            conversations_added: talked.conversations.added,
            conversations_present: talked.conversations.present,
            messages_added: talked.messages,
        });
    } else {
        tell(plan, people, talked, out);
    }
    Ok(ExitStatus::Done)
}

async fn sow(banter: &banter_core::Banter, plan: Plan, out: &Printer) -> Result<(Outcome, Talked), Failure> {
    let bar = out.bar(plan.users.into(), "people  ");
    let people = banter.seed().people(plan, |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    if plan.messages == 0 {
        return Ok((people, Talked::default()));
    }
    let bar = out.bar(plan.messages, "messages");
    let talked = banter.seed().talk(plan, |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    Ok((people, talked))
}

fn tell(plan: Plan, people: Outcome, talked: Talked, out: &Printer) {
    let Plan { seed, users, messages } = plan;
    let people_there = format!("{} of seed {seed}", people_(u64::from(users)));
    if people.added == 0 && talked.messages == 0 {
        let too = if messages > 0 { " and their messages" } else { "" };
        out.say(format_args!("nothing to add: {people_there}{too} are there already"));
    }
    if people.added > 0 {
        let present = match people.present {
            0 => String::new(),
            1 => "; 1 person was there already".into(),
            some => format!("; {} were there already", people_(some)),
        };
        out.say(format_args!("added {} of seed {seed}{present}", people_(people.added)));
    }
    if talked.messages > 0 {
        let conversations = count(talked.conversations.added, "conversation");
        out.say(format_args!("added {} in {conversations}", count(talked.messages, "message")));
    }
    if people.refused > 0 {
        out.say(format_args!(
            "left out {}: the name or number is another account's",
            people_(people.refused)
        ));
    }
}

fn people_(number: u64) -> String {
    if number == 1 { "1 person".into() } else { format!("{} people", indicatif::HumanCount(number)) }
}
