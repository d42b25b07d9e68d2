use tokio::sync::{Mutex, Semaphore};
use withal::context::{async_with, suppress};

async fn bare(mutex: &Mutex<u32>) -> u32 {
    async_with!(n = mutex => { *n += 1; *n })
}

async fn two(mutex: &Mutex<u32>, sem: &Semaphore) -> Result<u32, Box<dyn std::error::Error>> {
    let n = async_with!(n = mutex, _ = sem => { *n += "1".parse::<u32>()?; *n })?;
    let _ = async_with!(n = mutex, () = suppress(|_: &u32| true) => { if *n == 100 { return Ok(7) } *n += "1".parse::<u32>()?; *n });
    Ok(n)
}

#[tokio::test]
async fn first() {
    let mutex = Mutex::new(1);
    assert_eq!(bare(&mutex).await, 2);
    assert_eq!(two(&mutex, &Semaphore::new(1)).await.unwrap(), 3);
    'a: for i in 0..5 {
        for j in 0..2 {
            async_with!(loop, 'a; n = &mutex, _ = suppress(|_: &u32| true) => { *n += 1; if i == 2 { break 'a } if j == 1 { break }; continue 'a });
        }
    }
}
#[tokio::test]
async fn spawned() {
    let mutex = std::sync::Arc::new(Mutex::new(1));
    let m = mutex.clone();
    tokio::spawn(async move { async_with!(n = &*m => { tokio::task::yield_now().await; *n += 1; }) })
        .await
        .unwrap();
    assert_eq!(*mutex.lock().await, 2);
}
