#![deny(unused_must_use)]
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::time::Duration;

use withal::tasks::{Promise, TaskHandle, as_completed, gather, shield, timeout, wait};

fn tasks() -> [TaskHandle<u8, Infallible>; 0] {
    []
}

fn ready_ok() -> Ready<Result<u8, Infallible>> {
    ready(Ok(1))
}

fn main() {
    as_completed(tasks());
    as_completed(tasks()).timeout(Duration::MAX);
    wait(tasks());
    gather(tasks());
    gather(tasks()).return_exceptions();
    shield(ready_ok());
    timeout(None);
    Promise::<u8, Infallible>::new();
}
