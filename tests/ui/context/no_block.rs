use withal::context::{async_with, nullcontext};

async fn work() -> u32 {
    1
}

#[tokio::main]
async fn main() {
    async_with!(n = nullcontext(1) => work().await + *n);
    for _ in 0..3 {
        async_with!(loop; n = nullcontext(1) => work().await + *n);
        async_with!('outer; m = nullcontext(1), n = nullcontext(2) => work().await + *n);
    }
    async_with!();
}
