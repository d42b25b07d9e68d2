//! All paginators against all faults: items, requests, errors and checkpoints.

mod api;
mod fault;

use futures::future::join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use withal::backon::ConstantBuilder;
use withal::pages::http::{Endpoint, Error};
use withal::pages::{AsyncGetDocs, Checkpoint, Cursor, Event};

use self::api::{APIS, Api, By};
use self::fault::{FAULTS, Fault, SENT_MIB, Site};
use super::{chain, endpoint};

/// The result of a run over all pages.
#[derive(Debug)]
struct Outcome {
    items: Vec<u32>,
    error: Option<String>,
    /// The delay and the error of each retry.
    retries: Vec<(Duration, String)>,
    checkpoint: Value,
}

/// Reads a stream up to its end or its first error, from a checkpoint if there is one.
async fn run<C>(docs: AsyncGetDocs<u32, C, Error>, from: Option<Value>) -> Outcome
where
    C: Cursor + Serialize + DeserializeOwned,
{
    let retries = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&retries);
    let policy = ConstantBuilder::default().with_delay(Duration::from_millis(1)).with_max_times(3);
    let mut docs = docs.retry(policy).on_event(move |event| {
        if let Event::Retry { delay, error, .. } = event {
            log.lock().unwrap().push((*delay, chain(*error)));
        }
    });
    if let Some(from) = from {
        docs = docs.resume(serde_json::from_value::<Checkpoint<C>>(from).unwrap());
    }
    let (mut items, mut error) = (Vec::new(), None);
    while items.len() < 50 {
        match docs.try_next().await {
            Ok(Some(item)) => items.push(item),
            Ok(None) => break,
            Err(e) => {
                error = Some(chain(&e));
                break;
            }
        }
    }
    let checkpoint = serde_json::to_value(docs.checkpoint()).unwrap();
    let retries = retries.lock().unwrap().clone();
    Outcome { items, error, retries, checkpoint }
}

/// Runs one row, and returns what differs from the expectation.
async fn row(api: &'static Api, fault: &'static Fault) -> Vec<String> {
    let Some(want) = (fault.want)(api) else { return Vec::new() };
    let site = Site::start(api, fault).await;
    let home = endpoint(&format!("{}/docs", site.server.url));
    let got = (api.run)((fault.setting)(home), fault.wrong_pointer, None).await;
    let mut differences = Vec::new();
    let mut compare = |name: &str, got: String, want: String| {
        if got != want {
            differences.push(format!("{} x {}: {name}: got {got}, want {want}", api.name, fault.name));
        }
    };
    compare("items", format!("{:?}", got.items), format!("{:?}", want.items));
    let pages: Vec<_> = site.server.requests().iter().map(api.page).collect();
    compare("requests", format!("{pages:?}"), format!("{:?}", want.pages));
    let matches = match (&got.error, want.error) {
        (None, None) => true,
        (Some(got), Some(want)) => got.contains(want),
        _ => false,
    };
    compare(
        "error",
        if matches { String::new() } else { format!("{:?}", got.error) },
        if matches { String::new() } else { format!("{:?}", want.error) },
    );
    let retried: Vec<_> = got.retries.iter().map(|(delay, _)| delay.as_millis()).collect();
    compare("delays", format!("{retried:?}"), format!("{:?}", want.delays));
    for (_, text) in got.retries.iter().filter(|(_, text)| !text.contains(fault.retried)) {
        compare("retried error", text.clone(), fault.retried.to_owned());
    }
    let at = &got.checkpoint;
    let done = want.error.is_none();
    compare("checkpoint", format!("{} {}", at["items"], at["done"]), format!("{} {done}", want.items.len()));
    if let Some(error) = &got.error {
        compare("length of the error", (error.len() > 4096).to_string(), "false".to_owned());
        if let Some((cursor, skip, pages)) = want.position {
            let want = format!("{cursor} {skip} {pages}");
            compare("position", format!("{} {} {}", at["cursor"], at["skip"], at["pages"]), want);
        }
        // Once the fault is repaired, the checkpoint continues without a loss or a duplicate.
        site.repair();
        let home = endpoint(&format!("{}/docs", site.server.url));
        let rest = (api.run)((fault.setting)(home), false, Some(got.checkpoint)).await;
        if api.by == By::Url && fault.name == "cross-origin link" {
            // The checkpoint has the link, which is refused again.
            compare("resumed", format!("{:?}", rest.items), "[]".to_owned());
            let error = rest.error.unwrap_or_default();
            compare("resumed", error.contains("another origin").to_string(), "true".to_owned());
        } else {
            let all: Vec<_> = got.items.iter().chain(&rest.items).copied().collect();
            compare("resumed", format!("{all:?} {:?}", rest.error), format!("{:?} None", [0, 1, 2, 3, 4, 5]));
        }
    }
    compare("requests abroad", site.abroad.targets().len().to_string(), "0".to_owned());
    differences
}

#[tokio::test]
async fn all_paginators_withstand_all_faults() {
    let mut differences = Vec::new();
    for fault in FAULTS {
        differences.extend(join_all(APIS.iter().map(|api| row(api, fault))).await.concat());
    }
    // The bound, and what the buffers of the sockets hold.
    let sent = SENT_MIB.load(Ordering::Relaxed);
    assert!(sent < 40 * u32::try_from(APIS.len()).unwrap(), "{sent} MiB");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn no_row_is_skipped_unmentioned() {
    assert_eq!((APIS.len(), FAULTS.len()), (22, 15));
    for fault in FAULTS {
        let left_out: Vec<_> =
            APIS.iter().filter(|api| (fault.want)(api).is_none()).map(|api| api.name).collect();
        assert_eq!(left_out, fault.not_applicable, "{}", fault.name);
    }
    let rows: usize = FAULTS.iter().map(|fault| APIS.len() - fault.not_applicable.len()).sum();
    assert_eq!(rows, 22 * 15 - 8 - 15);
}

#[test]
fn a_link_from_https_to_http_is_refused() {
    let endpoint: Endpoint = endpoint("https://api.example/docs");
    let error = endpoint.check_origin(&"http://api.example/docs?page=1".parse().unwrap()).unwrap_err();
    assert!(matches!(error, Error::HttpsDowngrade { .. }), "{error}");
}
