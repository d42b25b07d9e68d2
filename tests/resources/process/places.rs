//! Children in timeouts, task groups, stacks and tasks.

use std::time::Duration;

use withal::cleanup::drain;
use withal::context::{AsyncExitStack, EitherError, async_with};
use withal::resources::process;
use withal::tasks::{BoxError, TaskGroup, TimeoutError, timeout};

use super::{Marker, assert_reaped, run};

const SCRIPT: &str = "sleep 1000 & sleep 1000";

#[test]
fn a_timeout_ends_a_child_before_it_returns() {
    run(async {
        let marker = Marker::new();
        let result: Result<(), BoxError> = async {
            async_with!(_ = timeout(Duration::from_millis(100)), child = process(marker.script(SCRIPT)) => {
                child.wait().await?;
            })
            .map_err(EitherError::into::<BoxError>)
        }
        .await;
        marker.assert_none_left();
        let error = result.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(TimeoutError::Elapsed)), "{error:?}");
        Ok(())
    });
}

#[test]
fn a_group_whose_task_fails_ends_the_children_of_its_tasks() {
    run(async {
        let marker = Marker::new();
        let result = async_with!(group = TaskGroup::new() => {
            for _ in 0..3 {
                let command = marker.script(SCRIPT);
                group.create_task(async move {
                    async_with!(child = process(command) => { child.wait().await? }).map(drop)
                });
            }
            marker.wait_for(9).await;
            let command = marker.script("exit 3");
            group.create_task(async move {
                async_with!(child = process(command).check(true) => { child.wait().await? }).map(drop)
            });
        });
        let error = result.unwrap_err();
        assert!(error.to_string().contains("failed with exit status: 3"), "{error}");
        drain(Duration::from_secs(60)).await.unwrap();
        marker.assert_none_left();
        Ok(())
    });
}

#[test]
fn a_stack_ends_its_children_innermost_first() {
    run(async {
        let marker = Marker::new();
        let ids = async_with!(stack = AsyncExitStack::new() => {
            let mut ids = Vec::new();
            for _ in 0..3 {
                let mut child = stack.enter_async_context(process(marker.script(SCRIPT))).await?;
                ids.push(child.target().id());
            }
            marker.wait_for(9).await;
            ids
        })
        .unwrap();
        marker.assert_none_left();
        ids.into_iter().flatten().for_each(assert_reaped);
        Ok(())
    });
}

#[test]
fn a_child_ends_with_its_task() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(super::watched(async {
        let marker = Marker::new();
        let command = marker.script(SCRIPT);
        let task =
            tokio::spawn(async move { async_with!(child = process(command) => { child.wait().await? }) });
        marker.wait_for(3).await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        drain(Duration::from_secs(60)).await.unwrap();
        marker.assert_none_left();
    }));
}

#[test]
fn nested_children_end_innermost_first() {
    run(async {
        let marker = Marker::new();
        async_with!(outer = process(marker.script(SCRIPT)), inner = process(marker.script(SCRIPT)) => {
            assert_ne!(outer.id(), inner.id());
            marker.wait_for(6).await;
        })
        .unwrap();
        marker.assert_none_left();
        Ok(())
    });
}
