//! The event loop.

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Builder;
use withal::tasks::{CallbackError, EventLoop, ThreadPoolExecutor};

#[test]
fn callbacks_and_tasks() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let event_loop = EventLoop::with_runtime(runtime);
    let log = Rc::new(RefCell::new(Vec::new()));
    let records = |word: &'static str| {
        let log = Rc::clone(&log);
        move || log.borrow_mut().push(word)
    };

    let callback = records("soon");
    event_loop.call_soon(callback)?;
    let (s, callback) = (Duration::from_secs(1), records("later"));
    event_loop.call_later(s, callback)?;
    let (t, callback) = (event_loop.time()? + s, records("at"));
    let handle = event_loop.call_at(t, callback)?;
    assert_eq!(handle.when(), Some(t));
    handle.cancel();
    assert!(handle.cancelled());
    let callback = || {};
    let handle = event_loop.handle();
    handle.call_soon_threadsafe(callback)?;

    let work =
        async { Ok::<_, Infallible>(EventLoop::current().is_ok_and(|event_loop| event_loop.is_running())) };
    let task = event_loop.create_task(work)?;
    let work = async move {
        tokio::time::sleep(s * 2).await;
        task.await
    };
    assert_eq!(event_loop.run_until_complete(work)?, Ok(true));
    assert_eq!(*log.borrow(), ["soon", "later"]);

    event_loop.stop();
    event_loop.run_forever()?;
    event_loop.close()?;
    assert!(!event_loop.is_running() && event_loop.is_closed());
    Ok(())
}

#[test]
fn from_inside() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new()?;
    let inside = async {
        let event_loop = EventLoop::current()?;
        Ok::<_, withal::tasks::LoopError>(event_loop.is_running())
    };
    assert!(event_loop.run_until_complete(inside)??);

    let executor = ThreadPoolExecutor::new(1)?;
    let job = || Ok::<_, Infallible>(7);
    let in_executor = async move { Ok::<_, Box<dyn Error>>(executor.submit(job)?.await?) };
    assert_eq!(event_loop.run_until_complete(in_executor)??, 7);
    Ok(())
}

#[test]
fn exceptions() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new()?;
    let reported = Rc::new(RefCell::new(Vec::new()));
    event_loop.set_exception_handler(|error| eprintln!("{error}"));
    let to = Rc::clone(&reported);
    event_loop.set_exception_handler(move |error| to.borrow_mut().push(error.to_string()));
    let error = CallbackError::Raised("by hand".into());
    event_loop.call_exception_handler(&error);
    assert_eq!(reported.borrow().len(), 1);
    Ok(())
}
