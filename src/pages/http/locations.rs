//! The methods of [`Endpoint`] that locate the parts of a page in its response.

use reqwest::header::HeaderName;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::json_pointers::validate_pointer;
use super::missing_items::MissingItems;

/// # The parts of a page
impl Endpoint {
    /// Sets the JSON pointer (RFC 6901) to the array of items. By default, the whole body is the array.
    ///
    /// A `null` value at the pointer is an empty page, because some servers send that in place of an empty array. So is an
    /// absent value, `{}`, `""` or `false`, unless there is evidence against it; see
    /// [`missing_items`](Self::missing_items). If the body reports an error, it is not a page, but an error:
    /// see [`error_at`](Self::error_at).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// // {"data": {"users": [..]}, "meta": {"total": 40, "next": "token-2"}}
    /// let users = client
    ///     .endpoint("https://api.example/users")?
    ///     .items_at("/data/users")
    ///     .total_at("/meta/total")
    ///     .by_cursor::<String>("/meta/next", "cursor");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias = "data_path")]
    #[track_caller]
    pub fn items_at(mut self, pointer: &str) -> Self {
        self.pointers.items = validate_pointer(pointer);
        self
    }

    /// Sets the meaning of a response that has nothing, or an empty value, at [`items_at`](Self::items_at); the default is
    /// [`MissingItems::Detect`].
    pub fn missing_items(mut self, meaning: MissingItems) -> Self {
        self.pointers.missing_items = meaning;
        self
    }

    /// Sets the JSON pointer to the number of all items, for [`progress`](crate::pages::AsyncGetDocs::progress).
    ///
    /// If no pointer is set, or if there is no number at the pointer, the first of these headers is used: `X-Total-Count`,
    /// `X-WP-Total`, `X-Total`, `Total-Count`, `Total-Records`, `Total-Results`, `X-Total-Items`, `X-Total-Records`,
    /// `X-Total-Results`, `X-Pagination-Total`, `X-Pagination-Total-Count`, `Pagination-Total`, `Pagination-Total-Count`,
    /// `Pagination-Count`, `X-Item-Count`, `Total`, and `Content-Range` (`items 0-24/319`).
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn total_at(mut self, pointer: &str) -> Self {
        self.pointers.total = Some(validate_pointer(pointer));
        self
    }

    /// Adds the JSON pointer to a value that only errors have, such as a message or a code.
    ///
    /// If there is a value other than `null`, `false`, `0`, `""`, `[]`, `{}` or a word such as `"ok"`, the response is
    /// an error, [`Error::NotAPage`](super::Error::NotAPage), even if it has items.
    ///
    /// Without this setting, a response is such an error if it has no items, and if its body reports an error: at its
    /// top, in an object such as `meta`, `header` or `status`, or beside the items. These members report one:
    ///
    /// - `error`, `errors`, `fault`, `exception`, `problem`, `failures` and names such as `errorCode`, with a value;
    /// - `ok`, `success` or `succeeded`, with `false`; `partial`, `incomplete_results` or `timed_out`, with `true`;
    /// - `status`, `state` or `result`, with `false`, a word such as `error`, `NOK` or `AUTH_FAILED`, a negative number, or
    ///   400 to 599;
    /// - `code` and names such as `resultCode`, with a number that is negative or at least 300, or any other number or
    ///   word beside a message; 0, 1, 200 to 299, and round numbers such as 10000 and 20000, report success;
    /// - `message`, `msg`, `info`, `detail` or `warning`, with a text such as "quota exceeded" or "invalid token";
    /// - without any items, not even an empty array: only a message, `authenticated` with `false`, or `redirect` with a
    ///   URL.
    ///
    /// A message such as "no more data" beside an empty array reports an empty page, whatever the code, and so does a
    /// value that the URL of the request contains, such as `status=failed` or `/jobs/failed`. An object that contains the
    /// items is not an error, whatever its name. If `status` or `state` is a word such as `pending` or
    /// `RUNNING`, or if `jobComplete` or `ready` is `false`, the page is not ready:
    /// [`Error::NotReady`](super::Error::NotReady), which is retried. [`ignore_reports`](Self::ignore_reports) turns
    /// all of this off.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"hits": [..], "failures": [{"shard": 3}]}
    /// let hits = endpoint.items_at("/hits").error_at("/failures").by_cursor::<String>("/next", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("is_error", "error_in_200"))]
    #[track_caller]
    pub fn error_at(mut self, pointer: &str) -> Self {
        self.pointers.errors.push(validate_pointer(pointer));
        self
    }

    /// Accepts a page without items as an empty page, whatever its other members report, and turns off the other errors
    /// that rely on well-known names.
    ///
    /// [`error_at`](Self::error_at) lists the reports that are errors otherwise. The other errors are those about a cursor
    /// in a place where the paginator does not read it, about [pages](Self::by_page_number) that are counted from 0, and
    /// about [steps](Self::by_offset_steps) that are larger than the pages. The text of each of these errors names this
    /// setting. The pointers of `error_at` and [`ok_at`](Self::ok_at) still count.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"code": 0, "data": [..]}, then {"code": 1001, "data": []}
    /// let items = endpoint.items_at("/data").ignore_reports().by_page_number::<String>("page", 1);
    /// # }
    /// ```
    #[doc(alias("error_in_200", "no_data"))]
    pub fn ignore_reports(mut self) -> Self {
        self.pointers.ignores_reports = true;
        self
    }

    /// Adds a condition that every page satisfies: a JSON pointer, and the value there.
    ///
    /// A response without it is an error, [`Error::NotAPage`](super::Error::NotAPage), even if it has items.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"code": 0, "data": [..]}, or {"code": 1254290, "data": []}
    /// let records = endpoint.items_at("/data").ok_at("/code", 0).by_cursor::<String>("/next", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn ok_at(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        self.pointers.required.push((validate_pointer(pointer), value.into()));
        self
    }

    /// Adds the JSON pointer to a value that is delivered with the page, beside its items: see [`Extra`](super::Extra).
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("included", "metadata", "delta_link"))]
    #[track_caller]
    pub fn extra_at(mut self, pointer: &str) -> Self {
        self.pointers.extra.push(validate_pointer(pointer));
        self
    }

    /// Adds a header whose value is delivered with the page: see [`Extra`](super::Extra).
    ///
    /// # Panics
    ///
    /// If `name` is not a valid header name.
    #[track_caller]
    pub fn extra_header(mut self, name: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes());
        self.extra_headers.push(name.expect("the name of an extra header must be valid"));
        self
    }
}
