//! Ctrl-C and SIGTERM: the first one ends what is under way and clears up, the second one ends at once.
//! It only hears; what to clear up is known elsewhere.

use anyhow::{Result, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// By the convention of shells: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// Whether a person wants the process to end.
#[derive(Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on, in place of the default, which is to die where it stands.
    pub fn listen() -> Result<Self> {
        let (heard, receiver) = watch::channel(false);
        let (mut int, mut term) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            either(&mut int, &mut term).await;
            eprintln!(
                "\ninterrupted: clearing up; once more ends it here and leaves everything as it is"
            );
            heard.send_replace(true);
            either(&mut int, &mut term).await;
            std::process::exit(INTERRUPTED);
        });
        Ok(Self(receiver))
    }

    /// An error once somebody wants it to end.
    pub fn check(&self) -> Result<()> {
        if *self.0.borrow() {
            bail!("interrupted");
        }
        Ok(())
    }

    /// Goes on with this until somebody wants it to end.
    pub async fn unless<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut heard = self.0.clone();
        tokio::select! {
            outcome = work => outcome,
            // An error means that nobody listens any more, which is so at the end of the process.
            Ok(_) = heard.wait_for(|it| *it) => bail!("interrupted"),
        }
    }
}

async fn either(int: &mut Signal, term: &mut Signal) {
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
}
