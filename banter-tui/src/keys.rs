//! Which key does what: one table. The line at the bottom and the help are made from it.

use std::fmt;

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::action::Action;

pub struct Binding {
    /// The first is the one to be shown in short.
    pub keys: &'static [Key],
    pub action: Action,
    /// One or two words, for the line at the bottom; empty: not shown there.
    pub short: &'static str,
    pub meaning: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    control: bool,
}

pub static KEYMAP: &[Binding] = &[
    Binding {
        keys: &[plain('r'), Key { code: KeyCode::F(5), control: false }],
        action: Action::Refresh,
        short: "refresh",
        meaning: "look now, without waiting",
    },
    Binding {
        keys: &[plain('p'), plain(' ')],
        action: Action::TogglePause,
        short: "pause",
        meaning: "stop looking by itself, or go on",
    },
    Binding {
        keys: &[plain('?'), Key { code: KeyCode::F(1), control: false }],
        action: Action::ToggleHelp,
        short: "help",
        meaning: "open or close this help",
    },
    Binding {
        keys: &[Key { code: KeyCode::Esc, control: false }],
        action: Action::CloseHelp,
        short: "",
        meaning: "close this help",
    },
    Binding {
        keys: &[plain('q'), Key { code: KeyCode::Char('c'), control: true }],
        action: Action::Quit,
        short: "quit",
        meaning: "leave the console",
    },
];

const fn plain(character: char) -> Key {
    Key { code: KeyCode::Char(character), control: false }
}

/// What the terminal's event asks for.
pub fn action(event: &Event) -> Option<Action> {
    match event {
        Event::Resize(..) => Some(Action::Resized),
        Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) => {
            // Shift is not looked at: `?` needs it on some keyboards and not on others.
            let pressed = Key { code: *code, control: modifiers.contains(KeyModifiers::CONTROL) };
            KEYMAP
                .iter()
                .find(|binding| binding.keys.contains(&pressed))
                .map(|binding| binding.action.clone())
        }
        _ => None,
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.control {
            f.write_str("Ctrl-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(character) if self.control => write!(f, "{}", character.to_ascii_uppercase()),
            KeyCode::F(number) => write!(f, "F{number}"),
            code => write!(f, "{code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Option<Action> {
        action(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn keys_do_what_the_table_says() {
        assert!(matches!(press(KeyCode::Char('r'), KeyModifiers::NONE), Some(Action::Refresh)));
        assert!(matches!(press(KeyCode::Char('?'), KeyModifiers::SHIFT), Some(Action::ToggleHelp)));
        assert!(matches!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit)));
        assert!(press(KeyCode::Char('c'), KeyModifiers::NONE).is_none());
        assert!(press(KeyCode::Char('r'), KeyModifiers::CONTROL).is_none());
        assert!(matches!(action(&Event::Resize(1, 1)), Some(Action::Resized)));
    }

    #[test]
    fn no_key_has_two_meanings() {
        let keys: Vec<_> = KEYMAP.iter().flat_map(|binding| binding.keys).collect();
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key), "{key}");
        }
    }
}
