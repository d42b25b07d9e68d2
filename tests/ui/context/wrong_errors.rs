use std::{fmt, io};

use withal::context::{AsyncContextManager, AsyncGuard, DropNow, ExitReason, async_with};

struct Fails<E>(Option<E>);

impl<E: std::fmt::Debug + Send + 'static> AsyncContextManager for Fails<E> {
    type Guard = Self;
    async fn aenter(self) -> Result<Self, E> {
        Ok(self)
    }
}

impl<E: std::fmt::Debug + Send + 'static> AsyncGuard for Fails<E> {
    type Target = Self;
    type Error = E;
    type Suppression = ();
    type OnDrop = DropNow;
    fn target(&mut self) -> &mut Self {
        self
    }
    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), E> {
        Ok(())
    }
}

#[derive(Debug)]
struct Own;

async fn the_managers_error_differs(manager: Fails<io::Error>) -> Result<u32, Own> {
    async_with!(_ = manager => { 1 })
}

async fn the_managers_error_is_not_converted(manager: Fails<io::Error>) -> Result<u32, Own> {
    Ok(async_with!(_ = manager => { 1 })?)
}

async fn the_blocks_error_is_not_converted(manager: Fails<Own>) -> Result<u32, Own> {
    async_with!(_ = manager => { "1".parse::<u32>()? })
}

async fn two_managers(one: Fails<io::Error>, other: Fails<fmt::Error>) -> Result<u32, io::Error> {
    async_with!(_ = one, _ = other => { 1 })
}

async fn the_result_is_ignored(manager: Fails<io::Error>) {
    let n: u32 = async_with!(_ = manager => { 1 });
}

fn main() {}
