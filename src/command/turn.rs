//! One question and its answer, from the messages to what is printed, kept and logged.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::api::{
    self, Client, Content, Keep, Key, Limits, Message, Prepared, Price, Reply, Request, Role,
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
    request: Request,
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
        let (mut endpoint, mut key) = (ask.endpoint, ask.key.fetch(console)?);
        if let (Some(steps), Way::Send) = (ask.mock, ask.way) {
            let cannot = || Failure::new(Kind::Local, "cannot start the rehearsal server");
            let address = mock::start(steps).with_context(cannot)?;
            endpoint.url = format!("http://{address}/v1/messages").parse()?;
            endpoint.proxy = None;
            key = Key::new("rehearsal");
        }
        Ok(Self {
            log: ask.log.as_deref().map(Log::open).transpose()?,
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

    /// Puts a question into its conversation and into bytes.
    pub fn question(&self, content: Content) -> Result<Question> {
        let tell = |text: &str| self.console.note(text);
        let mut chat = self
            .chat
            .as_deref()
            .map(|path| Chat::open(path, tell))
            .transpose()?;
        let mut request = self.request.clone();
        if let Some(chat) = &mut chat {
            request.system = request.system.or_else(|| chat.system.clone());
            request.messages.append(&mut chat.messages);
        }
        request.messages.push(Message {
            role: Role::User,
            content,
        });
        self.begin_answer(&mut request);
        let prepared = self.client.endpoint().prepare(&request)?;
        Ok(Question {
            prepared,
            request,
            chat,
        })
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

    /// Asks, prints the answer, keeps the turn and reports.
    pub fn answer(&self, question: Question) -> Result<()> {
        let spinner = Spinner::start(self.console);
        let mut progress = Progress::new(self.console, spinner.clone(), self.key.clone());
        let out = match &self.output {
            Some(path) => Out::to_file(path, spinner)?,
            None => self.stdout.open(spinner),
        };
        let keep = Keep {
            text: question.chat.is_some(),
            message: self.format == Format::Json,
        };
        let mut reply = Reply::new(keep, self.prefill.clone());
        let model = question.request.model.clone();
        let result = self.exchange(question, out, &mut reply, &mut progress);
        self.logged(&model, &progress, &reply, &result)?;
        result
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
            request,
            chat,
        } = question;
        let mut printer = output::printer(self.format, out);
        let response = self.client.send(&prepared, progress)?;
        drop(prepared);
        let received = api::receive(response, &self.client, reply, &mut *printer);
        let ended = printer.end(received.is_ok());
        received.and(ended)?;
        self.console.trace(
            "*",
            format!("the answer ended after {:.3} s", progress.seconds()),
        );
        if let (Some(chat), Some(answer)) = (chat, &reply.text) {
            let asked = request
                .messages
                .iter()
                .rfind(|message| matches!(message.role, Role::User));
            if let Some(Message {
                content: question, ..
            }) = asked
            {
                chat.append(&Turn {
                    system: request.system.as_deref(),
                    question,
                    answer,
                })?;
            }
        }
        self.report(reply, &progress.limits, request.max_tokens)
    }

    fn report(&self, reply: &Reply, limits: &Limits, max_tokens: u32) -> Result<()> {
        if self.usage {
            self.console
                .tell(output::usage_line(reply, limits, self.price));
        }
        match output::stopped_short(reply, max_tokens) {
            Some(short) if self.strict => Err(short.into()),
            Some(short) => {
                self.console.note(short);
                Ok(())
            }
            None => Ok(()),
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
