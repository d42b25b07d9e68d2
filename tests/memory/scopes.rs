//! The sizes of the futures of scopes.

use std::convert::Infallible;
use std::hint::black_box;
use std::mem::size_of_val;

use tokio::task::yield_now;
use withal::context::{Error, async_with, nullcontext};

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

/// A scope that a value leaves has one place for it, whichever way the value leaves the block.
#[test]
fn a_value_has_one_place_in_each_scope() {
    let one = size_of_val(&async {
        async_with!(_ = nullcontext(()) => {
            yield_now().await;
            LARGE
        })
    });
    let fallible = size_of_val(&async {
        async_with!(_ = nullcontext(()) => {
            yield_now().await;
            Ok::<_, Infallible>(LARGE)
        })
    });
    let returned = size_of_val(&async {
        async_with!(_ = nullcontext(()) => {
            yield_now().await;
            return LARGE
        })
    });
    let three = size_of_val(&async {
        async_with!(_ = nullcontext(()), _ = nullcontext(()), _ = nullcontext(()) => {
            yield_now().await;
            LARGE
        })
    });
    assert!(one < LARGE.len() + 256, "{one} bytes");
    assert!(fallible < LARGE.len() + 256, "{fallible} bytes");
    assert!(returned < LARGE.len() + 256, "{returned} bytes");
    assert!(three < 3 * LARGE.len() + 512, "{three} bytes");
}

/// The scopes of nested functions have one place for a value, together.
#[expect(clippy::large_futures, reason = "the size of the future is what is tested")]
#[test]
fn a_value_has_one_place_in_nested_functions() {
    let nested = async_with(nullcontext(()), async |&mut ()| {
        let nested = async_with(nullcontext(()), async |&mut ()| {
            let nested = async_with(nullcontext(()), async |&mut ()| {
                yield_now().await;
                Ok::<_, Infallible>(LARGE)
            });
            nested.await.map_err(Error::into_inner)
        });
        nested.await.map_err(Error::into_inner)
    });
    let size = size_of_val(&nested);
    assert!(size < LARGE.len() + 512, "{size} bytes");
}

/// The sizes of one, three and ten scopes around a small block. Written by hand, they are 80, 128 and 296 bytes.
#[test]
fn small_scopes() {
    let one = size_of_val(&async { async_with!(n = nullcontext(1_u32) => { yield_now().await; *n }) });
    let three = size_of_val(&async {
        async_with!(n = nullcontext(1_u32), _ = nullcontext(1_u32), _ = nullcontext(1_u32) => {
            yield_now().await;
            *n
        })
    });
    let nested = size_of_val(&async {
        async_with!(n = nullcontext(1_u32) => {
            async_with!(_ = nullcontext(1_u32) => {
                async_with!(_ = nullcontext(1_u32) => {
                    yield_now().await;
                    *n
                })
            })
        })
    });
    let ten = size_of_val(&async {
        async_with!(
            n = nullcontext(1_u32), _ = nullcontext(1_u32), _ = nullcontext(1_u32), _ = nullcontext(1_u32),
            _ = nullcontext(1_u32), _ = nullcontext(1_u32), _ = nullcontext(1_u32), _ = nullcontext(1_u32),
            _ = nullcontext(1_u32), _ = nullcontext(1_u32) => {
                yield_now().await;
                *n
            }
        )
    });
    assert!(one <= 128, "{one} bytes");
    assert!(three <= 304, "{three} bytes");
    assert!(nested <= 304, "{nested} bytes");
    assert!(ten <= 920, "{ten} bytes");
}
