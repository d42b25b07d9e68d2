/// The location of the number of pages.
#[derive(Clone, Debug)]
pub(super) enum TotalPages {
    At(String),
    Header(String),
    /// The number in the target of the link with `rel="last"`.
    LastLink,
}
