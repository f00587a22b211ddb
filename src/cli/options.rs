//! From arguments to options: fills in defaults, and checks that the arguments fit together.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::args::{Args, Models};
use super::batch::Batch;
use super::console::{is_coloured, is_dumb};
use super::key::KeySource;
use super::{batch, documents, endpoint, files};
use crate::api::{self, Endpoint, Fields, MODELS, Secret};
use crate::error::{Failure, Kind, usage_error};
use crate::input::{self, InputFile, Sources, Text};
use crate::mock;
use crate::output::{Console, Format, Settings};
use crate::stdio::Stream;

/// What the program does.
pub enum Command {
    /// Prints a text: help, version, models, the man page, completions.
    Print(Cow<'static, str>),
    /// Anything else.
    Run(Box<Mode>, Box<Options>),
}

/// What is done with the options.
pub enum Mode {
    /// Prints the models of the server.
    ListModels,
    /// Prints the body of the request.
    DryRun(Sources),
    /// Prints the request as a curl command.
    Curl(Sources),
    /// Asks one question.
    Ask(Sources),
    /// Asks each line that is typed.
    Chat(Chat),
    /// Asks many questions.
    Batch(Batch),
    /// Prints the bodies of many requests.
    DryRunBatch(Batch),
}

/// The settings that all modes share.
pub struct Options {
    /// The request without its messages.
    pub request: api::Request,
    /// The models that are asked if others fail, in this order.
    pub fallback: Vec<String>,
    /// The names that items may use for models.
    pub aliases: api::Aliases,
    /// The first words of the answer.
    pub prefill: Option<String>,
    /// The file of the conversation.
    pub chat: Option<PathBuf>,
    /// The server. [`Options::connect`] adds its key and its proxy.
    pub endpoint: Endpoint,
    key: KeySource,
    mock: Option<Vec<mock::Step>>,
    pub policy: api::Policy,
    pub output: Settings,
    /// The shell command that an answer has to pass.
    pub check: Option<String>,
    /// How often the model is asked again if an answer does not pass.
    pub check_retries: u32,
    /// Print the usage line.
    pub usage: bool,
    /// An answer that stopped short is a failure.
    pub strict: bool,
    pub prices: api::Prices,
    pub log: Option<PathBuf>,
    /// The file to add answers to.
    pub record: Option<PathBuf>,
    /// The file to answer from.
    pub replay: Option<PathBuf>,
    pub console: Console,
}

/// The settings of a conversation on a terminal.
pub struct Chat {
    /// The files that the first question gets.
    pub files: Sources,
    /// The terminal can edit lines.
    pub has_editor: bool,
}

/// Decides the mode, and checks that the arguments fit together.
pub fn command(mut args: Args, console: &Console) -> Result<Command> {
    if let Some(text) = document(&args)? {
        return Ok(Command::Print(text));
    }
    let is_stdout = |path: &Path| path == "-" || Stream::named(path) == Some(Stream::Output);
    args.output = args.output.filter(|path| !is_stdout(path));
    batch::check_flags(&args, model(&args))?;
    files::check_purposes(&args)?;
    files::check_texts(&args)?;
    let mode = mode(&args, console)?;
    if !args.dry_run && !args.curl {
        files::check_writable(&args)?;
        files::check_replay(&args)?;
    }
    let (endpoint, key) = endpoint::endpoint(&args)?;
    Ok(Command::Run(Box::new(mode), Box::new(options(args, endpoint, key, console)?)))
}

/// The text that is printed without asking, if it is one.
fn document(args: &Args) -> Result<Option<Cow<'static, str>>, Failure> {
    let is_documented = args.list_models == Some(Models::Documented);
    if args.list_models.is_some() && !args.prompt.is_empty() {
        let failure = usage_error("--list-models takes no prompt");
        let hint = "use --list-models=server for the server's models";
        return Err(failure.maybe_hint(is_documented.then_some(hint)));
    }
    if is_documented {
        return Ok(Some(documents::models(args.json).into()));
    }
    Ok(args.generate.map(|document| documents::document(document).into()))
}

fn mode(args: &Args, console: &Console) -> Result<Mode, Failure> {
    let names_stdin = files::names_stdin(args, console)?;
    Ok(match &args.batch {
        _ if args.list_models.is_some() => Mode::ListModels,
        Some(items) if args.dry_run => {
            Mode::DryRunBatch(Batch::new(items, named_sources(args), args)?)
        }
        Some(items) => Mode::Batch(Batch::new(items, named_sources(args), args)?),
        None => match sources(args, names_stdin) {
            files if is_conversation(args, &files, names_stdin) => {
                Mode::Chat(Chat { files, has_editor: !is_dumb() })
            }
            sources if sources.is_empty() => return Err(input::no_prompt()),
            sources if args.dry_run => Mode::DryRun(sources),
            sources if args.curl => Mode::Curl(sources),
            sources => Mode::Ask(sources),
        },
    })
}

