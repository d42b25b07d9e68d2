//! The hosts of the crawler's web: one server for all of them, on the loopback.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// The one that does not answer.
const SILENT: &str = "made-up-domain.example";

#[derive(Clone)]
pub(crate) struct Hosts(SocketAddr);

impl Hosts {
    /// Serves until the program ends.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let hosts = Self(listener.local_addr()?);
        thread::spawn(move || {
            // Those that are not answered are kept: closed, they would have their answer.
            let mut silent = Vec::new();
            for connection in listener.incoming().flatten() {
                match serve(&connection) {
                    Ok(true) => {}
                    Ok(false) => silent.push(connection),
                    Err(error) => eprintln!("server: {error}"),
                }
            }
        });
        Ok(hosts)
    }

    /// The body of a page: Python's `urlopen(url, timeout=timeout).read()`.
    pub(crate) fn load_url(&self, url: &str, timeout: Duration) -> io::Result<Vec<u8>> {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let mut connection = TcpStream::connect_timeout(&self.0, timeout)?;
        connection.set_read_timeout(Some(timeout))?;
        write!(connection, "GET / HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => io::Error::new(ErrorKind::TimedOut, "timed out"),
            _ => error,
        })?;
        let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or(ErrorKind::InvalidData)?;
        Ok(answer.split_off(head + 4))
    }
}

/// Whether it answers.
fn serve(mut connection: &TcpStream) -> io::Result<bool> {
    let mut host = String::new();
    for line in BufReader::new(connection).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(name) = line.strip_prefix("Host: ") {
            name.clone_into(&mut host);
        }
    }
    if host == SILENT {
        return Ok(false);
    }
    let body = format!("<h1>Welcome to {host}</h1>\n").repeat(host.len());
    write!(connection, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    Ok(true)
}
