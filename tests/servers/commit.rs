use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use withal::pages::Checkpoint;

/// A file of lines with a checkpoint, which are committed together as in `examples/crawl`.
pub(super) struct Output {
    path: PathBuf,
    file: File,
    saved: Saved,
}

#[derive(Default, Serialize, Deserialize)]
struct Saved {
    length: u64,
    checkpoint: Option<Value>,
}

impl Output {
    /// Opens the file and removes what was written after the checkpoint.
    pub(super) fn open(path: &Path) -> Self {
        let json = fs::read(path.with_extension("json"));
        let saved = json.map_or_else(|_| Saved::default(), |json| serde_json::from_slice(&json).unwrap());
        let mut file = File::options().create(true).truncate(false).write(true).open(path).unwrap();
        file.set_len(saved.length).unwrap();
        file.seek(std::io::SeekFrom::End(0)).unwrap();
        Self { path: path.to_owned(), file, saved }
    }

    pub(super) fn checkpoint<C: DeserializeOwned>(&self) -> Checkpoint<C> {
        let checkpoint = self.saved.checkpoint.clone();
        checkpoint.map_or_else(Checkpoint::default, |checkpoint| serde_json::from_value(checkpoint).unwrap())
    }

    /// The first half of a commit.
    pub(super) fn write(&mut self, lines: &str) {
        self.file.write_all(lines.as_bytes()).unwrap();
    }

    /// The second half of a commit.
    pub(super) fn save<C: Serialize>(&mut self, lines: &str, checkpoint: &Checkpoint<C>) {
        self.saved.length += lines.len() as u64;
        self.saved.checkpoint = Some(serde_json::to_value(checkpoint).unwrap());
        let temporary = self.path.with_extension("tmp");
        fs::write(&temporary, serde_json::to_vec(&self.saved).unwrap()).unwrap();
        fs::rename(&temporary, self.path.with_extension("json")).unwrap();
    }
}
