use withal::context::{AsyncContextManager, AsyncGuard, ExitReason};

struct Lease(u32);

impl AsyncContextManager for Lease {
    type Guard = Self;
    async fn aenter(self) -> Result<Self, String> {
        Ok(self)
    }
}

impl AsyncGuard for Lease {
    type Target = u32;
    type Error = String;
    type Suppression = ();
    type OnDrop = ();
    fn target(&mut self) -> &mut u32 {
        &mut self.0
    }
    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
