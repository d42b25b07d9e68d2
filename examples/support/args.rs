use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
Reads every item of a paginated API and prints one per line.

usage: cargo run --example get_docs -- [options]

  --url URL       read this JSON API, paginated by Link headers, instead of the built-in server
  --items POINTER JSON pointer to the array of items in a response, such as /items (default: the whole response)
  --resume FILE   keep a checkpoint in FILE, and resume from it if the file exists
  --per-page N    request N items per page from the built-in server (default 100, the maximum)
  --slow MS       pause after every item, to leave time for a Ctrl-C
  --help          print this
";

/// The options described in `HELP`.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) url: Option<String>,
    pub(crate) items: String,
    pub(crate) resume: Option<PathBuf>,
    pub(crate) per_page: u32,
    pub(crate) slow: Duration,
}

/// A reason to print the help.
pub(crate) enum Help {
    Requested,
    InvalidArgs(String),
}

impl Help {
    pub(crate) fn print(&self) -> ExitCode {
        // A closed pipe is not an error here.
        match self {
            Self::Requested => {
                drop(write!(io::stdout(), "{HELP}"));
                ExitCode::SUCCESS
            }
            Self::InvalidArgs(error) => {
                drop(write!(io::stderr(), "{error}\n\n{HELP}"));
                ExitCode::from(2)
            }
        }
    }
}

impl From<String> for Help {
    fn from(error: String) -> Self {
        Self::InvalidArgs(error)
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
            let text =
                |value: OsString| value.into_string().map_err(|_| format!("{option} needs valid UTF-8"));
            let number = |value: OsString| {
                let text = value.to_string_lossy();
                text.parse::<u32>().map_err(|_| format!("{option} needs a number, not {text:?}"))
            };
            match &*option {
                "--url" => args.url = Some(text(value()?)?),
                "--items" => args.items = text(value()?)?,
                "--resume" => args.resume = Some(value()?.into()),
                "--per-page" => (args.per_page, sized) = (number(value()?)?, true),
                "--slow" => args.slow = Duration::from_millis(number(value()?)?.into()),
                "--help" | "-h" => return Err(Help::Requested),
                _ => return Err(format!("unknown option: {option}").into()),
            }
        }
        args.check(sized)?;
        Ok(args)
    }

    fn check(&self, sized: bool) -> Result<(), String> {
        if sized && self.url.is_some() {
            return Err(
                "--per-page is for the built-in server; for another one, put the page size into --url"
                    .to_owned(),
            );
        }
        if !self.items.is_empty() && !self.items.starts_with('/') {
            return Err(format!("--items needs a JSON pointer, which starts with a slash: {:?}", self.items));
        }
        Ok(())
    }
}
