use std::io;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc::UnboundedReceiver;
use withal::context::async_with;
use withal::resources::process;
use withal::tasks::BoxError;

use super::ledger::Ledger;

/// Renders an invoice for each order, in a child process that reads and writes lines. It ends when the last sender is
/// dropped, and then ends the child.
pub(crate) async fn render(
    mut orders: UnboundedReceiver<String>,
    ledger: Arc<Ledger>,
) -> Result<(), BoxError> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--render").stdin(Stdio::piped()).stdout(Stdio::piped());
    async_with!(child = process(command) => {
        ledger.started.add(1);
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let mut invoices = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        while let Some(order) = orders.recv().await {
            stdin.write_all(format!("{order}\n").as_bytes()).await?;
            invoices.next_line().await?.ok_or_else(|| io::Error::other("the renderer has ended"))?;
            ledger.rendered.add(1);
        }
    })?;
    ledger.reaped.add(1);
    println!("renderer ended");
    Ok(())
}

/// The child process.
pub(crate) fn run_child() -> ExitCode {
    for order in io::stdin().lines().map_while(Result::ok) {
        println!("<invoice order=\"{order}\"/>");
    }
    ExitCode::SUCCESS
}
