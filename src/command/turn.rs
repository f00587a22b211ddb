//! One question and its answer, from the messages to what is printed, kept and logged.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::api::{
    self, Client, Content, Keep, Key, Limits, Message, Prepared, Price, Reply, Request, Role, Usage,
};
use crate::error::{Failure, Kind};
use crate::input::{self, Chat, Text, Turn};
use crate::mock;
use crate::output::{self, Console, Entry, Format, Log, Out, Progress, Spinner, Stdout};
use crate::settings::{Ask, System, Way};

/// What stays the same from question to question.
pub struct Asker {
    pub client: Arc<Client>,
    pub console: Console,
    /// The request, but for its messages.
    pub request: Request,
    pub key: Option<Key>,
    stdout: Stdout,
    format: Format,
    output: Option<PathBuf>,
    log: Option<Log>,
    pub prefill: Option<String>,
    chat: Option<PathBuf>,
    pub price: Price,
    usage: bool,
    pub strict: bool,
}

/// A question that is ready to be sent, and the conversation that it belongs to.
pub struct Question {
    pub prepared: Prepared,
    asked: Content,
    system: Option<String>,
    chat: Option<Chat>,
}

impl Asker {
    /// Fetches the key, starts the rehearsal, opens the log: whatever could stop a question stops it here.
    pub fn new(ask: Ask, stdout: Stdout, console: Console) -> Result<Self> {
        let mut request = ask.request;
        request.system = match ask.system {
            System::None => None,
            System::Text(text) => Some(noted(text.into(), "the system prompt", console)),
            System::File(path) => Some(noted(
                input::read_file(&path)?,
                &path.display().to_string(),
                console,
            )),
        };
        let mut endpoint = ask.endpoint;
        let mut key = ask.key.fetch(console)?.or_else(|| endpoint.own_key());
        if let (Some(steps), Way::Send) = (ask.mock, ask.way) {
            let cannot = || Failure::new(Kind::Local, "cannot start the rehearsal server");
            let address = mock::start(steps).with_context(cannot)?;
            endpoint.url = format!("http://{address}/v1/messages").parse()?;
            endpoint.proxy = None;
            key = Key::new("rehearsal");
        }
        Ok(Self {
            log: ask
                .log
                .filter(|_| ask.way == Way::Send)
                .map(|path| Log::open(&path))
                .transpose()?,
            client: Arc::new(Client::new(endpoint, key.clone(), ask.policy)),
            console,
            request,
            key,
            stdout,
            format: ask.format,
            output: ask.output,
            prefill: ask.prefill,
            chat: ask.chat,
            price: ask.price,
            usage: ask.usage,
            strict: ask.strict,
        })
    }

    /// Puts a question into its conversation and into bytes. Where it is to be sent, nobody else goes on with
    /// the conversation meanwhile.
    pub fn question(&self, content: Content, way: Way) -> Result<Question> {
        let tell = |text: &str| self.console.note(text);
        let chat = self.chat.as_deref().map(|path| match way {
            Way::Send => Chat::open(path, tell, || self.client.is_stopped()),
            Way::DryRun | Way::Curl => Chat::peek(path),
        });
        let mut chat = chat.transpose()?;
        let mut request = self.request.clone();
        if let Some(chat) = &mut chat {
            request.system = request.system.or_else(|| chat.system.clone());
            request.messages.append(&mut chat.messages);
        }
        let at = request.messages.len();
        request.messages.push(Message {
            role: Role::User,
            content,
        });
        self.begin_answer(&mut request);
        Ok(Question {
            prepared: self.client.endpoint().prepare(&request)?,
            asked: request.messages.swap_remove(at).content,
            system: request.system,
            chat,
        })
    }

    /// Reads the conversation, if there is one, to hear at once if it is none.
    pub fn check_chat(&self) -> Result<()> {
        self.chat.as_deref().map(Chat::peek).transpose()?;
        Ok(())
    }

    /// Puts the user's own first words of the answer at the end of a request, if there are any.
    pub fn begin_answer(&self, request: &mut Request) {
        if let Some(prefill) = &self.prefill {
            let content = Content::Text(prefill.clone());
            request.messages.push(Message {
                role: Role::Assistant,
                content,
            });
        }
    }

