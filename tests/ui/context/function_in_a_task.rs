//! The function `async_with` in a spawned task, with a lifetime in the type of the target. Its documentation names the
//! message and the solution: `async_with_send`, or the macro.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::Mutex;
use withal::context::async_with;

fn main() {
    let names = Arc::new(Mutex::new(vec!["Ada"]));
    tokio::spawn(async move {
        let count = async_with(names, async |names| Ok::<_, Infallible>(names.len()));
        count.await.unwrap()
    });
}
