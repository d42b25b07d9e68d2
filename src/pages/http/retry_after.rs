use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use super::timestamp::{parse_duration, parse_timestamp};

/// `Retry-After` and other spellings of it.
const IN_SECONDS: [&str; 4] =
    ["retry-after", "x-retry-after", "x-ratelimit-retry-after", "x-rate-limit-retry-after"];
/// Headers with the same meaning in milliseconds: of `OpenAI`, and of Azure Cosmos DB.
const IN_MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

/// Returns the delay in the `Retry-After` header (RFC 9110), counted from the response.
///
/// | value | delay |
/// |---|---|
/// | `120` | the number of seconds |
/// | `0.5`, `.5`, `5s`, `500ms`, `1m30s` | the same, as some servers send it |
/// | `Sun, 06 Nov 1994 08:49:37 GMT` | until that time; zero if it is past |
/// | several headers, or `3, 3` | the longest of their delays |
/// | anything else | none |
///
/// A date is compared with the `Date` header of the same response, if there is one, because the local clock may be wrong.
/// If there is no valid `Retry-After`, these headers are read: `X-Retry-After`, `X-RateLimit-Retry-After`,
/// `X-Rate-Limit-Retry-After`, `Retry-After-Ms` and `X-Ms-Retry-After-Ms`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
/// use withal::pages::http::retry_after;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(RETRY_AFTER, HeaderValue::from_static("0.5"));
/// assert_eq!(retry_after(&headers), Some(Duration::from_millis(500)));
/// ```
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    retry_after_at(headers, SystemTime::now())
}

/// The same, at a time of the local clock.
pub(super) fn retry_after_at(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let now = server_time(headers, now);
    let delay = |name: &&'static str| texts(headers, name).filter_map(|text| longest(text, now)).max();
    IN_SECONDS.iter().find_map(delay).or_else(|| {
        let milliseconds =
            |name: &&'static str| texts(headers, name).find_map(|text| text.parse::<f64>().ok());
        let delay = IN_MILLISECONDS.iter().find_map(milliseconds)?;
        Duration::try_from_secs_f64(delay / 1000.0).ok()
    })
}

/// The time on the server's clock when it sent the response.
pub(super) fn server_time(headers: &HeaderMap, now: SystemTime) -> SystemTime {
    texts(headers, "date").find_map(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now)
}

/// The values of a header that are text, trimmed.
pub(super) fn texts<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::trim)
}

/// The longest of the delays in a value, which a proxy may have joined from several headers.
fn longest(text: &str, now: SystemTime) -> Option<Duration> {
    let parse = |text: &str| {
        let text = text.trim_matches('"').trim_start_matches('+');
        let date = || Some(parse_timestamp(text)?.duration_since(now).unwrap_or_default());
        parse_duration(text).or_else(date).or_else(|| {
            let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
            let unit = text[number.len()..].trim_start();
            let is_seconds = matches!(unit.to_ascii_lowercase().as_str(), "s" | "sec" | "second" | "seconds");
            is_seconds.then(|| parse_duration(number))?
        })
    };
    if let Some(delay) = parse(text) {
        return Some(delay);
    }
    // A date contains a comma, too.
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let dates = parts.windows(2).filter_map(|pair| parse(&format!("{}, {}", pair[0], pair[1])));
    parts.iter().filter_map(|part| parse(part)).chain(dates).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{DATE, HeaderName, HeaderValue, RETRY_AFTER};

    /// 06 Nov 1994 08:49:37.
    const NOW: u64 = 784_111_777;

    fn parse(after: &[&'static str], date: Option<&'static str>) -> Option<u128> {
        let mut headers = HeaderMap::new();
        for after in after {
            headers.append(RETRY_AFTER, HeaderValue::from_static(after));
        }
        headers.extend(date.map(|date| (DATE, HeaderValue::from_static(date))));
        // The local clock is 10 seconds ahead of the server's.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + 10);
        retry_after_at(&headers, now).map(|after| after.as_millis())
    }

    #[test]
    fn seconds_and_dates_are_parsed() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (after, date, want) in [
            (&["120"][..], None, Some(120_000)),
            (&[" 5 "], None, Some(5_000)),
            (&["0"], None, Some(0)),
            (&["0.5"], None, Some(500)),
            (&["1.25"], None, Some(1_250)),
            (&["30s"], None, Some(30_000)),
            (&["1m30s"], None, Some(90_000)),
            (&["250ms"], None, Some(250)),
            (&["99999999999999999999999"], None, Some(u128::from(u64::MAX) * 1000)),
            (&["3, 3"], None, Some(3_000)),
            (&["3,7"], None, Some(7_000)),
            (&["3", "5"], None, Some(5_000)),
            (&["soon", "5"], None, Some(5_000)),
            (&["Sun, 06 Nov 1994 08:50:07 GMT"], date, Some(30_000)),
            (&["Sun, 06 Nov 1994 08:50:07 GMT, Sun, 06 Nov 1994 08:50:17 GMT"], date, Some(40_000)),
            (&["60, Sun, 06 Nov 1994 08:50:07 GMT"], date, Some(60_000)),
            (&["Sunday, 06-Nov-94 08:50:07 GMT"], date, Some(30_000)),
            (&["Sun Nov  6 08:50:07 1994"], date, Some(30_000)),
            (&["1994-11-06T08:50:07Z"], date, Some(30_000)),
            (&["Sun, 06 Nov 1994 08:50:07 GMT"], None, Some(20_000)),
            (&["Sun, 06 Nov 1994 08:50:07 GMT"], Some("today"), Some(20_000)),
            (&["Sun, 06 Nov 1994 08:49:07 GMT"], date, Some(0)),
            (&["-1"], None, None),
            (&["1e3"], None, None),
            (&["inf"], None, None),
            (&["."], None, None),
            (&["0x10"], None, None),
            (&[""], None, None),
            (&["soon"], None, None),
            (&[], None, None),
        ] {
            assert_eq!(parse(after, date), want, "{after:?} {date:?}");
        }
    }

    #[test]
    fn milliseconds_are_read_if_there_are_no_seconds() {
        for (name, after, want) in [
            ("retry-after-ms", "1500", 1_500),
            ("x-ms-retry-after-ms", "20", 20),
            ("retry-after-ms", "0.5", 0),
        ] {
            let mut headers =
                HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(after))]);
            let delay = |headers: &HeaderMap| retry_after_at(headers, SystemTime::UNIX_EPOCH).unwrap();
            assert_eq!(delay(&headers).as_millis(), want);
            headers.insert(RETRY_AFTER, HeaderValue::from_static("3"));
            assert_eq!(delay(&headers).as_millis(), 3_000);
        }
    }
}
