//! The console that the flags describe, and whether a stream has colours.

use std::io::IsTerminal;

use super::args::{Args, Color};
use super::environment::variable;
use crate::output::Console;

/// The console for standard error; `args` is `None` if there are no valid arguments.
pub fn new_console(args: Option<&Args>) -> Console {
    let terminal = std::io::stderr().is_terminal();
    let color = args.map_or(Color::Auto, |args| args.color);
    // some Windows consoles cannot erase a line
    let animated = terminal && !is_dumb() && !cfg!(windows);
    let mut console = Console::new(is_coloured(color, terminal), animated);
    console.quiet = args.is_some_and(|args| args.quiet);
    console.verbose = args.is_some_and(|args| args.verbose);
    console
}

/// Whether a stream has colours, by `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR` and `TERM`.
pub fn is_coloured(color: Color, terminal: bool) -> bool {
    let is_zero = |name| variable(name).map(|value| value == "0");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if variable("NO_COLOR").is_some() => false,
        Color::Auto if is_zero("CLICOLOR_FORCE") == Some(false) => true,
        Color::Auto => terminal && !is_dumb() && is_zero("CLICOLOR") != Some(true),
    }
}

/// Whether the terminal can only print lines.
fn is_dumb() -> bool {
    variable("TERM").is_some_and(|term| term == "dumb")
}
