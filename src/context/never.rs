/// The type `!`, which stable Rust cannot name other than as the output of a function: that of a closure that only panics.
pub(super) type Never = <fn() -> ! as Output>::Output;

#[allow(unreachable_pub, reason = "the type is a part of the interface, and the trait is not")]
pub trait Output {
    type Output;
}

impl<T> Output for fn() -> T {
    type Output = T;
}
