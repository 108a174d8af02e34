//! What a socket costs at least: accepts, reads, writes and closes as the service has to, and does nothing
//! else. On one thread of tokio, like the service.

use parsecd_wire::header::{HEADER_LENGTH, RawHeader};
use std::io;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// Body of the answer to a ping: version 1.0.
const BODY: [u8; 2] = [0x08, 0x01];

/// Answers every request like a ping, until an error of the listener.
///
/// # Errors
/// If `path` cannot be listened on.
pub fn serve(path: &Path) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let listener = UnixListener::bind(path)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(answer(stream));
        }
    })
}

/// Answers on one connection; closes it after a request that does not ask for it to stay.
async fn answer(mut stream: UnixStream) {
    let mut buffer = [0; 4096];
    let mut filled = 0;
    let mut answers = Vec::new();
    loop {
        match stream.read(&mut buffer[filled..]).await {
            Ok(count) if count > 0 => filled += count,
            _ => return,
        }
        let mut keeps = true;
        let mut taken = 0;
        while let Some(header) = buffer[taken..filled].first_chunk::<HEADER_LENGTH>() {
            let mut header = RawHeader::from_bytes(header);
            let rest = u64::from(header.body_length) + u64::from(header.authentication_length);
            let length = HEADER_LENGTH.saturating_add(usize::try_from(rest).unwrap_or(usize::MAX));
            if length > filled - taken {
                break;
            }
            taken += length;
            keeps = header.keeps_connection();
            header.authentication_type = 0;
            header.authentication_length = 0;
            header.body_length = 2;
            answers.extend_from_slice(&header.to_bytes());
            answers.extend_from_slice(&BODY);
        }
        buffer.copy_within(taken..filled, 0);
        filled -= taken;
        if !answers.is_empty() && stream.write_all(&answers).await.is_err() {
            return;
        }
        answers.clear();
        // A request that the buffer cannot hold is none that is measured.
        if !keeps || filled == buffer.len() {
            return;
        }
    }
}
