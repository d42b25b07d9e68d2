use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use withal::pages::Checkpoint;

use super::Args;

/// A checkpoint in a file, with the URL it belongs to. Without a file, nothing is saved.
pub(crate) struct Saved {
    file: Option<PathBuf>,
    content: Content,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    source: String,
    checkpoint: Checkpoint<String>,
}

impl Saved {
    /// Reads the file, or creates it. A file that belongs to another URL is an error and is not modified.
    pub(crate) fn open(args: &Args, url: &str) -> Result<Self, Box<dyn Error>> {
        let source = source(args, url)?;
        let found = args.resume.as_ref().map(|file| read(file)).transpose()?.flatten();
        let content = found.unwrap_or(Content { source: source.clone(), checkpoint: Checkpoint::default() });
        let mut saved = Self { file: args.resume.clone(), content };
        if saved.content.source != source {
            let message = format!("the checkpoint belongs to {}, not to {source}", saved.content.source);
            return Err(saved.with_path(&message).into());
        }
        if saved.content.checkpoint.is_done() {
            drop(writeln!(
                io::stderr(),
                "{}",
                saved.with_path("all items have been read; delete the file to start again")
            ));
        }
        // Saved now, so that a file that cannot be written is an error before the first request.
        saved.save(saved.checkpoint())?;
        Ok(saved)
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint<String> {
        self.content.checkpoint.clone()
    }

    /// Replaces the file atomically: if the program is killed, the file is either the old one or the new one.
    pub(crate) fn save(&mut self, checkpoint: Checkpoint<String>) -> io::Result<()> {
        self.content.checkpoint = checkpoint;
        let Some(file) = &self.file else { return Ok(()) };
        let mut temporary = file.clone().into_os_string();
        temporary.push(".get_docs.tmp");
        let written = fs::write(&temporary, serde_json::to_vec(&self.content)?);
        let replaced = written.and_then(|()| fs::rename(&temporary, file));
        replaced.map_err(|error| io::Error::new(error.kind(), self.with_path(&error.to_string())))
    }

    /// Returns a hint on how to resume.
    pub(crate) fn hint(&self) -> String {
        self.file.as_ref().map_or_else(String::new, |file| {
            format!("; run again with --resume {} to continue", file.display())
        })
    }

    fn with_path(&self, message: &str) -> String {
        with_path(self.file.as_deref().unwrap_or(Path::new("")), message)
    }
}

fn with_path(file: &Path, message: &str) -> String {
    format!("{}: {message}", file.display())
}

fn read(file: &Path) -> Result<Option<Content>, String> {
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice::<Content>(&bytes)
            .map(Some)
            .map_err(|error| with_path(file, &format!("not a checkpoint of get_docs: {error}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(with_path(file, &error.to_string())),
    }
}

/// Returns the URL that a checkpoint belongs to: with the JSON pointer, without user name and password.
fn source(args: &Args, url: &str) -> Result<String, Box<dyn Error>> {
    let mut url = Url::parse(url)?;
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment((!args.items.is_empty()).then_some(args.items.as_str()));
    if args.url.is_none() {
        // The built-in server has another port each time.
        let _ = url.set_port(None);
    }
    Ok(url.into())
}
