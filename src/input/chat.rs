//! A conversation kept in a file: one JSON message a line, only whole turns, one writer at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::api::{Content, Message, Role};
use crate::error::{Failure, Kind};

/// A conversation, locked: nobody else goes on with it until this is dropped.
pub struct Chat {
    file: File,
    path: PathBuf,
    /// The system prompt that it began with.
    pub system: Option<String>,
    /// All messages so far, oldest first.
    pub messages: Vec<Message>,
    /// It has a line already.
    begun: bool,
    /// The file does not end with a line end.
    unended: bool,
    /// The file was made for this turn, and goes with it if it comes to nothing.
    new: bool,
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
    /// Opens a conversation or begins one, and reads it. Where another program is at it, `tell` hears so
    /// and the turn waits.
    pub fn open(path: &Path, tell: impl Fn(&str)) -> Result<Self> {
        let name = path.display();
        let cannot = || Failure::new(Kind::Local, format!("cannot open the conversation {name}"));
        let mut told = false;
        loop {
            let new = !path.exists();
            let mut file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(path)
                .with_context(cannot)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut told, true) {
                        tell(&format!("waiting for another turn of {name} to end"));
                    }
                    file.lock().with_context(cannot)?;
                }
            }
            // a turn that came to nothing may have taken its new file away meanwhile
            if !is_at(&file, path) {
                continue;
            }
            let mut text = String::new();
            let not_text = || Failure::new(Kind::Local, format!("{name} is no conversation"));
            file.read_to_string(&mut text).with_context(not_text)?;
            let mut chat = Self {
                unended: !text.is_empty() && !text.ends_with('\n'),
                file,
                path: path.into(),
                system: None,
                messages: Vec::new(),
                begun: !text.trim().is_empty(),
                new,
            };
            chat.read(&text)?;
            return Ok(chat);
        }
    }

    fn read(&mut self, text: &str) -> Result<()> {
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let wrong = |why: &str| {
                let message = format!("{}:{number}: {why}", self.path.display());
                let hint =
                    r#"each line of a conversation is like {"role":"user","content":"Hello"}"#;
                Failure::new(Kind::Local, message).hint(hint)
            };
            let line: Line = serde_json::from_str(line).map_err(|_| wrong("this is no message"))?;
            let first = self.messages.is_empty() && self.system.is_none();
            let content = line.content.get();
            let role = match line.role {
                Speaker::System if first => {
                    let text = serde_json::from_str(content)
                        .map_err(|_| wrong("the system prompt is no text"))?;
                    self.system = Some(text);
                    continue;
                }
                Speaker::System => {
                    return Err(wrong("a system prompt stands on the first line only").into());
                }
                Speaker::User => Role::User,
                Speaker::Assistant => Role::Assistant,
            };
            if !content.starts_with(['"', '[']) {
                return Err(wrong("the content is neither text nor a list of blocks").into());
            }
            self.messages.push(Message {
                role,
                content: Content::Kept(line.content.to_owned()),
            });
        }
        Ok(())
    }

    /// Appends a whole turn, in one write.
    pub fn append(mut self, turn: &Turn) -> Result<()> {
        let mut lines = Vec::from(if self.unended { "\n" } else { "" });
        if let Some(system) = turn.system.filter(|_| !self.begun) {
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
        let cannot = || {
            Failure::new(
                Kind::Local,
                format!("cannot write to the conversation {}", self.path.display()),
            )
        };
        let whole = self.file.seek(SeekFrom::End(0)).with_context(cannot)?;
        if let Err(error) = self.file.write_all(&lines) {
            // half a turn is worse than none; what is there already stays
            let _ = self.file.set_len(whole);
            return Err(error).with_context(cannot);
        }
        self.new = false;
        Ok(())
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        if self.new && self.file.metadata().is_ok_and(|file| file.len() == 0) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A message of the user's or the assistant's, its content as it stands; `None` if it is none.
pub fn message(json: &str) -> Option<Message> {
    let line: Line = serde_json::from_str(json).ok()?;
    let role = match line.role {
        Speaker::System => return None,
        Speaker::User => Role::User,
        Speaker::Assistant => Role::Assistant,
    };
    let fits = line.content.get().starts_with(['"', '[']);
    fits.then(|| Message {
        role,
        content: Content::Kept(line.content.to_owned()),
    })
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
