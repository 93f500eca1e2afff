//! A connection to a peer that must read: a write that makes no progress for a time fails.
//!
//! Without it a peer that stops reading a stream keeps its place, and what waits to be sent to it,
//! for as long as it likes. A peer that reads slowly makes progress and is not cut.
//!
//! Bounds: one timer for each connection, while a write waits. Left out: the times of reading,
//! which [`listen`](super::listen) and [`body`](super::body) have.

#![expect(clippy::disallowed_methods, reason = "a timer of the connection, not of a reconciler")]

use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream whose writes fail when the peer reads nothing for a time.
pub(super) struct WriteTimeout<S> {
    stream: S,
    limit: Duration,
    /// Runs while a write waits.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteTimeout<S> {
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, timer: None }
    }

    /// Passes progress on, and turns a wait that lasts too long into an error.
    fn timed<T>(
        &mut self,
        polled: Poll<std::io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<T>> {
        if polled.is_ready() {
            self.timer = None;
            return polled;
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        timer.as_mut().poll(context).map(|()| {
            Err(Error::new(ErrorKind::TimedOut, "the peer does not read what is sent to it"))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.timed(polled, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.timed(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(context);
        this.timed(polled, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(context);
        this.timed(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use super::WriteTimeout;
    use std::io::ErrorKind;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    #[tokio::test]
    async fn a_peer_that_stops_reading_is_cut_after_the_limit() {
        let limit = Duration::from_millis(20);
        let (ours, _theirs) = duplex(1_024);
        let mut ours = WriteTimeout::new(ours, limit);
        let began = Instant::now();
        let failed = ours.write_all(&[0; 10_000]).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::TimedOut);
        assert!(began.elapsed() >= limit);
    }

    #[tokio::test]
    async fn a_peer_that_reads_a_little_at_a_time_is_not_cut() {
        let (ours, mut theirs) = duplex(10);
        let mut ours = WriteTimeout::new(ours, Duration::from_secs(60));
        let reader = async {
            for _ in 0..10_000 {
                theirs.read_u8().await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (sent, ()) = tokio::join!(ours.write_all(&[0; 10_000]), reader);
        sent.unwrap();
        assert!(ours.timer.is_none(), "progress ends the wait");
    }
}
