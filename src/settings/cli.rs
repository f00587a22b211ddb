//! The command line as typed: flags, their values, their help. A leaf: clap and std alone,
//! so that the tests which write completions and man page read the same struct.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, PossibleValue, TypedValueParser, ValueHint};
use clap::{ArgGroup, Parser, ValueEnum};

/// A model that the API reference documents.
pub struct Model {
    pub id: &'static str,
    /// The word that `--model` takes for the newest of its family; empty for an older one.
    pub short: &'static str,
    pub said_to_be: &'static str,
    pub best_for: &'static str,
}

/// The documented models, in the reference's order.
pub const MODELS: [Model; 4] = [
    Model {
        id: "claude-3-5-sonnet-20241022",
        short: "sonnet",
        said_to_be: "latest, most advanced",
        best_for: "complex reasoning, analysis",
    },
    Model {
        id: "claude-3-opus-20240229",
        short: "opus",
        said_to_be: "most capable",
        best_for: "complex tasks, creative writing",
    },
    Model {
        id: "claude-3-sonnet-20240229",
        short: "",
        said_to_be: "balanced",
        best_for: "general purpose, coding",
    },
    Model {
        id: "claude-3-haiku-20240307",
        short: "haiku",
        said_to_be: "fastest",
        best_for: "simple tasks, quick responses",
    },
];

/// Shown under `--help`: what to type first.
const EXAMPLES: &str = "\
Examples:
  anyask \"What is the tallest mountain on Mars?\"
  git diff | anyask \"Write a commit message\"
  anyask -m haiku -s \"Answer in French\" < question.txt
  anyask --json hi | jq .usage
  anyask --mock=429 hi; echo $?

Exit status: 0 answered, 1 a local failure, 2 usage, 3 not set up, 4 refused,
5 key not accepted, 6 no credits or not permitted, 7 rate limited, 8 server
failed, 9 no connection, 10 broken answer, 11 stopped short under --strict,
12 some items of a batch failed.
'anyask --generate man | man -l -' shows the whole manual.";

/// Ask Claude a question from the shell
///
/// The words after the options are the prompt. Standard input, where it is not a
/// terminal, is material that the prompt is about, or the prompt itself if there
/// are no words. The answer goes to standard output as it arrives.
#[derive(Parser, Debug)]
#[command(
    name = "anyask",
    version,
    max_term_width = 79,
    args_override_self = true,
    override_usage = "anyask [OPTIONS] [PROMPT]...",
    after_long_help = EXAMPLES,
    after_help = "'anyask --help' tells more of each, with examples.",
    group = ArgGroup::new("errand").multiple(false)
)]
pub struct Cli {
    /// The question; words are joined by blanks
    ///
    /// A lone '-' means standard input, even if it is a terminal.
    #[arg(value_name = "PROMPT", value_hint = ValueHint::Other, allow_negative_numbers = true)]
    pub prompt: Vec<OsString>,

