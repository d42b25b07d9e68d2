use crate::coroutine::{GeneratorExit, RawCoroutine, Throw};

/// An alias for the bounds of the body of an [`AsyncGenerator`](super::AsyncGenerator).
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `Y` | | the type of the yielded values |
/// | `S` | `()` | the type of the sent values |
/// | `T` | [`GeneratorExit`] | the type that is raised at the yields: [`Thrown<E>`] for a [`try_generator`](super::try_generator) |
///
/// It stands for [`RawCoroutine`] with its four associated types. Every body of a generator implements it, and no other
/// type can.
///
/// [`Thrown<E>`]: crate::coroutine::Thrown
///
/// # Examples
///
/// A function that returns a generator. [Signatures](crate::generator#signatures) shows other return types.
///
/// ```
/// use withal::generator::{AsyncGenerator, GeneratorBody, generator};
///
/// fn countdown(from: u32) -> AsyncGenerator<impl GeneratorBody<u32>> {
///     generator(async move |mut y| {
///         for n in (0..from).rev() {
///             y.yield_(n).await?;
///         }
///         Ok(())
///     })
/// }
/// # drop(countdown(3));
/// ```
///
/// A function that takes any generator, by a bound on its [`Body`](super::AsyncGeneratorExt::Body):
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::pin::pin;
/// use withal::generator::{AsyncGeneratorExt, Error, GeneratorBody, generator};
///
/// async fn first<G>(generator: &mut G) -> Result<Option<u32>, Error>
/// where
///     G: AsyncGeneratorExt<Body: GeneratorBody<u32>>,
/// {
///     generator.anext().await
/// }
///
/// let mut numbers = pin!(generator(async |mut y| y.yield_(1).await));
/// assert_eq!(first(&mut numbers).await, Ok(Some(1)));
/// # }
/// ```
pub trait GeneratorBody<Y, S = (), T = GeneratorExit>:
    RawCoroutine<Yield = Y, Sent = S, Return = (), Thrown = T>
{
}

impl<D, Y, S, T> GeneratorBody<Y, S, T> for D
where
    D: RawCoroutine<Yield = Y, Sent = S, Return = (), Thrown = T> + ?Sized,
    T: Throw,
{
}
