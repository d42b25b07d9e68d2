//! The macro in a module that shadows the prelude's names. For example, `use anyhow::Ok` is common.

use futures::executor::block_on;
use tokio::sync::Mutex;
use withal::context::{async_with, nullcontext};

#[derive(Debug, PartialEq)]
enum Status {
    Ok,
    Err,
    Some,
    None,
}

#[expect(unused_imports, reason = "they only shadow the prelude")]
use Status::{Err, None, Ok, Some};

#[expect(dead_code, reason = "they only shadow the prelude")]
mod shadowing {
    pub(super) struct Option;
    pub(super) struct Result;
}
#[expect(unused_imports, reason = "they only shadow the prelude")]
use shadowing::{Option, Result};

async fn statuses(mutex: &Mutex<Vec<Status>>, is_early: bool) -> std::result::Result<usize, String> {
    let length = async_with!(list = mutex, offset = nullcontext(1) => {
        list.push(Status::Ok);
        if is_early {
            return std::result::Result::Err("early".to_owned());
        }
        list.len() + *offset
    });
    let mut rounds = 0;
    loop {
        async_with!(loop; list = mutex => {
            rounds += 1;
            if rounds > 2 {
                break;
            }
            list.push(Status::None);
            continue;
        });
    }
    std::result::Result::Ok(length + rounds)
}

#[test]
fn the_macro_does_not_use_shadowed_names() {
    let mutex = Mutex::new(vec![Status::Some, Status::Err]);
    assert_eq!(block_on(statuses(&mutex, false)), std::result::Result::Ok(7));
    assert_eq!(block_on(statuses(&mutex, true)), std::result::Result::Err("early".to_owned()));
    assert_eq!(mutex.into_inner().len(), 6);
}
