//! SIGTERM and Ctrl-C, for both programs.
//! Only says that it happened; how to end is the program's business.

use tokio::signal::unix::{SignalKind, signal};

/// Ends at the first SIGTERM or SIGINT; both are caught from this call on.
pub fn signalled() -> std::io::Result<impl Future<Output = ()> + use<>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
