//! A client's plain socket, whose sending end others than its task can write to.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

/// Where replies are written.
pub enum Outlet {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

impl Outlet {
    /// Writes what the socket takes at once. Fails with `WouldBlock` if that is nothing.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Outlet::Tcp(half) => half.try_write(bytes),
            Outlet::Unix(half) => half.try_write(bytes),
        }
    }

    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Outlet::Tcp(half) => half.try_write_vectored(slices),
            Outlet::Unix(half) => half.try_write_vectored(slices),
        }
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Outlet::Tcp(half) => half.as_ref().poll_write_ready(cx),
            Outlet::Unix(half) => half.as_ref().poll_write_ready(cx),
        }
    }

    fn shut_down(&self) -> io::Result<()> {
        match self {
            Outlet::Tcp(half) => SockRef::from(half.as_ref()).shutdown(Shutdown::Write),
            Outlet::Unix(half) => SockRef::from(half.as_ref()).shutdown(Shutdown::Write),
        }
    }
}

/// A plain socket, as its task has it.
pub struct Plain<R> {
    input: R,
    outlet: Arc<Outlet>,
}

impl Plain<tcp::OwnedReadHalf> {
    pub fn tcp(stream: TcpStream) -> Self {
        let (input, half) = stream.into_split();
        let outlet = Arc::new(Outlet::Tcp(half));
        Self { input, outlet }
    }
}

impl Plain<unix::OwnedReadHalf> {
    pub fn unix(stream: UnixStream) -> Self {
        let (input, half) = stream.into_split();
        let outlet = Arc::new(Outlet::Unix(half));
        Self { input, outlet }
    }
}

impl<R> Plain<R> {
    fn poll_with(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&Outlet) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.outlet.poll_ready(cx))?;
            match write(&self.outlet) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

/// What a connection reads from and writes to.
pub trait Line: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// What bytes can be written to behind the task's back: nothing, if it does more with them than
    /// to pass them on.
    fn outlet(&self) -> Option<Arc<Outlet>> {
        None
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> Line for Plain<R> {
    fn outlet(&self) -> Option<Arc<Outlet>> {
        Some(Arc::clone(&self.outlet))
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Plain<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_read(cx, into)
    }
}

impl<R: Unpin> AsyncWrite for Plain<R> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |outlet| outlet.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |outlet| outlet.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // It keeps nothing.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.outlet.shut_down())
    }
}
