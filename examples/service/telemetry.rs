use std::fs::File;
use std::io::{self, Write as _};
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex};

use withal::cleanup::Phase;

use super::ledger::Ledger;

/// A sink of events, which buffers them until the last phase of the shutdown.
#[derive(Clone)]
pub(crate) struct Telemetry {
    buffer: Arc<Mutex<Vec<u8>>>,
    ledger: Arc<Ledger>,
}

impl Telemetry {
    /// Opens the sink, and registers its flush with the phase.
    pub(crate) fn start(flush: &Phase, data: Option<&Path>, ledger: Arc<Ledger>) -> io::Result<Self> {
        let file = data.map(|data| File::create(data.join("telemetry.log"))).transpose()?;
        let telemetry = Self { buffer: Arc::default(), ledger };
        let sink = telemetry.clone();
        flush.step("telemetry", async move { tokio::task::spawn_blocking(move || sink.flush(file)).await? });
        Ok(telemetry)
    }

    pub(crate) fn record(&self, event: &str) {
        let mut buffer = self.buffer.lock().expect("the buffer is not poisoned");
        buffer.extend_from_slice(event.as_bytes());
        buffer.push(b'\n');
        drop(buffer);
        self.ledger.recorded.add(1);
    }

    fn flush(&self, file: Option<File>) -> io::Result<()> {
        let events = mem::take(&mut *self.buffer.lock().expect("the buffer is not poisoned"));
        if let Some(mut file) = file {
            file.write_all(&events)?;
            file.sync_all()?;
        }
        self.ledger.flushed.add(events.split(|byte| *byte == b'\n').count() as u64 - 1);
        println!("telemetry flushed");
        Ok(())
    }
}
