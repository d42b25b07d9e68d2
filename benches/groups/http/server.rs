use std::fmt::Write as _;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ITEMS: u64 = 100;

/// Starts a server of this many pages for one connection, and returns its URL.
pub(super) async fn start(pages: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/docs", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a connection");
        serve(socket, pages).await;
    });
    url
}

/// Responds to each request on a connection with the next page.
async fn serve(mut socket: TcpStream, pages: u64) {
    socket.set_nodelay(true).expect("a socket");
    let mut request = [0; 4096];
    let (first, rest) = documents();
    for page in 1..=pages {
        // Each request arrives at once.
        if socket.read(&mut request).await.expect("a request") == 0 {
            return;
        }
        let next = if page < pages { format!("\"{page}\"") } else { "null".to_owned() };
        // The first document differs, so that no page repeats another.
        let body_len = first.len() + 12 + rest.len() + next.len() + 1;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {body_len}\r\n\r\n"
        );
        let response = format!("{head}{first}{page:012}{rest}{next}}}");
        socket.write_all(response.as_bytes()).await.expect("the client reads");
    }
}

/// The body of a page before and after the `id` of the first document, whose last digits are the number of the page.
fn documents() -> (String, String) {
    let mut rest = ",\"name\":\"document 0\",\"price\":1.25,\"tags\":[\"new\",\"on sale\"]}".to_owned();
    for id in 1..ITEMS {
        let _ = write!(
            rest,
            ",{{\"id\":{id},\"name\":\"document {id}\",\"price\":{id}.25,\"tags\":[\"new\",\"on sale\"]}}"
        );
    }
    rest.push_str("],\"next\":");
    ("{\"items\":[{\"id\":1".to_owned(), rest)
}
