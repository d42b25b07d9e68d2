//! The hosts that the crawler visits, all served by one local server.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// The host that never responds.
const UNRESPONSIVE: &str = "made-up-domain.example";

#[derive(Clone)]
pub(crate) struct Hosts(SocketAddr);

impl Hosts {
    /// Starts the server, which runs until the program ends.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let hosts = Self(listener.local_addr()?);
        thread::spawn(move || {
            // Connections without a response stay open: a closed connection would be a response.
            let mut open = Vec::new();
            for connection in listener.incoming().flatten() {
                match serve(&connection) {
                    Ok(true) => {}
                    Ok(false) => open.push(connection),
                    Err(error) => eprintln!("server: {error}"),
                }
            }
        });
        Ok(hosts)
    }

    /// Fetches the body of a page: Python's `urlopen(url, timeout=timeout).read()`.
    pub(crate) fn load_url(&self, url: &str, timeout: Duration) -> io::Result<Vec<u8>> {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let mut connection = TcpStream::connect_timeout(&self.0, timeout)?;
        connection.set_read_timeout(Some(timeout))?;
        write!(connection, "GET / HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
        let mut response = Vec::new();
        connection.read_to_end(&mut response).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => io::Error::new(ErrorKind::TimedOut, "timed out"),
            _ => error,
        })?;
        let head =
            response.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or(ErrorKind::InvalidData)?;
        Ok(response.split_off(head + 4))
    }
}

/// Serves one request. Returns `false` if the host does not respond.
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
    if host == UNRESPONSIVE {
        return Ok(false);
    }
    let body = format!("<h1>Welcome to {host}</h1>\n").repeat(host.len());
    write!(connection, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    Ok(true)
}
