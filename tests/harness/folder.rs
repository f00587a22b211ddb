//! A folder of the test's own, which is gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::json_lines;

pub struct Folder(TempDir);

/// An empty folder.
pub fn folder() -> Folder {
    Folder(tempfile::tempdir().expect("a folder"))
}

impl Folder {
    /// The folder with one more file, or folder and file, in it.
    pub fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(name, content);
        self
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect(name);
        fs::write(path, content).expect(name);
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).expect(name)
    }

    /// A file of JSON lines, the last of which has to have its line end.
    #[track_caller]
    pub fn json_lines(&self, name: &str) -> Vec<Value> {
        let text = self.read(name);
        assert!(text.ends_with('\n'), "{text}");
        json_lines(&text)
    }

    /// The names and contents of all files.
    #[track_caller]
    pub fn files(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.path()).expect("the folder").flatten();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        entries.map(name).map(|name| (name.clone(), self.read(&name))).collect()
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The full path of a file, as an argument.
    pub fn name(&self, name: &str) -> String {
        self.join(name).to_str().expect("a path in UTF-8").to_string()
    }
}
