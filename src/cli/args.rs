//! The command line: every flag with its help, and the parsers of their values.

// the doc comments of the flags are their help, which is plain text
#![allow(rustdoc::broken_intra_doc_links, rustdoc::invalid_html_tags, rustdoc::bare_urls)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, ValueHint};
use clap::{ArgGroup, Parser, ValueEnum};

use super::field::{FieldArg, FieldValue};
use super::values::{
    BaseUrl, HeaderArg, ModelName, Steps, alias, auth, command, dollars, fraction, header, jobs,
    pause, price, rate, regular_file, retries, seconds, steps, tokens,
};
use crate::api::{Auth, Price};
use crate::input::InputFile;

/// The end of `--help`.
const EXAMPLES: &str = "\
Examples:
  anyask \"What is the tallest mountain on Mars?\"
  git diff | anyask \"Write a commit message\"
  anyask -m haiku -s \"Answer in French\" < question.txt
  anyask --json hi | jq .usage
  anyask --mock=429 hi; echo $?

Exit status: 0 answered, 1 local failure, 2 usage, 3 not set up, 4 refused,
5 key not accepted, 6 no credits or not permitted, 7 rate limited, 8 server
failed, 9 no connection, 10 broken answer, 11 stopped short under --strict,
12 some items of a batch failed, 13 not passed by --check, 14 no recorded answer.
'anyask --generate man | man -l -' shows the manual.";

/// The flags that ask nothing.
const ASKING_NOTHING: [&str; 4] = ["dry_run", "curl", "list_models", "generate"];

/// Ask Claude a question from the shell
///
/// The words after the options are the prompt. Standard input, unless it is a
/// terminal, comes before them, or is the prompt if there are no words. The
/// answer is printed on standard output as it arrives.
#[derive(Parser)]
#[command(
    name = "anyask",
    version,
    max_term_width = 79,
    args_override_self = true,
    override_usage = "anyask [OPTIONS] [PROMPT]...",
    after_help = "'anyask --help' explains each flag and shows examples.",
    after_long_help = EXAMPLES,
    group = ArgGroup::new("mode").multiple(false)
)]
pub struct Args {
    /// The question; words are joined by spaces
    ///
    /// '-' reads standard input, even if it is a terminal.
    #[arg(value_name = "PROMPT", value_hint = ValueHint::Other, allow_negative_numbers = true)]
    pub prompt: Vec<OsString>,

    /// Add a file to the prompt; repeatable
    ///
    /// Text is sent as <document path="PATH">. PNG, JPEG, GIF, WebP and PDF files,
    /// recognised by content, are sent as attachments, with their names if there is
    /// more than one file. '-' is standard input.
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub file: Vec<InputFile>,

    /// Add the files whose paths are in LIST
    ///
    /// One path per line, or separated by NUL, such as from git ls-files -z. They are
    /// added after those of -f, each file once. What cannot be sent is skipped, such as
    /// folders and binary files; -v names it. '-' is standard input.
    #[arg(long, value_name = "LIST", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub files_from: Option<InputFile>,

    /// Number the lines of text files
    ///
    /// As cat -n does, for -f and --files-from, so that an answer can name lines.
    #[arg(short = 'n', long, help_heading = "Input")]
    pub line_numbers: bool,

    /// Read the prompt from a file
    ///
    /// The words of the command line come after it, after a blank line. A first line
    /// that begins with #! is left out, so that a prompt can be executable:
    /// #!/usr/bin/env -S anyask --prompt-file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub prompt_file: Option<InputFile>,

    /// Never read standard input
    ///
    /// For cron, 'while read' loops and background jobs.
    #[arg(long, help_heading = "Input")]
    pub no_stdin: bool,

