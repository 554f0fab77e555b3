//! DNS messages over UDP, and over TCP when the answer does not fit. No validation here.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::DnsHandle;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Message, Query, ResponseCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

/// How long a server may take before it is asked again, then the next one.
const TRY: Duration = Duration::from_millis(1500);
/// How often each server is asked: a datagram gets lost now and then.
const TRIES: usize = 2;
/// Largest answer over UDP that is read; what is asked for is smaller.
const MAX_DATAGRAM: usize = 4096;

/// Carries one question to the first server that answers.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    servers: Arc<[SocketAddr]>,
}

impl DnsHandle for Wire {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        let wire = self.clone();
        Box::pin(futures_util::stream::once(async move { wire.exchange(request.into_parts().0).await }))
    }
}

impl Wire {
    pub(super) fn new(servers: Arc<[SocketAddr]>) -> Self {
        Self { servers }
    }

    /// An answer that is not validated.
    pub(super) async fn ask(&self, query: Query) -> Result<DnsResponse, NetError> {
        self.exchange(DnsRequest::from_query(query, signed()).into_parts().0).await
    }

    /// The first answer that is a yes or a no; an error code of one server makes the next one be asked.
    async fn exchange(&self, mut message: Message) -> Result<DnsResponse, NetError> {
        message.metadata.id = random_id()?;
        let question = message.to_vec()?;
        let mut failed = NetError::Timeout;
        for server in self.servers.iter() {
            for _ in 0..TRIES {
                match exchange_with(*server, &question, &message).await {
                    Ok(answer) => match answer.metadata.response_code {
                        ResponseCode::NoError | ResponseCode::NXDomain => return Ok(answer),
                        code => {
                            failed = NetError::Dns(DnsError::ResponseCode(code));
                            break;
                        }
                    },
                    Err(error) => failed = error,
                }
            }
        }
        Err(failed)
    }
}

/// Questions whose answers come with their signatures.
pub(super) fn signed() -> DnsRequestOptions {
    let mut options = DnsRequestOptions::default();
    options.edns_set_dnssec_ok = true;
    options
}

/// Together with the port that the system picks at random, what a forger must guess.
fn random_id() -> Result<u16, NetError> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).map_err(|_| NetError::from("the system has no random numbers"))?;
    Ok(u16::from_ne_bytes(bytes))
}

async fn exchange_with(
    server: SocketAddr,
    question: &[u8],
    message: &Message,
) -> Result<DnsResponse, NetError> {
    let answer = timed(over_udp(server, question, message)).await?;
    if answer.metadata.truncation {
        return timed(over_tcp(server, question, message)).await;
    }
    Ok(answer)
}

async fn timed(
    exchange: impl Future<Output = Result<DnsResponse, NetError>>,
) -> Result<DnsResponse, NetError> {
    tokio::time::timeout(TRY, exchange).await.unwrap_or(Err(NetError::Timeout))
}

async fn over_udp(server: SocketAddr, question: &[u8], message: &Message) -> Result<DnsResponse, NetError> {
    let local: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let length = socket.recv(&mut buffer).await?;
        // What does not fit the question is somebody else's; the true answer may still come.
        if let Some(answer) = fitting(&buffer[..length], message) {
            return Ok(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &[u8], message: &Message) -> Result<DnsResponse, NetError> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).map_err(|_| NetError::from("the question is too long"))?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(question).await?;
    let mut buffer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut buffer).await?;
    fitting(&buffer, message).ok_or_else(|| NetError::from("the answer does not fit the question"))
}

/// The answer, if it is one to this question.
fn fitting(bytes: &[u8], message: &Message) -> Option<DnsResponse> {
    let answer = DnsResponse::from_buffer(bytes.to_vec()).ok()?;
    (answer.metadata.id == message.metadata.id && answer.queries == message.queries).then_some(answer)
}

/// The servers of the system's configuration.
pub(super) fn system_servers() -> Result<Vec<SocketAddr>, String> {
    let (config, _) = hickory_resolver::system_conf::read_system_conf()
        .map_err(|error| format!("the system's DNS configuration cannot be read: {error}"))?;
    let mut servers: Vec<SocketAddr> = config
        .name_servers()
        .iter()
        .flat_map(|server| {
            server.connections.iter().map(|connection| SocketAddr::new(server.ip, connection.port))
        })
        .collect();
    servers.dedup();
    if servers.is_empty() {
        return Err("the system has no DNS server configured".to_owned());
    }
    Ok(servers)
}

/// A DoH question: no id, so that caches on the way can serve it (RFC 8484 section 4.1).
pub(super) fn encode(query: Query) -> io::Result<Vec<u8>> {
    let mut message = DnsRequest::from_query(query, DnsRequestOptions::default()).into_parts().0;
    message.metadata.id = 0;
    message.to_vec().map_err(io::Error::other)
}