fn options(args: Args, endpoint: Endpoint, key: KeySource, console: &Console) -> Result<Options> {
    let format = format(&args)?;
    let stream = is_printed_early(&args, format);
    let model = model(&args).to_string();
    let system = system(args.system, args.system_file.as_ref(), console)?;
    // a proxy such as Cloudflare's cuts a connection that is silent for 100 s; only --json needs the body as a whole
    let is_streamed = format != Format::Json;
    let terminal = std::io::stdout().is_terminal();
    let mut extra = Fields::default();
    for field in &args.set {
        extra.set(&field.key, field.value.read(|note| console.note(note))?);
    }
    Ok(Options {
        request: api::Request {
            model,
            max_tokens: args.max_tokens,
            system,
            messages: Vec::new(),
            temperature: args.temperature,
            top_p: args.top_p,
            stop_sequences: args.stop,
            stream: is_streamed,
            extra,
            cache: args.cache,
        },
        fallback: args.fallback,
        aliases: api::Aliases(args.alias),
        prefill: args.prefill,
        chat: args.chat,
        endpoint,
        key,
        mock: args.mock,
        policy: api::Policy {
            retries: args.retries.unwrap_or(2),
            delay: args.retry_delay,
            max_wait: args.max_wait,
            outlasts_limit: args.batch.is_some() && args.retries.is_none(),
        },
        output: Settings {
            format,
            stream,
            path: args.output,
            terminal,
            raw: args.raw,
            // raw text may have its own colours
            highlight: terminal && !args.raw && is_coloured(args.color, terminal),
        },
        check: args.check,
        check_retries: args.check_retries,
        usage: args.usage,
        strict: args.strict,
        prices: api::Prices(args.price),
        log: args.log,
        record: args.record,
        replay: args.replay,
        console: console.clone(),
    })
}

/// Whether the answer is printed as it arrives.
fn is_printed_early(args: &Args, format: Format) -> bool {
    match format {
        Format::Text => {
            let is_late = args.no_stream || args.output.is_some() || args.check.is_some();
            !is_late && args.batch.is_none()
        }
        Format::Events => true,
        Format::Code | Format::Json => false,
    }
}

fn format(args: &Args) -> Result<Format, Failure> {
    Ok(match (args.json, args.stream) {
        (true, true) if args.check.is_some() => {
            return Err(usage_error("--check cannot be used with --json --stream"));
        }
        (true, true) => Format::Events,
        (true, false) => Format::Json,
        _ if args.extract => Format::Code,
        _ => Format::Text,
    })
}

/// The system prompt. An empty text means none.
fn system(
    text: Option<OsString>,
    file: Option<&InputFile>,
    console: &Console,
) -> Result<Option<String>> {
    let (text, name) = match (text, file) {
        (Some(text), _) if text.is_empty() => return Ok(None),
        (Some(text), _) => (Text::from(text), "the system prompt".into()),
        (None, Some(file)) => (file.read(input::text)?, file.name()),
        (None, None) => return Ok(None),
    };
    text.check().map_err(|what| what.failure(&name))?;
    if text.is_blank() {
        return Err(input::empty(&name).into());
    }
    text.replaced.note(&name, |note| console.note(note));
    Ok(Some(text.text))
}

impl Options {
    /// Whether recorded answers are all there is, so that nothing is sent.
    pub fn is_offline(&self) -> bool {
        self.replay.is_some() && self.record.is_none()
    }

    /// Finds the proxy and fetches the key. Recorded answers need neither. For `--mock`, starts its server instead.
    /// This comes after all checks, because a key command may take time and ask the user.
    pub fn connect(&mut self) -> Result<()> {
        if self.is_offline() {
            return Ok(());
        }
        let key = if let Some(steps) = self.mock.take() {
            let cannot = || Failure::new(Kind::Local, "cannot start the server of --mock");
            let address = mock::start(steps).with_context(cannot)?;
            self.endpoint.url = format!("http://{address}/v1/messages").parse()?;
            // it never gets the user's key
            self.key = KeySource::Missing(None);
            Secret::new("mock")
        } else {
            self.endpoint.proxy = endpoint::proxy(&self.endpoint.url)?;
            self.key.fetch(&self.console)?
        };
        if let Some(key) = key {
            self.use_key(key);
        }
        Ok(())
    }

    /// Fetches the key again, and returns whether it is another one.
    pub fn renew_key(&self) -> Result<bool> {
        let Some(key) = self.key.fetch_again().transpose()? else { return Ok(false) };
        let is_new = self.endpoint.key.get().as_ref() != Some(&key);
        self.use_key(key);
        Ok(is_new)
    }

    fn use_key(&self, key: Secret) {
        self.console.add_secret(key.clone());
        self.endpoint.key.set(key);
    }
}

/// Where the question comes from.
fn sources(args: &Args, names_stdin: bool) -> Sources {
    let dash = args.prompt == ["-"];
    let mut sources = named_sources(args);
    sources.words.take_if(|_| dash);
    sources.stdin = dash || !(names_stdin || args.no_stdin || std::io::stdin().is_terminal());
    sources
}

/// Whether each typed line is a question. With files, somebody has to be there who reads the answers, too.
fn is_conversation(args: &Args, sources: &Sources, names_stdin: bool) -> bool {
    let has_prompt = !args.prompt.is_empty() || args.prompt_file.is_some();
    let sends = args.chat.is_some() && !args.dry_run && !args.curl;
    let types = std::io::stdin().is_terminal() && !args.no_stdin && !names_stdin;
    let reads = || std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
    !has_prompt && sends && types && (sources.is_empty() || reads())
}

/// The words and files of the arguments. Words that are only blanks count as missing.
fn named_sources(args: &Args) -> Sources {
    let words = args.prompt.join(OsStr::new(" "));
    Sources {
        words: Some(words).filter(|words| !words.to_string_lossy().trim().is_empty()),
        prompt_file: args.prompt_file.clone(),
        files: args.file.clone(),
        list: args.files_from.clone(),
        line_numbers: args.line_numbers,
        stdin: false,
        cache: args.cache,
    }
}

/// The model that is asked first.
fn model(args: &Args) -> &str {
    args.model.as_deref().unwrap_or(MODELS[0].id)
}
