//! The paginators for well-known conventions.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::pages::cursor::Offset;
use crate::pages::http::classify::classify;
use crate::pages::http::endpoint::Endpoint;
use crate::pages::http::error::Error;
use crate::pages::http::json_pointers::pointer_to;
use crate::pages::http::next_in::NextIn;
use crate::pages::http::next_url::NextUrl;
use crate::pages::policy::OnError;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// # Paginators of well-known conventions
///
/// They know where the items are, unless [`items_at`](Endpoint::items_at) is set.
impl Endpoint {
    /// Follows the `@odata.nextLink` of [OData 4](https://docs.oasis-open.org/odata/odata-json-format/v4.01/).
    ///
    /// The items are at `/value`, the total is `@odata.count`. A relative link is relative to `@odata.context`, if the
    /// page has one, as section 4.3 of the JSON format requires. The names without `odata.` that version 4.01 permits are
    /// recognized, except for `@count`: set it by [`total_at`](Self::total_at).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"@odata.context": "../$metadata#Orders", "value": [..], "@odata.nextLink": "Orders?$skiptoken=7"}
    /// let orders = endpoint.by_odata::<serde_json::Value>();
    ///
    /// # }
    /// # fn other(endpoint: withal::pages::http::Endpoint) {
    /// // OData 2: {"d": {"results": [..], "__next": "https://api.example/Orders?$skiptoken=7"}}
    /// let orders = endpoint.items_at("/d/results").by_next_url::<serde_json::Value>("/d/__next");
    /// # }
    /// ```
    #[doc(alias("nextLink", "skiptoken", "microsoft", "graph"))]
    pub fn by_odata<T>(self) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (next, short) = (NextUrl::new("/@odata.nextLink"), NextUrl::new("/@nextLink"));
        self.with_defaults("/value", Some("/@odata.count")).by_url(NextIn::Body, move |response| {
            let found = next.find(response)?;
            if found.0.is_some() { Ok(found) } else { short.find(response) }
        })
    }

    /// Follows the link `next` of a HAL document (`application/hal+json`).
    ///
    /// The items are the embedded resources with the relation `rel`. If the link is templated, its variables are undefined
    /// (RFC 6570).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"_embedded": {"users": [..]}, "_links": {"self": {"href": "/users"}, "next": {"href": "/users?page=2"}}}
    /// let users = endpoint.by_hal::<serde_json::Value>("users");
    /// # }
    /// ```
    #[doc(alias("_embedded", "_links", "spring"))]
    pub fn by_hal<T>(self, rel: &str) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let items = format!("/_embedded{}", pointer_to(rel));
        self.with_defaults(&items, None).by_next_url("/_links/next")
    }

    /// Follows the link `next` of a [JSON:API](https://jsonapi.org/format/#fetching-pagination) document.
    ///
    /// The items are at `/data`. The link is a string or an object with `href`.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // {"data": [..], "links": {"self": "/articles", "next": {"href": "/articles?page[number]=2"}}}
    /// let articles = endpoint.by_json_api::<serde_json::Value>();
    /// # }
    /// ```
    #[doc(alias("jsonapi"))]
    pub fn by_json_api<T>(self) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.with_defaults("/data", None).by_next_url("/links/next")
    }

    /// Sends the `continue` token of a [Kubernetes list](https://kubernetes.io/docs/reference/using-api/api-concepts/).
    ///
    /// The items are at `/items`. If a token has expired, the server responds with status 410 (Gone), and with a new
    /// token in the body, from which the stream [restarts](OnError::Restart). The items after that may differ from the
    /// snapshot of those before. A stream that resumes within a page skips as many items there as were yielded before, since
    /// the new token begins at the same key. Without a new token, the error is final.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client) -> Result<(), withal::pages::http::Error> {
    /// // {"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": "eyJ2Ijoi"}, "items": [..]}
    /// let pods = client.endpoint("https://k8s.example/api/v1/pods?limit=500")?.by_kubernetes::<serde_json::Value>();
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("k8s", "continue"))]
    pub fn by_kubernetes<T>(self) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let items = self.with_defaults("/items", None).by_cursor("/metadata/continue", "continue");
        let mut items = items.classify(|error| match new_token(error) {
            Some(token) => OnError::Restart { cursor: Some(token) },
            None => classify(error),
        });
        items.pager().set_restarts_in_place(true);
        items
    }

    /// Requests pages of up to `count` resources as [SCIM](https://www.rfc-editor.org/rfc/rfc7644#section-3.4.2.4)
    /// numbers them: from `startIndex` 1.
    ///
    /// The items are at `/Resources`, the total is `totalResults`.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// // GET /Users?count=100&startIndex=1   {"totalResults": 340, "itemsPerPage": 100, "Resources": [..]}
    /// let users = endpoint.by_scim::<serde_json::Value>(100);
    /// # }
    /// ```
    #[doc(alias("startIndex"))]
    pub fn by_scim<T>(self, count: u64) -> AsyncGetDocs<T, Offset, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let endpoint = self.with_defaults("/Resources", Some("/totalResults"));
        endpoint.by_offset_from("startIndex", "count", count, 1)
    }

    /// Sets the pointers that the user has not set.
    fn with_defaults(mut self, items: &str, total: Option<&str>) -> Self {
        if self.pointers.items.is_empty() {
            items.clone_into(&mut self.pointers.items);
        }
        if self.pointers.total.is_none() {
            self.pointers.total = total.map(str::to_owned);
        }
        self
    }
}

/// Returns the token in the body of a response with status 410.
fn new_token(error: &Error) -> Option<String> {
    if error.status()?.as_u16() != 410 {
        return None;
    }
    let body: Value = serde_json::from_slice(error.body()).ok()?;
    let token = body.pointer("/metadata/continue")?.as_str()?;
    (!token.is_empty()).then(|| token.to_owned())
}
