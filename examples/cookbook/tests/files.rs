//! `scratch_folder` in a temporary folder.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use futures::FutureExt;
use withal::cleanup;
use withal::context::async_with;
use withal_cookbook::scratch_folder::scratch_folder;

use crate::cancel_at_every_await;

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn cancelled_at_every_await_the_folder_is_gone() {
    let parent = tempfile::tempdir().unwrap();
    let program = || async {
        async_with!(scratch = scratch_folder(parent.path()).unwrap() => {
            let lines = scratch.run(|folder| fs::write(folder.join("a"), "1\n2\n")).await;
            lines.expect("the job does not panic")?;
            assert!(scratch.run(|_| panic!("a bug in a job")).await.is_none_or(|()| false));
            scratch.run(|folder| fs::read_to_string(folder.join("a"))).await.expect("the job does not panic")?
        })
    };
    cancel_at_every_await(program, async || assert_eq!(names(parent.path()), [""; 0])).await;
    assert_eq!(program().await.unwrap(), "1\n2\n");
    assert_eq!(names(parent.path()), [""; 0]);
}

/// A job that writes after its future was dropped.
#[tokio::test]
async fn the_removal_waits_for_a_job_that_was_left() {
    let parent = tempfile::tempdir().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let (report, reported) = mpsc::channel();
    let slow = async {
        async_with!(scratch = scratch_folder(parent.path()).unwrap() => {
            scratch.run(move |folder| {
                released.recv().unwrap();
                report.send(fs::write(folder.join("late"), "text").map_err(|error| error.kind())).unwrap();
            })
            .await
        })
    };
    assert!(slow.now_or_never().is_none());
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(names(parent.path()).len(), 1, "the job has not ended");
    release.send(()).unwrap();
    cleanup::drain(Duration::from_secs(20)).await.unwrap();
    assert_eq!(reported.recv(), Ok(Ok(())));
    assert_eq!(names(parent.path()), [""; 0]);
}

/// A plain `TempDir` removes the folder during the job, whose write fails.
#[tokio::test]
async fn without_the_recipe_the_job_loses_its_folder() {
    let parent = tempfile::tempdir().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let (report, reported) = mpsc::channel();
    let plain = async {
        let folder = tempfile::tempdir_in(parent.path()).unwrap();
        let path = folder.path().join("late");
        let job = tokio::task::spawn_blocking(move || {
            released.recv().unwrap();
            report.send(fs::write(path, "text").map_err(|error| error.kind())).unwrap();
        });
        job.await.unwrap();
    };
    assert!(plain.now_or_never().is_none());
    release.send(()).unwrap();
    assert_eq!(reported.recv(), Ok(Err(std::io::ErrorKind::NotFound)));
}
