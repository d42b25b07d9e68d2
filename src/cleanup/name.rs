use std::any::type_name;

/// The name of a cleanup: one that was chosen, or that of a type.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    text: &'static str,
    /// Only these names are shortened: a chosen one may look like that of a type.
    is_type: bool,
}

impl Name {
    pub(crate) fn chosen(text: &'static str) -> Self {
        Self { text, is_type: false }
    }

    pub(crate) fn of_type<T: ?Sized>() -> Self {
        Self { text: type_name::<T>(), is_type: true }
    }

    /// Returns the name for reports. Called for the few cleanups that are reported, not for each cleanup.
    pub(crate) fn get(self) -> &'static str {
        if self.is_type { shortened(self.text) } else { self.text }
    }
}

/// Returns the name of a type for reports: `app::Guard` for `app::Guard<..>`, and `app::run` for a closure in `run`.
///
/// The names of futures and closures contain those of everything that they capture, often hundreds of characters.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    shortened(type_name::<T>())
}

fn shortened(type_name: &'static str) -> &'static str {
    let path = match type_name.find('<') {
        // Only a path is cut, not a tuple or `<T as Trait>::function`.
        Some(end) if type_name.starts_with(char::is_alphabetic) => type_name[..end].trim_end_matches("::"),
        _ => type_name,
    };
    let mut short = path;
    while let Some(outer) = short.strip_suffix("::{{closure}}") {
        short = outer;
    }
    short
}
