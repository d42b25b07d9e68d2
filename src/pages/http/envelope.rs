//! The members of a body without items that describe the response: errors in forms other than the usual ones, and
//! responses that are not ready.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::classify::is_throttle_code;
use super::envelope_names::{
    ALARMS, BESIDE_CODE, BESIDE_ERROR, CODES, COMPLETE_FLAGS, ENVELOPES, ERROR_WORDS, MESSAGES,
    PARTIAL_FLAGS, PENDING, READY_FLAGS, REDIRECTS, SESSION_FLAGS, STATUSES, SUCCESS_FLAGS,
};
use super::missing_items::is_empty_value;
use super::reported_error::{is_error, is_failure, is_success_word, message_of, reports_no_items, text_of};
use super::words::words_of;

/// The report of a response without items.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The response is an error, with this message.
    Error(String),
    /// The page is not ready.
    NotReady,
}

/// A body without items.
pub(super) struct Envelope<'a> {
    pub(super) body: &'a [u8],
    /// The JSON pointer to the items.
    pub(super) items: &'a str,
    /// `true` if there is nothing in the place of the items, not even `null` or an empty array.
    pub(super) is_absent: bool,
    /// Returns `true` for a value of the request, which the server may repeat: `?status=failed`.
    pub(super) is_echo: &'a dyn Fn(&str) -> bool,
}

/// The largest depth of a member that counts.
const MAX_DEPTH: u8 = 3;

/// A member, and its name as words.
struct Member<'a> {
    name: String,
    words: String,
    value: &'a RawValue,
    /// `true` if the member contains the items.
    is_around_items: bool,
}

impl Envelope<'_> {
    /// Returns the report of the body; `None` if it reports nothing, so that the page is empty.
    pub(super) fn report(&self) -> Option<Report> {
        let mut members = Vec::new();
        // A body that is not a JSON object has no members.
        self.collect(self.body, "", MAX_DEPTH, &mut members);
        let error = |member: &Member<'_>| Report::Error(format!("{} is {}", member.name, member.value.get()));
        let text = members.iter().find_map(|member| message(member));
        let has_no_items = !self.is_absent && text.as_deref().is_some_and(reports_no_items);
        let codes: Vec<_> = members.iter().filter(|member| is_code(&member.words)).collect();
        let has_success_code =
            codes.iter().any(|code| text_of(code.value).is_some_and(|code| is_success(&code)));
        // A message about missing items explains why there are none.
        for member in &members {
            let words = member.words.as_str();
            let joined = words.replace(' ', "");
            let joined = joined.as_str();
            let text = text_of(member.value);
            let lower = text.as_ref().map(|text| words_of(text));
            let lower = lower.as_deref().filter(|lower| !(self.is_echo)(text.as_deref().unwrap_or(lower)));
            let is_true = lower == Some("true");
            let is_false = lower == Some("false");
            if is_error_name(words) && !member.is_around_items && is_error(member.value) {
                let is_message = words.ends_with("msg") || words.ends_with("message");
                let is_benign =
                    text.as_deref().is_some_and(reports_no_items) || is_message && has_success_code;
                if !is_benign {
                    return Some(Report::Error(message_of(member.value)));
                }
            }
            let is_failed_flag = SUCCESS_FLAGS.contains(&joined) && is_false
                || self.is_absent && SESSION_FLAGS.contains(&joined) && is_false
                || PARTIAL_FLAGS.contains(&joined) && is_true
                || joined == "shardsfailed" && lower.is_some_and(|count| count != "0");
            if is_failed_flag || self.is_absent && REDIRECTS.contains(&joined) && is_address(text.as_deref())
            {
                return Some(error(member));
            }
            let is_unfinished_flag =
                READY_FLAGS.contains(&joined) || self.is_absent && COMPLETE_FLAGS.contains(&joined);
            if is_unfinished_flag && is_false {
                return Some(Report::NotReady);
            }
            let Some(lower) = lower else { continue };
            let is_status =
                STATUSES.contains(&joined) || words.ends_with(" state") || words.ends_with(" status");
            if is_status && PENDING.contains(&lower) {
                return Some(Report::NotReady);
            }
            let is_failed = is_false || is_failed_status(text.as_deref().unwrap_or(lower), lower);
            if is_status && !has_no_items && is_failed {
                return Some(error(member));
            }
        }
        let text = text.filter(|text| !text.trim().is_empty() && !is_success_word(text));
        if let Some(text) = &text {
            let words = words_of(text);
            if !reports_no_items(text) && ALARMS.iter().any(|alarm| words.contains(alarm)) {
                return Some(Report::Error(text.clone()));
            }
        }
        if has_no_items {
            return None;
        }
        let status = |member: &&Member<'_>| STATUSES.contains(&member.words.as_str()) && text.is_some();
        let codes = codes.into_iter().map(|code| (code, true));
        for (code, is_code) in codes.chain(members.iter().filter(status).map(|status| (status, false))) {
            let Some(value) = text_of(code.value) else { continue };
            if (self.is_echo)(&value) || is_success(&value) {
                continue;
            }
            let number = value.trim().parse::<i64>().ok();
            let is_failed = number.is_some_and(|number| !(0..300).contains(&number) || text.is_some());
            let is_failed_word = number.is_none()
                && (is_code && text.is_some() || is_failed_status(&value, &words_of(&value)));
            if is_failed || is_failed_word {
                let text = text.as_ref().map_or_else(String::new, |text| format!(": {text}"));
                return Some(Report::Error(format!("{} is {}{text}", code.name, code.value.get())));
            }
        }
        None
    }

    /// Collects the members of an object, and of the objects in it that describe the response.
    fn collect<'a>(&self, object: &'a [u8], pointer: &str, depth: u8, into: &mut Vec<Member<'a>>) {
        let Ok(members) = serde_json::from_slice::<BTreeMap<String, &'a RawValue>>(object) else { return };
        for (name, value) in members {
            let pointer = format!("{pointer}/{name}");
            let words = words_of(&name);
            let joined = words.replace(' ', "");
            let is_on_path = self.items.strip_prefix(&pointer).is_some_and(|rest| rest.starts_with('/'));
            let is_envelope = ENVELOPES.contains(&joined.as_str()) || is_on_path;
            if depth > 1 && is_envelope && value.get().starts_with('{') {
                self.collect(value.get().as_bytes(), &pointer, depth - 1, into);
            }
            let words = if pointer.ends_with("shards/failed") { "shards failed".to_owned() } else { words };
            into.push(Member { name, words, value, is_around_items: is_on_path });
        }
    }
}

