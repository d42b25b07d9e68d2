use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Response;
use futures::{StreamExt, stream};
use serde_json::json;
use withal::pages::http::Endpoint;

use super::api::{Api, By, Next};
use crate::http::server::{HttpResponse, Server, json as respond, status, with_header};

/// The requirements of a row.
pub(super) struct Want {
    pub(super) items: &'static [u32],
    /// The pages of the requests.
    pub(super) pages: &'static [u32],
    /// A part of the error.
    pub(super) error: Option<&'static str>,
    /// The delays of the retries, in milliseconds.
    pub(super) delays: &'static [u64],
    /// The cursor, the items to skip and the finished pages of the checkpoint after an error.
    pub(super) position: Option<(&'static str, u32, u32)>,
}

/// A fault of the second page.
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// The response to the attempt of this number, from 0; `None` for the right one.
    reply: fn(&Api, u32, &str) -> Option<HttpResponse>,
    pub(super) setting: fn(Endpoint) -> Endpoint,
    pub(super) wrong_pointer: bool,
    /// A part of the error of each retry.
    pub(super) retried: &'static str,
    /// `None` if the API cannot have the fault.
    pub(super) want: fn(&Api) -> Option<Want>,
    pub(super) not_applicable: &'static [&'static str],
}

/// A server with a fault, and one on another origin.
pub(super) struct Site {
    pub(super) server: Server,
    pub(super) abroad: Server,
    is_repaired: Arc<AtomicBool>,
}

