//! What can happen to the console, and what it asks to be done.

use crate::desk::Look;

#[derive(Clone, Debug)]
pub enum Action {
    Quit,
    /// Look now, without waiting for the next tick.
    Refresh,
    TogglePause,
    ToggleHelp,
    CloseHelp,
    /// The terminal has another size.
    Resized,
    /// It is time to look again.
    Tick,
    /// A look is back.
    Looked(Box<Look>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// See how everything is.
    Look,
}
