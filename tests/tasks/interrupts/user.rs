//! Managers of the user: one that interrupts its block, and one that wraps another.

use std::time::Duration;

use tokio::time::sleep;
use withal::context::{AsyncContextManager, AsyncGuard, Detach, DropNow, ExitReason, interrupt_when};

/// A manager that interrupts its block after some time.
pub(super) struct Expiring(Duration);

pub(super) fn expiring(after: Duration) -> Expiring {
    Expiring(after)
}

#[derive(Debug)]
pub(super) struct Expired;

impl AsyncContextManager for Expiring {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Expired> {
        interrupt_when(sleep(self.0)).map_err(|_| Expired)?;
        Ok(self)
    }
}

impl AsyncGuard for Expiring {
    type Target = Duration;
    type Error = Expired;
    type Suppression = ();
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Duration {
        &mut self.0
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Expired> {
        if exit.is_cancelled() { Err(Expired) } else { Ok(()) }
    }
}

/// A manager that only forwards, as users write it: it does not mention interrupts.
pub(super) struct Wrapper<M>(pub(super) M);

impl<M, G> AsyncContextManager for Wrapper<M>
where
    M: AsyncContextManager<Guard = G> + Send,
    G: AsyncGuard<Target: Send> + Send + 'static,
{
    type Guard = Wrapper<G>;

    async fn aenter(self) -> Result<Wrapper<G>, G::Error> {
        Ok(Wrapper(self.0.aenter().await?))
    }
}

impl<G: AsyncGuard<Target: Send> + Send + 'static> AsyncGuard for Wrapper<G> {
    type Target = G::Target;
    type Error = G::Error;
    type Suppression = G::Suppression;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut G::Target {
        self.0.target()
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<G::Suppression, G::Error> {
        self.0.aexit(exit).await
    }
}
