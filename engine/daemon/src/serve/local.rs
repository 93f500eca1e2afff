//! The socket beside the store, for the processes of this user.
//!
//! It is made in a directory of this user alone and moved to its place, so that no other user can
//! connect to it at any moment. A socket that a killed process left is replaced; the store is open,
//! so no other process serves it. Left out: systems without such sockets, where none is made.

#![expect(clippy::disallowed_methods, reason = "makes and removes the socket's file")]

#[cfg(unix)]
pub(super) use unix::Local;

#[cfg(not(unix))]
pub(super) use none::Local;

#[cfg(unix)]
mod unix {
    use crate::relay::socket_of;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};
    use tokio::net::{UnixListener, UnixStream};

    /// The socket; its file is removed when this is dropped.
    #[derive(Debug)]
    pub(in crate::serve) struct Local {
        listener: UnixListener,
        path: PathBuf,
    }

    impl Local {
        /// Makes the socket of a store.
        ///
        /// # Errors
        /// A sentence that names it.
        pub(in crate::serve) fn bind(store: &Path) -> Result<Self, String> {
            let path = socket_of(store);
            match private(&path) {
                Ok(listener) => Ok(Self { listener, path }),
                Err(error) => Err(format!(
                    "the socket {} cannot be made ({error}); its path may have about 90 bytes, and \
                     its directory must be writable",
                    path.display()
                )),
            }
        }

        pub(in crate::serve) fn path(&self) -> &Path {
            &self.path
        }

        pub(in crate::serve) async fn accept(&self) -> std::io::Result<UnixStream> {
            self.listener.accept().await.map(|(stream, _)| stream)
        }
    }

    impl Drop for Local {
        fn drop(&mut self) {
            drop(std::fs::remove_file(&self.path));
        }
    }

    fn private(path: &Path) -> std::io::Result<UnixListener> {
        let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let beside = beside.unwrap_or(Path::new("."));
        // Of this user alone: mode 0700.
        let directory = tempfile::Builder::new().prefix(".s").tempdir_in(beside)?;
        let made = directory.path().join("s");
        let listener = std::os::unix::net::UnixListener::bind(&made)?;
        listener.set_nonblocking(true)?;
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&made, path)?;
        UnixListener::from_std(listener)
    }
}

#[cfg(not(unix))]
mod none {
    use std::path::Path;
    use tokio::net::TcpStream;

    #[derive(Debug)]
    pub(in crate::serve) struct Local;

    impl Local {
        pub(in crate::serve) fn bind(_: &Path) -> Result<Self, String> {
            Ok(Self)
        }

        pub(in crate::serve) fn path(&self) -> &Path {
            Path::new("no socket")
        }

        pub(in crate::serve) async fn accept(&self) -> std::io::Result<TcpStream> {
            std::future::pending().await
        }
    }
}
