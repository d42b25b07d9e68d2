use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Returns the delay in the `Retry-After` header: a number of seconds, or a date.
///
/// A date is compared with the `Date` header of the same response, if there is one, because the local clock may be
/// wrong.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text(RETRY_AFTER)?;
    if !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits fail to parse only if the number is too large.
        return Some(Duration::from_secs(after.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(after).ok()?;
    let now = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn parse(after: &'static str, date: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(after));
        headers.extend(date.map(|date| (DATE, HeaderValue::from_static(date))));
        // The local clock is 10 seconds ahead of the server's.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 + 10);
        retry_after(&headers, now).map(|after| after.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_parsed() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (after, date, want) in [
            ("120", None, Some(120)),
            (" 5 ", None, Some(5)),
            ("0", None, Some(0)),
            ("99999999999999999999999", None, Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", date, Some(30)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", date, Some(30)),
            ("Sun Nov  6 08:50:07 1994", date, Some(30)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", None, Some(20)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some("today"), Some(20)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", date, Some(0)),
            ("-1", None, None),
            ("1.5", None, None),
            ("", None, None),
            ("soon", None, None),
        ] {
            assert_eq!(parse(after, date), want, "{after:?} {date:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    }
}
