use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use withal::pages::Checkpoint;

/// A checkpoint in a file, beside what it is a checkpoint of.
#[derive(Debug)]
pub(crate) struct Saved {
    file: PathBuf,
    content: Content,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    source: String,
    checkpoint: Checkpoint<String>,
}

impl Saved {
    /// Reads the file, or begins one; one that is there and is not of this source stays as it is.
    pub(crate) fn open(file: PathBuf, source: &str) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
        let content: Content = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                named(io::Error::new(ErrorKind::InvalidData, format!("no checkpoint of get_docs: {error}")))
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Content { source: source.to_owned(), checkpoint: Checkpoint::default() }
            }
            Err(error) => return Err(named(error)),
        };
        if content.source != source {
            let told = format!("a checkpoint of {}, and not of {source}", content.source);
            return Err(named(io::Error::new(ErrorKind::InvalidData, told)));
        }
        let mut saved = Self { file, content };
        // Now rather than after the first page, should the file be one that cannot be written.
        saved.save(saved.checkpoint())?;
        Ok(saved)
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint<String> {
        self.content.checkpoint.clone()
    }

    /// Replaces the file as a whole: whenever the program is killed, the old one is there, or the new one.
    pub(crate) fn save(&mut self, checkpoint: Checkpoint<String>) -> io::Result<()> {
        self.content.checkpoint = checkpoint;
        let mut beside = self.file.clone().into_os_string();
        beside.push(".get_docs.tmp");
        let written = fs::write(&beside, serde_json::to_vec(&self.content)?);
        let replaced = written.and_then(|()| fs::rename(&beside, &self.file));
        replaced.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.file.display())))
    }
}
