//! The paginators that send the cursor of one page with the next request.

use std::collections::BTreeMap;

use reqwest::header::HeaderName;
use serde::de::DeserializeOwned;

use crate::pages::http::endpoint::Endpoint;
use crate::pages::http::error::Error;
use crate::pages::http::json_pointers::validate_pointer;
use crate::pages::http::known_flags::KnownFlags;
use crate::pages::http::next_in::NextIn;
use crate::pages::http::other_cursors::OtherCursors;
use crate::pages::http::request::Request;
use crate::pages::http::response::Response;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// # Paginators whose cursor is in the response
impl Endpoint {
    /// Sends the cursor in the JSON of one page as a query parameter of the next request.
    ///
    /// The cursor is a string or a number. If it is absent, `null`, `false`, `""` or the number 0, the page is the last; see
    /// [`end_cursors`](Self::end_cursors). Well-known flags such as `has_more` are [recognized](crate::pages::http#flags). An
    /// index in the array of items, other than 0, means the last item; [`by_last_item`](Self::by_last_item) requires no
    /// index.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"ok": true, "members": [..], "response_metadata": {"next_cursor": "dXNlcjpVMDYx"}}
    /// let members = endpoint.items_at("/members").by_cursor::<String>("/response_metadata/next_cursor", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("next_token", "page_token", "continuation_token"))]
    #[track_caller]
    pub fn by_cursor<T>(self, pointer: &str, parameter: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let last_item = self.through_last_item(&validate_pointer(pointer));
        let is_key = last_item.is_some();
        let pointer = last_item.unwrap_or_else(|| pointer.to_owned());
        let (flags, others) = (KnownFlags::beside(&pointer), OtherCursors::default());
        self.by_token(parameter, NextIn::Body, move |response| {
            let (value, known_flag) = flags.find(response)?;
            if !is_key && known_flag != Some(false) {
                others.check(response, &pointer, value.is_some())?;
            }
            // The key of an item may be 0.
            let convert = if is_key { Response::key } else { Response::cursor };
            Ok((value.map_or(Ok(None), |value| convert(response, &pointer, value))?, known_flag))
        })
    }

    /// Sends the cursor in a header of one page as a query parameter of the next request.
    ///
    /// If the header is absent or empty, the page is the last.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // x-next-cursor: dXNlcjpVMDYx
    /// //
    /// // ["ann", "bob", ..]
    /// let items = endpoint.by_cursor_header::<String>("x-next-cursor", "cursor");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If `header` is not a valid header name.
    #[doc(alias = "header_cursor")]
    #[track_caller]
    pub fn by_cursor_header<T>(self, header: &str, parameter: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        assert!(HeaderName::from_bytes(header.as_bytes()).is_ok(), "invalid header name: {header:?}");
        let header = header.to_owned();
        self.by_token(parameter, NextIn::Headers, move |response| {
            Ok((response.cursor_in_header(&header)?, None))
        })
    }

    /// Sends the JSON value at a pointer of one page in the body of the next request, byte for byte.
    ///
    /// The value may be of any type: a string (Notion), a number, an object (`DynamoDB`) or an array. The body of the
    /// first request is set with [`json`](Self::json). If the value is absent, `null`, `false` or `""`, the page is the
    /// last. [`on_blank_cursor`](AsyncGetDocs::on_blank_cursor) makes `""` a cursor, as the Model Context Protocol
    /// requires it. Well-known flags such as `has_more` are [recognized](crate::pages::http#flags).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// use serde_json::{Value, json};
    /// use withal::pages::OnBlankCursor;
    ///
    /// // Notion: {"object": "list", "results": [..], "has_more": true, "next_cursor": "33e19cb9"}
    /// let pages = client
    ///     .endpoint("https://api.notion.com/v1/databases/d9824bdc/query")?
    ///     .json(&json!({ "page_size": 100 }))?
    ///     .items_at("/results")
    ///     .by_body_cursor::<Value>("/next_cursor", "/start_cursor");
    ///
    /// // DynamoDB: {"Items": [..], "LastEvaluatedKey": {"id": {"S": "a"}}}
    /// let items = client
    ///     .endpoint("https://dynamodb.example/")?
    ///     .json(&json!({ "TableName": "users" }))?
    ///     .items_at("/Items")
    ///     .by_body_cursor::<Value>("/LastEvaluatedKey", "/ExclusiveStartKey");
    ///
    /// // MCP: {"jsonrpc": "2.0", "id": 1, "result": {"tools": [..], "nextCursor": ""}}
    /// let tools = client
    ///     .endpoint("https://mcp.example/")?
    ///     .json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} }))?
    ///     .items_at("/result/tools")
    ///     .by_body_cursor::<Value>("/result/nextCursor", "/params/cursor")
    ///     .on_blank_cursor(OnBlankCursor::Continue);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If a pointer is not empty and does not begin with a slash.
    #[doc(alias("post", "notion", "dynamodb", "mcp", "ExclusiveStartKey"))]
    #[track_caller]
    pub fn by_body_cursor<T>(self, pointer: &str, body_pointer: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (pointer, body_pointer) = (validate_pointer(pointer), validate_pointer(body_pointer));
        self.by_json_text(pointer, move |request, cursor| {
            // A blank text marks a blank string.
            request.json_text_at(&body_pointer, if cursor.is_empty() { "\"\"" } else { cursor })
        })
    }

