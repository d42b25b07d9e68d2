//! `pages::http`, against servers on the loopback interface.

mod auth;
mod bodies;
mod by_response;
mod conditional;
mod conventions;
mod detected;
mod detected_apis;
mod ends;
mod faults;
mod from_dlt;
mod fuzz;
mod hostile;
mod links;
mod origins;
mod overlaps;
mod paginators;
mod promises;
mod proxies;
mod quota;
mod reported;
mod reports;
mod secrets;
mod server;
mod spans;
mod table;
mod vendors;

use std::sync::Once;

use futures::TryStreamExt;
use withal::pages::http::{Client, Endpoint, Error, GraphQlQuery};
use withal::pages::{self, AsyncGetDocs, Cursor};

fn client(builder: reqwest::ClientBuilder) -> Client {
    static TLS: Once = Once::new();
    TLS.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().expect("no other provider was installed");
    });
    Client::new(builder).unwrap()
}

/// An endpoint of a client with default settings.
fn endpoint(url: &str) -> Endpoint {
    client(reqwest::Client::builder()).endpoint(url).unwrap()
}

/// Every item of a stream that must not fail.
async fn all<C: Cursor>(docs: AsyncGetDocs<u32, C, Error>) -> Vec<u32> {
    docs.try_collect().await.unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// The items before the error, and the error.
async fn until_error<C: Cursor>(docs: &mut AsyncGetDocs<u32, C, Error>) -> (Vec<u32>, pages::Error<Error>) {
    let mut before = Vec::new();
    loop {
        match docs.try_next().await {
            Ok(Some(doc)) => before.push(doc),
            Ok(None) => panic!("no error after {before:?}"),
            Err(error) => return (before, error),
        }
    }
}

/// An error and its sources on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[test]
fn types_have_the_auto_traits_that_programs_need() {
    fn is_shared<T: Clone + std::fmt::Debug + Send + Sync + Unpin + 'static>() {}
    fn is_error<T: std::error::Error + Send + Sync + Unpin + 'static>() {}
    is_shared::<Client>();
    is_shared::<Endpoint>();
    is_shared::<GraphQlQuery>();
    is_error::<Error>();
    is_error::<pages::Error<Error>>();
}