    /// A file that the prompt is about; repeatable
    ///
    /// Text goes in as <document path="PATH">; PNG, JPEG, GIF and WebP pictures
    /// and PDF, told by their first bytes, as attachments. '-' is standard input.
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath, help_heading = "What is asked")]
    pub file: Vec<PathBuf>,

    /// Never read standard input
    ///
    /// For cron, 'while read' loops and background jobs, where standard input
    /// belongs to somebody else.
    #[arg(long, help_heading = "What is asked")]
    pub no_stdin: bool,

    /// The system prompt
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true, value_hint = ValueHint::Other, conflicts_with = "system_file", help_heading = "What is asked")]
    pub system: Option<OsString>,

    /// Read the system prompt from a file
    ///
    /// '-s' and this one are two ways to give the same thing: use one of them.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, help_heading = "What is asked")]
    pub system_file: Option<PathBuf>,

    /// The first words of the answer
    ///
    /// They are sent as the beginning of the answer, and printed in front of it.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::Other, help_heading = "What is asked")]
    pub prefill: Option<String>,

    /// Go on with the conversation kept in FILE
    ///
    /// FILE has one JSON message a line; a new one is begun. The question and its
    /// answer are appended when the answer is whole, and not before. With no PROMPT,
    /// no -f and a terminal, each line that you type is a question.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "What is asked")]
    pub chat: Option<PathBuf>,

    /// The model, or sonnet, opus, haiku for short
    ///
    /// 'sonnet', 'opus' and 'haiku' stand for the newest documented one of each.
    /// Any other id is sent as it is; --list-models names the documented ones.
    /// Without this flag: $ANYROUTER_MODEL, else claude-3-5-sonnet-20241022.
    #[arg(short, long, value_name = "ID", value_parser = ModelId, hide_possible_values = true, help_heading = "How it is asked")]
    pub model: Option<String>,

    /// Most tokens in the answer [default: 4096]
    #[arg(long, value_name = "N", value_parser = tokens, value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub max_tokens: Option<u32>,

    /// Randomness, from 0.0 to 1.0
    ///
    /// Not sent unless given: newer models refuse it.
    #[arg(short, long, value_name = "X", value_parser = fraction, value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub temperature: Option<f64>,

    /// Nucleus sampling, from 0.0 to 1.0
    ///
    /// Not sent unless given: newer models refuse it.
    #[arg(long, value_name = "X", value_parser = fraction, value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub top_p: Option<f64>,

    /// Stop where the answer says this; repeatable
    ///
    /// --stop-sequence is another name for it.
    #[arg(long, alias = "stop-sequence", value_name = "TEXT", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub stop: Vec<String>,

    /// Any other field of the request; repeatable
    ///
    /// VALUE is JSON if it parses, else a string: --set top_k=40,
    /// --set 'metadata={"user_id":"ci"}'.
    #[arg(long, value_name = "KEY=VALUE", value_parser = field, value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub set: Vec<(String, String)>,

    /// The server, instead of api.anyrouter.top
    ///
    /// '/v1/messages' is appended to its path; a URL that ends in '/v1' or
    /// '/v1/messages' works too. Without this flag: $ANYROUTER_BASE_URL, else
    /// https://api.anyrouter.top.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "How it is asked")]
    pub base_url: Option<String>,

    /// Send the key over http:// to any host
    ///
    /// Without it, plain http:// is taken only to this machine itself.
    #[arg(long, help_heading = "How it is asked")]
    pub allow_http: bool,

    /// bearer or x-api-key [default: bearer]
    ///
    /// In which header the key is sent.
    #[arg(
        long,
        value_name = "WAY",
        value_enum,
        hide_possible_values = true,
        help_heading = "How it is asked"
    )]
    pub auth: Option<Auth>,

    /// A file whose content is the API key
    ///
    /// Without this flag or --api-key-command: $ANYROUTER_API_KEY. A key is
    /// never a flag's value, where every user of the machine could read it.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "api_key_command", help_heading = "How it is asked")]
    pub api_key_file: Option<PathBuf>,

    /// A command that prints the API key
    ///
    /// The shell runs it, and the first line that it prints is the key:
    /// --api-key-command 'pass show anyrouter'.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, help_heading = "How it is asked")]
    pub api_key_command: Option<String>,

    /// A further header, or @FILE; repeatable
    ///
    /// A header is 'Name: value'. One of the same name as one of ours takes its place. One that holds
    /// a secret belongs in a file: -H @FILE, one header a line.
    #[arg(short = 'H', long, value_name = "HEADER", value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub header: Vec<String>,

    /// Send again this often [default: 2]
    ///
    /// What is sent again: 408, 429, 500, 502, 503, 504 and 529, a connection that
    /// could not be made, and one that failed or fell silent before any byte of an
    /// answer. Never other refusals, never after text has arrived. 0 sends once.
    #[arg(long, value_name = "N", value_parser = retries, value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub retries: Option<u32>,

    /// First pause, doubled each time [default: 1]
    ///
    /// It counts where the server does not ask for a pause of its own. The
    /// doubled pause ends at 30 seconds, and varies a little.
    #[arg(long, value_name = "SECONDS", value_parser = pause, value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub retry_delay: Option<f64>,

    /// Longest pause a server gets [default: 60]
    ///
    /// If the server asks for a longer one, fail at once and say when to come back.
    #[arg(long, value_name = "SECONDS", value_parser = pause, value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub max_wait: Option<f64>,

    /// Longest silence of the server [default: 300]
    ///
    /// How long nothing at all may come, not how long the answer may take.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub timeout: Option<f64>,

    /// Longest wait for a connection [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub connect_timeout: Option<f64>,

    /// Rehearse: no key, no credits, an echo
    ///
    /// The answer comes from a server inside the program, over a real loopback
    /// socket, and echoes the last user message. STEPS is a comma list for
    /// successive requests, the last one for all that follow: ok, an HTTP status,
    /// or cut (the answer ends early): --mock=429,ok.
    #[arg(long, value_name = "STEPS", num_args = 0..=1, require_equals = true, default_missing_value = "ok", value_hint = ValueHint::Other, help_heading = "How it is asked")]
    pub mock: Option<String>,

    /// Print the answer when it is whole
    #[arg(
        short = 'S',
        long,
        conflicts_with = "stream",
        help_heading = "What comes back"
    )]
    pub no_stream: bool,

    /// Print the server's JSON, byte for byte
    #[arg(long, help_heading = "What comes back")]
    pub json: bool,

    /// Print what comes as it comes
    ///
    /// For text that is the default; with --json it is an event a line.
    #[arg(long, overrides_with = "no_stream", help_heading = "What comes back")]
    pub stream: bool,

    /// Print only the first fenced code block
    ///
    /// What stands inside the fences, without them. An answer without such a block
    /// prints nothing and exits 10.
    #[arg(
        short = 'x',
        long,
        conflicts_with = "json",
        help_heading = "What comes back"
    )]
    pub extract: bool,

    /// Write the answer to FILE when it is whole
    ///
    /// Until then, and where it never is, FILE stays as it was.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["dry_run", "curl", "list_models", "generate"], help_heading = "What comes back")]
    pub output: Option<PathBuf>,

    /// One line on stderr: tokens, cost, limits
    ///
    /// Tokens in, out and total, the estimated cost, the credits left, the
    /// requests left and when their window resets; what the server does not say
    /// is left out.
    #[arg(short, long, help_heading = "What comes back")]
    pub usage: bool,

    /// Dollars per million tokens [default: 0.3,1.5]
    ///
    /// Tokens in and tokens out, for the estimate of --usage. The default is the
    /// API reference's example.
    #[arg(long, value_name = "IN,OUT", value_parser = price, value_hint = ValueHint::Other, help_heading = "What comes back")]
    pub price: Option<(f64, f64)>,

    /// Append one JSON line a request to FILE
    ///
    /// Time, host, model, status, request id, stop reason, tokens, cost, credits,
    /// limits, attempts, seconds and exit status; never the prompt, the answer or
    /// the key.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "What comes back")]
    pub log: Option<PathBuf>,

    /// Show request, headers and timing on stderr
    ///
    /// The key is shown as [redacted].
    #[arg(short, long, help_heading = "What comes back")]
    pub verbose: bool,

    /// No notes and no progress on stderr
    ///
    /// Errors are still told.
    #[arg(
        short,
        long,
        conflicts_with = "verbose",
        help_heading = "What comes back"
    )]
    pub quiet: bool,

    /// Exit 11 if the answer stopped short
    ///
    /// That is at --max-tokens, by a refusal, or in a context window run full.
    #[arg(long, help_heading = "What comes back")]
    pub strict: bool,

    /// Colour on stderr: auto, always or never
    ///
    /// 'auto' asks whether stderr is a terminal, and heeds NO_COLOR,
    /// CLICOLOR_FORCE and TERM=dumb.
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        hide_possible_values = true,
        help_heading = "What comes back"
    )]
    pub color: Option<Color>,

    /// Let terminal escapes through
    ///
    /// Where stdout is a terminal, escapes and other control characters in an
    /// answer are shown, not obeyed. Pipes and files always get every byte as it is.
    #[arg(long, help_heading = "What comes back")]
    pub raw: bool,

    /// Ask many questions: one item a line
    ///
    /// Items come from standard input, or from the file ITEMS. An item is plain
    /// text, a JSON string, or an object with 'prompt' or 'messages', an 'id', and
    /// flags of its own (model, system, max_tokens, temperature, top_p,
    /// stop_sequences). Each is asked as a single question would be, PROMPT after
    /// it. A result is a JSON line.
    #[arg(long, value_name = "ITEMS", num_args = 0..=1, require_equals = true, default_missing_value = "-", value_hint = ValueHint::FilePath, group = "errand", conflicts_with_all = ["chat", "extract", "stream"], help_heading = "Many questions")]
    pub batch: Option<PathBuf>,

    /// Requests under way at once [default: 4]
    #[arg(short, long, value_name = "N", value_parser = jobs, requires = "batch", value_hint = ValueHint::Other, help_heading = "Many questions")]
    pub jobs: Option<u32>,

    /// Results in the order of the items
    #[arg(short, long, requires = "batch", help_heading = "Many questions")]
    pub keep_order: bool,

    /// Skip what -o FILE has an answer to
    ///
    /// Items that failed, or that changed since, are asked again.
    #[arg(long, requires_all = ["batch", "output"], help_heading = "Many questions")]
    pub resume: bool,

    /// Start nothing more below these credits
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "batch", value_hint = ValueHint::Other, help_heading = "Many questions")]
    pub min_credits: Option<f64>,

    /// Take the flags in the profile NAME too
    ///
    /// A profile is a file of flags, one a line, beside the configuration file:
    /// ~/.config/anyask/profiles/NAME.
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Settings")]
    pub profile: Option<String>,

    /// Read no configuration file
    ///
    /// Neither ~/.config/anyask/config nor a profile.
    #[arg(long, conflicts_with = "profile", help_heading = "Settings")]
    pub no_config: bool,

    /// Print the request's body; send nothing
    ///
    /// Byte for byte what would be sent. Needs no key.
    #[arg(long, group = "errand", help_heading = "Errands")]
    pub dry_run: bool,

    /// Print the request as a curl command
    ///
    /// It works when pasted into a shell; the key stands there as
    /// $ANYROUTER_API_KEY.
    #[arg(long, group = "errand", help_heading = "Errands")]
    pub curl: bool,

    /// Print the documented models
    ///
    /// One a line with what it is best for; with --json as a JSON array.
    #[arg(long, group = "errand", help_heading = "Errands")]
    pub list_models: bool,

    /// Print the man page or shell completions
    ///
    /// man, complete-bash, complete-zsh, complete-fish, complete-powershell,
    /// complete-elvish or complete-nushell.
    #[arg(
        long,
        value_name = "KIND",
        value_enum,
        hide_possible_values = true,
        group = "errand",
        help_heading = "Errands"
    )]
    pub generate: Option<Document>,
}

