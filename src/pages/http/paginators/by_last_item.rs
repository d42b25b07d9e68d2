//! The paginators whose cursor is a part of the last item of a page.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::pages::http::endpoint::Endpoint;
use crate::pages::http::error::Error;
use crate::pages::http::item_fingerprints::of_items;
use crate::pages::http::json_pointers::{number_of, validate_pointer};
use crate::pages::http::known_flags::KnownFlags;
use crate::pages::http::next_in::NextIn;
use crate::pages::http::response::Response;
use crate::pages::page::Page;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// # Paginators whose cursor is in the last item
impl Endpoint {
    /// Sends a value from the last item of one page as a query parameter of the next request, as Stripe and Mastodon
    /// require it.
    ///
    /// `pointer` is relative to the item; an empty pointer is the whole item. The value is a string or a number. The
    /// stream ends with the first page without items, or when the flag of [`has_more_at`](Self::has_more_at) is
    /// `false`; without such a flag, well-known flags such as `has_more` are [recognized](crate::pages::http#flags).
    ///
    /// A server may repeat the item of the cursor at the start of the next page, as `CouchDB` and Kraken do. That is an
    /// error, [`RepeatedItems`](crate::pages::ErrorKind::RepeatedItems), unless [`unique_by`](AsyncGetDocs::unique_by)
    /// removes the repeated item. Then the last page points to itself, which [`on_cycle`](AsyncGetDocs::on_cycle) can
    /// treat as the end.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// use serde_json::Value;
    ///
    /// // Stripe: {"object": "list", "data": [{"id": "cus_1"}, {"id": "cus_2"}], "has_more": true}
    /// let customers = client
    ///     .endpoint("https://api.stripe.com/v1/customers?limit=100")?
    ///     .items_at("/data")
    ///     .has_more_at("/has_more")
    ///     .by_last_item::<Value>("/id", "starting_after");
    ///
    /// // Mastodon: [{"id": "103"}, {"id": "102"}], then [{"id": "101"}], then []
    /// let posts = client
    ///     .endpoint("https://mastodon.example/api/v1/timelines/public")?
    ///     .by_last_item::<Value>("/id", "max_id");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`] if the last item has no such value.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("keyset", "starting_after", "since_id", "max_id", "seek"))]
    #[track_caller]
    pub fn by_last_item<T>(self, pointer: &str, parameter: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (last, parameter) = (self.last_item(pointer), parameter.to_owned());
        self.by_pages(
            None,
            move |request, cursor: Option<&String>| match cursor {
                Some(cursor) => request.query(&parameter, cursor),
                None => request,
            },
            move |response| last.page(response, Response::key),
            NextIn::Body,
        )
    }

    /// Sends a value from the last item of one page in the JSON body of the next request, as Elasticsearch's
    /// `search_after` requires it.
    ///
    /// `pointer` is relative to the item, `body_pointer` to the body. The value is sent byte for byte, so that numbers
    /// keep their digits. The body of the first request is set with [`json`](Self::json). The stream ends as that of
    /// [`by_last_item`](Self::by_last_item).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// use serde_json::{Value, json};
    ///
    /// // {"hits": {"hits": [{"_id": "a", "sort": [1503435956.00024751, "a"]}, ..]}}
    /// let hits = client
    ///     .endpoint("https://search.example/logs/_search")?
    ///     .json(&json!({ "size": 1000, "sort": ["time", "_id"] }))?
    ///     .items_at("/hits/hits")
    ///     .by_last_item_in_body::<Value>("/sort", "/search_after");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`] if the last item has no such value; [`Error::NotAPage`] if hits may be missing, because
    /// `timed_out` is `true` or `_shards.failed` is not 0.
    ///
    /// # Panics
    ///
    /// If a pointer is not empty and does not begin with a slash.
    #[doc(alias("search_after", "elasticsearch", "opensearch"))]
    #[track_caller]
    pub fn by_last_item_in_body<T>(self, pointer: &str, body_pointer: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (last, body_pointer) = (self.last_item(pointer), validate_pointer(body_pointer));
        self.by_pages(
            None,
            move |request, cursor: Option<&String>| match cursor {
                Some(cursor) => request.json_text_at(&body_pointer, cursor),
                None => request,
            },
            move |response| {
                let page = last.page(response, Response::json_key)?;
                check_completeness(response)?;
                Ok(page)
            },
            NextIn::Body,
        )
    }

    #[track_caller]
    fn last_item(&self, pointer: &str) -> LastItem {
        let pointer = format!("{}/-1{}", self.pointers.items, validate_pointer(pointer));
        LastItem { flags: KnownFlags::beside(&self.pointers.items), pointer }
    }
}

/// The location of the cursor in the last item.
struct LastItem {
    pointer: String,
    flags: KnownFlags,
}

/// Converts the value at a pointer into a cursor.
type Convert = fn(&Response, &str, &RawValue) -> Result<Option<String>, Error>;

impl LastItem {
    fn find(&self, response: &Response, convert: Convert) -> Result<(Option<String>, Option<bool>), Error> {
        let (_, has_more) = self.flags.find(response)?;
        let [cursor] = response.find([&self.pointer])?;
        Ok((cursor.map_or(Ok(None), |cursor| convert(response, &self.pointer, cursor))?, has_more))
    }

    fn page<T>(&self, response: &Response, convert: Convert) -> Result<Page<T, String>, Error>
    where
        T: DeserializeOwned,
    {
        let items = response.indexed_items();
        let (cursor, known_flag) = self.find(response, convert)?;
        let has_cursor = cursor.as_ref().is_some_and(|cursor| !cursor.is_empty());
        let mut page = response.page_with(items, cursor)?;
        page.has_more = page.has_more.or(known_flag);
        if page.items.is_empty() {
            // Without an item, there is no cursor, whatever the flag.
            return Ok(page);
        }
        if !has_cursor && page.has_more != Some(false) {
            return Err(Error::invalid_cursor(&self.pointer, "nothing", response.info()));
        }
        let items = of_items(response, page.items.len())?;
        Ok(page.with_items_compared(items))
    }
}

/// Returns an error if a search lacks hits, though its status is 200: after a timeout, or if a shard has failed.
fn check_completeness(response: &Response) -> Result<(), Error> {
    let [timed_out, failed] = response.find(["/timed_out", "/_shards/failed"])?;
    if timed_out.is_some_and(|flag| flag.get() == "true") {
        return Err(response.error("timed_out is true, so hits may be missing"));
    }
    match failed.and_then(number_of) {
        None | Some(0) => Ok(()),
        Some(failed) => Err(response.error(&format!("hits are missing: failed shards: {failed}"))),
    }
}
