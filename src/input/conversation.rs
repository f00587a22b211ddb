//! A conversation in a file: one JSON message a line, whole turns only, one writer at a time.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;
use serde_json::value::RawValue;

use super::text::cannot_read;
use crate::api::{
    BYTE_ORDER_MARK, Content, Fields, LARGEST_REQUEST, Message, Role, stopped, too_large,
};
use crate::error::{Failure, Kind};
use crate::jsonl::{LineReader, Lines, line};

/// Its name in messages.
const NAME: &str = "the conversation";

/// A conversation. While one that was opened with [`Conversation::open`] exists, its file is locked.
pub struct Conversation {
    path: PathBuf,
    /// The locked file; `None` for a new conversation, and after [`Conversation::peek`].
    lines: Option<Lines>,
    /// The system prompt on its first line.
    pub system: Option<String>,
    /// All messages so far, oldest first.
    pub messages: Vec<Message>,
}

impl Conversation {
    /// Locks a conversation and reads it. A new one gets its file with its first turn. If another program has the
    /// lock, `notify` says so, and this waits until `is_stopped`. An incomplete end is removed.
    pub fn open(path: &Path, notify: impl Fn(&str), is_stopped: impl Fn() -> bool) -> Result<Self> {
        let mut conversation = Self::new(path);
        if !path.exists() {
            return Ok(conversation);
        }
        let name = path.display();
        let mut notified = false;
        let lines = Lines::open_locked(path, NAME, &notify, || {
            if !std::mem::replace(&mut notified, true) {
                notify(&format!("waiting for another program to finish its turn in {name}"));
            }
            if is_stopped() { Err(stopped().into()) } else { Ok(()) }
        })?;
        if let Some(file) = lines.reader()
            && let Some(length) = conversation.read(file)?
        {
            lines.truncate(length)?;
            notify(&format!("removed the incomplete end of {name}"));
        }
        conversation.lines = Some(lines);
        Ok(conversation)
    }

    /// Reads a conversation without changing or locking it.
    pub fn peek(path: &Path) -> Result<Self> {
        let mut conversation = Self::new(path);
        if path.exists() {
            let cannot = || cannot_read(&path.display().to_string());
            conversation.read(File::open(path).with_context(cannot)?)?;
        }
        Ok(conversation)
    }

    fn new(path: &Path) -> Self {
        Self { path: path.into(), lines: None, system: None, messages: Vec::new() }
    }

    /// Reads all messages. If the end of the file is incomplete, returns its length without that.
    fn read(&mut self, file: impl Read) -> Result<Option<u64>> {
        let name = self.path.display().to_string();
        let mut lines = LineReader::new(file, r#"{"role":""#);
        // where the last message begins, if it is a question
        let mut question = None;
        while let Some(line) = lines.next_line().with_context(|| cannot_read(&name))? {
            if line.offset + line.json.len() as u64 > LARGEST_REQUEST as u64 {
                return Err(too_large(&format!("{name} is")).into());
            }
            if line.is_torn {
                question = question.filter(|_| !line.json.starts_with(br#"{"role":"u"#));
                break;
            }
            let json = line.json.strip_prefix(BYTE_ORDER_MARK).filter(|_| line.number == 1);
            let json = json.unwrap_or(line.json);
            if json.is_empty() {
                continue;
            }
            let origin = || format!("{name}:{}", line.number);
            self.add(json, origin).map_err(|why| no_message(&origin(), why))?;
            let last = self.messages.last();
            question = last.filter(|last| last.role == Role::User).map(|_| line.offset);
        }
        if lines.sound_length.is_some() && question.is_some() {
            // a question without its whole answer is removed, too
            self.messages.pop();
            return Ok(question);
        }
        Ok(lines.sound_length)
    }

    /// Adds the message of a line, or says what is wrong with it.
    fn add(&mut self, line: &[u8], origin: impl Fn() -> String) -> Result<(), &'static str> {
        let (role, content) = parse(line)?;
        if let Some(role) = role {
            let (content, origin) = (Content::Raw(content), Some(origin()));
            self.messages.push(Message { role, content, origin });
            return Ok(());
        }
        if self.system.is_some() || !self.messages.is_empty() {
            return Err("is a system prompt, which only the first line can be");
        }
        let text = serde_json::from_str(content.get());
        self.system = Some(text.map_err(|_| "has a system prompt that is not text")?);
        Ok(())
    }

    /// All questions so far; `None` for a question that is not plain text.
    pub fn questions(&self) -> impl Iterator<Item = Option<String>> {
        let questions = self.messages.iter().filter(|message| message.role == Role::User);
        questions.map(|question| {
            let Content::Raw(json) = &question.content else { return None };
            serde_json::from_str(json.get()).ok()
        })
    }

    /// Appends a turn in one write; a new file begins with the system prompt.
    pub fn append(
        self,
        system: Option<&str>,
        question: &Content,
        answer: &str,
        notify: impl Fn(&str),
    ) -> Result<()> {
        let lines = match self.lines.filter(|lines| lines.is_at(&self.path)) {
            Some(lines) => lines,
            None => Lines::open_locked(&self.path, NAME, notify, || Ok(()))?,
        };
        let mut turn = String::new();
        if let Some(system) = system.filter(|_| lines.is_empty()) {
            turn += &line(&json!({"role": "system", "content": system}))?;
        }
        turn += &line(&json!({"role": "user", "content": question}))?;
        turn += &line(&json!({"role": "assistant", "content": answer}))?;
        lines.append(turn.as_bytes())?;
        lines.sync()
    }
}

/// The failure of a line that is not a message.
fn no_message(origin: &str, why: &str) -> Failure {
    let failure = Failure::new(Kind::Local, format!("{origin}: this line {why}"));
    failure.hint(r#"each line is a message such as {"role":"user","content":"Hello"}"#)
}

/// Parses a message, or says what is wrong with it, such as "has no role".
pub fn message(json: &str) -> Result<Message, &'static str> {
    let (role, content) = parse(json.as_bytes())?;
    let role = role.ok_or(WRONG_ROLE)?;
    Ok(Message { role, content: Content::Raw(content), origin: None })
}

const WRONG_ROLE: &str = "has a role that is neither user nor assistant";

/// The role of a message, or `None` for the system prompt, and its unparsed content.
fn parse(json: &[u8]) -> Result<(Option<Role>, Box<RawValue>), &'static str> {
    let fields: Fields = serde_json::from_slice(json).map_err(|_| "is not a JSON object")?;
    let role = match fields.get("role").ok_or("has no role")?.get() {
        r#""system""# => None,
        r#""user""# => Some(Role::User),
        r#""assistant""# => Some(Role::Assistant),
        _ => return Err(WRONG_ROLE),
    };
    let content = fields.get("content").ok_or("has no content")?;
    if !content.get().starts_with(['"', '[']) {
        return Err("has content that is neither text nor a list of blocks");
    }
    Ok((role, content.to_owned()))
}
