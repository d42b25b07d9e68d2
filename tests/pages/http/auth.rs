//! Credentials: where they are sent, and how expired tokens are replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use withal::pages::AsyncGetDocs;
use withal::pages::http::{Endpoint, Error, Token, TokenSource};

use super::server::{HttpResponse, ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, endpoint, until_error};

/// Serves two pages to requests with the accepted token.
fn guarded(accepted: &Arc<AtomicUsize>) -> impl Fn(&ReceivedRequest) -> HttpResponse + Clone + use<> {
    let accepted = Arc::clone(accepted);
    move |request| {
        let want = format!("Bearer token-{}", accepted.load(Ordering::SeqCst));
        if request.header("authorization") != Some(want.as_str()) {
            return status(401, "expired");
        }
        match request.number("page") {
            None => with_header(json(&json!([0, 1])), "link", "</?page=2>; rel=next"),
            Some(_) => json(&json!([2, 3])),
        }
    }
}

/// A source of `token-1`, `token-2`, .., and the number of its calls. Each call waits for a permit.
fn counting(permits: &Arc<Semaphore>) -> (TokenSource, Arc<AtomicUsize>) {
    let (calls, permits) = (Arc::new(AtomicUsize::new(0)), Arc::clone(permits));
    let counter = Arc::clone(&calls);
    let source = TokenSource::new(move || {
        let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
        let permits = Arc::clone(&permits);
        async move {
            permits.acquire_owned().await.map(OwnedSemaphorePermit::forget)?;
            Ok::<_, tokio::sync::AcquireError>(format!("token-{number}"))
        }
    });
    (source, calls)
}

