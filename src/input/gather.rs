//! The files of `-f` and of a list. Each is sent once. What cannot be sent is refused, but skipped if it was listed.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::attachment::media_type;
use super::builder::PromptBuilder;
use super::file::{FileId, InputFile, file_id};
use super::hints::with_hint;
use super::list::Entry;
use super::text::empty;
use super::unsendable::{FOLDER, SPECIAL, Unsendable};

/// How a file begins that Git LFS has not downloaded.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// How the names of pictures and PDF files end, those included that cannot be sent.
const ENDS: [&str; 11] =
    ["png", "jpg", "jpeg", "gif", "webp", "pdf", "heic", "avif", "tif", "tiff", "bmp"];

/// The files of a message, as far as they are read.
#[derive(Default)]
pub struct Files {
    pub builder: PromptBuilder,
    /// Those that were read, and the folders that were skipped.
    known: BTreeSet<FileId>,
    skipped: Cases,
    misnamed: Cases,
}

/// How many cases there are, and what is said about the first one.
#[derive(Default)]
struct Cases {
    count: usize,
    first: String,
}

impl Cases {
    fn add(&mut self, case: String) {
        if self.count == 0 {
            self.first = case;
        }
        self.count += 1;
    }
}

impl Files {
    /// No files yet. The lines of text files may be numbered.
    pub fn new(line_numbers: bool) -> Self {
        Self { builder: PromptBuilder::new(line_numbers), ..Self::default() }
    }

    /// Adds the files that arguments name.
    pub fn add_named(&mut self, files: &[InputFile]) -> Result<()> {
        for file in files {
            if file.path().is_some_and(|path| self.is_known(path)) {
                continue;
            }
            let added = file.read(|bytes, name| {
                if bytes.is_empty() {
                    return Err(empty(name).into());
                }
                let unsendable = self.add(&file.argument(), bytes)?;
                unsendable.map_or(Ok(()), |what| Err(what.failure(name).into()))
            });
            added.map_err(|error| with_hint(error, file.path()))?;
        }
        Ok(())
    }

    /// Adds the files of a list. `detail` reports each path that is skipped.
    pub fn add_listed(&mut self, list: &[Entry], detail: impl Fn(&str)) -> Result<()> {
        for entry in list {
            let path = entry.path();
            if self.is_known(path) {
                continue;
            }
            let unsendable = match path.metadata() {
                Ok(file) if file.is_dir() => Some(FOLDER),
                // to open a named pipe may take for ever
                Ok(file) if !file.is_file() => Some(SPECIAL),
                _ => entry.read(|bytes, name| self.add(name, bytes))?,
            };
            if let Some(what) = unsendable {
                let why = what.describe(&path.display().to_string());
                detail(&format!("skipped a listed path: {why}"));
                self.skipped.add(why);
            }
        }
        Ok(())
    }

    /// Whether a file is there already, by whatever path or link.
    fn is_known(&mut self, path: &Path) -> bool {
        file_id(path).is_some_and(|id| !self.known.insert(id))
    }

    /// Adds a file, or says what it is instead of text, a picture or a PDF.
    fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<Option<Unsendable>> {
        let is_pointer = bytes.starts_with(POINTER);
        let end = Path::new(name).extension().unwrap_or_default().to_ascii_lowercase();
        let is_misnamed = ENDS.iter().any(|name| *name == end) && media_type(&bytes).is_none();
        let unsendable = self.builder.add_file(name, bytes)?;
        if unsendable.is_none() && (is_pointer || is_misnamed) {
            let why = if is_pointer {
                "it is a Git LFS pointer; git lfs pull downloads the file itself"
            } else {
                "its content is no picture and no PDF"
            };
            self.misnamed.add(format!("{name} is sent as text: {why}"));
        }
        Ok(unsendable)
    }

    /// Notes what was skipped, and which files are not what their names say.
    pub fn note(&self, notify: impl Fn(&str)) {
        let note = |cases: &Cases, start: &str, others: &str| match cases {
            Cases { count: 0, .. } => {}
            Cases { count: 1, first } => notify(&format!("{start}{first}")),
            Cases { first, .. } => notify(&format!("{start}{first}; {others}")),
        };
        let Self { skipped, misnamed, .. } = self;
        note(skipped, &format!("skipped {} of the listed paths: ", skipped.count), "-v names all");
        let more = misnamed.count.saturating_sub(1);
        let are = if more == 1 { "is" } else { "are" };
        note(misnamed, "", &format!("{more} more {are} like it"));
    }
}
