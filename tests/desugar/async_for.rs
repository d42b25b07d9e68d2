//! `async_for!`: each form, and each exit from the loop.

use std::cell::Cell;
use std::pin::pin;

use futures::executor::block_on;
use futures::{Stream, StreamExt, stream};
use withal::async_for;
use withal::generator::generator;

fn numbers(to: u32) -> impl Stream<Item = u32> {
    generator(async move |mut y| {
        for n in 0..to {
            tokio::task::yield_now().await;
            y.yield_(n).await?;
        }
        Ok(())
    })
}

#[test]
fn without_else() {
    let seen = block_on(async {
        let mut seen = Vec::new();
        async_for!(n in numbers(3) => {
            seen.push(n);
        });
        seen
    });
    assert_eq!(seen, [0, 1, 2]);
}

#[test]
fn else_at_the_end() {
    let seen = block_on(async {
        let mut seen = Vec::new();
        async_for!(n in numbers(2) => {
            seen.push(n);
        } else {
            seen.push(100);
        });
        seen
    });
    assert_eq!(seen, [0, 1, 100]);
}

#[test]
fn else_of_an_empty_stream() {
    block_on(async {
        let mut has_ended = false;
        async_for!(_ in stream::empty::<u32>() => {
            unreachable!("the stream is empty");
        } else {
            has_ended = true;
        });
        assert!(has_ended);
    });
}

#[test]
fn no_else_after_break() {
    let seen = block_on(async {
        let mut seen = Vec::new();
        async_for!(n in numbers(9) => {
            if n == 2 {
                break;
            }
            seen.push(n);
        } else {
            seen.push(100);
        });
        seen
    });
    assert_eq!(seen, [0, 1]);
}

#[test]
fn continue_takes_the_next_item() {
    let seen = block_on(async {
        let mut seen = Vec::new();
        async_for!(n in numbers(5) => {
            if n % 2 == 0 {
                continue;
            }
            seen.push(n);
        } else {
            seen.push(100);
        });
        seen
    });
    assert_eq!(seen, [1, 3, 100]);
}

#[test]
fn question_mark_and_return_exit_the_function() {
    async fn sum(words: &[&str]) -> Result<i32, std::num::ParseIntError> {
        let mut sum = 0;
        async_for!(word in stream::iter(words) => {
            if *word == "enough" {
                return Ok(-1);
            }
            sum += word.parse::<i32>()?;
        } else {
            sum += 1000;
        });
        Ok(sum)
    }
    assert_eq!(block_on(sum(&["1", "2"])), Ok(1003));
    assert_eq!(block_on(sum(&["1", "enough"])), Ok(-1));
    assert!(block_on(sum(&["1", "x"])).is_err());
}

#[test]
fn items_that_are_results_are_not_unwrapped() {
    async fn first_two(items: Vec<Result<u32, &'static str>>) -> Result<Vec<u32>, &'static str> {
        let mut seen = Vec::new();
        async_for!(item in stream::iter(items) => {
            seen.push(item?);
        });
        Ok(seen)
    }
    assert_eq!(block_on(first_two(vec![Ok(1), Ok(2)])), Ok(vec![1, 2]));
    assert_eq!(block_on(first_two(vec![Ok(1), Err("broken")])), Err("broken"));
}

/// As in Python: in the `else`, the loop has already ended.
#[test]
fn break_and_continue_in_else_refer_to_the_loop_around() {
    block_on(async {
        let mut rounds = 0;
        loop {
            rounds += 1;
            async_for!(_ in numbers(1) => {} else {
                if rounds < 3 {
                    continue;
                }
                break;
            });
            unreachable!("the else block ended this iteration");
        }
        assert_eq!(rounds, 3);
    });
}

#[test]
fn labels() {
    let seen = block_on(async {
        let mut seen = Vec::new();
        async_for!('rows: row in numbers(4) => {
            async_for!(column in numbers(4) => {
                if column == 1 && row < 2 {
                    continue 'rows;
                }
                if row == 3 {
                    break 'rows;
                }
                seen.push((row, column));
            });
        } else {
            unreachable!("the loop was left by break");
        });
        seen
    });
    assert_eq!(seen, [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (2, 3)]);
}

#[test]
fn patterns() {
    block_on(async {
        let mut seen = Vec::new();
        async_for!((key, [first, ..]) in stream::iter([("a", [1, 2]), ("b", [3, 4])]) => {
            seen.push((key, first));
        });
        assert_eq!(seen, [("a", 1), ("b", 3)]);
    });
}

#[test]
fn a_borrowed_stream_can_be_used_after_the_loop() {
    block_on(async {
        let mut borrowed = pin!(numbers(5));
        async_for!(n in borrowed.as_mut() => {
            if n == 1 {
                break;
            }
        });
        assert_eq!(borrowed.next().await, Some(2));
        let mut unpin = stream::iter(0..5);
        async_for!(n in &mut unpin => {
            if n == 3 {
                break;
            }
        });
        assert_eq!(unpin.next().await, Some(4));
    });
}

/// As in `for`: for example, a guard that is created in the iterable expression.
#[test]
fn temporaries_of_the_iterable_live_as_long_as_the_loop() {
    struct Guard<'a>(&'a Cell<bool>, Vec<u32>);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    block_on(async {
        let is_dropped = Cell::new(false);
        async_for!(n in stream::iter(&Guard(&is_dropped, vec![1, 2]).1) => {
            assert!(*n > 0 && !is_dropped.get());
        });
        assert!(is_dropped.get());
    });
}

#[test]
fn the_stream_is_dropped_when_the_loop_ends() {
    struct Held<'a>(&'a Cell<bool>);
    impl Drop for Held<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    block_on(async {
        let is_dropped = Cell::new(false);
        let held = Held(&is_dropped);
        let endless = stream::repeat_with(move || {
            let _held = &held;
        });
        async_for!(() in endless => {
            break;
        } else {
            unreachable!("the stream is endless");
        });
        assert!(is_dropped.get());
    });
}

/// A task that may move to another thread can contain the loop.
#[test]
fn the_loop_is_send_if_its_stream_and_block_are() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let sum = block_on(is_send(async {
        let mut sum = 0;
        async_for!(n in numbers(4) => {
            tokio::task::yield_now().await;
            sum += n;
        });
        sum
    }));
    assert_eq!(sum, 6);
}