#[tokio::test]
async fn a_rejected_token_is_replaced_once_for_all_streams() {
    let accepted = Arc::new(AtomicUsize::new(1));
    let server = Server::start(guarded(&accepted)).await;
    let (source, calls) = counting(&Arc::new(Semaphore::new(100)));
    let endpoint = endpoint(&server.url).token_source(source);
    assert_eq!(all(endpoint.clone().by_link()).await, [0, 1, 2, 3]);
    assert_eq!(calls.load(Ordering::SeqCst), 1);

    // The token expires between two pages.
    let mut docs = endpoint.clone().by_link::<u32>();
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
    accepted.store(2, Ordering::SeqCst);
    assert_eq!(all(docs).await, [1, 2, 3]);
    assert_eq!(calls.load(Ordering::SeqCst), 2);

    accepted.store(3, Ordering::SeqCst);
    let streams = join_all((0..20).map(|_| all(endpoint.clone().by_link()))).await;
    assert!(streams.iter().all(|items| *items == [0, 1, 2, 3]));
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_token_may_be_rejected_with_another_status() {
    for (code, challenge, calls_wanted) in [
        (403, "Bearer error=\"invalid_token\"", 2),
        (403, "Bearer realm=\"api\", error=invalid_token, error_description=\"expired\"", 2),
        (400, "DPoP error=\"invalid_token\"", 2),
        (403, "Bearer error=\"insufficient_scope\"", 1),
        (403, "Bearer", 1),
    ] {
        let server = Server::start(move |request: &ReceivedRequest| match request.header("authorization") {
            Some("Bearer token-1") => with_header(status(code, "no"), "www-authenticate", challenge),
            _ => json(&json!([1])),
        })
        .await;
        let (source, calls) = counting(&Arc::new(Semaphore::new(9)));
        let mut docs = endpoint(&server.url).token_source(source).by_link::<u32>();
        let is_read = docs.try_next().await.is_ok_and(|doc| doc == Some(1));
        assert_eq!((is_read, calls.load(Ordering::SeqCst)), (calls_wanted == 2, calls_wanted), "{challenge}");
    }
}

#[tokio::test]
async fn a_second_rejection_is_an_error() {
    let server = Server::start(|_: &ReceivedRequest| status(401, "no")).await;
    let (source, calls) = counting(&Arc::new(Semaphore::new(100)));
    let mut docs = endpoint(&server.url).token_source(source).by_link::<u32>();
    let (_, error) = until_error(&mut docs).await;
    assert!(chain(&error).contains("returned 401"), "{}", chain(&error));
    assert_eq!((server.requests().len(), calls.load(Ordering::SeqCst)), (2, 2));
    // A request that is sent once more asks for the same page, with another token.
    let sent: Vec<_> =
        server.requests().iter().map(|r| r.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(sent, ["Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn a_refresh_survives_its_waiters() {
    let accepted = Arc::new(AtomicUsize::new(1));
    let server = Server::start(guarded(&accepted)).await;
    let permits = Arc::new(Semaphore::new(0));
    let (source, calls) = counting(&permits);
    let endpoint = endpoint(&server.url).token_source(source);
    // Each of these waiters is dropped while it waits. The first has started the call.
    for _ in 0..3 {
        let mut docs = endpoint.clone().by_link::<u32>();
        tokio::select! {
            biased;
            item = docs.try_next() => panic!("{item:?}"),
            () = async { for _ in 0..20 { tokio::task::yield_now().await } } => {}
        }
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    permits.add_permits(1);
    assert_eq!(all(endpoint.clone().by_link()).await, [0, 1, 2, 3]);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failed_refresh_is_reported_to_all_waiters_and_tried_again() {
    let accepted = Arc::new(AtomicUsize::new(2));
    let server = Server::start(guarded(&accepted)).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let source = TokenSource::new(move || {
        let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            tokio::task::yield_now().await;
            if number == 1 { Err("no such client") } else { Ok(format!("token-{number}")) }
        }
    });
    let endpoint = endpoint(&server.url).token_source(source);
    let mut streams: Vec<_> = (0..5).map(|_| endpoint.clone().by_link::<u32>()).collect();
    for error in join_all(streams.iter_mut().map(AsyncGetDocs::try_next)).await {
        let text = chain(&error.unwrap_err());
        assert!(text.ends_with("failed to obtain an access token: no such client"), "{text}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    for docs in &mut streams {
        assert!(docs.retry_failed());
    }
    for docs in streams {
        assert_eq!(all(docs).await, [0, 1, 2, 3]);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_panic_of_the_source_is_an_error_and_the_next_request_tries_again() {
    let accepted = Arc::new(AtomicUsize::new(2));
    let server = Server::start(guarded(&accepted)).await;
    let calls = Arc::new(AtomicUsize::new(0));
    for is_early in [true, false] {
        calls.store(0, Ordering::SeqCst);
        let counter = Arc::clone(&calls);
        let source = TokenSource::new(move || {
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(number > 1 || !is_early, "the call panics");
            async move {
                assert!(number > 1, "the future panics");
                Ok::<_, Error>(format!("token-{number}"))
            }
        });
        let mut docs = endpoint(&server.url).token_source(source).by_link::<u32>();
        let (_, error) = until_error(&mut docs).await;
        assert!(chain(&error).contains("the token source panicked"), "{}", chain(&error));
        assert!(docs.retry_failed());
        assert_eq!(all(docs).await, [0, 1, 2, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_replaced_before_it_expires() {
    let server = Server::start(|_: &ReceivedRequest| json(&json!([0]))).await;
    for (lifetime, valid, expired) in [(3600, 3560, 20), (100, 85, 10), (0, 0, 0)] {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let source = TokenSource::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { Ok::<_, Error>(Token::new("abcdef").expires_in(Duration::from_secs(lifetime))) }
        });
        let endpoint = endpoint(&server.url).token_source(source);
        let mut seen = Vec::new();
        for pause in [0, valid, expired] {
            tokio::time::advance(Duration::from_secs(pause)).await;
            assert_eq!(all(endpoint.clone().by_link()).await, [0]);
            seen.push(calls.load(Ordering::SeqCst));
        }
        let want = if lifetime == 0 { [1, 2, 3] } else { [1, 1, 2] };
        assert_eq!(seen, want, "{lifetime}");
    }
}

/// The name of a scheme, the endpoint with it, and what a request then contains.
type Scheme = (&'static str, fn(Endpoint) -> Endpoint, fn(&ReceivedRequest) -> bool);

const SCHEMES: &[Scheme] = &[
    (
        "bearer",
        |endpoint| endpoint.bearer("SECRET").unwrap(),
        |request| request.header("authorization") == Some("Bearer SECRET"),
    ),
    (
        "basic",
        |endpoint| endpoint.basic("me", "SECRET"),
        |request| request.header("authorization") == Some("Basic bWU6U0VDUkVU"),
    ),
    (
        "header",
        |endpoint| endpoint.api_key_header("x-api-key", "SECRET").unwrap(),
        |request| request.header("x-api-key") == Some("SECRET"),
    ),
    (
        "plain header",
        |endpoint| endpoint.header("authorization", "Token SECRET").unwrap(),
        |request| request.header("authorization") == Some("Token SECRET"),
    ),
    (
        "query",
        |endpoint| endpoint.api_key_query("customKey", "SECRET"),
        |request| request.query.get("customKey").is_some_and(|key| key == "SECRET"),
    ),
    (
        "source",
        |endpoint| endpoint.token_source(TokenSource::new(|| async { Ok::<_, Error>("SECRET") })),
        |request| request.header("authorization") == Some("Bearer SECRET"),
    ),
];

#[tokio::test]
async fn credentials_are_sent_to_named_origins_only() {
    for (scheme, authenticate, has_credentials) in SCHEMES {
        for (is_named, redirects) in [(true, true), (true, false), (false, true), (false, false)] {
            let other = Server::start(|_: &ReceivedRequest| json(&json!([2, 3]))).await;
            let to = other.url.clone();
            let server = Server::start(move |_: &ReceivedRequest| {
                if redirects {
                    with_header(status(302, ""), "location", &format!("{to}/?page=2"))
                } else {
                    with_header(json(&json!([0, 1])), "link", &format!("<{to}/?page=2>; rel=next"))
                }
            })
            .await;
            let endpoint = authenticate(endpoint(&server.url));
            let endpoint = if is_named {
                endpoint.allow_origin(&other.url).unwrap()
            } else {
                endpoint.allow_any_origin()
            };
            let mut docs = endpoint.by_link::<u32>();
            let mut last = None;
            while let Some(item) = docs.try_next().await.unwrap() {
                last = Some(item);
                let checkpoint = format!("{:?}", docs.checkpoint());
                assert!(!checkpoint.contains("SECRET"), "{scheme}: {checkpoint}");
            }
            assert_eq!(last, Some(3));
            assert!(has_credentials(&server.requests()[0]), "{scheme}");
            assert_eq!(has_credentials(&other.requests()[0]), is_named, "{scheme} {redirects}");
        }
    }
}

#[tokio::test]
async fn no_error_repeats_a_credential_in_another_form() {
    let text = |request: &ReceivedRequest| status(418, &format!("{:?}", request.headers));
    for userinfo in ["", "sk_live_SECRET@", "sk_live_%53ECRET:@", "me:SEC%52ET@"] {
        // The header of a user name and a password, in base64.
        let server = Server::start(move |request: &ReceivedRequest| {
            let header = request.header("authorization").unwrap();
            assert!(header.len() > "Basic ".len());
            text(request)
        })
        .await;
        let url = server.url.replace("//", &format!("//{userinfo}"));
        let endpoint = endpoint(&url);
        let endpoint = if userinfo.is_empty() { endpoint.basic("sk_live_SECRET", "") } else { endpoint };
        let error = chain(&endpoint.by_link::<u32>().next().await.unwrap().unwrap_err());
        let header = server.requests()[0].header("authorization").unwrap().to_owned();
        assert!(!error.contains(&header["Basic ".len()..]), "{userinfo}: {error}");
    }
    for repeat in ["SECRET/a+b", "{\"key\":\"SECRET\\/a+b\"}", "?key=SECRET%2Fa%2Bb", "sk_live_SECRET"] {
        let server = Server::start(move |_: &ReceivedRequest| status(418, repeat)).await;
        let endpoint = endpoint(&server.url).basic("sk_live_SECRET", "");
        let endpoint = endpoint.api_key_header("x-key", "Token SECRET/a+b").unwrap();
        let error = chain(&endpoint.by_link::<u32>().next().await.unwrap().unwrap_err());
        assert!(!error.contains("SECRET") && error.contains("***"), "{repeat}: {error}");
    }
}

#[tokio::test]
async fn no_error_repeats_a_credential() {
    for (scheme, authenticate, has_credentials) in SCHEMES {
        // The server repeats what it received.
        let server = Server::start(|request: &ReceivedRequest| {
            status(418, &format!("{} {:?}", request.target, request.headers))
        })
        .await;
        let endpoint = authenticate(endpoint(&format!("{}/docs", server.url)));
        let shown = format!("{endpoint:?}");
        assert!(!shown.contains("SECRET"), "{scheme}: {shown}");
        let mut docs = endpoint.by_link::<u32>();
        let (_, error) = until_error(&mut docs).await;
        assert!(has_credentials(&server.requests()[0]));
        if *scheme != "source" {
            for shown in [chain(&error), format!("{error:?}")] {
                assert!(!shown.contains("SECRET"), "{scheme}: {shown}");
            }
        }
    }
}

#[test]
fn credentials_that_http_does_not_allow_are_errors_without_them() {
    let endpoint = endpoint("http://a/");
    for error in [
        endpoint.clone().bearer("SECRET\n").unwrap_err(),
        endpoint.clone().api_key_header("x-api-key", "SECRET\n").unwrap_err(),
    ] {
        assert!(chain(&error).starts_with("invalid header"), "{error}");
        assert!(!format!("{error:?} {}", chain(&error)).contains("SECRET"));
    }
}
