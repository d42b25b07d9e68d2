/// Shortens the name of a type for reports: `app::Guard<..>` becomes `app::Guard`, and `app::run::{{closure}}` becomes
/// `app::run`. Other names are returned as they are.
///
/// The names of futures and closures contain those of everything that they capture, often hundreds of characters.
pub(super) fn short_name(name: &'static str) -> &'static str {
    let path = match name.find('<') {
        // Only a path has arguments. A name that the user chose may contain `<` as well.
        Some(end) if name[..end].contains("::") => name[..end].trim_end_matches("::"),
        _ => name,
    };
    let mut short = path;
    while let Some(outer) = short.strip_suffix("::{{closure}}") {
        short = outer;
    }
    short
}
