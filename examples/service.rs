//! A service that shuts down in order under load: an HTTP server with a database, tasks, a child process, a background crawl
//! and telemetry.
//!
//! ```sh
//! cargo run --example service                                     # sends requests to itself for two seconds
//! cargo run --example service -- --port 8080 --data /tmp/service  # until Ctrl-C, or SIGTERM
//! curl -X POST localhost:8080/orders/1
//! ```
//!
//! The shutdown has five phases, in this order:
//!
//! | phase | steps |
//! |---|---|
//! | stop accepting | the server closes its listener, and the crawl ends after its page |
//! | finish requests | the accepted requests, their tasks, the child process and the crawl end |
//! | run exits | the transactions of requests that their clients have left are rolled back, and their reservations released |
//! | close database | the thread of the database ends |
//! | flush telemetry | the events of all earlier phases are written |
//!
//! Each component counts in a ledger the work that it begins and ends. At its end, the program prints the ledger, for example:
//!
//! ```text
//! requests      2671 accepted, 2512 answered, 159 left by their clients, 0 failed
//! reservations  159 cancelled, 159 released
//! transactions  5183 begun, 4968 committed, 215 rolled back, 0 open
//! tasks         2512 created, 2512 ended
//! children      1 started, 1 ended, 2512 invoices rendered
//! pages         38 begun, 38 stored
//! events        10404 recorded, 10404 flushed
//! ```
//!
//! The exit code is 0 if the ledger is balanced and every step of the shutdown has finished.

#[path = "service/database.rs"]
mod database;
#[path = "service/http.rs"]
mod http;
#[path = "service/ledger.rs"]
mod ledger;
#[path = "service/load.rs"]
mod load;
#[path = "service/renderer.rs"]
mod renderer;
#[path = "service/telemetry.rs"]
mod telemetry;

use std::path::PathBuf;
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::sleep;
use withal::cleanup::{self, GracefulShutdown, Phase};
use withal::context::async_with;
use withal::pages::by_cursor;
use withal::tasks::{BoxError, TaskGroup};

use self::database::Database;
use self::http::Service;
use self::ledger::Ledger;
use self::telemetry::Telemetry;

/// A service that shuts down in order under load.
#[derive(Parser)]
struct Args {
    /// Serves on this port until a signal. Without it, the program sends requests to itself for two seconds.
    #[arg(long)]
    port: Option<u16>,
    /// The folder of the database and the telemetry. Without it, both are in memory.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Runs as the child process that renders invoices.
    #[arg(long, hide = true)]
    render: bool,
}

/// Confirms orders, each in a task, and passes them to the renderer. The loop ends when the server, which owns the sender of
/// the orders, has ended.
async fn confirm_orders(
    mut orders: mpsc::UnboundedReceiver<String>,
    confirmed: mpsc::UnboundedSender<String>,
    database: Database,
    ledger: Arc<Ledger>,
) -> Result<(), BoxError> {
    async_with!(group = TaskGroup::new() => {
        while let Some(order) = orders.recv().await {
            let (database, confirmed, ended) = (database.clone(), confirmed.clone(), ledger.task());
            group.create_task(async move {
                async_with!(tx = database.transaction() => { tx.confirm(order.clone()).await? })?;
                // An error means that the renderer has failed, which ends the program.
                drop(confirmed.send(order));
                drop(ended);
                Ok::<_, rusqlite::Error>(())
            });
        }
    })?;
    println!("tasks ended");
    Ok(())
}

/// Reads an endless list, and stores each page in a transaction. It ends after the page that it is storing.
async fn crawl(
    database: Database,
    ledger: Arc<Ledger>,
    end: impl Future<Output = ()>,
) -> Result<(), BoxError> {
    let fetch = async |cursor: Option<u32>| {
        sleep(Duration::from_millis(5)).await; // a request to the API
        let page = cursor.unwrap_or(0);
        Ok::<_, std::io::Error>(((page * 10..page * 10 + 10).collect::<Vec<_>>(), Some(page + 1)))
    };
    let mut pages = by_cursor(fetch).into_pages();
    let mut end = std::pin::pin!(end);
    loop {
        let page = tokio::select! {
            page = pages.try_next() => page?,
            () = &mut end => break,
        };
        // Not a branch of the `select!`, so that a page that has been read is stored.
        let Some(items) = page else { break };
        let stored = ledger.page();
        async_with!(tx = database.transaction() => { tx.store_page(items).await? })?;
        stored();
    }
    println!("crawl ended");
    Ok(())
}

async fn app(args: Args) -> Result<ExitCode, BoxError> {
    let mut shutdown = GracefulShutdown::new();
    shutdown.on_signals()?;
    let accept = shutdown.phase("stop accepting", Duration::from_secs(5));
    let requests = shutdown.phase("finish requests", Duration::from_secs(10));
    shutdown.run_exits(Duration::from_secs(5));
    let close = shutdown.phase("close database", Duration::from_secs(5));
    let flush = shutdown.phase("flush telemetry", Duration::from_secs(5));

    let ledger = Arc::new(Ledger::default());
    let telemetry = Telemetry::start(&flush, args.data.as_deref(), Arc::clone(&ledger))?;
    let database = Database::start(&close, args.data.as_deref(), Arc::clone(&ledger), telemetry.clone())?;

    let (orders, receiver) = mpsc::unbounded_channel();
    let (confirmed, invoices) = mpsc::unbounded_channel();
    requests.spawn("tasks", confirm_orders(receiver, confirmed, database.clone(), Arc::clone(&ledger)));
    requests.spawn("renderer", renderer::render(invoices, Arc::clone(&ledger)));
    requests.spawn("crawl", crawl(database.clone(), Arc::clone(&ledger), accept.begun()));

    let listener = TcpListener::bind(("127.0.0.1", args.port.unwrap_or(0))).await?;
    let address = listener.local_addr()?;
    let service = Service::new(database, telemetry, orders, Arc::clone(&ledger), accept.clone());
    requests.spawn("http server", serve(listener, service, accept));
    println!("listening on {address}");

    if args.port.is_none() {
        // The load continues during the shutdown.
        let handle = shutdown.handle();
        load::send_requests(address);
        tokio::spawn(async move {
            sleep(Duration::from_secs(2)).await;
            handle.begin();
        });
    }
    let report = shutdown.run().await;
    println!("{ledger}");
    let exit_code = report.report();
    Ok(if ledger.is_balanced() { exit_code } else { ExitCode::FAILURE })
}

async fn serve(listener: TcpListener, service: Service, accept: Phase) -> std::io::Result<()> {
    axum::serve(listener, service.router()).with_graceful_shutdown(accept.begun()).await?;
    println!("server ended");
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    if args.render {
        return renderer::run_child();
    }
    cleanup::run_main(app(args), Duration::from_secs(5)).await
}