    /// Opens what the answer goes to.
    pub fn open(&self) -> Result<Out> {
        match &self.output {
            Some(path) => self.stdout.replace(path),
            None => Ok(self.stdout.open()),
        }
    }

    /// Asks, prints the answer, keeps the turn and reports.
    pub fn answer(&self, question: Question, out: Out) -> Result<()> {
        let spinner = Spinner::start(self.console);
        let out = out.with(spinner.clone());
        let mut progress = Progress::new(self.console, spinner, self.key.clone());
        let keep = Keep {
            text: question.chat.is_some(),
            message: self.format == Format::Json,
        };
        let mut reply = Reply::new(keep, self.prefill.clone());
        let result = self.exchange(question, out, &mut reply, &mut progress);
        let logged = self.logged(&self.request.model, &progress, &reply, &result);
        match (result, logged) {
            (Err(error), Err(log)) => {
                self.console.failure(&log);
                Err(error)
            }
            (result, logged) => result.and(logged),
        }
    }

    /// Writes the line of a request into the log, if there is one.
    pub fn logged(
        &self,
        model: &str,
        progress: &Progress,
        reply: &Reply,
        result: &Result<()>,
    ) -> Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        log.append(&Entry {
            host: self.client.endpoint().host(),
            model,
            status: progress.status,
            request_id: progress.request_id.as_deref(),
            reply,
            price: self.price,
            limits: progress.limits,
            attempts: progress.attempts,
            seconds: progress.seconds(),
            exit: result.as_ref().err().map_or(0, output::exit_status),
        })
    }

    fn exchange(
        &self,
        question: Question,
        out: Out,
        reply: &mut Reply,
        progress: &mut Progress,
    ) -> Result<()> {
        let Question {
            prepared,
            asked,
            system,
            chat,
        } = question;
        let mut printer = output::printer(self.format, out);
        let response = self.client.send(&prepared, progress)?;
        drop(prepared);
        let received = api::receive(response, &self.client, reply, &mut *printer);
        let sound = reply.check();
        // JSON is printed whatever it holds
        let shown = sound.is_ok() || matches!(self.format, Format::Json | Format::Events);
        let ended = printer.end(received.is_ok() && shown);
        // the terminal is free for what is told now
        drop(printer);
        let answered = received.and(ended).and(sound.map_err(Into::into));
        self.console.trace(
            "*",
            format_args!("the answer ended after {:.3} s", progress.seconds()),
        );
        if let (Ok(()), Some(chat), Some(answer)) = (&answered, chat, &reply.text) {
            chat.append(&Turn {
                system: system.as_deref(),
                question: &asked,
                answer,
            })?;
        }
        self.report(reply, &progress.limits, answered)
    }

    /// Tells what the answer cost and whether it stopped short, also where it is none.
    fn report(&self, reply: &Reply, limits: &Limits, answered: Result<()>) -> Result<()> {
        if answered.as_ref().is_err_and(output::is_reader_gone) {
            return answered;
        }
        let counted = reply.usage != Usage::default();
        if self.usage && (counted || answered.is_ok()) {
            self.console
                .tell(output::usage_line(reply, limits, self.price));
        }
        match output::stopped_short(reply, self.request.max_tokens) {
            Some(short) if self.strict && answered.is_ok() => Err(short.into()),
            Some(short) => {
                self.console.note(short);
                answered
            }
            None => answered,
        }
    }
}

/// The text alone, once the user knows what was replaced in it.
fn noted(read: Text, name: &str, console: Console) -> String {
    note_replaced(read.replaced, name, console);
    read.text
}

/// Tells how many bytes were no text.
pub fn note_replaced(count: usize, name: &str, console: Console) {
    match count {
        0 => {}
        1 => console.note(format!("1 byte of {name} was not UTF-8 and became U+FFFD")),
        _ => console.note(format!(
            "{count} bytes of {name} were not UTF-8 and became U+FFFD"
        )),
    }
}
