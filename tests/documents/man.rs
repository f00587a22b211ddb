//! The man page: its options from the flags, its exit statuses from the table, its prose from here.

use clap::builder::ArgAction;
use clap::{Arg, CommandFactory};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::{cli, error};

/// What the page and nobody else says, and every command in it runs in a test.
pub const EXAMPLES: [(&str, &str); 13] = [
    (
        "Ask a question:",
        "anyask \"What is a monad, in one sentence?\"",
    ),
    (
        "Ask about what comes through a pipe:",
        "git diff | anyask \"Write a commit message\" > message.txt",
    ),
    (
        "Give Claude a role, and ask for a short answer:",
        "anyask -s \"You are a terse editor\" --max-tokens 300 < notes.txt",
    ),
    (
        "Take the server's JSON apart:",
        "anyask --json \"Name three rivers\" | jq -r .usage.output_tokens",
    ),
    (
        "See what would be sent, and send nothing:",
        "anyask --dry-run -t 0 --stop END hi | jq .",
    ),
    (
        "Act on the exit status in a script:",
        "anyask --mock=429 --retries 0 hi || test $? -eq 7",
    ),
    (
        "Rehearse a broken answer, without a key:",
        "anyask --mock=cut \"one two three four\" || test $? -eq 10",
    ),
    (
        "Ask a server on this machine:",
        "ANYROUTER_API_KEY=none anyask --base-url http://localhost:8080 -m my-model hi",
    ),
    (
        "Ask about files:",
        "git diff | anyask -f notes.txt \"Does the change keep to the notes?\"",
    ),
    (
        "Keep a conversation:",
        "anyask --chat talk.jsonl \"What is AI?\" && anyask --chat talk.jsonl \"How does it work?\"",
    ),
    (
        "Take the code out of an answer, into a file:",
        "anyask -x -o hello.sh \"\\`\\`\\`sh\necho hello\n\\`\\`\\`\"",
    ),
    (
        "Ask many questions, and go on after an interruption:",
        "anyask --batch=question.txt -o results.jsonl --resume \"Answer in one word\"",
    ),
    (
        "Count the tokens of a log:",
        "anyask --log usage.jsonl hi && jq -s 'map(.input_tokens + .output_tokens) | add' usage.jsonl",
    ),
];

/// When this version was made.
const DATE: &str = "2026-11-22";

const DESCRIPTION: [&str; 4] = [
    "anyask asks Claude through AnyRouter, or any other server that speaks POST /v1/messages, and prints the answer as it arrives.",
    "The words after the options are the prompt. Standard input is read where it is not a terminal: with words it is the material that they are about, and stands before them; without words it is the prompt.",
    "Standard output carries the answer and nothing else. Notes, usage and errors go to standard error, and the exit status tells a script what happened.",
    "The key comes from --api-key-file, --api-key-command or ANYROUTER_API_KEY, never from a flag's value. It is sent to the server in force and to nobody else: redirects are not followed.",
];

const ENVIRONMENT: [(&str, &str); 11] = [
    ("ANYROUTER_API_KEY", "The API key."),
    (
        "ANYROUTER_BASE_URL",
        "The server, where --base-url does not name it.",
    ),
    (
        "ANYROUTER_MODEL",
        "The model, where --model does not name it.",
    ),
    (
        "ANTHROPIC_BASE_URL, ANTHROPIC_AUTH_TOKEN",
        "Used together, where both are set and there is no other key. With another server the token is not used.",
    ),
    (
        "https_proxy, http_proxy, all_proxy",
        "The proxy, by curl's rules; HTTPS_PROXY and ALL_PROXY count too.",
    ),
    (
        "no_proxy",
        "Hosts that are reached without it: names with their subdomains, addresses, CIDR blocks, or *; separated by commas or blanks.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "Certificates to trust instead of the system's.",
    ),
    (
        "XDG_CONFIG_HOME",
        "Where the folder anyask with the files of flags is; without it, $HOME/.config.",
    ),
    ("NO_COLOR", "No colour on standard error."),
    (
        "CLICOLOR_FORCE",
        "Colour on standard error even where it is no terminal.",
    ),
    ("TERM", "With 'dumb', no colour and nothing that moves."),
];

const FILES: [(&str, &str); 2] = [
    (
        "~/.config/anyask/config",
        "Flags that every call gets, one a line: '--model opus', '--system You are terse'. The value goes on to the end of the line as it stands: no shell takes away quotes or puts a home folder in the place of ~. A line that begins with # is a comment. A prompt, --batch and its flags, --dry-run, --curl, --list-models, --generate, --profile and --no-config are for the command line alone.",
    ),
    (
        "~/.config/anyask/profiles/NAME",
        "Flags that --profile NAME adds.",
    ),
];

