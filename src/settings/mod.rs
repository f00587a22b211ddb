//! What the user wants: the command line and the environment, with every default filled in.
//! The only room that reads arguments, variables or asks what is a terminal.
//! May import `input`, `output`, `api` and `error`, whose types it fills.

mod cli;
mod file;
mod key;
mod server;

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

pub use cli::{Document, MODELS, Model};

use crate::api;
use crate::error::{Failure, Kind};
use crate::input::{Sources, Stdin};
use crate::mock::Step;
use crate::output::{Console, Format, Stdout};
use cli::Cli;
use key::Source as KeySource;

const BASE_URL: &str = "https://api.anyrouter.top";

/// What the program is to do.
pub enum Errand {
    /// Print this: help or version.
    Print(String),
    Models {
        json: bool,
    },
    Generate(Document),
    Ask(Box<Ask>),
    Batch(Box<Ask>, Batch),
}

/// What a batch needs besides.
pub struct Batch {
    /// The file of the items; `None` for standard input.
    pub items: Option<PathBuf>,
    /// The words of the command line and the files, which every item gets.
    pub sources: Sources,
    /// How many requests may be under way at once.
    pub jobs: usize,
    pub keep_order: bool,
    pub resume: bool,
    /// Dollars below which nothing more is started.
    pub min_credits: Option<f64>,
}

/// All that one question needs.
pub struct Ask {
    pub way: Way,
    /// What the one question is made of; `None` where each line that is typed is one.
    pub sources: Option<Sources>,
    pub system: System,
    /// The request, but for its system prompt and messages.
    pub request: api::Request,
    pub endpoint: api::Endpoint,
    pub key: KeySource,
    pub policy: api::Policy,
    /// The server's JSON is wanted.
    pub json: bool,
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
    let files = if alone {
        None
    } else {
        file::joined(args, own.profile.as_deref())?
    };
    let mut cli = match files {
        Some(mut all) => Cli::from_arg_matches_mut(&mut all).map_err(|error| mistake(&error))?,
        None => own,
    };
    let [model, base_url] = from_variables;
    cli.model = model.or(cli.model);
    let base_url = base_url.map(|url| (url, "ANYROUTER_BASE_URL"));
    let base_url = base_url.or_else(|| Some((cli.base_url.take()?, "--base-url")));
    let (stdout, console) = (stdout(cli.raw), console(Some(&cli), terminal));
    Ok(Settings {
        errand: errand(cli, base_url, console)?,
        stdout,
        console,
    })
}

fn errand(cli: Cli, base_url: Option<(String, &str)>, console: Console) -> Result<Errand> {
    if cli.list_models {
        return Ok(Errand::Models { json: cli.json });
    }
    if let Some(document) = cli.generate {
        return Ok(Errand::Generate(document));
    }
    one_purpose_each(&cli)?;
    let way = match (cli.dry_run, cli.curl) {
        (true, _) => Way::DryRun,
        (_, true) => Way::Curl,
        _ => Way::Send,
    };
    let batch = cli
        .batch
        .as_ref()
        .map(|items| batch(items, &cli))
        .transpose()?;
    let sources = if batch.is_none() {
        sources(&cli, way, console)?
    } else {
        None
    };
    let mock = steps(&cli)?;
    let format = match (cli.json, cli.stream) {
        (true, true) => Format::Events,
        (true, false) => Format::Json,
        _ if cli.extract => Format::Code,
        _ if cli.batch.is_some() => Format::Json,
        _ => Format::Text,
    };
    let stream = match format {
        Format::Events => true,
        Format::Json => false,
        Format::Text | Format::Code => !cli.no_stream,
    };
    let request = request(&cli, stream)?;
    let (mut endpoint, key) = server(&cli, base_url, way == Way::Send && mock.is_none())?;
    endpoint.connections = batch.as_ref().map_or(0, |batch| batch.jobs);
    let price = cli
        .price
        .map_or_else(api::Price::default, |(input, output)| api::Price {
            input,
            output,
        });
    let ask = Box::new(Ask {
        json: cli.json,
        way,
        sources,
        system: match (cli.system, cli.system_file) {
            (Some(text), _) => System::Text(text),
            (_, Some(path)) => System::File(path),
            _ => System::None,
        },
        request,
        endpoint,
        key,
        policy: api::Policy {
            retries: cli.retries.unwrap_or(2),
            delay: Duration::from_secs_f64(cli.retry_delay.unwrap_or(1.0)),
            max_wait: Duration::from_secs_f64(cli.max_wait.unwrap_or(60.0)),
        },
        mock,
        format,
        price,
        usage: cli.usage,
        strict: cli.strict,
        prefill: cli.prefill,
        chat: cli.chat,
        output: cli.output.filter(|path| path != Path::new("-")),
        log: cli.log,
    });
    Ok(match batch {
        Some(batch) => Errand::Batch(ask, batch),
        None => Errand::Ask(ask),
    })
}

