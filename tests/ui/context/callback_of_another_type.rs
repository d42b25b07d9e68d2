use withal::context::AsyncExitStack;

fn main() {
    AsyncExitStack::new().callback(|| 7);
}
