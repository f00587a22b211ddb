//! What the user wants: the command line and the environment, with every default filled in.
//! The only room that reads arguments or variables, or asks what the standard streams are.
//! May import `input`, `output`, `api` and `error`, whose types it fills.

mod cli;
mod errand;
mod file;
mod key;
mod server;
mod sources;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Result;
use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

pub use cli::{Document, MODELS, Model};
pub use errand::model_id;

use crate::api;
use crate::error::{Failure, Kind};
use crate::input::Sources;
use crate::mock::Step;
use crate::output::{Console, Format, Stdout};
use cli::Cli;
use key::Source as KeySource;

/// What the program is to do.
pub enum Errand {
    /// Print this: help or version.
    Print(String),
    Models {
        json: bool,
    },
    Generate(Document),
    /// One question.
    Ask(Box<Ask>, Sources),
    /// A conversation: each line that is typed is a question.
    Talk(Box<Ask>),
    Batch(Box<Ask>, Batch),
}

/// What a batch needs besides.
pub struct Batch {
    /// The file of the items; `None` for standard input.
    pub items: Option<PathBuf>,
    /// The words of the command line and the files, which every item gets.
    pub words: Option<OsString>,
    pub files: Vec<PathBuf>,
    /// The server's JSON is wanted.
    pub json: bool,
    /// How many requests may be under way at once.
    pub jobs: usize,
    pub keep_order: bool,
    pub resume: bool,
    /// Dollars below which nothing more is started.
    pub min_credits: Option<f64>,
}

/// All that a question needs besides its words.
pub struct Ask {
    pub way: Way,
    pub system: System,
    /// The request, but for its system prompt and messages.
    pub request: api::Request,
    pub endpoint: api::Endpoint,
    pub key: KeySource,
    pub policy: api::Policy,
    /// The steps of the rehearsal server, if it is to answer.
    pub mock: Option<Vec<Step>>,
    pub format: Format,
    pub price: api::Price,
    pub usage: bool,
    pub strict: bool,
    /// The first words of the answer.
    pub prefill: Option<String>,
    /// The file of a conversation.
    pub chat: Option<PathBuf>,
    /// The file that the answer goes to, instead of stdout.
    pub output: Option<PathBuf>,
    /// The file of one line a request.
    pub log: Option<PathBuf>,
}

/// What becomes of the prepared request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Send,
    DryRun,
    Curl,
}

/// Where the system prompt comes from.
pub enum System {
    None,
    Text(OsString),
    File(PathBuf),
}

/// The errand, and the two ends of the terminal that every errand needs.
pub struct Settings {
    pub errand: Errand,
    pub stdout: Stdout,
    pub console: Console,
}

/// Reads the command line, the environment and the files of flags. The console comes back in any case,
/// because a mistake has to be told on it.
pub fn read() -> (Console, Result<Settings>) {
    let args: Vec<OsString> = std::env::args_os().collect();
    let own = parsed(Cli::command(), &args).or_else(|error| match error.kind() {
        // a flag that only files need, unless it is none; then the hint is not to be one of those
        ErrorKind::UnknownArgument => {
            let named = |error: &clap::Error| error.get(ContextKind::InvalidArg).cloned();
            parsed(file::with_negations(Cli::command()), &args).map_err(|second| {
                if named(&second) == named(&error) {
                    error
                } else {
                    second
                }
            })
        }
        _ => Err(error),
    });
    let terminal = std::io::stderr().is_terminal();
    let told = console(own.as_ref().ok(), terminal);
    let result = settings(own, &args, terminal);
    let console = result.as_ref().map_or(told, |settings| settings.console);
    (console, result)
}

fn parsed(mut command: clap::Command, args: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command.try_get_matches_from_mut(args);
    // to take it apart costs as much as to build it, and the program ends soon
    std::mem::forget(command);
    Cli::from_arg_matches_mut(&mut matches?)
}

fn settings(own: Result<Cli, clap::Error>, args: &[OsString], terminal: bool) -> Result<Settings> {
    let stdout = |raw| Stdout {
        terminal: std::io::stdout().is_terminal(),
        raw,
    };
    let own = match own {
        Ok(own) => own,
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                let errand = Errand::Print(error.to_string());
                return Ok(Settings {
                    errand,
                    stdout: stdout(false),
                    console: console(None, terminal),
                });
            }
            _ => return Err(mistake(&error).into()),
        },
    };
    // these say what they say whatever a file holds
    let alone = own.no_config || own.list_models || own.generate.is_some();
    let from_variables = [
        own.model
            .is_none()
            .then(|| variable("ANYROUTER_MODEL"))
            .flatten(),
        own.base_url
            .is_none()
            .then(|| variable("ANYROUTER_BASE_URL"))
            .flatten(),
    ];
    let typed_key = own.api_key_file.is_some() || own.api_key_command.is_some();
    let files = if alone {
        None
    } else {
        file::joined(args, own.profile.as_deref())?
    };
    let mut cli = match files {
        Some(mut all) => Cli::from_arg_matches_mut(&mut all).map_err(|error| mistake(&error))?,
        None => own,
    };
    if !typed_key && variable("ANYROUTER_API_KEY").is_some() {
        // the environment counts more than a file
        (cli.api_key_file, cli.api_key_command) = (None, None);
    }
    let [model, base_url] = from_variables;
    cli.model = model.or(cli.model);
    let base_url = base_url.map(|url| (url, "ANYROUTER_BASE_URL"));
    let base_url = base_url.or_else(|| Some((cli.base_url.take()?, "--base-url")));
    let (stdout, console) = (stdout(cli.raw), console(Some(&cli), terminal));
    Ok(Settings {
        errand: errand::errand(cli, base_url, console)?,
        stdout,
        console,
    })
}

/// What stderr is: the rules of `--color`, `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb`.
fn console(cli: Option<&Cli>, terminal: bool) -> Console {
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    let forced = variable("CLICOLOR_FORCE").is_some_and(|force| force != "0");
    let colour = match cli.and_then(|cli| cli.color) {
        Some(cli::Color::Always) => true,
        Some(cli::Color::Never) => false,
        _ if variable("NO_COLOR").is_some() => false,
        _ => forced || (terminal && !dumb),
    };
    Console {
        terminal,
        colour,
        moves: terminal && !dumb,
        quiet: cli.is_some_and(|cli| cli.quiet),
        verbose: cli.is_some_and(|cli| cli.verbose),
    }
}

/// An environment variable; an empty one is as good as none.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    Some(value).filter(|value| !value.is_empty())
}

/// A mistake on the command line, in this program's own form.
fn mistake(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let mut parts = text.split("\n\n");
    let fold = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = fold(parts.next().unwrap_or_default());
    let tips: Vec<_> = parts
        .filter(|part| part.trim_start().starts_with("tip: "))
        .map(fold)
        .collect();
    let hint = match &tips[..] {
        [] => "'anyask --help' shows every flag".into(),
        _ if is_unlike_any(error) => {
            "if it belongs to the prompt, put -- in front of that: anyask -- WORDS".into()
        }
        tips => tips.join("; ").replace("tip: ", ""),
    };
    Failure::new(Kind::Usage, message).hint(hint)
}

/// Whether somebody typed what looks like a flag and is like none.
fn is_unlike_any(error: &clap::Error) -> bool {
    error.kind() == ErrorKind::UnknownArgument && error.get(ContextKind::SuggestedArg).is_none()
}
