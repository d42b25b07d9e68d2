//! Invariants of the parsers for arbitrary bytes.
//!
//! Each target runs for a moment by default. To run one for ten minutes:
//!
//! ```sh
//! FUZZ_SECONDS=600 cargo test --release --test pages http::fuzz::link
//! ```
//!
//! An input that breaks an invariant is part of the panic's message. `FUZZ_SEED` sets the first seed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderValue, LINK, RETRY_AFTER};
use withal::pages::Checkpoint;
use withal::pages::http::{self, Links};
use withal_test_support::random::Random;

/// Random inputs.
struct Inputs(Random);

impl Inputs {
    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.0.below(from.len())]
    }

    /// One of the seeds after up to eight changes: bytes and words are inserted, replaced and removed.
    fn input(&mut self, seeds: &[&str], words: &[&str]) -> Vec<u8> {
        let mut input = self.pick(seeds).as_bytes().to_vec();
        for _ in 0..self.0.below(9) {
            let at = self.0.below(input.len() + 1);
            let end = (at + self.0.below(4)).min(input.len());
            match self.0.below(4) {
                0 => drop(input.splice(at..at, self.pick(words).bytes())),
                1 => drop(input.splice(at..end, self.pick(words).bytes())),
                2 => drop(input.splice(at..end, [])),
                _ => {
                    let byte = u8::try_from(self.0.below(256)).unwrap();
                    input.splice(at..end, [byte]);
                }
            }
        }
        input
    }
}

/// Checks inputs until the time is up.
fn fuzz(seeds: &[&str], words: &[&str], check: impl Fn(&[u8])) {
    let setting = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect(name));
    let mut random = Inputs(Random(setting("FUZZ_SEED").unwrap_or(0)));
    let end = setting("FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut count = 0_u64;
    while end.map_or(count < 3000, |end| count % 256 != 0 || Instant::now() < end) {
        let input = random.input(seeds, words);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| check(&input))) {
            eprintln!("input {count}: {:?}", String::from_utf8_lossy(&input));
            resume_unwind(payload);
        }
        count += 1;
    }
    if end.is_some() {
        eprintln!("{count} inputs");
    }
}

fn headers(name: reqwest::header::HeaderName, value: &[u8]) -> Option<HeaderMap> {
    Some(HeaderMap::from_iter([(name, HeaderValue::from_bytes(value).ok()?)]))
}

#[test]
fn link() {
    let seeds = [
        "<http://a/?page=2>; rel=\"next\"",
        "</a>; rel=next; title=\"x, y\", <b>; rel=\"prev last\"; results=\"false\"",
        "<>; rel=next",
        "",
    ];
    let words =
        ["<", ">", ";", ",", "\"", "\\", "rel", "=", "next", "*", " ", "\t", "'", "é", "utf-8''x%20y"];
    fuzz(&seeds, &words, |input| {
        let Some(mut headers) = headers(LINK, input) else { return };
        let links = Links::parse(&headers);
        for link in links.iter() {
            let _ = (link.target().len(), link.has_rel("next"), link.parameter("title"), link.rels().count());
        }
        drop(links.find("next"));
        // No header can hide the link of another one.
        headers.append(LINK, HeaderValue::from_static("<http://a/3>; rel=\"next\""));
        assert!(matches!(Links::parse(&headers).find("next"), Ok(Some(_))));
    });
}

#[test]
fn retry_after() {
    let seeds =
        ["120", "0.5", "3, 3", "1m30s", "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.5Z", ""];
    let words =
        ["0", "9999999999", ".", ",", "s", "ms", "h", ":", "-", "T", "Z", "GMT", " ", "+00:00", "e", "é"];
    fuzz(&seeds, &words, |input| {
        let Some(mut headers) = headers(RETRY_AFTER, input) else { return };
        let delay = http::retry_after(&headers);
        if !input.is_empty() && input.iter().all(u8::is_ascii_digit) {
            let seconds = std::str::from_utf8(input).unwrap().parse().unwrap_or(u64::MAX);
            assert_eq!(delay, Some(Duration::from_secs(seconds)));
        }
        // The longest delay counts.
        headers.append(RETRY_AFTER, HeaderValue::from_static("7"));
        let longest = http::retry_after(&headers).unwrap();
        assert!(longest >= Duration::from_secs(7), "{longest:?}");
        // A date comes closer from one call to the next.
        assert!(
            longest.saturating_add(Duration::from_secs(9)) >= delay.unwrap_or_default(),
            "{delay:?} {longest:?}"
        );
        // The reset of a rate limit has the same formats.
        for name in ["ratelimit", "x-ratelimit-reset", "ratelimit-reset"] {
            let headers = HeaderMap::from_iter([(
                reqwest::header::HeaderName::from_static(name),
                HeaderValue::from_bytes(input).unwrap(),
            )]);
            let _ = http::retry_after(&headers);
        }
    });
}

#[test]
fn checkpoint() {
    let format = serde_json::to_string(&Checkpoint::new(Some("/docs?page=2".to_owned()), 3)).unwrap();
    let start = serde_json::to_string(&Checkpoint::<String>::default()).unwrap();
    let words = [
        "{",
        "}",
        "\"",
        ":",
        ",",
        "null",
        "true",
        "1e3",
        "-1",
        "9007199254740993",
        "\"skip\"",
        "\\ud83d",
        "é",
    ];
    fuzz(&[&format, &start, ""], &words, |input| {
        if let Ok(checkpoint) = serde_json::from_slice::<Checkpoint<String>>(input) {
            let text = serde_json::to_string(&checkpoint).unwrap();
            assert_eq!(serde_json::from_str::<Checkpoint<String>>(&text).unwrap(), checkpoint);
            drop(format!("{checkpoint:?}"));
        }
        drop(serde_json::from_slice::<Checkpoint<u64>>(input));
    });
}

#[test]
fn detect() {
    let seeds = [
        r#"{"items":[{"id":1}],"next":"http://a/?page=2","total":7}"#,
        r#"{"data":[],"meta":{"next_cursor":"x"},"links":{"next":null},"has_more":true}"#,
        r#"{"value":[1],"@odata.nextLink":"Orders?$skiptoken=a"}"#,
        r#"{"results":[{"id":"a"}],"page":1,"total_pages":3,"offset":0,"limit":10}"#,
        r#"{"data":{"users":{"nodes":[],"pageInfo":{"hasNextPage":true,"endCursor":"x"}}}}"#,
        "[1,2,3]",
        "",
    ];
    let words = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "null",
        "\"next\"",
        "\"cursor\"",
        "1",
        "/~1",
        "é",
        "\\u0000",
        "<",
    ];
    fuzz(&seeds, &words, |input| {
        let empty = HeaderMap::new();
        if let Some(proposal) = http::detect(&empty, input) {
            drop(format!("{proposal:?}"));
        }
        if let Some(headers) = headers(LINK, input) {
            drop(http::detect(&headers, input));
        }
    });
}