/// How the key is sent.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// 'authorization: Bearer KEY', as AnyRouter documents it
    Bearer,
    /// 'x-api-key: KEY', as the upstream API wants it
    XApiKey,
}

/// When to colour what goes to stderr.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// What `--generate` prints.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    Man,
    CompleteBash,
    CompleteZsh,
    CompleteFish,
    CompletePowershell,
    CompleteElvish,
    CompleteNushell,
}

/// Takes any model id, and lists the documented ones to shells.
#[derive(Clone)]
struct ModelId;

impl TypedValueParser for ModelId {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        NonEmptyStringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let ids = MODELS.iter().map(|model| (model.id, model.best_for));
        let shorts = MODELS.iter().filter(|model| !model.short.is_empty());
        let shorts = shorts.map(|model| (model.short, model.id));
        let all = shorts.chain(ids);
        Some(Box::new(
            all.map(|(name, help)| PossibleValue::new(name).help(help)),
        ))
    }
}

fn fraction(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let inside = number.filter(|number| (0.0..=1.0).contains(number));
    inside.ok_or_else(|| "it must be a number from 0.0 to 1.0".into())
}

fn tokens(text: &str) -> Result<u32, String> {
    let number = text.parse().ok();
    let inside = number.filter(|number| *number > 0);
    inside.ok_or_else(|| "it must be a whole number from 1 to 4294967295".into())
}

