/// Shortens the name of a type for reports: `app::Guard<..>` becomes `app::Guard`, and `app::run::{{closure}}` becomes
/// `app::run`.
///
/// The names of futures and closures contain those of everything that they capture, often hundreds of characters.
pub(crate) fn short_name(name: &'static str) -> &'static str {
    let arguments = name.char_indices().zip(name.chars().skip(1)).find(|&((_, before), c)| {
        // After a space, it is a name that the user chose. At the beginning, it is `<impl Trait>::method`.
        c == '<' && (before.is_alphanumeric() || before == '_' || before == ':')
    });
    let path = arguments.map_or(name, |((at, before), _)| &name[..at + before.len_utf8()]);
    let mut short = path.trim_end_matches(':');
    while let Some(outer) = short.strip_suffix("::{{closure}}") {
        short = outer;
    }
    if short.is_empty() { name } else { short }
}
