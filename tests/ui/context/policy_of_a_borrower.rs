use withal::context::{AsyncContextManager, AsyncExit, Detach, Exit};

struct Lease<'a>(&'a u32);

impl<'a> AsyncContextManager for Lease<'a> {
    type Entered = Self;
    async fn aenter(self) -> Result<Self, String> {
        Ok(self)
    }
}

impl<'a> AsyncExit for Lease<'a> {
    type Target = &'a u32;
    type Error = String;
    type Verdict = ();
    type OnDrop = Detach;
    fn target(&mut self) -> &mut &'a u32 {
        &mut self.0
    }
    async fn aexit(&mut self, _exit: Exit<'_>) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
