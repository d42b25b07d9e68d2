use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::retry_after::{retry_after_at, server_time, texts};
use super::timestamp::{parse_duration, parse_reset};

/// The number of requests that remain: of the IETF drafts up to 6, of GitHub and most others, of Okta and X, of `OpenAI`.
const REMAINING: [&str; 4] = [
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
    "x-ratelimit-remaining-requests",
];
/// The time when they are available again. `-after` is that of Discord, and more precise than its `X-RateLimit-Reset`.
const RESET: [&str; 5] = [
    "ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-reset-requests",
];
/// Both, of the IETF drafts from 7 on.
const COMBINED: &str = "ratelimit";

/// The state of a rate limit, as the headers of a response report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// No request remains before the reset.
    pub(super) exhausted: bool,
    /// The delay until the reset.
    pub(super) reset: Option<Duration>,
}

impl RateLimit {
    pub(super) fn new(headers: &HeaderMap, now: SystemTime) -> Self {
        // Most responses have none of these headers, and each lookup parses a name.
        if !headers.keys().any(|name| is_known(name.as_str())) {
            return Self::default();
        }
        let now = server_time(headers, now);
        let limits =
            texts(headers, COMBINED).flat_map(|text| text.split(',')).map(|part| combined(part, now));
        // Of several limits, one that is exhausted decides; the last one to reset, if there are several.
        let limits = limits.collect::<Vec<_>>();
        if let Some(limit) = limits.iter().filter(|limit| limit.exhausted).max_by_key(|limit| limit.reset) {
            // In draft 7, the reset is a member of its own.
            return Self {
                reset: limit.reset.or_else(|| limits.iter().find_map(|limit| limit.reset)),
                ..*limit
            };
        }
        let remaining = REMAINING.iter().find_map(|name| texts(headers, name).next());
        let reset =
            RESET.iter().find_map(|name| texts(headers, name).find_map(|text| parse_reset(text, now)));
        let reset = reset.or_else(|| limits.iter().find_map(|limit| limit.reset));
        Self { exhausted: remaining.is_some_and(is_zero), reset }
    }
}

/// Returns the delay after which the server accepts requests again: `Retry-After`, or the reset of a rate limit that is
/// exhausted.
pub(super) fn server_delay(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Option<Duration> {
    retry_after_at(headers, now)
        .or_else(|| {
            let limit = RateLimit::new(headers, now);
            limit.reset.filter(|_| limit.exhausted || status == StatusCode::TOO_MANY_REQUESTS)
        })
        .or_else(|| match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => delay_in_body(body),
            _ => None,
        })
}

/// Returns the delay in the JSON of an error: `{"parameters": {"retry_after": 5}}` of Telegram, for example.
fn delay_in_body(body: &[u8]) -> Option<Duration> {
    find_delay(&serde_json::from_slice(body).ok()?, 4)
}

/// Finds a delay in a value, at most `depth` levels below it.
fn find_delay(value: &Value, depth: u8) -> Option<Duration> {
    let children: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Object(members) => {
            let delay = members.iter().find_map(|(name, value)| {
                let unit = match name.to_ascii_lowercase().replace(['_', '-'], "").as_str() {
                    "retryafter" | "retryafterseconds" | "retrydelay" | "retryin" => "",
                    "retryafterms" | "retryaftermillis" | "retryaftermilliseconds" => "ms",
                    _ => return None,
                };
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                parse_duration(&format!("{text}{unit}"))
            });
            if delay.is_some() {
                return delay;
            }
            Box::new(members.values())
        }
        Value::Array(values) => Box::new(values.iter()),
        _ => return None,
    };
    children.filter(|_| depth > 0).find_map(|child| find_delay(child, depth - 1))
}

/// Returns `true` for the name of a header with a rate limit, and for few others.
fn is_known(name: &str) -> bool {
    let name = name.strip_prefix("x-").unwrap_or(name);
    name.starts_with("ratelimit") || name.starts_with("rate-limit")
}

fn is_zero(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|number| number <= 0.0)
}