/// The message of a member with the name of one.
fn message(member: &Member<'_>) -> Option<String> {
    let joined = member.words.replace(' ', "");
    if !MESSAGES.contains(&joined.as_str()) || is_empty_value(member.value) {
        return None;
    }
    text_of(member.value)
        .map(std::borrow::Cow::into_owned)
        .or_else(|| Some(message_of(member.value)))
        .filter(|text| !text.is_empty())
}

fn is_error_name(words: &str) -> bool {
    let is_error_word = |word: &str| ERROR_WORDS.contains(&word);
    words.split(' ').any(is_error_word)
        && words.split(' ').all(|word| is_error_word(word) || BESIDE_ERROR.contains(&word))
}

fn is_code(words: &str) -> bool {
    let beside = words.strip_suffix("code").map(str::trim);
    CODES.contains(&words)
        || beside.is_some_and(|beside| {
            beside.is_empty() || beside.split(' ').all(|word| BESIDE_CODE.contains(&word))
        })
}

/// Returns `true` for a code of success: 0, 1, 2xx, and 10000 or 20000, as some APIs send it.
fn is_success(code: &str) -> bool {
    let code = code.trim();
    let is_round =
        code.len() >= 3 && code.starts_with(['1', '2']) && code.bytes().skip(1).all(|digit| digit == b'0');
    matches!(code.parse::<i64>(), Ok(0 | 1 | 200..=299))
        || is_round
        || code.chars().all(|c| matches!(c, '0' | '.'))
        || is_success_word(code)
        || code.to_ascii_lowercase().starts_with("info-")
}

fn is_failed_status(text: &str, words: &str) -> bool {
    const WORDS: &[&str] = &[
        "aborted",
        "bad request",
        "incomplete",
        "invalid",
        "ko",
        "ng",
        "nok",
        "not ok",
        "notok",
        "partial",
        "rejected",
        "unavailable",
        "unsuccessful",
    ];
    const ENDS: &[&str] =
        &[" denied", " error", " exceeded", " expired", " failed", " failure", " forbidden", " invalid"];
    const STARTS: &[&str] = &["error ", "failed ", "failure ", "invalid ", "unable ", "not authorized"];
    let number = text.trim().parse::<i64>();
    is_failure(text)
        || is_throttle_code(text)
        || WORDS.contains(&words)
        || STARTS.iter().any(|start| words.starts_with(start))
        || ENDS.iter().any(|end| words.ends_with(end))
        || number.is_ok_and(|number| number < 0)
}

