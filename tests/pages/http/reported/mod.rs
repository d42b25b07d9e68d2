//! Behaviour of real APIs, as users of other clients have reported it.
//!
//! Each of these tests serves what the API sent, and states the items that belong to the stream.

mod bodies;
mod cursors;
mod errors;
mod heuristics;
mod honest;
mod links;
mod server;
mod variants;
mod variants_of_pages;
mod walk;

use std::time::Duration;

use withal::backon::ConstantBuilder;

/// The reason why a walk went wrong.
type Outcome = Result<(), String>;

/// A retry policy without noticeable delays.
fn soon() -> ConstantBuilder {
    ConstantBuilder::default().with_delay(Duration::from_millis(1)).with_max_times(5)
}

/// Changes a request before it is sent.
fn edited(
    request: reqwest::RequestBuilder,
    edit: impl FnOnce(&mut reqwest::Request),
) -> reqwest::RequestBuilder {
    let (client, request) = request.build_split();
    let mut request = request.unwrap();
    edit(&mut request);
    reqwest::RequestBuilder::from_parts(client, request)
}
