//! An address that refuses every connection.

use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of this machine on which nothing listens. As long as it is bound, no other test gets it, whose server would then
/// count the requests that were meant to fail.
pub(crate) struct Closed {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Closed {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { address: socket.local_addr().unwrap(), _socket: socket }
    }
}

impl Display for Closed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
