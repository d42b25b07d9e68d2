use withal::context::{AsyncContextManager, AsyncExit, Exit};

struct Lease(u32);

impl AsyncContextManager for Lease {
    type Entered = Self;
    async fn aenter(self) -> Result<Self, String> {
        Ok(self)
    }
}

impl AsyncExit for Lease {
    type Target = u32;
    type Error = String;
    type Verdict = ();
    fn target(&mut self) -> &mut u32 {
        &mut self.0
    }
    async fn aexit(&mut self, _exit: Exit<'_>) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
