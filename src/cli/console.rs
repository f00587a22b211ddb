//! The console that the flags describe, and whether a stream has colours.

use std::io::IsTerminal;

use super::args::{Args, Color};
use super::environment::variable;
use crate::input::stdin_is_device;
use crate::output::Console;
use crate::shell::is_background_job;

/// The console for standard error; `args` is `None` if there are no valid arguments.
pub fn new_console(args: Option<&Args>) -> Console {
    let terminal = std::io::stderr().is_terminal();
    let color = args.map_or(Color::Auto, |args| args.color);
    // some Windows consoles cannot erase a line
    let animated = terminal && !is_dumb() && !cfg!(windows) && !is_one_of_many(args);
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

/// Whether other programs probably run beside this one, and write to the same terminal: under `xargs -P`, where standard
/// input is the null device, under `make -j`, and with `&` in a script. If standard input is not read, somebody may have
/// chosen the null device on purpose.
fn is_one_of_many(args: Option<&Args>) -> bool {
    let ignores_stdin = |args: &Args| {
        args.no_stdin || args.batch.as_ref().is_some_and(|items| items.path().is_some())
    };
    let reads_stdin = !args.is_some_and(ignores_stdin);
    let has_null_device = reads_stdin && stdin_is_device() && !std::io::stdin().is_terminal();
    let has_jobserver = variable("MAKEFLAGS").is_some_and(|flags| flags.contains("--jobserver"));
    has_null_device || has_jobserver || is_background_job()
}

/// Whether the terminal can only print lines.
pub fn is_dumb() -> bool {
    variable("TERM").is_some_and(|term| term == "dumb")
}
