//! Control flow across the block of the macro, and the places in which the macro can be used.

use std::convert::Infallible;
use std::ops::ControlFlow;

use tokio::sync::{Mutex, Semaphore};
use withal::context::{Detach, Error, async_with, decorate, nullcontext, suppress};
use withal_test_support::event_log::EventLog;
use withal_test_support::probes;

probes!(Probe: Detach);

#[tokio::test]
async fn the_three_most_common_uses() {
    struct Account(u32);

    async fn a_lock(balance: &Mutex<u32>) -> u32 {
        async_with!(balance = balance => { *balance += 1; *balance })
    }
    async fn a_transaction(
        log: &EventLog,
        text: &str,
    ) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        let n = async_with!(tx = Probe::new(log, "tx") => { *tx += text.parse::<u32>()?; *tx })?;
        Ok(n)
    }
    async fn two_managers(one: &Mutex<Account>, other: &Mutex<Account>) {
        async_with!(one = one, other = other => { one.0 -= 1; other.0 += 1 });
    }

    assert_eq!(a_lock(&Mutex::new(1)).await, 2);
    let log = EventLog::new();
    assert_eq!(a_transaction(&log, "1").await.unwrap(), 8);
    assert!(a_transaction(&log, "x").await.is_err());
    assert_eq!(log.entries(), "+tx <tx:ok tx> +tx <tx:error tx>");
    let [one, other] = [3, 4].map(|n| Mutex::new(Account(n)));
    two_managers(&one, &other).await;
    assert_eq!((one.into_inner().0, other.into_inner().0), (2, 5));
}

#[tokio::test]
async fn a_later_manager_can_use_an_earlier_target() {
    let log = EventLog::new();
    let n = async_with!(n = Probe::new(&log, "a"), m = nullcontext(*n + 1) => { *n + *m }).unwrap();
    assert_eq!(n, 15);
}

#[tokio::test]
async fn the_block_uses_and_changes_local_variables() {
    let (mut count, text, moved) = (0, String::from("text"), vec![1, 2]);
    let borrowed = async_with!(n = nullcontext(1) => {
        count += *n;
        tokio::task::yield_now().await;
        drop(moved);
        text.as_str()
    });
    assert_eq!((count, borrowed), (1, "text"));
}

/// Functions that do not return a `Result`; the macro does not know some of the types.
#[tokio::test]
async fn in_functions_with_any_return_type() {
    struct Own(u32);
    async fn nothing(n: &Mutex<u32>, stop: bool) {
        async_with!(n = n => {
            *n += 1;
            if stop {
                return;
            }
        });
        *n.lock().await += 10;
    }
    async fn option(n: &Mutex<u32>, some: Option<u32>) -> Option<u32> {
        Some(async_with!(n = n => { *n + some? }))
    }
    async fn own(n: &Mutex<u32>, early: bool) -> Own {
        let n = async_with!(n = n => {
            if early {
                return Own(0);
            }
            *n
        });
        Own(n)
    }
    async fn generic<T: Clone + Send>(value: &Mutex<T>, early: bool) -> T {
        async_with!(value = value => {
            if early {
                return value.clone();
            }
            value.clone()
        })
    }
    async fn flow(n: &Mutex<u32>) -> ControlFlow<u32> {
        async_with!(n = n => { ControlFlow::Break(*n)? });
        ControlFlow::Continue(())
    }
    async fn borrowed<'a>(n: &Mutex<u32>, text: &'a str) -> Result<&'a str, String> {
        async_with!(n = n => {
            if *n > 0 {
                return Ok(&text[1..]);
            }
        });
        Ok(text)
    }

    let n = Mutex::new(1);
    nothing(&n, true).await;
    nothing(&n, false).await;
    assert_eq!(*n.lock().await, 13);
    assert_eq!((option(&n, Some(1)).await, option(&n, None).await), (Some(14), None));
    assert_eq!((own(&n, true).await.0, own(&n, false).await.0), (0, 13));
    assert_eq!((generic(&n, true).await, generic(&n, false).await), (13, 13));
    assert_eq!(flow(&n).await, ControlFlow::Break(13));
    assert_eq!(borrowed(&n, "text").await, Ok("ext"));
}

/// In an `async` block, the return type is inferred after the macro.
#[tokio::test]
async fn in_async_blocks_and_closures_of_any_type() {
    let n = Mutex::new(1);
    async { async_with!(n = &n => { *n += 1 }) }.await;
    let error = async {
        let n = async_with!(n = &n => { *n + "x".parse::<u32>()? });
        Ok::<_, std::num::ParseIntError>(n)
    };
    assert!(error.await.is_err());
    let error = async {
        let n = async_with!(-> Result<_, Box<dyn std::error::Error>>; n = &n => { *n + "x".parse::<u32>()? });
        Ok(n)
    };
    assert!(error.await.is_err());
    let closure = async |by: u32| async_with!(n = &n => { *n += by; *n });
    assert_eq!(closure(1).await, 3);
    let raced = tokio::select! {
        biased;
        n = async { async_with!(n = &n => { *n }) } => n,
        () = std::future::pending() => 0,
    };
    assert_eq!(raced, 3);
}

