//! The messages of a request: text, pictures and PDF files.

use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Debug, Clone, Serialize)]
pub struct Message {
    pub role: Role,
    pub content: Content,
    /// The `FILE:LINE` of a conversation that it comes from.
    #[serde(skip)]
    pub origin: Option<String>,
}

impl Message {
    pub fn user(content: Content) -> Self {
        Self { role: Role::User, content, origin: None }
    }

    /// The names of what it comes from: a line for the whole, or a file for the block with this number.
    pub(super) fn origins(&self) -> impl Iterator<Item = (Option<usize>, &str)> {
        let blocks = if let Content::Blocks(blocks) = &self.content { &blocks[..] } else { &[] };
        let files =
            (0..).zip(blocks).filter_map(|(block, content)| Some((Some(block), content.path()?)));
        self.origin.iter().map(|line| (None, &**line)).chain(files)
    }

    /// A message of the assistant: an answer, or its first words.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: Content::Text(text.into()), origin: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    User,
    Assistant,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Text alone: a JSON string, the documented form.
    Text(String),
    /// Text and attachments.
    Blocks(Vec<ContentBlock>),
    /// Unchanged JSON from a conversation's file or a batch item.
    Raw(Box<RawValue>),
}

impl Content {
    /// Whether one of its blocks is marked to be cached.
    pub fn is_marked(&self) -> bool {
        matches!(self, Self::Blocks(blocks) if blocks.iter().any(ContentBlock::is_marked))
    }

    /// Removes the marks before the message is added to a conversation, because the server takes four marks at most.
    pub fn unmark(&mut self) {
        if let Self::Blocks(blocks) = self {
            for block in blocks {
                *block.cache_control() = None;
            }
        }
    }
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ContentBlock {
    Text {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Image {
        source: Base64Source,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
        /// The path of its file, or `-` for standard input.
        #[serde(skip)]
        path: String,
    },
    /// A PDF.
    Document {
        source: Base64Source,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
        /// The path of its file, or `-` for standard input.
        #[serde(skip)]
        path: String,
    },
}

impl ContentBlock {
    pub fn text(text: String) -> Self {
        Self::Text { text, cache_control: None }
    }

    /// Has the server cache the request up to this block.
    pub fn mark(&mut self) {
        *self.cache_control() = Some(CacheControl::Ephemeral);
    }

    /// The path of an attachment's file.
    fn path(&self) -> Option<&str> {
        match self {
            Self::Text { .. } => None,
            Self::Image { path, .. } | Self::Document { path, .. } => Some(path),
        }
    }

    fn is_marked(&self) -> bool {
        let (Self::Text { cache_control, .. }
        | Self::Image { cache_control, .. }
        | Self::Document { cache_control, .. }) = self;
        cache_control.is_some()
    }

    fn cache_control(&mut self) -> &mut Option<CacheControl> {
        let (Self::Text { cache_control, .. }
        | Self::Image { cache_control, .. }
        | Self::Document { cache_control, .. }) = self;
        cache_control
    }
}

/// How the server caches a request: for five minutes after its last use.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum CacheControl {
    Ephemeral,
}

/// The bytes of an attachment.
#[derive(Debug, Clone, Serialize)]
pub struct Base64Source {
    #[serde(rename = "type")]
    kind: &'static str,
    media_type: &'static str,
    data: String,
}

impl Base64Source {
    /// An attachment's bytes in base64 (RFC 4648, padded).
    pub fn base64(media_type: &'static str, data: String) -> Self {
        Self { kind: "base64", media_type, data }
    }
}