const FILES_MORE: [&str; 4] = [
    "The command line counts more than the environment, that more than a profile, and that more than the configuration file. Repeatable flags add up. A switch that a file turns on is turned off with --no-, as in --no-quiet; --stdin and --stream undo --no-stdin and --no-stream.",
    "A conversation (--chat) is a file of one JSON message a line, {\"role\":\"user\",\"content\":\"Hello\"} and so on, and may begin with {\"role\":\"system\",\"content\":\"...\"}. A turn is appended as a whole or not at all.",
    "Results of a batch are JSON lines: {\"line\":3, \"id\":null, \"key\":\"...\", \"text\":\"...\", \"stop_reason\":\"...\", \"model\":\"...\", \"usage\":{...}}, or {\"line\":3, \"id\":null, \"key\":\"...\", \"error\":{\"exit\":7, \"status\":429, \"message\":\"...\"}}. key is a digest of the request as sent.",
    "There is no other state: nothing is written unless a flag names the file.",
];

pub fn page() -> String {
    let mut roff = Roff::new();
    let version = concat!("anyask ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", ["ANYASK", "1", DATE, version, "User Commands"]);
    // a flag or a variable broken at a hyphen can't be copied
    roff.control("nh", []);
    roff.control("SH", ["NAME"]);
    roff.text([roman("anyask - ask Claude a question from the shell")]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([
        bold("anyask"),
        roman(" ["),
        italic("OPTIONS"),
        roman("] ["),
        italic("PROMPT"),
        roman("]..."),
    ]);
    roff.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut roff, DESCRIPTION);
    roff.control("SH", ["OPTIONS"]);
    options(&mut roff);
    roff.control("SH", ["EXIT STATUS"]);
    for (_, status, meaning) in error::STATUSES {
        term(&mut roff, [bold(status.to_string())], meaning);
    }
    roff.control("PP", []);
    paragraphs(
        &mut roff,
        [
            "What had arrived stays on standard output in every case. A reader that goes away ends the program quietly with 0. Ctrl-C ends it by its signal, so a shell reports 130.",
        ],
    );
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in ENVIRONMENT {
        term(&mut roff, [bold(name)], meaning);
    }
    roff.control("SH", ["FILES"]);
    for (name, meaning) in FILES {
        term(&mut roff, [bold(name)], meaning);
    }
    roff.control("PP", []);
    paragraphs(&mut roff, FILES_MORE);
    roff.control("SH", ["EXAMPLES"]);
    for (index, (what, command)) in EXAMPLES.into_iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(what)]);
        roff.control("PP", []);
        roff.control("RS", ["4"]);
        roff.control("nf", []);
        roff.text([roman(command)]);
        roff.control("fi", []);
        roff.control("RE", []);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("curl"), roman("(1), "), bold("jq"), roman("(1)")]);
    roff.to_roff()
}

fn paragraphs<const N: usize>(roff: &mut Roff, texts: [&str; N]) {
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(text)]);
    }
}

fn term<const N: usize>(roff: &mut Roff, name: [Inline; N], meaning: &str) {
    roff.control("TP", []);
    roff.text(name);
    roff.text([roman(meaning)]);
}

/// The flags under their headings, each with the whole of its help.
fn options(roff: &mut Roff) {
    let mut command = cli::Cli::command();
    command.build();
    let heading = |arg: &Arg| arg.get_help_heading().unwrap_or("Help").to_string();
    let mut headings: Vec<String> = Vec::new();
    for arg in command.get_opts().chain(command.get_arguments()) {
        if !arg.is_positional() && !headings.contains(&heading(arg)) {
            headings.push(heading(arg));
        }
    }
    for title in headings {
        roff.control("SS", [title.as_str()]);
        for arg in command
            .get_arguments()
            .filter(|arg| !arg.is_positional() && heading(arg) == title)
        {
            roff.control("TP", []);
            roff.text(flag(arg));
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let more = arg
                .get_long_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let rest = more.strip_prefix(&help).unwrap_or_default();
            roff.text([roman(format!("{help}."))]);
            for paragraph in rest
                .split("\n\n")
                .map(str::trim)
                .filter(|text| !text.is_empty())
            {
                roff.control("IP", []);
                roff.text([roman(paragraph.replace('\n', " "))]);
            }
            values(roff, arg);
        }
    }
}

/// `-m, --model ID`
fn flag(arg: &Arg) -> Vec<Inline> {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let aliases = arg.get_visible_aliases().unwrap_or_default();
    let aliases = aliases.into_iter().map(|alias| format!("--{alias}"));
    let names: Vec<String> = short.into_iter().chain(long).chain(aliases).collect();
    let mut line = vec![bold(names.join(", "))];
    if matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
        let name = arg
            .get_value_names()
            .and_then(|names| names.first())
            .map(ToString::to_string);
        let name = name.unwrap_or_default();
        if arg
            .get_num_args()
            .is_some_and(|count| count.min_values() == 0)
        {
            line.extend([roman("[="), italic(name), roman("]")]);
        } else {
            line.extend([roman(" "), italic(name)]);
        }
    }
    line
}

/// What the flag's value may be, where there is a list of them.
fn values(roff: &mut Roff, arg: &Arg) {
    let known: Vec<_> = arg.get_possible_values();
    if known.is_empty() || !matches!(arg.get_action(), ArgAction::Set) {
        return;
    }
    roff.control("IP", []);
    for value in known {
        let help = value
            .get_help()
            .map(|help| format!(" ({help})"))
            .unwrap_or_default();
        roff.text([bold(value.get_name()), roman(help)]);
        roff.control("br", []);
    }
}
