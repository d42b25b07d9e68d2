//! From Python to withal: each construct of asyncio, contextlib and concurrent.futures that has its place here, and the
//! line that takes it.
//!
//! Where another crate's own is the better answer, the line is that crate's: *tokio*, *futures*, *std*. The lines stand
//! for a program around them, in which `xs` is a stream, `g` a pinned generator, `work` a future that gives a `Result`,
//! `t` an [`Instant`](tokio::time::Instant) and `s` a [`Duration`](std::time::Duration); each of them is compiled by a
//! test. Names are Python's where the thing is. What stands behind the syntax, step by step:
//! [`desugar`](crate::desugar).
//!
//! | Python | Rust | what differs, and why |
//! |---|---|---|
//! | **Coroutines** (PEP 342, PEP 380, PEP 492) | | |
//! | `async def f(x): ..` | `async fn f(x: u32) -> Result<u32, E> { .. }` | it says what it fails with; called, it has not begun, in both |
//! | `await aw` | `aw.await` | [what can be awaited](crate::desugar#what-can-be-awaited) |
//! | `async def body(): ..` that yields to its driver | [`coroutine(async \|mut y\| { .. })`](crate::coroutine::coroutine()) | the body is handed what it yields through: Rust has no chain of frames down which a yield finds the driver |
//! | `sent = yield value` | [`let sent = y.yield_(value).await?;`](crate::coroutine::Yielder::yield_) | what is thrown in comes as an `Err` |
//! | `yield from inner()` | `inner(&mut y).await?` | a helper gets the [`Yielder`](crate::coroutine::Yielder) lent |
//! | `coro.send(None)` | [`coro.resume()`](crate::coroutine::Coroutine::resume) | [`start`](crate::coroutine::Coroutine::start), where yields take answers that have no default |
//! | `coro.send(value)` | [`coro.send(value)`](crate::coroutine::Coroutine::send) | a value that cannot be sent comes back in the error |
//! | `coro.throw(error)` | [`coro.throw(error)`](crate::coroutine::Coroutine::throw) | of a [`try_coroutine`](crate::coroutine::try_coroutine); it is raised at a yield or a [`wait`](crate::coroutine::Yielder::wait), and not in any other await |
//! | `coro.close()` | [`coro.close()`](crate::coroutine::Coroutine::close) | dropping it runs destructors alone; Python's finalizer closes |
//! | `StopIteration(value)` | [`Step::Complete(value)`](crate::coroutine::Step::Complete) | a value, so that nothing can mistake it for an error (PEP 479) |
//! | `GeneratorExit` | [`Exit`](crate::coroutine::Exit) | a value that `?` carries; a body that catches it and yields once more is an error, as in Python |
//! | `inspect.getcoroutinestate(coro)` | [`coro.state()`](crate::coroutine::Coroutine::state) | |
//! | its `RuntimeError`s and `TypeError`s | [`coroutine::Error`](crate::coroutine::Error) | a variant each, with Python's words |
//! | `await switch()` | [`switch(&mut y).await?`](crate::coroutine::switch()) | |
//! | `run([coro1(), coro2()])` | [`run([coro1(), coro2()])?`](crate::coroutine::run()) | the article's scheduler; a coroutine that awaits something else waits for it, and the others go on |
//! | **Iteration, and async generators** (PEP 492, PEP 525, PEP 530) | | |
//! | a class with `__aiter__` and `__anext__` | `impl Stream for Docs { .. }` | [`Stream`](futures_core::Stream); where there is another to iterate over, [`AsyncIterable`](crate::desugar::AsyncIterable) |
//! | `raise StopAsyncIteration` | [`None`] | a value, no error |
//! | `async for x in xs: ..` | *futures*: [`while let Some(x) = xs.next().await { .. }`](futures_util::StreamExt::next) | |
//! | `async for x in xs: .. else: ..` | [`async_for!(x in xs => { .. } else { .. })`](crate::async_for) | its value is `()` |
//! | `aiter(xs)` | [`aiter(xs)`](crate::desugar::aiter()) | a stream is its own |
//! | `await anext(xs)` | [`anext(&mut xs).await`](crate::desugar::anext()), *futures*: [`xs.next().await`](futures_util::StreamExt::next) | `None` at the end |
//! | `await anext(xs, default)` | [`anext_or(&mut xs, default).await`](crate::desugar::anext_or) | |
//! | `[f(x) async for x in xs if p(x)]` | *futures*: [`xs.filter(p).map(f).collect::<Vec<_>>().await`](futures_util::StreamExt) | |
//! | `async def` with `yield x` | [`generator(async \|mut y\| { y.yield_(x).await?; .. })`](crate::generator::generator()) | a [`Stream`](futures_core::Stream); [`stream!`](crate::stream) where it goes one way, for less |
//! | the same, that raises, or is thrown into | [`try_generator(async \|mut y\| { .. })`](crate::generator::try_generator) | the error is a type of its own, and of its items |
//! | `await g.asend(None)` | [`g.start().await?`](crate::generator::AsyncGeneratorExt::start), [`g.anext().await?`](crate::generator::AsyncGeneratorExt::anext) | the second where yields take no answers |
//! | `await g.asend(value)` | [`g.asend(value).await?`](crate::generator::AsyncGeneratorExt::asend) | |
//! | `await g.athrow(error)` | [`g.athrow(error).await?`](crate::generator::AsyncGeneratorExt::athrow) | |
//! | `await g.aclose()` | [`g.aclose().await?`](crate::generator::AsyncGeneratorExt::aclose) | |
//! | its `RuntimeError`s and `TypeError`s | [`generator::Error`](crate::generator::Error) | two operations at once do not compile |
//! | `async for x in xs: yield x` | [`y.yield_all(xs).await?`](crate::coroutine::Yielder::yield_all) | |
//! | `yield from`, which it has not | [`y.yield_from(inner).await?`](crate::coroutine::Yielder::yield_from) | answers and throws go through |
//! | an object that is shared, and finalized | [`g.managed()`](crate::generator::AsyncGenerator::managed) | asked for, since it costs a box and two locks an item |
//! | `sys.set_asyncgen_hooks(firstiter, finalizer)` | [`g.managed_with(Hooks::default().firstiter(first).finalizer(last))`](crate::generator::Hooks) | of a generator, not of a thread: tasks move between threads |
//! | `await loop.shutdown_asyncgens()` | [`shutdown_asyncgens(s).await?`](crate::generator::shutdown_asyncgens) | with a limit |
//! | **`get_docs`**, as the article has it | | |
//! | `class AsyncGetDocs: ..` | [`AsyncGetDocs::new(fetch_page)`](crate::pages::AsyncGetDocs::new) | until the first empty page; what else ends a walk: [`pages`](crate::pages) |
//! | `async for doc in docs: ..`, `await anext(docs)` | [`while let Some(doc) = docs.try_next().await? { .. }`](crate::pages::AsyncGetDocs::try_next) | dropped in the middle, nothing is fetched twice |
//! | **Context managers** (PEP 492, contextlib) | | |
//! | `async with m as x: ..` | [`async_with!(x = m => { .. })?`](crate::async_with) | dropped in the block, the exit goes on as a [cleanup](crate::cleanup), if its [policy](crate::context#which-drop-policy) says so |
//! | `async with a as x, b as y: ..` | [`async_with!(x = a, y = b => { .. })?`](crate::async_with) | |
//! | `break` or `continue` in the block | [`async_with!(loop; x = m => { .. })?`](crate::async_with) | named first: the block is a future of its own |
//! | the same around a function's body | [`async_with(m, async \|x\| { .. }).await?`](fn@crate::context::async_with) | its error keeps both: the block's, and the exit's |
//! | `__aenter__`, `__aexit__` | [`AsyncContextManager`](crate::context::AsyncContextManager), [`AsyncGuard`](crate::context::AsyncGuard) | entering moves the manager, so that none is entered twice |
//! | `return True` in `__aexit__` | [`type Suppression = bool;`](crate::context::AsyncGuard::Suppression) | part of the type: where it may swallow, the block's value is an `Option`. Panics are never swallowed |
//! | `(exc_type, exc, tb)` | [`Exit`](crate::context::ExitReason) | a panic and a dropped block are ways of their own |
//! | `@asynccontextmanager` | [`asynccontextmanager(async \|y\| { .. })`](crate::context::asynccontextmanager) | nothing is raised at the yield: it comes back with how the block was left |
//! | `@manager()` over an `async def`, `AsyncContextDecorator` | [`decorate(manager, function)`](crate::context::decorate) | called by [`call`](crate::context::Decorated::call), with one argument or a tuple |
//! | `async with AsyncExitStack() as stack: ..` | [`async_with!(stack = AsyncExitStack::new() => { .. })?`](crate::context::AsyncExitStack) | |
//! | `await stack.enter_async_context(m)` | [`stack.enter_async_context(m).await?`](crate::context::AsyncExitStack::enter_async_context) | lends the target |
//! | `stack.push_async_exit(fn)` | [`stack.push_async_exit(exit)`](crate::context::AsyncExitStack::push_async_exit) | |
//! | `stack.push_async_callback(fn)`, `callback(fn)` | [`stack.push_async_callback(callback)`](crate::context::AsyncExitStack::push_async_callback), [`stack.callback(callback)`](crate::context::AsyncExitStack::callback) | |
//! | `stack.pop_all()` | [`stack.pop_all()`](crate::context::AsyncExitStack::pop_all) | |
//! | `await stack.aclose()` | [`stack.aclose().await?`](crate::context::AsyncExitStack::aclose) | |
//! | `aclosing(thing)` | [`aclosing(thing)`](crate::context::aclosing) | by [`AsyncClose`](crate::context::AsyncClose) |
//! | `closing(thing)` | [`closing(thing, close)`](crate::context::closing) | most things close when they are dropped; for others, how is said |
//! | `nullcontext(x)` | [`nullcontext(x)`](crate::context::nullcontext) | |
//! | `suppress(E)` | [`suppress(\|_: &E\| true)`](crate::context::suppress) | one type, and which of its errors |
//! | `with m as x: ..`, `ExitStack`, `@contextmanager` | *std*: [`Drop`] | what awaits nothing is a destructor's work |
//! | `await shield(m.__aenter__())` | [`m.shield_enter()`](crate::context::AsyncContextManagerExt::shield_enter) | what was entered for nobody is exited |
//! | **Locks, events, queues** (asyncio) | | |
//! | `async with lock: ..` | *tokio*: [`let guard = mutex.lock().await;`](tokio::sync::Mutex), or [`async_with!(value = &mutex => { .. })`](crate::context::LockGuard) | the second where something inside has an exit: the lock is given back after it |
//! | `async with semaphore: ..` | *tokio*: [`let permit = semaphore.acquire().await?;`](tokio::sync::Semaphore), or [`async_with!(_ = &semaphore => { .. })?`](crate::context::permits) | as the lock |
//! | `asyncio.BoundedSemaphore` | *tokio*: [`Semaphore`](tokio::sync::Semaphore) | a permit gives itself back, once |
//! | `asyncio.Event` | *tokio*: [`watch::channel(false)`](tokio::sync::watch), or [`Notify`](tokio::sync::Notify) where it is set for one | a `watch` wakes those who wait in no order |
//! | `asyncio.Condition` | *tokio*: [`watched.wait_for(\|state\| *state > 0).await?`](tokio::sync::watch::Receiver::wait_for) | the state and its lock are one. All look when it changes; for one at a time, `notify(n)`, *tokio*'s [`Notify`](tokio::sync::Notify) beside a `Mutex`. asyncio's wakes another waiter in place of one that is cancelled, whether it was notified or not |
//! | `asyncio.Queue(n)` | *tokio*: [`mpsc::channel(n)`](tokio::sync::mpsc::channel), [`mpsc::unbounded_channel()`](tokio::sync::mpsc::unbounded_channel) | two ends, and it is closed when one is gone. One takes: several share it in a `Mutex`. In place of `task_done` and `join`, those that take are tasks of a group |
//! | `asyncio.Barrier(n)` | *tokio*: [`Barrier::new(n)`](tokio::sync::Barrier) | |
//! | **Futures** (asyncio, PEP 3148) | | |
//! | `Future`, `Task` | [`tasks::Future`](crate::tasks::Future), [`tasks::Task`](crate::tasks::Task) | one type for both modules |
//! | `fut = loop.create_future()` | [`let (promise, future) = Promise::new();`](crate::tasks::Promise) | two ends; where it is set once and no more, *tokio*'s [`oneshot`](tokio::sync::oneshot) |
//! | `fut.set_result(v)`, `set_exception(e)` | [`promise.set_result(v)?`](crate::tasks::Promise::set_result), [`promise.set_exception(e)?`](crate::tasks::Promise::set_exception) | a second one does not compile |
//! | `fut.set_running_or_notify_cancel()` | [`promise.set_running()`](crate::tasks::Promise::set_running) | |
//! | `await fut` | [`future.await?`](crate::tasks::Outcome) | gives the result itself; the methods lend it |
//! | `await wrap_future(fut)` | [`future.await?`](crate::tasks::Future) | nothing is to be wrapped |
//! | asyncio's `fut.result()` | [`future.result()`](crate::tasks::Future::result) | not ready is an error in both |
//! | PEP 3148's `fut.result()` | [`future.blocking_result()`](crate::tasks::Future::blocking_result) | named for what it does |
//! | PEP 3148's `fut.result(timeout)` | [`future.blocking_result_within(s)`](crate::tasks::Future::blocking_result_within) | |
//! | `fut.exception()` | [`future.exception()`](crate::tasks::Future::exception) | |
//! | `fut.done()`, `cancelled()`, `running()` | [`future.done()`](crate::tasks::Future::done), [`future.cancelled()`](crate::tasks::Future::cancelled), [`future.running()`](crate::tasks::Future::running) | |
//! | `fut.cancel()` | [`future.cancel()`](crate::tasks::Future::cancel), [`canceller.cancel()`](crate::tasks::Canceller) | its future is dropped: nothing is raised in it, and nothing can be caught. The second is a handle that can be cloned |
//! | `fut.add_done_callback(fn)` | [`future.add_done_callback(\|outcome\| ..)`](crate::tasks::Future::add_done_callback) | gets the outcome; called where it ends, as in PEP 3148 |
//! | `InvalidStateError`, `CancelledError`, `TimeoutError` | [`tasks::Error`](crate::tasks::Error) | a variant each |
//! | **Tasks** (asyncio) | | |
//! | `asyncio.run(main())`, `Runner` | *tokio*: `#[tokio::main]`, [`runtime.block_on(main())`](tokio::runtime::Runtime::block_on) | all processors; end it with [`cleanup::drain`](crate::cleanup::drain) |
//! | `asyncio.create_task(coro)` | [`create_task(work)`](crate::tasks::create_task()), *tokio*: [`spawn(work)`](tokio::spawn) | the first has a future's methods. Both take what is `Send`: threads share the tasks |
//! | `async with TaskGroup() as group: ..` | [`async_with!(group = TaskGroup::new() => { .. })?`](crate::tasks::TaskGroup) | the block's own error is not one of the group's. Without a block to interrupt, *tokio*'s [`JoinSet`](tokio::task::JoinSet) |
//! | `group.create_task(coro)` | [`group.create_task(work)`](crate::tasks::TaskGroup::create_task) | from the tasks themselves by a [`Spawner`](crate::tasks::Spawner) |
//! | `except* E` | [`group_error.split_type::<E>()`](crate::tasks::ErrorGroup::split_type) | of [`AnyError`](crate::tasks::AnyError)s; of one type, [`split`](crate::tasks::ErrorGroup::split) |
//! | `eg.exceptions`, `eg.split(fn)`, `subgroup(fn)` | [`group_error.errors()`](crate::tasks::ErrorGroup::errors), [`group_error.split(matches)`](crate::tasks::ErrorGroup::split) | |
//! | `async with timeout(s): ..` | [`async_with!(_ = timeout(s) => { .. })?`](crate::tasks::timeout()) | of two that end at once, the inner one raises |
//! | `timeout_at(t)` | [`timeout_at(t)`](crate::tasks::timeout_at) | |
//! | `cm.reschedule(t)`, `when()`, `expired()` | [`limit.reschedule(t)?`](crate::tasks::Timeout::reschedule), [`limit.when()`](crate::tasks::Timeout::when), [`limit.expired()`](crate::tasks::Timeout::expired) | a handle that can be cloned |
//! | `await wait_for(aw, s)` | *tokio*: [`timeout(s, work).await?`](tokio::time::timeout()) | drops the future, which is what cancelling is |
//! | `await sleep(s)` | *tokio*: [`sleep(s).await`](tokio::time::sleep()) | |
//! | `for fut in as_completed(fs): await fut` | [`while let Some((place, result)) = completed.next().await { .. }`](crate::tasks::as_completed) | a `Stream`, and which one it is; plain futures will do. Without places, *futures*' [`FuturesUnordered`](futures_util::stream::FuturesUnordered) |
//! | `as_completed(fs, timeout=s)` | [`as_completed(futures).within(s)`](crate::tasks::AsCompleted::within) | |
//! | `done, pending = await wait(fs)`, `ALL_COMPLETED` | [`let Waited { done, pending, .. } = wait(futures).await;`](crate::tasks::wait()) | with none it is ready at once |
//! | `return_when=FIRST_COMPLETED`, `FIRST_EXCEPTION` | [`wait(futures).first_completed().await`](crate::tasks::Wait::first_completed), [`wait(futures).first_exception().await`](crate::tasks::Wait::first_exception) | |
//! | `wait(fs, timeout=s)` | [`wait(futures).timeout(s).await`](crate::tasks::Wait::timeout) | |
//! | `await gather(*coros)` | *tokio*: `try_join!(a, b)?` | of futures that this one runs itself |
//! | `await gather(*tasks)` | [`gather(futures).await?`](crate::tasks::gather()) | of such as run by themselves |
//! | `gather(*tasks, return_exceptions=True)` | [`gather(futures).return_exceptions().await`](crate::tasks::Gather::return_exceptions) | |
//! | `await shield(aw)` | [`shield(work).await?`](crate::tasks::shield()) | it begins when it is awaited. What is left alone is a [cleanup](crate::cleanup): waited for, for its [grace](crate::tasks::Shield::grace), and told |
//! | `await to_thread(fn)` | *tokio*: [`spawn_blocking(job).await?`](tokio::task::spawn_blocking) | one pool for all |
//! | **The event loop** (asyncio) | | of the thread it was made on, and its tasks need not be `Send` |
//! | `asyncio.new_event_loop()` | [`EventLoop::new()?`](crate::tasks::EventLoop::new) | over a runtime of tokio's; [`with_runtime`](crate::tasks::EventLoop::with_runtime) takes one |
//! | `asyncio.get_running_loop()` | [`EventLoop::current()?`](crate::tasks::EventLoop::current) | |
//! | `loop.call_soon(fn)` | [`event_loop.call_soon(callback)?`](crate::tasks::EventLoop::call_soon) | |
//! | `loop.call_later(s, fn)`, `call_at(t, fn)` | [`event_loop.call_later(s, callback)?`](crate::tasks::EventLoop::call_later), [`event_loop.call_at(t, callback)?`](crate::tasks::EventLoop::call_at) | those of one instant are called in the order of their calls |
//! | `loop.call_soon_threadsafe(fn)` | [`event_loop.handle().call_soon_threadsafe(callback)?`](crate::tasks::EventLoop::handle) | a handle that is `Send`; the loop is not |
//! | `run_coroutine_threadsafe(coro, loop)` | *tokio*: [`handle.spawn(work)`](tokio::runtime::Handle::spawn) | onto an [`EventLoop`](crate::tasks::EventLoop), by a callback that makes the task |
//! | `loop.time()` | [`event_loop.time()?`](crate::tasks::EventLoop::time) | |
//! | `handle.cancel()`, `cancelled()`, `when()` | [`handle.cancel()`](crate::tasks::CallbackHandle::cancel), [`handle.cancelled()`](crate::tasks::CallbackHandle::cancelled), [`handle.when()`](crate::tasks::CallbackHandle::when) | |
//! | `loop.create_task(coro)`, `ensure_future(coro)` | [`event_loop.create_task(work)?`](crate::tasks::EventLoop::create_task) | |
//! | `loop.run_until_complete(aw)` | [`event_loop.run_until_complete(work)?`](crate::tasks::EventLoop::run_until_complete) | |
//! | `loop.run_forever()`, `stop()`, `close()` | [`event_loop.run_forever()?`](crate::tasks::EventLoop::run_forever), [`event_loop.stop()`](crate::tasks::EventLoop::stop), [`event_loop.close()?`](crate::tasks::EventLoop::close) | |
//! | `loop.is_running()`, `is_closed()` | [`event_loop.is_running()`](crate::tasks::EventLoop::is_running), [`event_loop.is_closed()`](crate::tasks::EventLoop::is_closed) | |
//! | `loop.set_exception_handler(fn)` | [`event_loop.set_exception_handler(\|exception\| ..)`](crate::tasks::EventLoop::set_exception_handler) | gets what a callback has returned as its error, or panicked with |
//! | `loop.call_exception_handler(context)` | [`event_loop.call_exception_handler(&exception)`](crate::tasks::EventLoop::call_exception_handler) | |
//! | `loop.run_in_executor(executor, fn)` | [`executor.submit(job)?.await?`](crate::tasks::ThreadPoolExecutor::submit) | |
//! | **Executors** (PEP 3148) | | |
//! | `ThreadPoolExecutor(5)` | [`ThreadPoolExecutor::new(5)?`](crate::tasks::ThreadPoolExecutor::new) | its threads run side by side: there is no lock around an interpreter, and so no `ProcessPoolExecutor` |
//! | `ThreadPoolExecutor()` | [`ThreadPoolExecutor::with_default_workers()`](crate::tasks::ThreadPoolExecutor::with_default_workers) | as many as Python has |
//! | `thread_name_prefix="crawler"` | [`executor.thread_name_prefix("crawler")`](crate::tasks::ThreadPoolExecutor::thread_name_prefix) | |
//! | `with ThreadPoolExecutor(5) as executor: ..` | [`ThreadPoolExecutor::scope(5, \|executor\| ..)?`](crate::tasks::ThreadPoolExecutor::scope) | it blocks its thread; in a task, `async_with!(executor = ThreadPoolExecutor::new(5)? => { .. })` |
//! | `executor.submit(fn)` | [`executor.submit(job)?`](crate::tasks::ThreadPoolExecutor::submit) | panics come through the future, too |
//! | `executor.map(fn, items)` | [`executor.map(items, function)?`](crate::tasks::ThreadPoolExecutor::map) | [`into_stream`](crate::tasks::Map::into_stream) in a task |
//! | `executor.shutdown()` | [`executor.shutdown().wait()`](crate::tasks::Shutdown::wait), [`executor.shutdown().await`](crate::tasks::Shutdown) | |
//! | `executor.shutdown(wait=False)` | [`drop(executor.shutdown())`](crate::tasks::ThreadPoolExecutor::shutdown) | |
//! | `executor.shutdown(cancel_futures=True)` | [`executor.shutdown().cancel_futures().wait()`](crate::tasks::Shutdown::cancel_futures) | |
//! | `concurrent.futures.wait`, `as_completed` | [`wait`](crate::tasks::wait()), [`as_completed`](crate::tasks::as_completed) | those of asyncio: one type of future, one of each |
//!
//! What has no row has no place here. Streams, subprocesses and signals are tokio's `net`, `process` and `signal`, by
//! their own names; names of tasks and context variables are spans of *tracing*. There is neither a `current_task` nor
//! `all_tasks`, an eager task, a `remove_done_callback`, a default executor, an initializer of its threads, a queue that
//! sorts, nor a second way to ask a loop for its handler.
//!
//! # Where withal differs from Python
//!
//! What holds for all rows, and why:
//!
//! | what | Python | here |
//! |---|---|---|
//! | an error | is raised, by whatever, and of any type | is the `Err` of a `Result`, whose type is written down. A panic is a bug: it goes on, and nothing swallows it |
//! | an end: of a coroutine, an iteration, a close | is an exception | is a value: no `?` carries it, and none is lost in a handler that catches too much |
//! | what is cancelled | has `CancelledError` raised in it, and may catch that and await | is dropped; what it has to await on its way out is an [exit](crate::context) |
//! | what nobody holds any more | is collected, some time later | is dropped, at once; an `aclose` of it is [asked for](crate::generator::AsyncGenerator::managed) |
//! | what is thrown into a body | is raised in whatever it awaits | is raised at its next yield, or in a [`wait`](crate::coroutine::Yielder::wait): no future can be told to fail |
//! | an exit fails while an error is on its way | its error is raised, with the other as its `__context__` | the first goes on, and the [observers](crate::cleanup::observe) are told of the exit's; the [function](fn@crate::context::async_with)'s error holds both |
//! | misuse: twice awaited, entered twice, two operations at once, a second result | is an error when it runs | does not compile; what only a run can show is an error with Python's words |
//!
//! 5,000 random programs of generators, coroutines, managers and exit stacks, and what `CPython` 3.13 did with them, are run
//! by the crate's tests: the traces are the same, line by line. They run without a runtime, so that what is dropped in its
//! block, or on its stack, is lost, as in Python; on a runtime its exit goes on as a [cleanup](crate::cleanup). Blocks are
//! those of the [function](fn@crate::context::async_with). What comes after one of these differences is left out, in
//! 457 programs in all:
//!
//! | what | Python | here | left out |
//! |---|---|---|---|
//! | an [`asynccontextmanager`](crate::context::asynccontextmanager) that yields twice | an error when it runs | does not compile | 168 |
//! | an exit comes to an await inside of another (PEP 380) | the inner one is *closed*: it sees another exception, must not await any more, and cannot keep the exit from going on | sees that exit, and may | 179 |
//! | a generator whose `aclose` has begun and whose body has not ended, thrown into, closed or dropped | taken for closed, though `anext` goes on with it | as any other | 65 |
//! | an exit for a body that is on its way out by one: a suspended `aclose` is closed | is raised there, too | interrupts nothing | 0 |
//! | an operation is dropped in the middle | the generator is "already running", for good | the next operation goes on with it | 19 |
//! | an `athrow` that was suspended and resumed, awaited once more when it is done | not seen | a future that is done | 1 |
//! | a generator that is finalized yields once more | the generators that its frame holds are kept, until garbage is collected | are finalized | 9 |
//! | a suspended coroutine is dropped | is closed, at once and without awaits | its destructors run | 7 |
//! | a block of an `asynccontextmanager` is dropped, or comes to a shutdown | its generator is finalized or closed | the function runs on, as a [cleanup](crate::cleanup) | 3 |
//! | `StopIteration` thrown in by hand | is the result of what it comes out of | an error as any other | 5 |
//! | a circle of references | keeps a generator from being finalized, until garbage is collected | an error holds no frame | 1 |
//!
//! Of 3,000 programs of tasks, groups, timeouts and locks, in the same way, 636 of them cannot be compared, and of the others
//! 54 differ: in which of two tasks comes first at one instant. In detail: [where withal differs from asyncio](crate::tasks#where-withal-differs-from-asyncio).
