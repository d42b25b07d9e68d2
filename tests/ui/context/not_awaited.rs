#![deny(unused_must_use)]

use tokio::sync::Mutex;
use withal::context::async_with;

#[tokio::main]
async fn main() {
    let mutex = Mutex::new(1);
    async_with(&mutex, async |n| Ok::<_, String>(*n));
}