#[tokio::test]
async fn break_and_continue_of_the_enclosing_loop() {
    let log = EventLog::new();
    let mut seen = Vec::new();
    for n in 0.. {
        let value = async_with!(loop; _a = Probe::new(&log, "a"), _b = Probe::new(&log, "b") => {
            if n == 1 {
                continue;
            }
            if n == 3 {
                break;
            }
            n
        });
        seen.push(value.unwrap());
    }
    assert_eq!(seen, [0, 2]);
    assert_eq!(log.entries(), ["+a +b <b:ok b> <a:ok a>"; 4].join(" "));
}

#[tokio::test]
async fn labels_of_the_enclosing_loops() {
    let log = EventLog::new();
    let mut seen = Vec::new();
    'outer: for n in 0..9 {
        'middle: for m in 0..9 {
            for l in 0..2 {
                async_with!(loop, 'outer, 'middle; _a = Probe::new(&log, "a") => {
                    match (n, m, l) {
                        (0, 1, _) => continue 'outer,
                        (1, 0, _) => continue 'middle,
                        (1, 1, _) => break 'middle,
                        (2, 0, 0) => continue,
                        (2, 1, 0) => break,
                        (2, 2, _) => break 'outer,
                        _ => {}
                    }
                })
                .unwrap();
                seen.push((n, m, l));
            }
            seen.push((n, m, 9));
        }
        seen.push((n, 9, 9));
    }
    assert_eq!(seen, [(0, 0, 0), (0, 0, 1), (0, 0, 9), (1, 9, 9), (2, 0, 1), (2, 0, 9), (2, 1, 9)]);
    log.check(&[]);
}

/// With labels only, a jump without a label refers to a loop inside the block.
#[tokio::test]
async fn jumps_of_loops_inside_the_block() {
    let mut count = 0;
    'outer: loop {
        async_with!('outer; n = nullcontext(1) => {
            for m in 0.. {
                if m == 3 {
                    break;
                }
                count += *n;
            }
            if count > 8 {
                break 'outer;
            }
        });
    }
    assert_eq!(count, 9);
}

#[tokio::test]
async fn nested_by_hand() {
    async fn nested(
        one: &Mutex<u32>,
        other: &Semaphore,
        stop: bool,
    ) -> Result<u32, tokio::sync::AcquireError> {
        async_with!(n = one => {
            let m = async_with!(_permit = other => {
                if stop {
                    return Ok(0);
                }
                *n + 1
            })?;
            Ok(m)
        })
    }
    let (one, other) = (Mutex::new(1), Semaphore::new(1));
    assert_eq!(nested(&one, &other, false).await.unwrap(), 2);
    assert_eq!(nested(&one, &other, true).await.unwrap(), 0);
    assert!(one.try_lock().is_ok() && other.available_permits() == 1);
}

#[tokio::test]
async fn each_call_of_a_decorated_function_has_a_new_manager() {
    let log = EventLog::new();
    let add =
        decorate(|| Probe::new(&log, "a"), async |(n, m): (u32, u32)| n.checked_add(m).ok_or("overflow"));
    assert_eq!(add.call((1, 2)).await, Ok(3));
    assert_eq!(add.call((u32::MAX, 1)).await, Err(Error::Block("overflow")));
    assert_eq!(log.entries(), "+a <a:ok a> +a <a:error a>");
    let quiet = decorate(
        || suppress(|_: &&str| true),
        async |text: &str| text.parse::<u32>().map_err(|_| "not a number"),
    );
    assert_eq!(quiet.call("x").await, Ok(None::<u32>));
    let infallible: Result<u32, Error<Infallible, Infallible>> =
        async_with(nullcontext(1), async |n| Ok(*n)).await;
    assert_eq!(infallible.unwrap(), 1);
}

/// An argument lives as long as its call, which may be shorter than the decorated function lives.
#[tokio::test]
async fn a_decorated_function_takes_arguments_of_any_lifetime() {
    let parse = decorate(|| nullcontext(()), async |text: &str| text.parse::<u32>());
    let add = decorate(
        || nullcontext(()),
        async |(text, sum): (&str, &mut u32)| {
            *sum += text.parse::<u32>()?;
            Ok::<_, std::num::ParseIntError>(*sum)
        },
    );
    for n in 0..3 {
        let (text, mut sum) = (n.to_string(), 1);
        assert_eq!(parse.call(&text).await.unwrap(), n);
        assert_eq!(add.call((&text, &mut sum)).await.unwrap(), n + 1);
    }
    let spawned = tokio::spawn(async {
        let parse = decorate(|| nullcontext(()), async |text: &str| text.parse::<u32>());
        let text = String::from("7");
        parse.call(&text).await.unwrap()
    });
    assert_eq!(spawned.await.unwrap(), 7);
}

#[tokio::test]
async fn a_decorated_function_can_be_spawned() {
    let mutex = std::sync::Arc::new(Mutex::new(1));
    let m = std::sync::Arc::clone(&mutex);
    let add = decorate(
        move || std::sync::Arc::clone(&m),
        async |n: u32| {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(n + 1)
        },
    );
    let task = tokio::spawn(async move { add.call(7).await });
    assert_eq!(task.await.unwrap(), Ok(8));
}
