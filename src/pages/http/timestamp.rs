//! Durations and points in time, in the formats of rate-limit headers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Numbers of at least this many seconds are points in time: as a duration, it would be 31 years.
const FIRST_EPOCH_SECOND: Duration = Duration::from_secs(1_000_000_000);
/// Numbers of at least this are points in time in milliseconds: as seconds, it would be in the year 5138.
const FIRST_EPOCH_MILLISECOND: Duration = Duration::from_secs(100_000_000_000);

/// Parses a number of seconds, perhaps with a fraction, or numbers with the units `h`, `m`, `s` and `ms`.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let (mut total, mut rest) = (Duration::ZERO, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, unit) = rest.split_at(digits);
        let end = unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len());
        let (unit, after) = unit.split_at(end);
        let seconds = match unit {
            // Only a number alone may lack its unit.
            "" if rest.len() == text.len() && after.is_empty() => return parse_seconds(number),
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        let part = parse_seconds(number)?.as_secs_f64() * seconds;
        total = total.saturating_add(Duration::try_from_secs_f64(part).unwrap_or(Duration::MAX));
        rest = after;
    }
    Some(total)
}

/// Parses a decimal number without sign and exponent.
fn parse_seconds(number: &str) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // `.5` and `5.` have one part only.
    let is_number = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_number || whole.is_empty() && (fraction.is_empty() || !number.contains('.')) {
        return None;
    }
    // Digits fail to parse only if the number is too large.
    let seconds = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u64::MAX) };
    let seconds = Duration::from_secs(seconds);
    let fraction =
        format!("0.{fraction}").parse().ok().and_then(|part| Duration::try_from_secs_f64(part).ok());
    Some(seconds.saturating_add(fraction.unwrap_or_default()))
}

/// Parses a point in time: an HTTP date (RFC 9110), or a date and a time in UTC (RFC 3339).
pub(super) fn parse_timestamp(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok().or_else(|| parse_rfc_3339(text))
}

/// Parses the reset time of a rate limit as the delay until then: a duration, a point in time, or either as a number.
pub(super) fn parse_reset(text: &str, now: SystemTime) -> Option<Duration> {
    let until = |time: Option<SystemTime>| {
        // A time that the clock cannot represent is never reached.
        time.map_or(Duration::MAX, |time| time.duration_since(now).unwrap_or_default())
    };
    match parse_duration(text) {
        Some(number) if number >= FIRST_EPOCH_MILLISECOND => {
            Some(until(UNIX_EPOCH.checked_add(number / 1000)))
        }
        Some(number) if number >= FIRST_EPOCH_SECOND => Some(until(UNIX_EPOCH.checked_add(number))),
        Some(delay) => Some(delay),
        None => Some(until(Some(parse_timestamp(text)?))),
    }
}

/// Parses `2026-11-27T08:50Z`, with seconds and a fraction or without. Of the offsets, only that of UTC is known.
fn parse_rfc_3339(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix(['Z', 'z']).or_else(|| text.strip_suffix("+00:00"))?;
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let numbers = |text: &str, separator| -> Option<Vec<u64>> {
        let number =
            |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?;
        text.split(separator).map(number).collect()
    };
    let time = time.split_once('.').map_or(time, |(time, _)| time);
    let (&[year, month, day], &[hour, minute, ref second @ ..]) =
        (&*numbers(date, '-')?, &*numbers(time, ':')?)
    else {
        return None;
    };
    let second = match second {
        [] => 0,
        [second] => *second,
        _ => return None,
    };
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !valid {
        return None;
    }
    // The number of days of the civil calendar since 1970, with years that begin in March.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day - 1;
    let seconds = days.checked_sub(719_468)? * 86_400 + hour * 3600 + minute * 60 + second;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_a_delay_or_a_point_in_time() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (text, want) in [
            ("60", Some(60_000)),
            ("0", Some(0)),
            ("0.25", Some(250)),
            ("6m0s", Some(360_000)),
            ("12ms", Some(12)),
            ("1700000060", Some(60_000)),
            ("1700000060.5", Some(60_500)),
            ("1700000060500", Some(60_500)),
            ("1699999999", Some(0)),
            ("2023-11-14T22:14:20Z", Some(60_000)),
            ("2023-11-14T22:14Z", Some(40_000)),
            ("2023-11-14T22:14:20.123+00:00", Some(60_000)),
            ("Tue, 14 Nov 2023 22:14:20 GMT", Some(60_000)),
            ("2024-02-30", None),
            ("2023-13-01T00:00Z", None),
            ("0000-01-01T00:00Z", None),
            ("99999999999999999999-01-01T00:00Z", None),
            ("tomorrow", None),
            ("5 minutes", None),
            ("5m5", None),
            ("", None),
        ] {
            assert_eq!(parse_reset(text, now).map(|delay| delay.as_millis()), want, "{text}");
        }
        assert!(parse_reset("18446744073709551615", now).unwrap() > FIRST_EPOCH_SECOND);
    }

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            assert_eq!(parse_rfc_3339(text), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
        }
    }
}
