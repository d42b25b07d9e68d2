//! Managers that are not `Send`: entered without `local`, and `local` around what is no manager.

use std::rc::Rc;

use withal::context::{async_with, local, on_exit};

async fn without_local() {
    let count = on_exit(Rc::new(1), async |count, _exit| drop(count));
    async_with!(count = count => { println!("{}", **count) });
}

async fn no_local_manager() {
    async_with!(count = local(Rc::new(1)) => { println!("{}", **count) });
}

fn main() {}
