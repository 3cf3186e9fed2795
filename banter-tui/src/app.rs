//! The console's state, and how it changes. Nothing here waits, draws or asks the time.

use std::time::Duration;

use crate::action::{Action, Task};
use crate::health::Health;
use crate::theme::Theme;

pub struct App {
    pub about: About,
    pub theme: Theme,
    pub health: Health,
    pub paused: bool,
    pub help: bool,
    /// Told to end.
    pub over: bool,
    /// A look is under way: another would only queue up behind it.
    looking: bool,
    changed: bool,
}

/// What is being looked at: nobody should mistake one system for another.
#[derive(Clone, Debug)]
pub struct About {
    pub environment: &'static str,
    pub database: String,
    pub server: String,
    pub every: Duration,
}

impl App {
    pub fn new(about: About, theme: Theme) -> Self {
        Self {
            about,
            theme,
            health: Health::default(),
            paused: false,
            help: false,
            over: false,
            looking: false,
            changed: true,
        }
    }

    pub fn update(&mut self, action: Action) -> Vec<Task> {
        // What the user sees does not hang on these two: on a slow link nothing is sent for them.
        self.changed |= !matches!(action, Action::Tick | Action::Refresh);
        match action {
            Action::Quit => self.over = true,
            Action::ToggleHelp => self.help = !self.help,
            Action::CloseHelp => self.help = false,
            Action::Resized => {}
            Action::Refresh => return self.look(),
            Action::Tick if self.paused => {}
            Action::Tick => return self.look(),
            Action::TogglePause => {
                self.paused = !self.paused;
                if !self.paused {
                    return self.look();
                }
            }
            Action::Looked(look) => {
                self.looking = false;
                self.health.take(*look);
            }
        }
        Vec::new()
    }

    /// Does what was drawn last no longer hold? Asking sets it right.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn look(&mut self) -> Vec<Task> {
        if std::mem::replace(&mut self.looking, true) { Vec::new() } else { vec![Task::Look] }
    }
}
