use tokio::sync::Mutex;
use withal::context::async_with;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mutex = Mutex::new(1);
    async_with!(n = &mutex => { *n += "1".parse::<u32>()? });
    Ok(())
}
