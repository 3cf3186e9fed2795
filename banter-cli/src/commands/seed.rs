//! `banter seed`: made-up people and what they wrote to each other.

use banter_core::Banter;
use banter_core::seed::{Circled, MOST_SEEDS, MOST_USERS, Outcome, Plan, Size, Talked};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::count;
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};

/// Fill a development database with made-up people, who knows whom, and messages
///
/// The same seed makes the same people, to the id: Asha of one machine is Asha of the next. Running it again adds
/// nothing, a larger number adds the rest. Ctrl-C leaves whole people and whole conversations. Production refuses.
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter seed                                    100 people of seed 1"
    "banter seed --size m                           10,000 people, friends, groups, 200,000 messages"
    "banter seed --users 1000 --messages 20000      and what they wrote"
    "banter seed --users 1000 --seed 2              a thousand other people"
])]
pub(crate) struct SeedArgs {
    /// Everything, so much of it; the other options change single numbers
    #[arg(long, value_name = "SIZE")]
    size: Option<SizeName>,
    /// How many people [default: 100, or what the size says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_USERS)))]
    users: Option<u32>,
    /// Which people, 0 to 999: each seed has a million of its own
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u16).range(..i64::from(MOST_SEEDS)), hide_possible_values = true)]
    seed: u16,
    /// How many messages, in direct conversations between random pairs of them [default: 0, or what the size says]
    #[arg(long, value_name = "M")]
    messages: Option<u64>,
    /// How many groups of 3 to 10, each with messages [default: 0, or what the size says]
    #[arg(long, value_name = "G")]
    groups: Option<u32>,
    /// How many friends each has on average, with requests and blocks in proportion [default: 0, or what the size says]
    #[arg(long, value_name = "F")]
    friends: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SizeName {
    /// 200 people, 5,000 messages
    S,
    /// 10,000 people, 200,000 messages
    M,
    /// 100,000 people, 1,000,000 messages
    L,
}

impl SeedArgs {
    fn plan(&self) -> Plan {
        let (users, messages, groups, friends) = self.size.map_or((100, 0, 0, 0), |size| {
            match size {
                SizeName::S => Size::S,
                SizeName::M => Size::M,
                SizeName::L => Size::L,
            }
            .numbers()
        });
        Plan {
            seed: self.seed,
            users: self.users.unwrap_or(users),
            messages: self.messages.unwrap_or(messages),
            groups: self.groups.unwrap_or(groups),
            friends: self.friends.unwrap_or(friends),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    users_added: u64,
    users_present: u64,
    users_refused: u64,
    friendships_added: u64,
    friend_requests_added: u64,
    blocks_added: u64,
    conversations_added: u64,
    conversations_present: u64,
    groups_added: u64,
    groups_present: u64,
    messages_added: u64,
}

/// What became of everything.
#[derive(Default)]
struct Sown {
    people: Outcome,
    circles: Circled,
    talks: Talked,
    groups: Talked,
}

pub(crate) async fn run(args: SeedArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    name_target(&config, out)?;
    let plan = args.plan();
    let sown = with_banter(config, async |banter| {
        tokio::select! {
            done = sow(banter, plan, out) => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(ExitStatus::Code(130), "stopped")
                .hint("what was written is whole; the same command goes on from there")),
        }
    })
    .await?;
    if out.is_json() {
        out.json(&Report {
            users_added: sown.people.added,
            users_present: sown.people.present,
            users_refused: sown.people.refused,
            friendships_added: sown.circles.friendships,
            friend_requests_added: sown.circles.requests,
            blocks_added: sown.circles.blocks,
            conversations_added: sown.talks.conversations.added,
            conversations_present: sown.talks.conversations.present,
            groups_added: sown.groups.conversations.added,
            groups_present: sown.groups.conversations.present,
            messages_added: sown.talks.messages + sown.groups.messages,
        });
    } else {
        tell(plan, &sown, out);
    }
    Ok(ExitStatus::Done)
}

async fn sow(banter: &Banter, plan: Plan, out: &Printer) -> Result<Sown, Failure> {
    let mut sown = Sown::default();
    let bar = out.bar(plan.users.into(), "people  ");
    sown.people = banter.seed().people(plan, |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    if plan.friends > 0 {
        // About so many: who is drawn twice has one tie less.
        let bar = out.bar(u64::from(plan.users) * u64::from((plan.friends / 2).max(1)), "circles ");
        sown.circles = banter.seed().circles(plan, |done| bar.set_position(done)).await?;
        bar.finish_and_clear();
    }
    if plan.messages > 0 {
        let bar = out.bar(plan.messages, "messages");
        sown.talks = banter.seed().talk(plan, |done| bar.set_position(done)).await?;
        bar.finish_and_clear();
    }
    if plan.groups > 0 {
        let bar = out.bar(plan.groups.into(), "groups  ");
        sown.groups = banter.seed().groups(plan, |done| bar.set_position(done)).await?;
        bar.finish_and_clear();
    }
    Ok(sown)
}

fn tell(plan: Plan, sown: &Sown, out: &Printer) {
    let Plan { seed, users, messages, .. } = plan;
    let Sown { people, circles, talks: talked, groups } = sown;
    let people_there = format!("{} of seed {seed}", people_(u64::from(users)));
    let nothing = *circles == Circled::default() && groups.messages == 0;
    if people.added == 0 && talked.messages == 0 && nothing {
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
    if *circles != Circled::default() {
        out.say(format_args!(
            "added {}, {} and {}",
            count(circles.friendships, "friendship"),
            count(circles.requests, "friend request"),
            count(circles.blocks, "block")
        ));
    }
    if talked.messages > 0 {
        let conversations = count(talked.conversations.added, "conversation");
        out.say(format_args!("added {} in {conversations}", count(talked.messages, "message")));
    }
    if groups.messages > 0 {
        let number = count(groups.conversations.added, "group");
        out.say(format_args!("added {} in {number}", count(groups.messages, "message")));
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
