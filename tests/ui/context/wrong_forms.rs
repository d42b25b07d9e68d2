use tokio::sync::Mutex;
use withal::context::{async_with, nullcontext};

struct Own {
    mutex: Mutex<u32>,
}

#[tokio::main]
async fn main() {
    let own = Own { mutex: Mutex::new(1) };
    let mutex = &own.mutex;
    async_with!(n = mutex { *n += 1 });
    async_with!(n = &own.mutex { *n += 1; });
    async_with!(n = nullcontext(1) { *n += 1 });
    async_with!(m = nullcontext(1), n = nullcontext(2) { *n += 1 });
    async_with!(n in &own.mutex => { *n += 1 });
    async_with!(&own.mutex as n => { *n += 1 });
    async_with!(let n = &own.mutex => { *n += 1 });
    async_with!(let n = &own.mutex, { *n += 1 });
    async_with!(&own.mutex, { println!("locked") });
    async_with!(m = mutex, nullcontext(1) => { *m += 1 });
    async_with!(n = &own.mutex, *n += 1);
    async_with!(n = &own.mutex);
    async_with!(n = &own.mutex,);
    async_with!(n = &own.mutex => async { 1 });
    async_with!(n = &own.mutex, async { 1 });
    async_with!(n = &own.mutex => |n| { 1 });
    async_with!(n = &own.mutex, |n| { 1 });
    async_with!(m = mutex, n = &own.mutex, async move { 1 });
    async_with!({ 1 });
    async_with!(mutex);
}