impl Site {
    pub(super) async fn start(api: &'static Api, fault: &'static Fault) -> Self {
        let abroad = Server::start(|_: &_| status(200, "[]")).await;
        let (is_repaired, attempts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (repaired, away) = (Arc::clone(&is_repaired), format!("{}/docs?page=1", abroad.url));
        let server = Server::start(move |request: &_| {
            let page = (api.page)(request);
            let is_faulty = !repaired.load(Ordering::SeqCst);
            if is_faulty && fault.name == "empty end" {
                return right(api, page, 3);
            }
            if is_faulty && page == 0 && api.by == By::Url && is_link_fault(fault.name) {
                let link = if fault.name == "http behind TLS" {
                    "http://internal.example/docs?page=1"
                } else {
                    &away
                };
                return (api.reply)(&[0, 1], Some((link.to_owned(), 1)));
            }
            if is_faulty && page == 1 {
                let attempt = attempts.fetch_add(1, Ordering::SeqCst);
                if let Some(response) = (fault.reply)(api, attempt, &away) {
                    return response;
                }
            }
            right(api, page, 2)
        })
        .await;
        Self { server, abroad, is_repaired }
    }

    pub(super) fn repair(&self) {
        self.is_repaired.store(true, Ordering::SeqCst);
    }
}

fn is_link_fault(name: &str) -> bool {
    matches!(name, "cross-origin link" | "http behind TLS")
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the column")]
fn next(page: u32) -> Next {
    Some((format!("/docs?page={page}"), page))
}

/// The page as it should be.
fn right(api: &Api, page: u32, last: u32) -> HttpResponse {
    let items: Vec<u32> = (page * 2..page * 2 + 2).filter(|item| *item < 6).collect();
    (api.reply)(&items, next(page + 1).filter(|_| page < last))
}

/// The number of MiB of large bodies that the servers have sent, or begun to send.
pub(super) static SENT_MIB: AtomicU32 = AtomicU32::new(0);

const ALL: &[u32] = &[0, 1, 2, 3, 4, 5];

#[allow(clippy::unnecessary_wraps, reason = "the type of the column")]
fn passes(pages: &'static [u32], delays: &'static [u64]) -> Option<Want> {
    Some(Want { items: ALL, pages, error: None, delays, position: None })
}

/// The first page, and an error in place of the second.
#[allow(clippy::unnecessary_wraps, reason = "the type of the column")]
fn fails(api: &Api, error: &'static str) -> Option<Want> {
    let position = Some((api.second(), 0, 1));
    Some(Want { items: &[0, 1], pages: &[0, 1], error: Some(error), delays: &[], position })
}

const NONE: Fault = Fault {
    name: "happy",
    reply: |_, _, _| None,
    setting: |endpoint| endpoint,
    wrong_pointer: false,
    retried: "",
    want: |_| passes(&[0, 1, 2], &[]),
    not_applicable: &[],
};

pub(super) const FAULTS: &[Fault] = &[
    NONE,
    Fault {
        name: "empty middle",
        reply: |api, _, _| Some((api.reply)(&[], next(2))),
        want: |api| {
            Some(match api.by {
                By::Url | By::Cursor | By::Number | By::Steps => {
                    Want { items: &[0, 1, 4, 5], pages: &[0, 1, 2], error: None, delays: &[], position: None }
                }
                // An empty page has no last item, so the flag contradicts it.
                By::LastItem => {
                    return fails(api, "more pages reported, but no next cursor")
                        .map(|want| Want { position: None, ..want });
                }
                // The offset does not advance.
                By::Offset => return fails(api, "cursor cycle").map(|want| Want { position: None, ..want }),
            })
        },
        ..NONE
    },
    Fault { name: "empty end", want: |_| passes(&[0, 1, 2, 3], &[]), ..NONE },
    Fault {
        name: "429 with Retry-After",
        reply: |_, attempt, _| (attempt == 0).then(|| with_header(status(429, ""), "retry-after", "1")),
        retried: "returned 429 Too Many Requests",
        want: |_| passes(&[0, 1, 1, 2], &[1000]),
        ..NONE
    },
    Fault {
        name: "500 twice",
        reply: |_, attempt, _| (attempt < 2).then(|| status(500, "oh")),
        retried: "returned 500 Internal Server Error: oh",
        want: |_| passes(&[0, 1, 1, 1, 2], &[1, 1]),
        ..NONE
    },
    Fault {
        name: "202 and 204, not yet",
        reply: |_, attempt, _| match attempt {
            0 => Some(status(202, "{}")),
            1 => Some(with_header(status(204, ""), "retry-after", "0")),
            _ => None,
        },
        retried: "is not ready: 20",
        want: |_| passes(&[0, 1, 1, 1, 2], &[1, 1]),
        ..NONE
    },
    Fault {
        name: "connection cut in the body",
        reply: |_, attempt, _| {
            let part = stream::iter([Ok(Bytes::from_static(b"{\"items\": [2, "))]);
            // The pause lets the server send the headers and the part first.
            let cut = stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            });
            (attempt == 0).then(|| Response::new(Body::from_stream(part.chain(cut))))
        },
        retried: "incomplete response body",
        want: |_| passes(&[0, 1, 1, 2], &[1]),
        ..NONE
    },
    Fault {
        name: "malformed JSON",
        reply: |_, _, _| Some(status(200, "{\"items\": [2, oops], \"value\": [2]}")),
        want: |api| fails(api, "invalid JSON"),
        ..NONE
    },
    Fault {
        name: "error in 200",
        reply: |api, _, _| {
            Some(respond(&if api.name == "by_relay_connection" {
                json!({ "data": null, "errors": [{ "message": "boom" }] })
            } else {
                json!({ "error": { "message": "boom" }, "items": null })
            }))
        },
        want: |api| fails(api, "boom"),
        ..NONE
    },
    Fault {
        name: "wrong pointer",
        wrong_pointer: true,
        want: |_| Some(Want { items: &[], pages: &[0], error: Some("/wrong"), delays: &[], position: None }),
        ..NONE
    },
    Fault {
        name: "loop of cursors",
        reply: |api, _, _| Some((api.reply)(&[2, 3], next(1))),
        want: |api| {
            let error = Some("cursor cycle");
            let want = Want { items: &[0, 1, 2, 3], pages: &[0, 1], error, delays: &[], position: None };
            matches!(api.by, By::Url | By::Cursor).then_some(want)
        },
        // Their cursors are numbers that the stream counts, or keys of items: the next row.
        not_applicable: &[
            "by_last_item",
            "by_last_item_in_body",
            "by_page_number",
            "by_numbered_response",
            "by_offset",
            "by_offset_from",
            "by_scim",
            "by_offset_steps",
        ],
        ..NONE
    },
    Fault {
        name: "same page again",
        reply: |api, _, _| Some((api.reply)(&[0, 1], next(2))),
        want: |api| fails(api, "the page repeats the items of an earlier page"),
        ..NONE
    },
    Fault {
        // An API without links redirects.
        name: "cross-origin link",
        reply: |_, _, away| Some(with_header(status(307, ""), "location", away)),
        want: |api| {
            let want = fails(api, "is on another origin")?;
            let pages: &[u32] = if api.by == By::Url { &[0] } else { &[0, 1] };
            Some(Want { pages, position: None, ..want })
        },
        ..NONE
    },
    Fault {
        // A proxy terminates TLS, and the server behind it links to itself. The refusal of such a link without
        // `links_stay_home` is a test of its own.
        name: "http behind TLS",
        setting: Endpoint::links_stay_home,
        want: |api| if api.by == By::Url { passes(&[0, 1, 2], &[]) } else { None },
        not_applicable: &[
            "by_cursor",
            "by_cursor_header",
            "by_body_cursor",
            "by_parameters",
            "by_kubernetes",
            "by_relay_connection",
            "by_response",
            "by_last_item",
            "by_last_item_in_body",
            "by_page_number",
            "by_numbered_response",
            "by_offset",
            "by_offset_from",
            "by_scim",
            "by_offset_steps",
        ],
        ..NONE
    },
    Fault {
        name: "65 MiB body",
        reply: |_, _, _| {
            static MIB: [u8; 1 << 20] = [b' '; 1 << 20];
            // The server counts what it sends: the client must not read beyond its bound of 16 MiB.
            let chunks = (0..65).map(|_| {
                SENT_MIB.fetch_add(1, Ordering::Relaxed);
                Ok::<_, std::io::Error>(Bytes::from_static(&MIB))
            });
            Some(Response::new(Body::from_stream(stream::iter(chunks))))
        },
        want: |api| fails(api, "exceeds 16777216 bytes"),
        ..NONE
    },
];
