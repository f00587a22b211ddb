//! The items of a batch: a line each, as text, as a JSON string, or as an object.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::chat;
use super::text::open;
use crate::api::{LARGEST_REQUEST, Message};
use crate::error::{Failure, Kind};

/// One line that is not blank.
pub struct Item {
    /// Its number in the file, from 1.
    pub line: u64,
    pub id: Option<Box<RawValue>>,
    /// What is asked, or why it cannot be.
    pub asked: Result<Asked, String>,
    /// How many bytes of it were not UTF-8.
    pub replaced: usize,
}

/// What an item asks.
pub struct Asked {
    pub said: Said,
    pub overrides: Overrides,
}

pub enum Said {
    Text(String),
    Messages(Vec<Message>),
}

/// What an item wants otherwise than the command line says.
#[derive(Debug, Default)]
pub struct Overrides {
    pub model: Option<String>,
    pub system: Option<String>,
    pub max_tokens: Option<u32>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub stop_sequences: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    prompt: Option<String>,
    #[serde(borrow)]
    messages: Option<Vec<&'a RawValue>>,
    model: Option<String>,
    system: Option<String>,
    max_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop_sequences: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct OnlyId<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

/// Reads items one by one; a long file costs no memory.
pub struct Items {
    from: Box<dyn BufRead + Send>,
    line: u64,
}

/// How many items a file has, if that can be known: the lines that are not blank.
pub fn count_items(path: &Path) -> Result<Option<u64>> {
    let cannot = || Failure::new(Kind::Local, "cannot read the items");
    // a pipe is not opened twice: its writer may be gone the second time
    if !path.metadata().with_context(cannot)?.is_file() {
        return Ok(None);
    }
    let mut file = open(path)?;
    let (mut count, mut blank) = (0, true);
    let mut piece = vec![0; 64 << 10];
    loop {
        let length = file.read(&mut piece).with_context(cannot)?;
        if length == 0 {
            return Ok(Some(count + u64::from(!blank)));
        }
        for byte in &piece[..length] {
            if *byte == b'\n' {
                count += u64::from(!std::mem::replace(&mut blank, true));
            } else {
                blank &= byte.is_ascii_whitespace();
            }
        }
    }
}

impl Items {
    /// The items of a file, or of standard input.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let from: Box<dyn BufRead + Send> = match path {
            Some(path) => Box::new(BufReader::new(open(path)?)),
            None => Box::new(BufReader::new(std::io::stdin())),
        };
        Ok(Self { from, line: 0 })
    }

    /// The next line that is not blank; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Item>> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let cannot = || Failure::new(Kind::Local, "cannot read the items");
            let Some(whole) = self.read_line(&mut bytes).with_context(cannot)? else {
                return Ok(None);
            };
            self.line += 1;
            if !bytes.trim_ascii().is_empty() || !whole {
                return Ok(Some(item(self.line, &bytes, whole)));
            }
        }
    }

    /// A line without its end. `Some(false)` if it is too long, and then it is read but not kept.
    fn read_line(&mut self, line: &mut Vec<u8>) -> std::io::Result<Option<bool>> {
        let (mut begun, mut whole) = (false, true);
        loop {
            let ready = match self.from.fill_buf() {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                ready => ready?,
            };
            if ready.is_empty() {
                return Ok(begun.then_some(whole));
            }
            begun = true;
            let end = memchr::memchr(b'\n', ready);
            let part = &ready[..end.unwrap_or(ready.len())];
            whole &= line.len() + part.len() <= LARGEST_REQUEST;
            if whole {
                line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.from.consume(used);
            if end.is_some() {
                return Ok(Some(whole));
            }
        }
    }
}

fn item(line: u64, bytes: &[u8], whole: bool) -> Item {
    let failed = |why: String| Item {
        line,
        id: None,
        asked: Err(why),
        replaced: 0,
    };
    if !whole {
        return failed("the line is over 32 MiB, and the API takes no larger request".into());
    }
    if bytes[..bytes.len().min(8 << 10)].contains(&0) {
        return failed("the line is binary: it has a NUL byte".into());
    }
    let bytes = if line == 1 {
        bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
    } else {
        bytes
    };
    let replaced = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix('\r').unwrap_or(&text);
    let trimmed = text.trim();
    if trimmed.starts_with('{') {
        let id = serde_json::from_str::<OnlyId>(trimmed)
            .ok()
            .and_then(|only| only.id.map(ToOwned::to_owned));
        return Item {
            line,
            id,
            asked: object(trimmed),
            replaced,
        };
    }
    let quoted = trimmed
        .starts_with('"')
        .then(|| serde_json::from_str::<String>(trimmed).ok())
        .flatten();
    let text = quoted.unwrap_or_else(|| text.into());
    let asked = if text.trim().is_empty() {
        Err("there is no prompt".into())
    } else {
        Ok(text)
    };
    let asked = asked.map(|text| Asked {
        said: Said::Text(text),
        overrides: Overrides::default(),
    });
    Item {
        line,
        id: None,
        asked,
        replaced,
    }
}

fn object(json: &str) -> Result<Asked, String> {
    let object: Object = serde_json::from_str(json)
        .map_err(|error| format!("the line is no usable object: {error}"))?;
    if object.id.is_some_and(|id| id.get().starts_with(['{', '['])) {
        return Err("the id is neither text nor a number".into());
    }
    let said = match (object.prompt, object.messages) {
        (Some(_), Some(_)) => return Err("it has both prompt and messages".into()),
        (Some(prompt), None) if !prompt.trim().is_empty() => Said::Text(prompt),
        (None, Some(messages)) if !messages.is_empty() => {
            let message =
                |json: &RawValue| chat::message(json.get()).ok_or("one of the messages is none");
            Said::Messages(
                messages
                    .into_iter()
                    .map(message)
                    .collect::<Result<_, _>>()?,
            )
        }
        _ => return Err("there is no prompt".into()),
    };
    for (name, value) in [("temperature", object.temperature), ("top_p", object.top_p)] {
        if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return Err(format!("{name} must be a number from 0.0 to 1.0"));
        }
    }
    if object.max_tokens == Some(0) {
        return Err("max_tokens must be a whole number from 1".into());
    }
    let overrides = Overrides {
        model: object.model,
        system: object.system,
        max_tokens: object.max_tokens,
        temperature: object.temperature,
        top_p: object.top_p,
        stop_sequences: object.stop_sequences,
    };
    Ok(Asked { said, overrides })
}
