//! Carries bytes between two connections, both ways, until one side ends.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

/// A connection of either kind.
pub(crate) trait Connection: Read + Write + Send + Sized + 'static {
    /// A second handle of the same connection.
    fn again(&self) -> io::Result<Self>;
    /// Ends one direction, or both. A connection that has ended already stays so.
    fn end(&self, how: Shutdown);
}

impl Connection for TcpStream {
    fn again(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn end(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

impl Connection for UnixStream {
    fn again(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn end(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

/// Returns when the server has sent everything, or the client is gone.
pub(crate) fn relay(mut client: impl Connection, mut server: impl Connection) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.again()?, server.again()?);
    let up = std::thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.end(Shutdown::Write);
    });
    let _ = io::copy(&mut server, &mut client);
    client.end(Shutdown::Both);
    let _ = up.join();
    Ok(())
}
