use tokio::sync::Mutex;
use withal::context::async_with;

#[tokio::main]
async fn main() {
    let mutex = Mutex::new(1);
    'outer: loop {
        loop {
            let _ = async_with(&mutex, async |n| {
                if *n == 1 {
                    break;
                }
                if *n == 2 {
                    continue;
                }
                if *n == 3 {
                    break 'outer;
                }
                Ok::<_, String>(())
            })
            .await;
        }
    }
}
