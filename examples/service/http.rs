use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::sync::mpsc::UnboundedSender;
use withal::cleanup::Phase;
use withal::context::async_with;

use super::database::Database;
use super::ledger::Ledger;
use super::telemetry::Telemetry;

/// The state of the handlers. The server owns it, so it is dropped when the server ends.
pub(crate) struct Service {
    database: Database,
    telemetry: Telemetry,
    orders: UnboundedSender<String>,
    ledger: Arc<Ledger>,
    accept: Phase,
}

impl Service {
    pub(crate) fn new(
        database: Database,
        telemetry: Telemetry,
        orders: UnboundedSender<String>,
        ledger: Arc<Ledger>,
        accept: Phase,
    ) -> Self {
        Self { database, telemetry, orders, ledger, accept }
    }

    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/orders/{id}", post(order))
            .route("/ready", get(ready))
            .with_state(Arc::new(self))
    }
}

/// Responds to the readiness probe: load balancers send no requests to a service that is not ready.
async fn ready(State(service): State<Arc<Service>>) -> StatusCode {
    if service.accept.has_begun() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

async fn order(State(service): State<Arc<Service>>, Path(id): Path<String>) -> StatusCode {
    let request = Request::accepted(&service.ledger, &id);
    let inserted: Result<(), rusqlite::Error> =
        async { async_with!(tx = service.database.transaction() => { tx.insert_order(id.clone()).await? }) }
            .await;
    let status = match inserted {
        Ok(()) if service.orders.send(id).is_ok() => StatusCode::CREATED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    service.telemetry.record("request");
    request.answered(status)
}

/// Counts a request as answered or, if it is dropped before, as left or failed.
struct Request<'a> {
    ledger: &'a Ledger,
    /// The client of this request does not wait for the response: see the load.
    is_impatient: bool,
    is_answered: bool,
}

impl<'a> Request<'a> {
    fn accepted(ledger: &'a Ledger, id: &str) -> Self {
        ledger.accepted.add(1);
        Self { ledger, is_impatient: id.starts_with("impatient"), is_answered: false }
    }

    fn answered(mut self, status: StatusCode) -> StatusCode {
        self.is_answered = true;
        let is_success = status.is_success();
        if is_success { &self.ledger.answered } else { &self.ledger.failed }.add(1);
        status
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            if self.is_impatient { &self.ledger.left } else { &self.ledger.failed }.add(1);
        }
    }
}
