//! A conversation kept in a file: one JSON message a line, only whole turns, one writer at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::text::{open, read_bytes};
use crate::api::{Content, Message, Role};
use crate::error::{Failure, Kind};

/// How often a turn that waits for another looks whether that has ended.
const TICK: Duration = Duration::from_millis(20);

/// A conversation. One that was opened is locked: nobody else goes on with it until this is dropped.
pub struct Chat {
    /// The file, if it is there already and locked.
    file: Option<File>,
    path: PathBuf,
    /// The system prompt that it began with.
    pub system: Option<String>,
    /// All messages so far, oldest first.
    pub messages: Vec<Message>,
}

/// What a turn adds.
pub struct Turn<'a> {
    /// Written where the conversation begins with it.
    pub system: Option<&'a str>,
    pub question: &'a Content,
    /// The answer's text, its prefill in front.
    pub answer: &'a str,
}

#[derive(Deserialize)]
struct Line<'a> {
    role: Speaker,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    System,
    User,
    Assistant,
}

impl Chat {
    /// Opens a conversation and reads it; one that is not there yet is not made before its first turn. Where
    /// another program is at it, `tell` hears so and the turn waits, unless it is `stopped`.
    pub fn open(path: &Path, tell: impl Fn(&str), stopped: impl Fn() -> bool) -> Result<Self> {
        if !path.exists() {
            can_be_made(path)?;
            return Ok(Self::new(path));
        }
        let file = locked(path, &tell, &stopped)?;
        let mut chat = Self::new(path);
        chat.read(&file)?;
        chat.file = Some(file);
        Ok(chat)
    }

    /// Reads a conversation without going on with it.
    pub fn peek(path: &Path) -> Result<Self> {
        let mut chat = Self::new(path);
        if path.exists() {
            chat.read(&open(path)?)?;
        }
        Ok(chat)
    }

    fn new(path: &Path) -> Self {
        Self {
            file: None,
            path: path.into(),
            system: None,
            messages: Vec::new(),
        }
    }

    fn read(&mut self, file: &File) -> Result<()> {
        let bytes = read_bytes(file, &self.path.display().to_string())?;
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let wrong = |why: &str| {
                let message = format!("{}:{number}: {why}", self.path.display());
                let hint =
                    r#"each line of a conversation is like {"role":"user","content":"Hello"}"#;
                Failure::new(Kind::Local, message).hint(hint)
            };
            let line: Line =
                serde_json::from_slice(line).map_err(|_| wrong("this is no message"))?;
            let first = self.messages.is_empty() && self.system.is_none();
            match line.role {
                Speaker::System if first => {
                    let text = serde_json::from_str(line.content.get());
                    self.system = Some(text.map_err(|_| wrong("the system prompt is no text"))?);
                }
                Speaker::System => {
                    return Err(wrong("a system prompt stands on the first line only").into());
                }
                Speaker::User | Speaker::Assistant => {
                    let why = "the content is neither text nor a list of blocks";
                    self.messages
                        .push(line.message().ok_or_else(|| wrong(why))?);
                }
            }
        }
        Ok(())
    }

    /// Appends a whole turn, in one write. A file that was put in the place of the one that was read, as many
    /// text editors do it, is the conversation now.
    pub fn append(self, turn: &Turn) -> Result<()> {
        let path = &self.path;
        let cannot = || {
            let name = path.display();
            Failure::new(
                Kind::Local,
                format!("cannot write to the conversation {name}"),
            )
        };
        let ours = self.file.filter(|file| is_at(file, path));
        let mut file = ours.map_or_else(|| locked(path, &|_| {}, &|| false), Ok)?;
        let whole = file.seek(SeekFrom::End(0)).with_context(cannot)?;
        let mut last = [b'\n'];
        if whole > 0 {
            file.seek(SeekFrom::End(-1)).with_context(cannot)?;
            file.read_exact(&mut last).with_context(cannot)?;
        }
        let mut lines = Vec::from(if last == *b"\n" { "" } else { "\n" });
        if let Some(system) = turn.system.filter(|_| whole == 0) {
            writeln!(lines, "{}", json!({"role": "system", "content": system}))?;
        }
        writeln!(
            lines,
            "{}",
            json!({"role": "user", "content": turn.question})
        )?;
        writeln!(
            lines,
            "{}",
            json!({"role": "assistant", "content": turn.answer})
        )?;
        if let Err(error) = file.write_all(&lines) {
            // half a turn is worse than none; what is there already stays
            let _ = file.set_len(whole);
            return Err(error).with_context(cannot);
        }
        Ok(())
    }
}

/// Opens the conversation's file, makes it where it is not there, and waits until nobody else is at it.
fn locked(path: &Path, tell: &dyn Fn(&str), stopped: &dyn Fn() -> bool) -> Result<File> {
    let name = path.display();
    let cannot = || Failure::new(Kind::Local, format!("cannot open the conversation {name}"));
    let mut told = false;
    loop {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(cannot)?;
        match file.try_lock() {
            // somebody may have put another file in its place meanwhile
            Ok(()) if is_at(&file, path) => return Ok(file),
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
            Err(TryLockError::WouldBlock) => {
                if !std::mem::replace(&mut told, true) {
                    tell(&format!("waiting for another turn of {name} to end"));
                }
                if stopped() {
                    return Err(Failure::new(Kind::Interrupted, "stopped").into());
                }
                thread::sleep(TICK);
            }
        }
    }
}

/// Whether a new file can be made there, before anything is asked.
fn can_be_made(path: &Path) -> Result<()> {
    let name = path.display();
    let cannot = || Failure::new(Kind::Local, format!("cannot open the conversation {name}"));
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        access(folder, Access::WRITE_OK | Access::EXEC_OK).with_context(cannot)?;
    }
    folder.metadata().with_context(cannot)?;
    Ok(())
}

impl Line<'_> {
    /// A message of the user's or the assistant's, its content as it stands; `None` if it is none.
    fn message(&self) -> Option<Message> {
        let role = match self.role {
            Speaker::System => return None,
            Speaker::User => Role::User,
            Speaker::Assistant => Role::Assistant,
        };
        let fits = self.content.get().starts_with(['"', '[']);
        fits.then(|| Message {
            role,
            content: Content::Kept(self.content.to_owned()),
        })
    }
}

/// The message that JSON is, if it is one.
pub fn message(json: &str) -> Option<Message> {
    serde_json::from_str::<Line>(json).ok()?.message()
}

/// Whether the open file is the one that the path names.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |open: std::fs::Metadata, named: std::fs::Metadata| {
        (open.dev(), open.ino()) == (named.dev(), named.ino())
    };
    file.metadata()
        .is_ok_and(|open| path.metadata().is_ok_and(|named| same(open, named)))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
