//! From where a command takes its settings, and how it comes to the application.

use std::path::PathBuf;

use banter_core::Banter;
use banter_core::app::StartError;
use banter_core::config::{Config, Sources};

use crate::exit::Failure;
use crate::printer::Printer;

pub(crate) struct Settings {
    sources: Sources,
    chosen: Option<PathBuf>,
}

const DATABASE_HINT: &str = "run `banter dev` here and leave it running, or set DATABASE_URL (in the environment or \
                             in `.env`) to your PostgreSQL";

pub(crate) const CONFIG_HINT: &str =
    "`banter config show` says what comes from where, `banter config example` what can be set";

impl Settings {
    pub(crate) fn read(chosen: Option<PathBuf>) -> Self {
        Self { sources: Sources::read(chosen.as_deref()), chosen }
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Some commands look for their settings themselves, and nowhere else.
    pub(crate) fn refuse_chosen_file(&self, command: &str) -> Result<(), Failure> {
        match &self.chosen {
            None => Ok(()),
            Some(_) => Err(Failure::user(format!("`banter {command}` does not take `--env-file`"))
                .hint("set the variables in the environment, or in `.env`")),
        }
    }

    /// Everything, as the server would need it.
    pub(crate) fn whole(&self) -> Result<Config, Failure> {
        self.need_database()?;
        Config::from_sources(&self.sources).map_err(|problems| Failure::from(problems).hint(CONFIG_HINT))
    }

    /// What a tool needs that only works on the data.
    pub(crate) fn for_data(&self) -> Result<Config, Failure> {
        self.need_database()?;
        Config::for_data(&self.sources).map_err(|problems| Failure::from(problems).hint(CONFIG_HINT))
    }

    /// The same for a tool that also asks Razorpay.
    pub(crate) fn for_payments(&self) -> Result<Config, Failure> {
        self.need_database()?;
        let config = Config::for_payments(&self.sources)
            .map_err(|problems| Failure::from(problems).hint(CONFIG_HINT))?;
        if config.razorpay.is_none() {
            return Err(Failure::user("RAZORPAY_KEY_ID is not set: Razorpay cannot be asked").hint(
                "set RAZORPAY_KEY_ID, RAZORPAY_KEY_SECRET and RAZORPAY_WEBHOOK_SECRET as the server has them",
            ));
        }
        Ok(config)
    }

    fn need_database(&self) -> Result<(), Failure> {
        if self.sources.is_set("DATABASE_URL") {
            return Ok(());
        }
        if let Some(fault) = self.sources.faults().first() {
            return Err(Failure::user(fault));
        }
        Err(Failure::user("DATABASE_URL is not set: which database is meant?").hint(DATABASE_HINT))
    }
}

/// Does the work with the application, and closes its connections properly.
pub(crate) async fn with_banter<T>(
    config: Config,
    work: impl AsyncFnOnce(&Banter) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let banter = match Banter::connect(config).await {
        Ok(banter) => banter,
        Err(error) => {
            let hint = match &error {
                StartError::Database { .. } => Some("is it running? `banter dev` starts one of its own"),
                StartError::NoSuchDatabase(_) => {
                    Some("create it with `createdb`, then run `banter migrate run`")
                }
                _ => None,
            };
            let failure = Failure::from(error);
            return Err(match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            });
        }
    };
    let done = work(&banter).await;
    banter.close().await;
    done
}

/// Says what is about to be changed: the wrong terminal is the oldest of accidents.
pub(crate) fn name_target(config: &Config, out: &Printer) -> Result<(), Failure> {
    let bold = anstyle::Style::new().bold();
    let target = config.database.target()?;
    out.say(format_args!("{bold}target:{bold:#} database {target} ({})", config.environment));
    Ok(())
}
