use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
Reads every document of a paginated API, and prints them one a line.

usage: cargo run --example get_docs -- [options]

  --url URL       read this JSON API, which has Link headers, instead of the server that comes along
  --items POINTER where its answers have the array of documents, as a JSON pointer (/items); by default they are it
  --resume FILE   keep a checkpoint in FILE, and go on from the one that is there
  --per-page N    ask the server that comes along for N documents a page (default 100, its maximum)
  --slow MS       pause after every document, to have time for a Ctrl-C
  --help          print this
";

/// The options, as `HELP` has them.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) url: Option<String>,
    pub(crate) items: String,
    pub(crate) resume: Option<PathBuf>,
    pub(crate) per_page: u32,
    pub(crate) slow: Duration,
}

/// The help was asked for, or is needed.
pub(crate) enum Help {
    Wanted,
    Needed(String),
}

impl Help {
    pub(crate) fn print(&self) -> ExitCode {
        // If nobody reads it, so be it.
        match self {
            Self::Wanted => {
                drop(write!(io::stdout(), "{HELP}"));
                ExitCode::SUCCESS
            }
            Self::Needed(wrong) => {
                drop(write!(io::stderr(), "{wrong}\n\n{HELP}"));
                ExitCode::from(2)
            }
        }
    }
}

impl From<String> for Help {
    fn from(wrong: String) -> Self {
        Self::Needed(wrong)
    }
}

impl Args {
    pub(crate) fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Self, Help> {
        let mut args =
            Self { url: None, items: String::new(), resume: None, per_page: 100, slow: Duration::ZERO };
        let mut sized = false;
        while let Some(option) = words.next() {
            let option = option.to_string_lossy();
            let mut value = || words.next().ok_or_else(|| format!("{option} needs a value"));
            let text = |value: OsString| value.into_string().map_err(|_| format!("{option} needs a text"));
            let number = |value: OsString| {
                let text = value.to_string_lossy();
                text.parse::<u32>().map_err(|_| format!("{option} needs a number, and {text:?} is none"))
            };
            match &*option {
                "--url" => args.url = Some(text(value()?)?),
                "--items" => args.items = text(value()?)?,
                "--resume" => args.resume = Some(value()?.into()),
                "--per-page" => (args.per_page, sized) = (number(value()?)?, true),
                "--slow" => args.slow = Duration::from_millis(number(value()?)?.into()),
                "--help" | "-h" => return Err(Help::Wanted),
                _ => return Err(format!("unknown option: {option}").into()),
            }
        }
        args.check(sized)?;
        Ok(args)
    }

    fn check(&self, sized: bool) -> Result<(), String> {
        if sized && self.url.is_some() {
            return Err(
                "--per-page is for the server that comes along; another's stands in its URL".to_owned()
            );
        }
        if !self.items.is_empty() && !self.items.starts_with('/') {
            return Err(format!("--items needs a JSON pointer, which begins with a slash: {:?}", self.items));
        }
        Ok(())
    }
}