    /// System prompt
    ///
    /// An empty TEXT means none; a blank one is an error.
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true, value_hint = ValueHint::Other, conflicts_with = "system_file", help_heading = "Input")]
    pub system: Option<OsString>,

    /// Read the system prompt from a file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub system_file: Option<InputFile>,

    /// First words of the answer
    ///
    /// The server continues them. They are printed too. Newer models reject this.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::Other, help_heading = "Input")]
    pub prefill: Option<String>,

    /// Continue the conversation in FILE, or start it
    ///
    /// FILE has one JSON message per line. The question and its answer are added
    /// when the answer is complete. On a terminal, without PROMPT, each line that you
    /// type is a question, and so is what you paste; -f goes with the first one. A
    /// backslash at the end of a line continues the question on the next line.
    /// Ctrl-D, 'exit' or 'quit' ends, '?' helps.
    #[arg(short, long, value_name = "FILE", value_parser = regular_file(), value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub chat: Option<PathBuf>,

    /// Model ID, or sonnet, opus or haiku
    ///
    /// The short names mean the newest documented model of each family; --alias adds
    /// names or changes these. Any other ID is sent as it is. Default:
    /// $ANYROUTER_MODEL, or claude-3-5-sonnet-20241022.
    #[arg(short, long, value_name = "ID", value_parser = ModelName, hide_possible_values = true, help_heading = "Request")]
    pub model: Option<String>,

    /// Give a model a name of your own; repeatable
    ///
    /// For the configuration file: --alias fast=claude-3-haiku-20240307. NAME is then
    /// that model in --model, --fallback, --price, $ANYROUTER_MODEL and in the items of
    /// a batch. NAME may be sonnet, opus or haiku. ID is sent as it is. If NAME is
    /// given again, the last ID counts.
    #[arg(long, value_name = "NAME=ID", value_parser = alias, value_hint = ValueHint::Other, help_heading = "Request")]
    pub alias: Vec<(String, String)>,

    /// Model to ask if the others fail; repeatable
    ///
    /// The next model is asked when one fails with exit status 7 or 8 after its
    /// retries, or with 404, before any text has arrived. In a batch, a model that
    /// failed for two items in a row is no longer asked first.
    #[arg(long, value_name = "ID", value_parser = ModelName, hide_possible_values = true, help_heading = "Request")]
    pub fallback: Vec<String>,

    /// Maximum answer tokens [default: by model]
    ///
    /// 4096, or 32000 if the model's ID begins with claude-, but not with claude-2,
    /// claude-3 or claude-instant: newer models think before they answer, and that
    /// counts.
    #[arg(long, value_name = "N", value_parser = tokens, value_hint = ValueHint::Other, help_heading = "Request")]
    pub max_tokens: Option<u32>,

    /// Randomness, from 0.0 to 1.0
    ///
    /// Sent only if given, because newer models reject it.
    #[arg(short, long, value_name = "X", value_parser = fraction, value_hint = ValueHint::Other, help_heading = "Request")]
    pub temperature: Option<f64>,

    /// Nucleus sampling, from 0.0 to 1.0
    ///
    /// Sent only if given, because newer models reject it.
    #[arg(long, value_name = "X", value_parser = fraction, value_hint = ValueHint::Other, help_heading = "Request")]
    pub top_p: Option<f64>,

    /// Stop sequence; repeatable
    ///
    /// The answer ends before this text. --stop-sequence is the same flag.
    #[arg(long, alias = "stop-sequence", value_name = "TEXT", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::Other, help_heading = "Request")]
    pub stop: Vec<String>,

    /// Set another request field; repeatable
    ///
    /// VALUE is JSON if it parses, else a string: --set service_tier=auto,
    /// --set 'output_config={"effort":"low"}'. @PATH reads VALUE from a file.
    #[arg(long, value_name = "KEY=VALUE", value_parser = FieldArg::parse, value_hint = ValueHint::Other, help_heading = "Request")]
    pub set: Vec<FieldArg>,

    /// Cache system prompt and files on the server
    ///
    /// Questions that begin with the same system prompt and the same files read them
    /// from the cache for a tenth of the price; to write them costs a quarter more. In
    /// a batch, the first item is asked alone.
    #[arg(long, help_heading = "Request")]
    pub cache: bool,

    /// Server URL
    ///
    /// '/v1/messages' is added to its path unless it is there. Default:
    /// $ANYROUTER_BASE_URL, or https://api.anyrouter.top.
    #[arg(long, value_name = "URL", value_parser = |text: &str| BaseUrl::parse(text, "--base-url"), value_hint = ValueHint::Url, help_heading = "Request")]
    pub base_url: Option<BaseUrl>,

    /// Allow http:// to any host
    ///
    /// http:// sends the key unencrypted, so by default it only works for servers
    /// on this machine.
    #[arg(long, help_heading = "Request")]
    pub allow_http: bool,

    /// bearer or x-api-key [default: bearer]
    ///
    /// The header that carries the key.
    #[arg(long, value_name = "KIND", value_parser = auth(), default_value = "bearer", hide_default_value = true, hide_possible_values = true, help_heading = "Request")]
    pub auth: Auth,

    /// Read the API key from a file
    ///
    /// Default: $ANYROUTER_API_KEY. A key is never given as a flag, because other
    /// users of the machine can see the command line.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "api_key_command", help_heading = "Request")]
    pub api_key_file: Option<InputFile>,

    /// Run a command that prints the API key
    ///
    /// The shell runs it, and the first line of its output is the key:
    /// --api-key-command 'pass show anyrouter'. It may take any time.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, help_heading = "Request")]
    pub api_key_command: Option<String>,

    /// Add a header 'Name: value'; repeatable
    ///
    /// It replaces our header of the same name, or an earlier one of yours. @FILE
    /// reads one header per line from a file; use it for secrets.
    #[arg(short = 'H', long, value_name = "HEADER", value_parser = header, value_hint = ValueHint::Other, help_heading = "Request")]
    pub header: Vec<HeaderArg>,

    /// Retry a failed request N times [default: 2]
    ///
    /// After status 408, 429, 500, 502-504, 520-524, 529 or 530, or if the connection
    /// fails or is silent before any byte of an answer. Never after text has arrived.
    /// In a batch without this flag, a request is retried after 429 as long as its
    /// pauses fit into --max-wait in all.
    #[arg(long, value_name = "N", value_parser = retries, value_hint = ValueHint::Other, help_heading = "Request")]
    pub retries: Option<u32>,

    /// Seconds before the first retry [default: 1]
    ///
    /// Doubles each time, up to 30 seconds. If the server asks for a longer wait,
    /// that one is used.
    #[arg(long, value_name = "SECONDS", value_parser = pause, default_value = "1", hide_default_value = true, value_hint = ValueHint::Other, help_heading = "Request")]
    pub retry_delay: Duration,

    /// Longest wait a server may set [default: 60]
    ///
    /// If the server asks for more, fail at once and say when to try again.
    #[arg(long, value_name = "SECONDS", value_parser = pause, default_value = "60", hide_default_value = true, value_hint = ValueHint::Other, help_heading = "Request")]
    pub max_wait: Duration,

    /// Longest time without data [default: 300]
    ///
    /// An answer may take longer, as long as data keeps arriving. --max-time limits
    /// the whole.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "300", hide_default_value = true, value_hint = ValueHint::Other, help_heading = "Request")]
    pub timeout: Duration,

    /// Longest time for a question in all
    ///
    /// It covers every try, every pause, the answer and --check, and counts from the
    /// first request. When it is over, the exit status is 9. In a batch it is for each
    /// item.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, value_hint = ValueHint::Other, help_heading = "Request")]
    pub max_time: Option<Duration>,

    /// Longest time to connect [default: 10]
    ///
    /// Finding the address of the server may take as long again.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10", hide_default_value = true, value_hint = ValueHint::Other, help_heading = "Request")]
    pub connect_timeout: Duration,

    /// Answer from a built-in test server
    ///
    /// It needs no key and no credits, and echoes the last user message. Each step
    /// answers one request, as in --mock=429,ok; the last one repeats. A step is ok,
    /// an HTTP status, cut (the answer ends early), max_tokens or refusal (it stops
    /// short), or a trouble of relays: quota, botcheck, or overloaded (an error as
    /// the first event).
    #[arg(long, value_name = "STEPS", value_parser = steps, num_args = 0..=1, require_equals = true, default_missing_value = "ok", value_hint = ValueHint::Other, help_heading = "Request")]
    pub mock: Option<Steps>,

    /// Ask, and add each answer to FILE
    ///
    /// FILE gets a JSON line for each complete answer, with its request. An error is
    /// not added. With --replay and the same FILE, only requests that have no answer
    /// in FILE are sent.
    #[arg(long, value_name = "FILE", value_parser = regular_file(), value_hint = ValueHint::FilePath, conflicts_with = "mock", conflicts_with_all = ASKING_NOTHING, help_heading = "Request")]
    pub record: Option<PathBuf>,

    /// Answer from FILE, without a server
    ///
    /// FILE comes from --record. Without --record, nothing is sent, and no key is
    /// needed. A request that has no answer in FILE ends with exit status 14.
    #[arg(long, value_name = "FILE", value_parser = regular_file(), value_hint = ValueHint::FilePath, conflicts_with = "mock", conflicts_with_all = ASKING_NOTHING, help_heading = "Request")]
    pub replay: Option<PathBuf>,

    /// Print the answer when it is complete
    #[arg(short = 'S', long, conflicts_with = "stream", help_heading = "Output")]
    pub no_stream: bool,

    /// Print the server's JSON, byte for byte
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// Print the answer as it arrives
    ///
    /// The default for text. With --json, print one event per line.
    #[arg(long, overrides_with = "no_stream", help_heading = "Output")]
    pub stream: bool,

    /// Print only the first fenced code block
    ///
    /// The fences are left out. If there is no code block, or an empty one, print
    /// nothing and exit with status 10.
    #[arg(short = 'x', long, conflicts_with = "json", help_heading = "Output")]
    pub extract: bool,

    /// Print the answer only if a command accepts it
    ///
    /// The shell runs CMD, for example -x --check 'jq -e .name'. The standard input of
    /// CMD is what would be printed. If CMD ends with status 0, the answer is printed. If
    /// not, the model gets CMD's output and is asked again. If the last answer does not
    /// pass, the exit status is 13. CMD does not get the key.
    #[arg(long, value_name = "CMD", value_parser = command, value_hint = ValueHint::CommandString, conflicts_with_all = ASKING_NOTHING, help_heading = "Output")]
    pub check: Option<String>,

    /// Ask again N times if --check fails [default: 1]
    ///
    /// Each time is a request that is charged.
    #[arg(long, value_name = "N", value_parser = retries, default_value = "1", hide_default_value = true, value_hint = ValueHint::Other, help_heading = "Output")]
    pub check_retries: u32,

    /// Write the answer to FILE when it is complete
    ///
    /// Until then FILE stays unchanged. Its mode, owner and group are kept. If FILE cannot
    /// be replaced (it is mounted, has hard links or is in a read-only folder), it is
    /// rewritten in place. If it cannot be written, as on a full disk, the answer goes to
    /// standard output, and the exit status is 1. '-' is standard output.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ASKING_NOTHING, help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Print tokens, cost and limits on stderr
    ///
    /// One line: tokens in, out and total, estimated cost, credits left, requests
    /// left and when their window resets, as far as the server reports them.
    #[arg(short, long, help_heading = "Output")]
    pub usage: bool,

    /// Dollars per million tokens; repeatable
    ///
    /// For the estimated cost. MODEL is a name, an ID or the start of IDs, and the
    /// longest that fits is used: --price IN,OUT --price claude-opus=IN,OUT. If none
    /// fits, the cost is at the example price of AnyRouter's API reference, 0.3,1.5,
    /// and the line says so.
    #[arg(long, value_name = "[MODEL=]IN,OUT", allow_hyphen_values = true, value_parser = price, value_hint = ValueHint::Other, help_heading = "Output")]
    pub price: Vec<(String, Price)>,

    /// Append one JSON line per question to FILE
    ///
    /// It holds time, host, model, status, request ID, stop reason, tokens, cost,
    /// credits, limits, attempts, requests, seconds and exit status; never the prompt,
    /// the answer or the key.
    #[arg(long, value_name = "FILE", value_parser = regular_file(), value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub log: Option<PathBuf>,

    /// Print request, headers and timing on stderr
    ///
    /// The key is shown as [redacted]. The configuration files that were read are named.
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,

    /// Print no notes and no progress
    ///
    /// Errors are still printed.
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,

    /// Exit with status 11 if the answer stopped short
    ///
    /// An answer stops short if it reaches --max-tokens, is refused, or has any other
    /// stop reason than end_turn, stop_sequence or stop.
    #[arg(long, help_heading = "Output")]
    pub strict: bool,

    /// Colour: auto, always or never
    ///
    /// Colour highlights the Markdown of an answer on a terminal, and labels on stderr.
    /// An answer in a pipe or a file is never coloured. 'auto' colours a terminal; it
    /// obeys NO_COLOR, CLICOLOR_FORCE, CLICOLOR=0 and TERM=dumb.
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub color: Color,

    /// Do not sanitize terminal escapes
    ///
    /// Without this flag, control characters in an answer are shown as text on a
    /// terminal. Pipes and files always get the answer unchanged.
    #[arg(long, help_heading = "Output")]
    pub raw: bool,

    /// Ask one question per line of ITEMS
    ///
    /// Without ITEMS, lines come from standard input. An item is plain text, a JSON
    /// string, or an object with 'prompt' or 'messages', 'id' and 'data' (copied to
    /// the result), and its own model, system, max_tokens, temperature, top_p and
    /// stop_sequences. PROMPT is added to each item. Each result is a JSON line.
    #[arg(long, value_name = "ITEMS", num_args = 0..=1, require_equals = true, default_missing_value = "-", value_hint = ValueHint::FilePath, conflicts_with_all = ["chat", "extract", "stream", "curl", "list_models", "generate"], help_heading = "Batches")]
    pub batch: Option<InputFile>,

    /// Number of parallel requests [default: 4]
    #[arg(short, long, value_name = "N", value_parser = jobs, value_hint = ValueHint::Other, help_heading = "Batches")]
    pub jobs: Option<usize>,

    /// At most N requests per second, minute or hour
    ///
    /// RATE is N/s, N/m or N/h, such as 30/m. All jobs together send the requests
    /// evenly spread, retries included. For servers that send no rate limit headers.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true, value_parser = rate, value_hint = ValueHint::Other, help_heading = "Batches")]
    pub rate: Option<Duration>,

    /// Print results in the order of the items
    ///
    /// With -o FILE, they are added as they come, and FILE is put in order at the end.
    #[arg(short, long, help_heading = "Batches")]
    pub keep_order: bool,

    /// Skip items that have an answer in -o FILE
    ///
    /// Items that failed or changed are asked again.
    #[arg(long, help_heading = "Batches")]
    pub resume: bool,

    /// Stop the batch when credits fall below USD
    #[arg(long, value_name = "USD", value_parser = dollars, value_hint = ValueHint::Other, help_heading = "Batches")]
    pub min_credits: Option<f64>,

    /// Stop the batch when it has cost USD
    ///
    /// The estimated cost of every request counts, and with --resume also that of the
    /// results in FILE. Every model needs a --price that fits.
    #[arg(long, value_name = "USD", value_parser = dollars, value_hint = ValueHint::Other, help_heading = "Batches")]
    pub max_cost: Option<f64>,

    /// Also use the flags in a profile
    ///
    /// A profile is a file with one flag per line: ~/.config/anyask/profiles/NAME, or
    /// the path NAME if there is a slash in it. A relative path in a profile begins at
    /// its folder, and ~/ is the home folder.
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Settings")]
    pub profile: Option<String>,

    /// Do not read ~/.config/anyask/config
    ///
    /// To undo only one flag of a file, or a variable, write --no- before the name of the
    /// flag, as in --no-system or --no-model. For a repeatable flag, that empties the
    /// list: --no-fallback --fallback haiku. --stdin undoes --no-stdin.
    #[arg(long, conflicts_with = "profile", help_heading = "Settings")]
    pub no_config: bool,

    /// Print the request body and send nothing
    ///
    /// Needs no key. With --batch, print the body for each item, one per line.
    #[arg(long, group = "mode", help_heading = "Modes")]
    pub dry_run: bool,

    /// Print a curl command and send nothing
    ///
    /// The key is written as $ANYROUTER_API_KEY.
    #[arg(long, group = "mode", help_heading = "Modes")]
    pub curl: bool,

    /// Print the documented models, or the server's
    ///
    /// With --json, print them as a JSON array. --list-models=server asks the server
    /// for the models that this key can use, page after page, and prints their IDs. With
    /// --json, it prints the server's JSON, each page on a line.
    #[arg(long, value_name = "FROM", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "documented", hide_possible_values = true, group = "mode", help_heading = "Modes")]
    pub list_models: Option<Models>,

    /// Print the man page or shell completions
    ///
    /// KIND is man, complete-bash, complete-zsh, complete-fish, complete-powershell,
    /// complete-elvish or complete-nushell.
    #[arg(
        long,
        value_name = "KIND",
        value_enum,
        hide_possible_values = true,
        group = "mode",
        help_heading = "Modes"
    )]
    pub generate: Option<Document>,
}

impl Args {
    /// Every file that is read, and the id of its argument.
    pub fn input_files(&self) -> Vec<(&'static str, &InputFile)> {
        let headers = self.header.iter().filter_map(|header| match header {
            HeaderArg::File(file) => Some(("header", file)),
            HeaderArg::Plain(_) => None,
        });
        let fields = self.set.iter().filter_map(|field| match &field.value {
            FieldValue::File(file) => Some(("set", file)),
            FieldValue::Json(_) => None,
        });
        let files = self.file.iter().map(|file| ("file", file));
        let list = self.files_from.iter().map(|file| ("files_from", file));
        let prompt = self.prompt_file.iter().map(|file| ("prompt_file", file));
        let system = self.system_file.iter().map(|file| ("system_file", file));
        let key = self.api_key_file.iter().map(|file| ("api_key_file", file));
        let items = self.batch.iter().map(|file| ("batch", file));
        let inputs = files.chain(list).chain(prompt).chain(system);
        inputs.chain(key).chain(headers).chain(fields).chain(items).collect()
    }
}

/// When to use colour.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// Whose models `--list-models` prints.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Models {
    Documented,
    Server,
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