/// A part of the combined header: `limit=100`, `remaining=0`, `reset=50` (draft 7), or `"name";r=0;t=50` (draft 8).
fn combined(part: &str, now: SystemTime) -> RateLimit {
    let mut limit = RateLimit::default();
    for parameter in part.split(';') {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match name.trim() {
            "remaining" | "r" => limit.exhausted = is_zero(value),
            "reset" | "t" => limit.reset = parse_reset(value, now),
            _ => {}
        }
    }
    limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    type Headers = &'static [(&'static str, &'static str)];

    fn delay(status: u16, headers: Headers) -> Option<u64> {
        let value = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers: HeaderMap = headers.iter().map(value).collect();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        server_delay(StatusCode::from_u16(status).unwrap(), &headers, &[], now).map(|delay| delay.as_secs())
    }

    #[test]
    fn the_reset_of_an_exhausted_limit_is_the_delay() {
        const GITHUB: Headers = &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000060")];
        let table: &[(u16, Headers, Option<u64>)] = &[
            (403, GITHUB, Some(60)),
            (200, GITHUB, Some(60)),
            (403, &[("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1700000060")], None),
            (429, &[("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1700000060")], Some(60)),
            (429, &[("x-ratelimit-reset", "1700000060500")], Some(60)),
            (429, &[("x-ratelimit-reset", "30")], Some(30)),
            (429, &[("x-rate-limit-reset", "1700000010")], Some(10)),
            (429, &[("x-ratelimit-reset-after", "2.5"), ("x-ratelimit-reset", "1700000060")], Some(2)),
            (429, &[("x-ratelimit-reset-requests", "6m0s")], Some(360)),
            (429, &[("retry-after", "3"), ("x-ratelimit-reset", "1700000060")], Some(3)),
            (429, &[("retry-after", "soon"), ("x-ratelimit-reset", "1700000060")], Some(60)),
            (403, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "40")], Some(40)),
            (403, &[("ratelimit-remaining", "1"), ("ratelimit-reset", "40")], None),
            (403, &[("ratelimit", "limit=100, remaining=0, reset=50")], Some(50)),
            (403, &[("ratelimit", "limit=100, remaining=2, reset=50")], None),
            (429, &[("ratelimit", "limit=100, remaining=2, reset=50")], Some(50)),
            (403, &[("ratelimit", "\"hour\";r=9;t=900, \"minute\";r=0;t=20")], Some(20)),
            (403, &[("ratelimit", "\"a\";r=0;t=7, \"b\";r=0;t=20")], Some(20)),
            (429, &[("ratelimit", "\"a\";r=5;t=7")], Some(7)),
            (429, &[], None),
            (429, &[("x-ratelimit-reset", "soon")], None),
            // The server's clock decides.
            (
                429,
                &[("date", "Tue, 14 Nov 2023 22:14:10 GMT"), ("x-ratelimit-reset", "1700000060")],
                Some(10),
            ),
        ];
        for (status, headers, want) in table {
            assert_eq!(delay(*status, headers), *want, "{status} {headers:?}");
        }
    }

    #[test]
    fn a_delay_in_the_body_of_an_error_is_read() {
        for (status, body, want) in [
            (429, r#"{"message": "slow down", "retry_after": 1.5, "global": false}"#, Some(1500)),
            (429, r#"{"ok": false, "error_code": 429, "parameters": {"retry_after": 5}}"#, Some(5000)),
            (503, r#"{"error": {"details": [{"@type": "x", "retryDelay": "3.5s"}]}}"#, Some(3500)),
            (429, r#"{"errors": [{"retryAfterMs": 20}]}"#, Some(20)),
            (429, r#"{"retry-after": "7"}"#, Some(7000)),
            (429, r#"{"retry_after": null}"#, None),
            (429, r#"{"retry_after": -1}"#, None),
            (429, "slow down", None),
            (404, r#"{"retry_after": 5}"#, None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let delay = server_delay(status, &HeaderMap::new(), body.as_bytes(), SystemTime::UNIX_EPOCH);
            assert_eq!(delay, want.map(Duration::from_millis), "{body}");
        }
    }
}
