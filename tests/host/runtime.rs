//! A missing runtime or a busy file of the host: reported as an error, never by a panic.

use atsync::{Clock, ConnectionOptions, Credential, Engine, Error, ErrorKind, Secret, SystemClock};
use atsync_tests::native_greenhouse;
use futures_util::TryStreamExt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// An executor that is not tokio's.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn options() -> ConnectionOptions {
    let credential =
        Credential::ClientCredentials { client_id: "c".into(), client_secret: Secret::new("s") };
    ConnectionOptions::new("acme", native_greenhouse(), credential)
}

fn says_runtime(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[test]
fn without_a_runtime_a_store_in_a_file_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let engine =
        Engine::builder().store_file(directory.path().join("a.redb")).unwrap().build().unwrap();
    says_runtime(&block_on(engine.connect(options())).unwrap_err());
}

#[test]
fn without_a_runtime_the_network_says_so_and_no_call_panics() {
    let acme = block_on(Engine::builder().build().unwrap().connect(options())).unwrap();
    says_runtime(&block_on(acme.pull("jobs")).unwrap_err());
    says_runtime(&block_on(acme.check()).unwrap_err());
    says_runtime(&block_on(acme.verify_tenant()).unwrap_err());
    // Reading a store in memory needs no runtime.
    assert!(block_on(acme.observed("jobs").try_collect::<Vec<_>>()).unwrap().is_empty());
    block_on(acme.status()).unwrap();
    let crons = [("jobs".to_owned(), atsync::Cron::parse("* * * * *").unwrap())];
    says_runtime(
        &block_on(acme.run(atsync::Crons::of_pulls(crons), std::future::pending(), |_| {}))
            .unwrap_err(),
    );
    block_on(SystemClock.sleep(5));
}

#[tokio::test]
async fn a_file_that_this_process_holds_is_not_reported_as_another_processes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.redb");
    let first = Engine::builder().store_file(&file).unwrap();
    let error = Engine::builder().store_file(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("in this process already"), "{error}");
    assert!(!error.to_string().contains("another process"), "{error}");
    #[cfg(unix)]
    {
        let link = directory.path().join("link.redb");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let error = Engine::builder().store_file(&link).unwrap_err();
        assert!(error.to_string().contains("in this process already"), "{error}");
    }
    drop(first);
    assert!(Engine::builder().store_file(&file).is_ok());
}