    /// Sends each member of an object in the JSON of one page as a query parameter of the next request.
    ///
    /// The members are strings, numbers or booleans. If the object is absent, `null` or empty, the page is the last.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// use serde_json::Value;
    ///
    /// // MediaWiki: {"query": {"allpages": [..]}, "continue": {"apcontinue": "Ba", "continue": "-||"}}
    /// let pages = client
    ///     .endpoint("https://en.wikipedia.org/w/api.php?action=query&list=allpages&format=json")?
    ///     .items_at("/query/allpages")
    ///     .by_parameters::<Value>("/continue");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`] if the value is not an object, or if one of its members is an object or an array.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[doc(alias("mediawiki", "continue"))]
    #[track_caller]
    pub fn by_parameters<T>(self, pointer: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let pointer = validate_pointer(pointer);
        let flags = KnownFlags::beside(&pointer);
        self.by_pages(
            None,
            |request, cursor: Option<&String>| match cursor {
                Some(cursor) => parameters(request, cursor),
                None => request,
            },
            move |response| {
                let items = response.indexed_items();
                let (value, known_flag) = flags.find(response)?;
                let next = value.map_or(Ok(None), |value| response.parameters(&pointer, value))?;
                let mut page = response.page_with(items, next)?;
                page.has_more = page.has_more.or(known_flag);
                Ok(page)
            },
            NextIn::Body,
        )
    }

    /// Sends the cursor that `find` returns, with a flag for more pages, as a query parameter.
    fn by_token<T, F>(
        self,
        parameter: &str,
        next_in: NextIn<String>,
        find: F,
    ) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(&Response) -> Result<(Option<String>, Option<bool>), Error> + Send + Sync + 'static,
    {
        let parameter = parameter.to_owned();
        self.by_pages(
            None,
            move |request, cursor: Option<&String>| match cursor {
                Some(cursor) => request.query(&parameter, cursor),
                None => request,
            },
            move |response| {
                let items = response.indexed_items();
                let (next, known_flag) = find(response)?;
                let mut page = response.page_with(items, next)?;
                page.has_more = page.has_more.or(known_flag);
                Ok(page)
            },
            next_in,
        )
    }

    /// Replaces an index in the array of items by -1, the index of the last item; `None` if there is no such index.
    ///
    /// The last page is usually shorter than the others, so that a fixed index other than 0 would miss its last item.
    fn through_last_item(&self, pointer: &str) -> Option<String> {
        let items = &self.pointers.items;
        let below = pointer.strip_prefix(items.as_str()).and_then(|below| below.strip_prefix('/'));
        let (index, rest) =
            below.map_or(("", ""), |below| below.split_at(below.find('/').unwrap_or(below.len())));
        let is_later = index.parse::<u64>().is_ok_and(|index| index > 0);
        is_later.then(|| format!("{items}/-1{rest}"))
    }

    /// Sends the JSON text at a pointer with the next request.
    fn by_json_text<T, A>(self, pointer: String, apply: A) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
        A: Fn(Request, &str) -> Request + Send + Sync + 'static,
    {
        let (flags, others) = (KnownFlags::beside(&pointer), OtherCursors::default());
        self.by_pages(
            None,
            move |request, cursor: Option<&String>| match cursor {
                Some(cursor) => apply(request, cursor),
                None => request,
            },
            move |response| {
                let items = response.indexed_items();
                let (value, known_flag) = flags.find(response)?;
                if known_flag != Some(false) {
                    others.check(response, &pointer, value.is_some())?;
                }
                let next = value.map_or(Ok(None), |value| response.json_cursor(&pointer, value))?;
                let mut page = response.page_with(items, next)?;
                page.has_more = page.has_more.or(known_flag);
                Ok(page)
            },
            NextIn::Body,
        )
    }
}

/// Sets the query parameters of a cursor that [`Response::parameters`] returned.
fn parameters(request: Request, cursor: &str) -> Request {
    match serde_json::from_str::<BTreeMap<String, String>>(cursor) {
        Ok(parameters) => {
            parameters.iter().fold(request, |request, (name, value)| request.query(name, value))
        }
        Err(source) => request.failed(Error::new(source)),
    }
}
