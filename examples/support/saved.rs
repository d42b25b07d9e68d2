use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use withal::pages::Checkpoint;

use super::Args;

/// A checkpoint in a file, beside what it is a checkpoint of; without a file, nothing is kept.
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
    /// Reads the file, or begins one; one that is there and is not of this walk stays as it is.
    pub(crate) fn open(args: &Args, url: &str) -> Result<Self, Box<dyn Error>> {
        let source = source(args, url)?;
        let found = args.resume.as_ref().map(|file| read(file)).transpose()?.flatten();
        let content = found.unwrap_or(Content { source: source.clone(), checkpoint: Checkpoint::default() });
        let mut saved = Self { file: args.resume.clone(), content };
        if saved.content.source != source {
            let told = format!("a checkpoint of {}, and not of {source}", saved.content.source);
            return Err(saved.named(&told).into());
        }
        if saved.content.checkpoint.is_done() {
            drop(writeln!(
                io::stderr(),
                "{}",
                saved.named("the walk is done; without this file it begins anew")
            ));
        }
        // Now rather than after the first page, should the file be one that cannot be written.
        saved.save(saved.checkpoint())?;
        Ok(saved)
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint<String> {
        self.content.checkpoint.clone()
    }

    /// Replaces the file as a whole: whenever the program is killed, the old one is there, or the new one.
    pub(crate) fn save(&mut self, checkpoint: Checkpoint<String>) -> io::Result<()> {
        self.content.checkpoint = checkpoint;
        let Some(file) = &self.file else { return Ok(()) };
        let mut beside = file.clone().into_os_string();
        beside.push(".get_docs.tmp");
        let written = fs::write(&beside, serde_json::to_vec(&self.content)?);
        let replaced = written.and_then(|()| fs::rename(&beside, file));
        replaced.map_err(|error| io::Error::new(error.kind(), self.named(&error.to_string())))
    }

    /// How to go on.
    pub(crate) fn hint(&self) -> String {
        self.file
            .as_ref()
            .map_or_else(String::new, |file| format!("; run again with --resume {} to go on", file.display()))
    }

    fn named(&self, told: &str) -> String {
        named(self.file.as_deref().unwrap_or(Path::new("")), told)
    }
}

fn named(file: &Path, told: &str) -> String {
    format!("{}: {told}", file.display())
}

fn read(file: &Path) -> Result<Option<Content>, String> {
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice::<Content>(&bytes)
            .map(Some)
            .map_err(|error| named(file, &format!("no checkpoint of get_docs: {error}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(file, &error.to_string())),
    }
}

/// What a checkpoint is a checkpoint of: the URL and the place in its answers, without user name and password.
fn source(args: &Args, url: &str) -> Result<String, Box<dyn Error>> {
    let mut url = Url::parse(url)?;
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment((!args.items.is_empty()).then_some(args.items.as_str()));
    if args.url.is_none() {
        // The port of our own server is another one each time.
        let _ = url.set_port(None);
    }
    Ok(url.into())
}
