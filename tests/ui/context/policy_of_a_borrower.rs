use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason};

struct Lease<'a>(&'a u32);

impl<'a> AsyncContextManager for Lease<'a> {
    type Guard = Self;
    async fn aenter(self) -> Result<Self, String> {
        Ok(self)
    }
}

impl<'a> AsyncGuard for Lease<'a> {
    type Target = &'a u32;
    type Error = String;
    type Suppression = ();
    type OnDrop = Detach;
    fn target(&mut self) -> &mut &'a u32 {
        &mut self.0
    }
    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
