//! Commands that need a line or two.

use crate::harness::{ACCESS_SECRET, Cli, REFRESH_SECRET, scene};

#[test]
fn completions_know_the_commands() {
    let cli = Cli::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(cli.ask(&["completions", shell]).contains("migrate"), "{shell}");
    }
    scene!(cli, "completions_for_an_unknown_shell", ["completions", "cmd"]);
}

#[test]
fn the_console_needs_a_terminal() {
    let cli = Cli::new()
        .set("DATABASE_URL", "postgres://127.0.0.1:1/banter")
        .set("JWT_SECRET", ACCESS_SECRET)
        .set("JWT_REFRESH_SECRET", REFRESH_SECRET);
    scene!(cli, "console_without_a_terminal", ["console"]);
}
