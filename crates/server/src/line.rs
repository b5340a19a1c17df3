//! A client's plain socket, whose sending end others than its task can write to.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::fd::{AsFd, BorrowedFd};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A socket of a client.
pub enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Makes a call if the socket is `interest`, and notes that it is no longer if the call would
    /// block.
    fn try_io<R>(
        &self,
        interest: Interest,
        call: impl FnOnce(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        match self {
            Socket::Tcp(stream) => stream.try_io(interest, || call(stream.as_fd())),
            Socket::Unix(stream) => stream.try_io(interest, || call(stream.as_fd())),
        }
    }

    /// Writes what the socket takes at once. Fails with `WouldBlock` if that is nothing.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        // The C library's `send` can be cancelled, and asks twice whether it was.
        let call = |fd: BorrowedFd<'_>| Ok(send(fd, bytes, SendFlags::NOSIGNAL)?);
        self.try_io(Interest::WRITABLE, call)
    }

    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.try_write_vectored(slices),
            Socket::Unix(stream) => stream.try_write_vectored(slices),
        }
    }

    /// Reads what has arrived. Fails with `WouldBlock` if that is nothing.
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut read = None;
        let tried = self.try_io(Interest::READABLE, |fd| {
            let (len, _) = recv(fd, &mut *into, RecvFlags::empty())?;
            read = Some(len);
            // Where room is left, that was all: another call would block until more arrives.
            match len > 0 && len < into.len() {
                true => Err(io::ErrorKind::WouldBlock.into()),
                false => Ok(()),
            }
        });
        match read {
            Some(len) => Ok(len),
            None => tried.map(|()| 0),
        }
    }

    fn try_read_buf(&self, into: &mut ReadBuf<'_>) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.try_read_buf(into),
            Socket::Unix(stream) => stream.try_read_buf(into),
        }
    }

    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Tcp(stream) => stream.poll_read_ready(cx),
            Socket::Unix(stream) => stream.poll_read_ready(cx),
        }
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Tcp(stream) => stream.poll_write_ready(cx),
            Socket::Unix(stream) => stream.poll_write_ready(cx),
        }
    }

    fn shut_down(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
            Socket::Unix(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
        }
    }
}

/// A plain socket, as its task has it.
pub struct Plain(Arc<Socket>);

impl Plain {
    pub fn tcp(stream: TcpStream) -> Plain {
        Plain(Arc::new(Socket::Tcp(stream)))
    }

    pub fn unix(stream: UnixStream) -> Plain {
        Plain(Arc::new(Socket::Unix(stream)))
    }

    /// Has `read` try as soon as something has arrived, until it gets something.
    fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&Socket) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match read(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }

    /// Has `write` try as soon as there is room, until it finds some.
    fn poll_write_with(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match write(&self.0) {
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
    fn outlet(&self) -> Option<Arc<Socket>> {
        None
    }

    /// Reads what has arrived. Returns 0 at the end.
    fn poll_recv(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(into);
        ready!(Pin::new(self).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl Line for Plain {
    fn outlet(&self) -> Option<Arc<Socket>> {
        Some(Arc::clone(&self.0))
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_read_with(cx, |socket| socket.try_read(into))
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.poll_read_with(cx, |socket| socket.try_read_buf(into));
        read.map_ok(|_| ())
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |socket| socket.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |socket| socket.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // It keeps nothing.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.shut_down())
    }
}
