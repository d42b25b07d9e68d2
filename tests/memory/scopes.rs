//! The sizes of the futures of scopes.

use std::convert::Infallible;
use std::hint::black_box;
use std::mem::size_of_val;

use tokio::task::yield_now;
use withal::context::{async_with, nullcontext};

static LARGE: [u8; 64 * 1024] = [0; 64 * 1024];

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

/// Each scope that a value leaves has at most two places for it.
#[test]
fn the_places_of_a_value() {
    let one = size_of_val(&async {
        async_with!(_ = nullcontext(()) => {
            yield_now().await;
            LARGE
        })
    });
    let three = size_of_val(&async {
        async_with!(_ = nullcontext(()), _ = nullcontext(()), _ = nullcontext(()) => {
            yield_now().await;
            LARGE
        })
    });
    let by_function = size_of_val(&async_with(nullcontext(()), async |&mut ()| {
        yield_now().await;
        Ok::<_, Infallible>(LARGE)
    }));
    assert!(one < 2 * LARGE.len() + 256, "{one} bytes");
    assert!(three < 6 * LARGE.len() + 768, "{three} bytes");
    assert!(by_function < LARGE.len() + 256, "{by_function} bytes");
}

/// The sizes of scopes around a small block.
#[test]
fn small_scopes() {
    let one = size_of_val(&async { async_with!(n = nullcontext(1_u32) => { yield_now().await; *n }) });
    let three = size_of_val(&async {
        async_with!(n = nullcontext(1_u32), _ = nullcontext(1_u32), _ = nullcontext(1_u32) => {
            yield_now().await;
            *n
        })
    });
    assert!(one <= 208, "{one} bytes");
    assert!(three <= 576, "{three} bytes");
}
