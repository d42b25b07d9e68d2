//! The macro where the names of the prelude stand for something else: `use anyhow::Ok` is common.

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

#[expect(unused_imports, reason = "they are there to be in the way")]
use Status::{Err, None, Ok, Some};

#[expect(dead_code, reason = "they are there to be in the way")]
mod in_the_way {
    pub(super) struct Option;
    pub(super) struct Result;
}
#[expect(unused_imports, reason = "they are there to be in the way")]
use in_the_way::{Option, Result};

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
fn they_are_not_taken_for_the_preludes() {
    let mutex = Mutex::new(vec![Status::Some, Status::Err]);
    assert_eq!(block_on(statuses(&mutex, false)), std::result::Result::Ok(7));
    assert_eq!(block_on(statuses(&mutex, true)), std::result::Result::Err("early".to_owned()));
    assert_eq!(mutex.into_inner().len(), 6);
}
