use std::fmt::Display;

use futures::{Stream, StreamExt};
use withal::pages::{Error, ErrorKind};

/// Returns what a stream yields as text: its items, its errors after a `!`, and `end`, which it must yield twice.
pub async fn trace<S, T, E>(stream: &mut S) -> String
where
    S: Stream<Item = Result<T, Error<E>>> + Unpin,
    T: Display,
    E: Display,
{
    let mut words = Vec::new();
    while let Some(result) = stream.next().await {
        words.push(match result {
            Ok(item) => item.to_string(),
            Err(error) => match error.kind() {
                ErrorKind::Fetch { source, .. } => format!("! {error}: {source};"),
                _ => format!("! {error};"),
            },
        });
        assert!(words.len() < 10_000, "this stream does not end");
    }
    assert!(stream.next().await.is_none(), "a stream that has ended yields no more");
    words.push("end".to_owned());
    words.join(" ")
}

/// Returns the items of a stream that does not fail.
pub async fn items<S, T, E>(stream: S) -> Vec<T>
where
    S: Stream<Item = Result<T, Error<E>>>,
    E: std::fmt::Debug,
{
    stream.map(|item| item.expect("this stream does not fail")).collect().await
}