fn batch(items: &Path, cli: &Cli) -> Result<Batch> {
    let items = (items != Path::new("-")).then(|| items.to_path_buf());
    if items.is_none() && cli.no_stdin {
        let failure = Failure::new(
            Kind::Usage,
            "--batch reads standard input, and --no-stdin forbids it",
        );
        return Err(failure.hint("--batch=ITEMS reads a file").into());
    }
    if items.is_none() && std::io::stdin().is_terminal() {
        let failure = Failure::new(
            Kind::Usage,
            "--batch wants its items on standard input, and that is a terminal",
        );
        return Err(failure
            .hint("anyask --batch < items, or --batch=ITEMS")
            .into());
    }
    if cli.file.iter().any(|file| file == Path::new("-")) {
        return Err(Failure::new(Kind::Usage, "-f - and --batch do not go together").into());
    }
    let from = items.as_deref().unwrap_or(Path::new("/dev/stdin"));
    let to = cli.output.as_deref().unwrap_or(Path::new("/dev/stdout"));
    if is_same_file(from, to) {
        let failure = Failure::new(Kind::Usage, "the items and the results are the same file");
        return Err(failure.hint("write the results to another file").into());
    }
    let words = cli.prompt.join(OsStr::new(" "));
    let words = Some(words).filter(|words| !words.to_string_lossy().trim().is_empty());
    Ok(Batch {
        items,
        sources: Sources {
            words,
            stdin: Stdin::Ignored,
            files: cli.file.clone(),
        },
        jobs: cli.jobs.unwrap_or(4) as usize,
        keep_order: cli.keep_order,
        resume: cli.resume,
        min_credits: cli.min_credits,
    })
}

/// What the question is made of. Where there can be none, this is the moment to say so.
fn sources(cli: &Cli, way: Way, console: Console) -> Result<Option<Sources>> {
    let dash = cli.prompt == ["-"];
    if dash && cli.no_stdin {
        return Err(Failure::new(
            Kind::Usage,
            "'-' asks for standard input, and --no-stdin forbids it",
        )
        .into());
    }
    let words = cli.prompt.join(OsStr::new(" "));
    let files_of_stdin = cli
        .file
        .iter()
        .filter(|file| *file == Path::new("-"))
        .count();
    if files_of_stdin > 0 && cli.no_stdin {
        return Err(Failure::new(
            Kind::Usage,
            "-f - reads standard input, and --no-stdin forbids it",
        )
        .into());
    }
    if files_of_stdin + usize::from(dash) > 1 {
        return Err(Failure::new(Kind::Usage, "standard input can be read once only").into());
    }
    let words = (!dash && !words.to_string_lossy().trim().is_empty()).then_some(words);
    let terminal = !cli.no_stdin && std::io::stdin().is_terminal();
    let stdin = match (dash, cli.no_stdin, terminal) {
        (_, true, _) | (false, _, true) => Stdin::Ignored,
        (true, _, true) => Stdin::Typed,
        // a writer that never comes is worth a word where a person waits
        _ => Stdin::Piped {
            watched: words.is_some() && console.terminal && !console.quiet,
        },
    };
    let files = cli.file.clone();
    if words.is_none() && files.is_empty() && stdin == Stdin::Ignored {
        if cli.chat.is_some() && terminal && way == Way::Send {
            return Ok(None);
        }
        return Err(crate::input::no_prompt().into());
    }
    Ok(Some(Sources {
        words,
        stdin,
        files,
    }))
}

/// The id that a model's short name stands for; any other name is an id itself.
pub fn model_id(name: &str) -> &str {
    MODELS
        .iter()
        .find(|model| model.short == name)
        .map_or(name, |model| model.id)
}

