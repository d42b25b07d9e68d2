//! The cursors of known APIs: those in an unusual place, or with another parameter than the usual one of their name.

use serde_json::Value;

use super::json_pointers::pointer_to;
use super::proposal::Proposal;
use super::usual_names::{LAST_FLAGS, MORE_FLAGS};

/// The cursor of an API.
struct KnownCursor {
    api: &'static str,
    /// Members by which the API is recognized, beside the cursor.
    beside: &'static [&'static str],
    pointer: &'static str,
    /// The query parameter, or the JSON pointer in the body.
    parameter: &'static str,
}

const fn known(
    api: &'static str,
    beside: &'static [&'static str],
    pointer: &'static str,
    parameter: &'static str,
) -> KnownCursor {
    KnownCursor { api, beside, pointer, parameter }
}

const KNOWN_CURSORS: &[KnownCursor] = &[
    known("HubSpot", &[], "/paging/next/after", "after"),
    known("Intercom", &[], "/pages/next/starting_after", "starting_after"),
    known("Asana", &[], "/next_page/offset", "offset"),
    known("Pipedrive", &[], "/additional_data/pagination/next_start", "start"),
    known("Pipedrive", &[], "/additional_data/next_cursor", "cursor"),
    known("Airtable", &["/records"], "/offset", "offset"),
    known("Zoom", &["/page_size"], "/next_page_token", "next_page_token"),
    known("Jira", &["/isLast"], "/nextPageToken", "nextPageToken"),
    known("X", &["/meta/result_count"], "/meta/next_token", "pagination_token"),
    known("Vercel", &["/pagination/count"], "/pagination/next", "until"),
    known("Gong", &["/records/totalRecords"], "/records/cursor", "cursor"),
    known("Cloudflare", &[], "/result_info/cursors/after", "cursor"),
    known("Cloudflare", &[], "/result_info/cursor", "cursor"),
    known("MCP", &["/jsonrpc"], "/result/nextCursor", "/params/cursor"),
];

/// The types of the lists that Notion sends in response to a POST.
const POSTED_TYPES: &[&str] = &["page", "page_or_database", "page_or_data_source", "database"];

/// Recognizes the cursor of an API. The proposal lacks the location of the items, except for a Relay
/// connection.
pub(super) fn known_cursor(body: &Value) -> Option<Proposal> {
    relay_connection(body).or_else(|| notion(body)).or_else(|| {
        let is_cursor = |value: &Value| match value {
            Value::String(text) => !text.is_empty() && !text.contains("://"),
            Value::Number(number) => number.as_u64() != Some(0),
            _ => false,
        };
        let known = KNOWN_CURSORS.iter().find(|known| {
            let is_beside = known.beside.iter().all(|pointer| body.pointer(pointer).is_some());
            // A number at `/offset` is that of an item.
            let is_number = body.pointer(known.pointer).is_some_and(Value::is_number);
            is_beside
                && body.pointer(known.pointer).is_some_and(is_cursor)
                && !(is_number && known.parameter == "offset")
        })?;
        let reason = format!("a cursor of {} at {:?}", known.api, known.pointer);
        Some(with_flag(propose(known.pointer, known.parameter, reason), body, known.pointer))
    })
}

/// Notion lists with GET and queries with POST.
fn notion(body: &Value) -> Option<Proposal> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let is_list = text("object") == Some("list") && body.get("results").is_some();
    let is_posted = text("type").is_some_and(|kind| POSTED_TYPES.contains(&kind));
    let parameter = if is_posted { "/start_cursor" } else { "start_cursor" };
    (is_list && body.get("has_more").is_some() && body.get("next_cursor").is_some()).then(|| {
        let reason = "a cursor of Notion at \"/next_cursor\"".to_owned();
        with_flag(propose("/next_cursor", parameter, reason), body, "/next_cursor")
    })
}

/// Finds the connection in the data of a GraphQL response. The query takes the cursor as `$after`.
fn relay_connection(body: &Value) -> Option<Proposal> {
    let (at, connection) = connection_within("/data".to_owned(), body.get("data")?)?;
    let list =
        ["nodes", "edges"].into_iter().find(|name| connection.get(*name).is_some_and(Value::is_array))?;
    let reason = format!("a Relay connection at {at:?}, for a query with the variable `$after`");
    let proposal = propose(&format!("{at}/pageInfo/endCursor"), "/variables/after", reason);
    let proposal = proposal.setting("items_at", Some(format!("{at}/{list}")));
    Some(proposal.setting("has_more_at", Some(format!("{at}/pageInfo/hasNextPage"))))
}

/// Returns the first object with a `pageInfo` whose cursor leads on, and its pointer.
fn connection_within(at: String, value: &Value) -> Option<(String, &Value)> {
    let members = value.as_object()?;
    let has = |name: &str| value.get("pageInfo").is_some_and(|info| info.get(name).is_some());
    if has("hasNextPage") && has("endCursor") {
        return Some((at, value));
    }
    // The outline of a response bounds the depth.
    members.iter().find_map(|(name, member)| connection_within(format!("{at}{}", pointer_to(name)), member))
}

/// A pointer as the parameter leads into the body.
fn propose(pointer: &str, parameter: &str, reason: String) -> Proposal {
    let paginator = if parameter.starts_with('/') { "by_body_cursor" } else { "by_cursor" };
    Proposal::new(paginator, vec![pointer.into(), parameter.into()], reason)
}

/// Sets the flag beside the cursor, or at the top.
fn with_flag(proposal: Proposal, body: &Value, pointer: &str) -> Proposal {
    let parent = &pointer[..pointer.rfind('/').unwrap_or(0)];
    let find = |names: &[&str]| {
        let mut pointers = [parent, ""]
            .into_iter()
            .flat_map(|parent| names.iter().map(move |name| format!("{parent}/{name}")));
        pointers.find(|pointer| body.pointer(pointer).is_some_and(Value::is_boolean))
    };
    match find(MORE_FLAGS) {
        Some(more) => proposal.setting("has_more_at", Some(more)),
        None => proposal.setting("is_last_at", find(LAST_FLAGS)),
    }
}
