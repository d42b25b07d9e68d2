use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use withal::pages::Checkpoint;

use super::Item;
use super::args::Args;
use super::failure::Failure;
use super::paginator::Paginator;

/// The file of items and the checkpoint beside it, which are committed together.
///
/// The checkpoint contains the length of the file at its position. A commit appends items to the file first, and then
/// replaces the checkpoint, atomically. If the program is killed between the two, the file is longer than the
/// checkpoint states: the next run truncates it, and requests these items again.
pub(crate) struct Output {
    /// `None` for stdout, which has no checkpoint.
    file: Option<(PathBuf, File)>,
    saved: Saved,
}

/// The content of the checkpoint file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    url: String,
    items: Option<String>,
    /// `None` until it is chosen.
    paginator: Option<Paginator>,
    /// The length in bytes of the file of items.
    length: u64,
    /// `None` at the start.
    checkpoint: Option<Value>,
}

impl Output {
    /// Opens the file to start a download, or to resume one.
    pub(crate) fn open(args: &Args) -> Result<Self, Failure> {
        let url = args.url.as_ref().map_or_else(|| "built-in".to_owned(), without_credentials);
        let saved = Saved { url, items: args.items.clone(), paginator: None, length: 0, checkpoint: None };
        let Some(path) = args.out.clone() else { return Ok(Self { file: None, saved }) };
        let mut output =
            if args.resume { Self::resume(args, path, &saved) } else { Self::create(path, saved) }?;
        output.save()?;
        Ok(output)
    }

    fn create(path: PathBuf, saved: Saved) -> Result<Self, Failure> {
        if fs::metadata(&path).is_ok_and(|file| file.len() > 0) {
            let problem = "the file exists; continue it with --resume, or delete it";
            return Err(failure(&path, problem));
        }
        let file = File::create(&path).map_err(|error| failure(&path, error))?;
        Ok(Self { file: Some((path, file)), saved })
    }

    fn resume(args: &Args, path: PathBuf, new: &Saved) -> Result<Self, Failure> {
        let checkpoint = checkpoint_of(&path);
        let json = match fs::read(&checkpoint) {
            Ok(json) => json,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(failure(&checkpoint, "there is no checkpoint: start without --resume"));
            }
            Err(error) => return Err(failure(&checkpoint, error)),
        };
        let saved: Saved = serde_json::from_slice(&json)
            .map_err(|error| failure(&checkpoint, format!("not a checkpoint of crawl: {error}")))?;
        let is_same_paginator = saved.paginator.as_ref().is_none_or(|saved| args.paginate.allows(saved));
        if (&saved.url, &saved.items) != (&new.url, &new.items) || !is_same_paginator {
            let problem =
                format!("it was started with other values of --url ({}), --items or --paginate", saved.url);
            return Err(failure(&checkpoint, problem));
        }
        // Removes what was written after the checkpoint.
        let file = File::options().append(true).open(&path).map_err(|error| failure(&path, error))?;
        let length = file.metadata().map_err(|error| failure(&path, error))?.len();
        if length < saved.length {
            return Err(failure(
                &path,
                format!("{length} bytes, fewer than the {} of the checkpoint", saved.length),
            ));
        }
        file.set_len(saved.length).map_err(|error| failure(&path, error))?;
        Ok(Self { file: Some((path, file)), saved })
    }

    /// Returns the paginator of the earlier run.
    pub(crate) fn paginator(&self) -> Option<Paginator> {
        self.saved.paginator.clone()
    }

    pub(crate) fn set_paginator(&mut self, paginator: &Paginator) -> Result<(), Failure> {
        self.saved.paginator = Some(paginator.clone());
        self.save()
    }

    pub(crate) fn checkpoint<C: DeserializeOwned>(&self) -> Result<Checkpoint<C>, Failure> {
        let Some(checkpoint) = &self.saved.checkpoint else { return Ok(Checkpoint::default()) };
        serde_json::from_value(checkpoint.clone())
            .map_err(|error| Failure::File(format!("the checkpoint is not valid: {error}")))
    }

    /// Writes the items of a page and the checkpoint after them.
    pub(crate) fn commit<C: Serialize>(
        &mut self,
        items: &[Item],
        checkpoint: &Checkpoint<C>,
    ) -> Result<(), Failure> {
        let lines: String = items.iter().map(|item| line(item.get())).collect();
        let Some((path, file)) = &mut self.file else {
            let mut stdout = io::stdout().lock();
            stdout.write_all(lines.as_bytes())?;
            return Ok(stdout.flush()?);
        };
        // After a power failure, too, the file is at least as long as the checkpoint states.
        let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|error| failure(path, error))?;
        self.saved.length += lines.len() as u64;
        self.saved.checkpoint = Some(serde_json::to_value(checkpoint).map_err(io::Error::from)?);
        self.save()
    }

    /// Replaces the checkpoint atomically.
    fn save(&mut self) -> Result<(), Failure> {
        let Some((path, _)) = &self.file else { return Ok(()) };
        let checkpoint = checkpoint_of(path);
        let temporary = with_suffix(path, ".checkpoint.tmp");
        let json = serde_json::to_vec(&self.saved).map_err(io::Error::from)?;
        let write = || {
            let mut file = File::create(&temporary)?;
            file.write_all(&json)?;
            file.sync_data()?;
            fs::rename(&temporary, &checkpoint)
        };
        write().map_err(|error| failure(&checkpoint, error))
    }
}

/// Returns the JSON text of an item on one line. A string in JSON contains no line break, so that those of the text, with
/// the spaces around them, are between tokens.
fn line(json: &str) -> String {
    json.split(['\n', '\r']).map(str::trim).chain(["\n"]).collect()
}

fn checkpoint_of(path: &Path) -> PathBuf {
    with_suffix(path, ".checkpoint")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}

fn without_credentials(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

fn failure(path: &Path, problem: impl Display) -> Failure {
    Failure::File(format!("{}: {problem}", path.display()))
}
