//! Pages of an HTTP API: the cost of `pages::http` beside reqwest and `serde_json` by hand.
//!
//! Both rows read the same pages from the same server, which runs in the process and whose cost is a part of both figures: one
//! page of 100 small documents per request, with the cursor of the next page. The connection is kept open.

mod by_hand;
mod ours;
mod server;

use serde::Deserialize;

use crate::harness::{Clock, Group, Row};

/// A document, of which all members are read.
#[derive(Debug, Deserialize)]
struct Doc {
    id: u64,
    name: String,
    tags: Vec<String>,
    price: f64,
}

impl Doc {
    /// A number that depends on every member.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "prices are small")]
    fn value(&self) -> u64 {
        self.id + self.price as u64 + (self.name.len() + self.tags.len()) as u64
    }
}

pub(super) fn groups() -> Vec<Group> {
    let rows = vec![
        Row::with_io("withal", async |pages| assert_ne!(ours::sum(&server::start(pages).await).await, 0)),
        Row::with_io("reqwest by hand", async |pages| {
            assert_ne!(by_hand::sum(&server::start(pages).await).await, 0);
        }),
    ];
    vec![Group { name: "http".to_owned(), per: "page", step: 1, counted: 200, clock: Clock::Wall, rows }]
}