fn is_address(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.starts_with('/') || text.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(body: &str, items: &str, is_absent: bool) -> Option<Report> {
        Envelope { body: body.as_bytes(), items, is_absent, is_echo: &|text| text == "echo" }.report()
    }

    #[test]
    fn errors_in_unusual_forms_are_recognized() {
        for body in [
            r#"{"ErrorCode":"InvalidToken","ErrorMessage":"expired"}"#,
            r#"{"Succeeded":false,"Message":"expired"}"#,
            r#"{"code":50011}"#,
            r#"{"code":"429000"}"#,
            r#"{"result":"KO","reason":"quota"}"#,
            r#"{"status":"NOK","message":"x"}"#,
            r#"{"status":"NOTOK","message":"Max rate limit reached"}"#,
            r#"{"message":"Service temporarily unavailable"}"#,
            r#"{"message":"upstream request timeout"}"#,
            r#"{"error_msg":"session expired"}"#,
            r#"{"responseStatus":{"errorCode":"Unauthorized"}}"#,
            r#"{"meta":{"errors":[{"detail":"x"}]}}"#,
            r#"{"data":null,"extensions":{"code":"THROTTLED"}}"#,
            r#"{"_error":"x"}"#,
            r#"{"failures":[{"shard":1}]}"#,
            r#"{"_shards":{"failed":2}}"#,
            r#"{"partial":true}"#,
            r#"{"incomplete_results":true}"#,
            r#"{"is_partial":true,"warning":"timeout"}"#,
            r#"{"warnings":["the index is being rebuilt, results are incomplete"]}"#,
            r#"{"ret_code":-1,"ret_msg":"x"}"#,
            r#"{"rspCode":"9999","rspMsg":"x"}"#,
            r#"{"status":-1,"message":"x"}"#,
            r#"{"status":101,"msg":"bad token"}"#,
            r#"{"head":{"code":500,"msg":"x"}}"#,
            r#"{"header":{"resultCode":"22","resultMsg":"LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR"}}"#,
            r#"{"RESULT":{"CODE":"ERROR-337","MESSAGE":"limit"}}"#,
            r#"{"serviceException":{"text":"x"}}"#,
            r#"{"problem":"x"}"#,
            r#"{"status":"0","info":"DAILY_QUERY_OVER_LIMIT","infocode":"10003"}"#,
            r#"{"message":"you can only fetch the 1000 hits for this query."}"#,
            r#"{"data":{"errcode":40001,"items":[]}}"#,
        ] {
            for is_absent in [true, false] {
                let report = report(body, "/data/items", is_absent);
                assert!(matches!(report, Some(Report::Error(_))), "{body} {is_absent}");
            }
        }
        for body in [r#"{"redirect":"/login"}"#, r#"{"authenticated":false}"#] {
            assert!(matches!(report(body, "/items", true), Some(Report::Error(_))), "{body}");
            assert_eq!(report(body, "/items", false), None, "{body}");
        }
    }

    #[test]
    fn a_page_that_is_not_ready_is_recognized() {
        for body in [
            r#"{"jobComplete":false,"jobReference":{"jobId":"j"}}"#,
            r#"{"status":"RUNNING","progress":40}"#,
            r#"{"status":"pending"}"#,
            r#"{"state":"IN_PROGRESS"}"#,
            r#"{"Status":{"State":"Queued"}}"#,
            r#"{"job_status":"in-progress"}"#,
        ] {
            for is_absent in [true, false] {
                assert_eq!(report(body, "/items", is_absent), Some(Report::NotReady), "{body}");
            }
        }
        assert_eq!(report(r#"{"complete":false}"#, "/items", true), Some(Report::NotReady));
        assert_eq!(report(r#"{"complete":false,"next":"a"}"#, "/items", false), None);
    }

    #[test]
    fn an_empty_page_reports_nothing() {
        for body in [
            "{}",
            "[]",
            r#"{"items":[],"total":0,"message":"ok","code":200}"#,
            r#"{"items":[],"count":0,"errors":[],"error":null,"errorCount":0,"error_count":3}"#,
            r#"{"code":20000,"data":[]}"#,
            r#"{"code":10000,"msg":"Success","items":[]}"#,
            r#"{"code":1,"items":[]}"#,
            r#"{"errno":0,"errmsg":"done","items":[]}"#,
            r#"{"code":1001,"message":"no more data","items":[]}"#,
            r#"{"status":"0","message":"No transactions found","items":[]}"#,
            r#"{"code":404,"message":"No records match","items":[]}"#,
            r#"{"RESULT":{"CODE":"INFO-200","MESSAGE":"해당하는 데이터가 없습니다."},"items":[]}"#,
            r#"{"status":"echo","items":[]}"#,
            r#"{"status":"active","state":"open","items":[]}"#,
            r#"{"currency_code":"EUR","country_code":44,"postcode":90210,"items":[]}"#,
            r#"{"title":"Error tracking, expired tokens","items":[]}"#,
            r#"{"referrer":"x","default":"y","territory":"z","items":[]}"#,
            r#"{"user":{"status":"failed","error":"x"},"items":[]}"#,
            r#"{"_shards":{"total":2,"successful":2,"failed":0},"timed_out":false,"items":[]}"#,
            r#"{"incomplete_results":false,"partial":false,"ready":true,"jobComplete":true}"#,
            r#"{"response":{"header":{"resultCode":"00","resultMsg":"NORMAL SERVICE."},"body":{"items":""}}}"#,
            r#"{"failed":3,"succeeded":5,"items":[]}"#,
            r#"{"documentation_url":"https://api.example/errors","items":[]}"#,
        ] {
            assert_eq!(report(body, "/response/body/items", false), None, "{body}");
        }
    }
}