/// Whether two paths name one regular file.
#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| {
        let file = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((file.dev(), file.ino()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

#[cfg(not(unix))]
fn is_same_file(one: &Path, other: &Path) -> bool {
    one.is_file() && one.canonicalize().ok() == other.canonicalize().ok()
}

/// Each file that is written has one purpose.
fn one_purpose_each(cli: &Cli) -> Result<(), Failure> {
    let files = [
        ("--chat", &cli.chat),
        ("--output", &cli.output),
        ("--log", &cli.log),
    ];
    let given: Vec<_> = files
        .iter()
        .filter_map(|(flag, path)| Some((*flag, path.as_deref()?)))
        .collect();
    for (at, (flag, path)) in given.iter().enumerate() {
        for (other, named) in &given[at + 1..] {
            if path == named || is_same_file(path, named) {
                let message = format!("{flag} and {other} name the same file, {}", path.display());
                return Err(Failure::new(Kind::Usage, message).hint("give each a file of its own"));
            }
        }
    }
    Ok(())
}

/// Whether the values are what they have to be, as far as clap cannot tell. They are looked at again where they
/// are used; this is for those that stand in a file, where a mistake has a line.
fn fitting(cli: &Cli) -> Result<()> {
    if let Some(base) = &cli.base_url {
        server::messages_url(base, "--base-url", true)?;
    }
    server::headers(&cli.header)?;
    request(cli, false)?;
    steps(cli)?;
    Ok(())
}

fn steps(cli: &Cli) -> Result<Option<Vec<Step>>> {
    let steps = cli.mock.as_deref().map(Step::parse_all).transpose();
    Ok(steps.map_err(|error| {
        Failure::new(Kind::Usage, format!("--mock: {error}"))
            .hint("the steps are ok, cut or a status from 200 to 599: --mock=429,ok")
    })?)
}

fn request(cli: &Cli, stream: bool) -> Result<api::Request> {
    let named = cli.model.as_deref().unwrap_or(MODELS[0].id);
    let mut extra = api::Extra::default();
    for (key, value) in &cli.set {
        if api::Request::FIELDS.contains(&&**key) {
            let flag = match &**key {
                "messages" => "the prompt".into(),
                "stop_sequences" => "--stop".into(),
                "stream" => "--stream or --no-stream".into(),
                key => format!("--{}", key.replace('_', "-")),
            };
            return Err(Failure::new(
                Kind::Usage,
                format!("--set {key}: this field has a way of its own"),
            )
            .hint(format!("use {flag}"))
            .into());
        }
        extra.set(key, value);
    }
    Ok(api::Request {
        model: model_id(named).into(),
        max_tokens: cli.max_tokens.unwrap_or(4096),
        system: None,
        messages: Vec::new(),
        temperature: cli.temperature,
        top_p: cli.top_p,
        stop_sequences: cli.stop.clone(),
        stream,
        extra,
    })
}

/// The server and, where `needs_key`, the key that belongs to it and goes nowhere else.
fn server(
    cli: &Cli,
    chosen: Option<(String, &str)>,
    needs_key: bool,
) -> Result<(api::Endpoint, KeySource)> {
    let own_key = variable("ANYROUTER_API_KEY");
    let key_given =
        cli.api_key_file.is_some() || cli.api_key_command.is_some() || own_key.is_some();
    let at = |(base, from): (String, &str)| server::messages_url(&base, from, cli.allow_http);
    // a token of another tool counts only together with that tool's server
    let pair = variable("ANTHROPIC_BASE_URL").zip(variable("ANTHROPIC_AUTH_TOKEN"));
    let pair = pair.filter(|_| !key_given);
    let (url, token) = match (chosen, pair) {
        (None, None) => (at((BASE_URL.into(), "--base-url"))?, None),
        (None, Some((base, token))) => (at((base, "ANTHROPIC_BASE_URL"))?, Some(token)),
        (Some(chosen), None) => (at(chosen)?, None),
        (Some(chosen), Some((base, token))) => {
            let url = at(chosen)?;
            let same =
                server::messages_url(&base, "ANTHROPIC_BASE_URL", true).is_ok_and(|its| its == url);
            (url, same.then_some(token))
        }
    };
    let headers = server::headers(&cli.header)?;
    let auth = match cli.auth {
        Some(cli::Auth::XApiKey) => api::Auth::XApiKey,
        _ => api::Auth::Bearer,
    };
    let brings_key = headers.iter().any(|header| header.name == auth.header());
    let key = match (&cli.api_key_file, &cli.api_key_command) {
        _ if !needs_key || brings_key => KeySource::NotNeeded,
        (Some(path), _) => KeySource::File(path.clone()),
        (_, Some(command)) => KeySource::Command(command.clone()),
        _ => match (own_key, token) {
            (Some(value), _) => KeySource::Variable("ANYROUTER_API_KEY", value),
            (_, Some(value)) => KeySource::Variable("ANTHROPIC_AUTH_TOKEN", value),
            _ => KeySource::Missing,
        },
    };
    let proxies = api::Proxies {
        https: variable("https_proxy").or_else(|| variable("HTTPS_PROXY")),
        http: variable("http_proxy"),
        all: variable("all_proxy").or_else(|| variable("ALL_PROXY")),
        none_for: variable("no_proxy").or_else(|| variable("NO_PROXY")),
    };
    let endpoint = api::Endpoint {
        proxy: api::proxy_for(&url, &proxies)?,
        url,
        auth,
        headers,
        timeout: Duration::from_secs_f64(cli.timeout.unwrap_or(300.0)),
        own_roots: ["SSL_CERT_FILE", "SSL_CERT_DIR"]
            .into_iter()
            .find(|name| variable(name).is_some()),
        connections: 0,
        connect_timeout: Duration::from_secs_f64(cli.connect_timeout.unwrap_or(10.0)),
    };
    Ok((endpoint, key))
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
        tips => tips.join("; ").replace("tip: ", ""),
    };
    Failure::new(Kind::Usage, message).hint(hint)
}
