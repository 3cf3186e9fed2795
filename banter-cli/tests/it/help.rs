//! Help is part of the product: all of it, found by asking for it.

use crate::harness::{Cli, scene};

/// The names under `Commands:`.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn of_every_command() {
    let cli = Cli::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        let name = std::iter::once("help").chain(arguments.iter().copied()).collect::<Vec<_>>().join("_");
        arguments.push("--help");
        scene!(cli, name, arguments);
        seen += 1;
        for command in commands(&cli.ask(&arguments)) {
            open.push(path.iter().cloned().chain([command]).collect());
        }
    }
    assert!(seen > 15, "{seen} commands");
}

#[test]
fn without_a_command_help_is_shown_and_it_is_a_mistake() {
    let cli = Cli::new();
    assert_eq!(cli.run(&[]).status.code(), Some(1));
    scene!(cli, "misspelt_command", ["migrat", "status"]);
    scene!(cli, "misspelt_option", ["seed", "--user", "5"]);
    scene!(cli, "number_out_of_range", ["seed", "--users", "0"]);
    scene!(cli, "duration_not_understood", ["user", "token", "asha", "--ttl", "soon"]);
}

#[test]
fn version() {
    assert_eq!(Cli::new().ask(&["--version"]), concat!("banter ", env!("CARGO_PKG_VERSION"), "\n"));
}
