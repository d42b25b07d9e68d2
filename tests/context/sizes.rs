//! The sizes of the futures of scopes.

use std::convert::Infallible;
use std::hint::black_box;
use std::mem::size_of_val;

use tokio::task::yield_now;
use withal::context::{async_with, nullcontext};

const LARGE: [u8; 64 * 1024] = [0; 64 * 1024];

/// A scope does not store the work of its block a second time.
#[test]
fn work_is_stored_once() {
    let work = async {
        let large = LARGE;
        yield_now().await;
        black_box(&large);
    };
    let by_hand = size_of_val(&work);
    let by_macro = size_of_val(&async {
        async_with!(_ = nullcontext(()) => {
            let large = LARGE;
            yield_now().await;
            black_box(&large);
        });
    });
    let by_function = async_with(nullcontext(()), async |&mut ()| {
        let large = LARGE;
        yield_now().await;
        black_box(&large);
        Ok::<_, Infallible>(())
    });
    assert!(by_macro < by_hand + 256, "{by_macro} bytes, of which {by_hand} are the work");
    let by_function = size_of_val(&by_function);
    assert!(by_function < by_hand + 256, "{by_function} bytes, of which {by_hand} are the work");
}