fn retries(text: &str) -> Result<u32, String> {
    let number = text.parse().ok();
    number.ok_or_else(|| "it must be a whole number from 0 to 4294967295".into())
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let inside = number.filter(|number| (0.001..=1e9).contains(number));
    inside.ok_or_else(|| "it must be a number of seconds above 0, at most 1e9".into())
}

fn pause(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let inside = number.filter(|number| (0.0..=1e9).contains(number));
    inside.ok_or_else(|| "it must be a number of seconds from 0 to 1e9".into())
}

fn jobs(text: &str) -> Result<u32, String> {
    let number = text.parse().ok();
    let inside = number.filter(|number| (1..=1000).contains(number));
    inside.ok_or_else(|| "it must be a whole number from 1 to 1000".into())
}

fn dollars(text: &str) -> Result<f64, String> {
    let number = text.trim_start_matches('$').parse().ok();
    let inside = number.filter(|number| (0.0..=1e9).contains(number));
    inside.ok_or_else(|| "it must be an amount in dollars".into())
}

fn price(text: &str) -> Result<(f64, f64), String> {
    let dollars = |text: &str| {
        text.trim()
            .parse()
            .ok()
            .filter(|price| (0.0..=1e9).contains(price))
    };
    let pair = text.split_once(',');
    pair.and_then(|(input, output)| Some((dollars(input)?, dollars(output)?)))
        .ok_or_else(|| "it must be two prices in dollars, such as 0.3,1.5".into())
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err("it must be KEY=VALUE, such as top_k=40".into()),
    }
}
