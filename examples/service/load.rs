use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends requests from eight clients, until the server accepts no more. The clients abandon every fifth request before its
/// response.
pub(crate) fn send_requests(address: SocketAddr) {
    for client in 0..8 {
        tokio::spawn(async move {
            for number in 0.. {
                let is_impatient = number % 5 == 4;
                let kind = if is_impatient { "impatient" } else { "patient" };
                if request(address, &format!("{kind}-{client}-{number}"), is_impatient).await.is_err() {
                    return;
                }
            }
        });
    }
}

async fn request(address: SocketAddr, id: &str, is_impatient: bool) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("POST /orders/{id} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    if is_impatient {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        return Ok(());
    }
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    Ok(())
}
