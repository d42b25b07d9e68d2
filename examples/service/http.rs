use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;
use withal::cleanup::{self, Phase};
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
    let request = Request::accepted(&service, &id);
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

/// Counts a request as answered or, if it is dropped before, as left or failed. The reservation of such a request is
/// released.
struct Request {
    service: Arc<Service>,
    /// The client of this request does not wait for the response: see the load.
    is_impatient: bool,
    is_answered: bool,
}

impl Request {
    fn accepted(service: &Arc<Service>, id: &str) -> Self {
        service.ledger.accepted.add(1);
        Self { service: Arc::clone(service), is_impatient: id.starts_with("impatient"), is_answered: false }
    }

    fn answered(mut self, status: StatusCode) -> StatusCode {
        self.is_answered = true;
        let ledger = &self.service.ledger;
        let is_success = status.is_success();
        if is_success { &ledger.answered } else { &ledger.failed }.add(1);
        status
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.is_answered {
            let Service { ledger, telemetry, .. } = &*self.service;
            if self.is_impatient { &ledger.left } else { &ledger.failed }.add(1);
            let (ledger, telemetry) = (Arc::clone(ledger), telemetry.clone());
            // Nothing but the phase `run exits` waits for it.
            cleanup::detach(async move {
                sleep(Duration::from_millis(200)).await; // a request to the warehouse
                telemetry.record("release");
                ledger.released.add(1);
                Ok::<(), Infallible>(())
            });
        }
    }
}
