use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::pages::http::endpoint::Endpoint;
use crate::pages::http::error::Error;
use crate::pages::http::graphql_query::GraphQlQuery;
use crate::pages::http::next_in::NextIn;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// # Paginators of GraphQL
impl Endpoint {
    /// Follows the `pageInfo` of a Relay connection in a GraphQL API.
    ///
    /// The query is sent as JSON by POST. A response with `errors` is an error, [`Error::GraphQl`], even if it contains
    /// partial data. The JSON pointers of the endpoint are not used.
    ///
    /// The cursor is sent as a string, or as a number if its variable is declared as one, as in `query($after: Int)`.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(endpoint: withal::pages::http::Endpoint) {
    /// use withal::pages::http::GraphQlQuery;
    ///
    /// // {"data": {"users": {"nodes": [..], "pageInfo": {"hasNextPage": true, "endCursor": "Y3Vyc29yOjUw"}}}}
    /// let text = "query($after: String) {
    ///     users(first: 50, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } }
    /// }";
    /// let users = endpoint.by_relay_connection::<serde_json::Value>(GraphQlQuery::new(text, "/data/users"));
    /// # }
    /// ```
    #[doc(alias("graphql", "page_info"))]
    pub fn by_relay_connection<T>(self, query: GraphQlQuery) -> AsyncGetDocs<T, String, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let query = Arc::new(query);
        let read = Arc::clone(&query);
        self.by_pages(
            None,
            move |request, cursor| request.json(&query.request_body(cursor)),
            move |response| read.page(response),
            NextIn::Body,
        )
    }
}
