use serde_json::{Map, Value, json};

use super::error::Error;
use super::json_pointers::{json_type, validate_pointer};
use super::response::Response;
use crate::pages::page::Page;

/// A GraphQL query for a Relay connection, sent by [`by_relay_connection`](super::Endpoint::by_relay_connection).
///
/// The query must select `pageInfo { hasNextPage endCursor }`, and either `nodes` or `edges { node }`. `totalCount` is
/// read if it is selected.
///
/// # Examples
///
/// ```
/// use withal::pages::http::GraphQlQuery;
///
/// let text = "query($owner: String!, $name: String!, $after: String) {
///     repository(owner: $owner, name: $name) {
///         issues(first: 100, after: $after) { nodes { title } pageInfo { hasNextPage endCursor } }
///     }
/// }";
/// let query = GraphQlQuery::new(text, "/data/repository/issues")
///     .variable("owner", "rust-lang")
///     .variable("name", "rust");
/// ```
#[doc(alias("graphql", "relay", "connection"))]
#[derive(Clone, Debug)]
#[must_use]
pub struct GraphQlQuery {
    text: String,
    variables: Map<String, Value>,
    cursor: String,
    connection: String,
}

impl GraphQlQuery {
    /// Creates a query. `connection` is the JSON pointer to the connection in the response.
    ///
    /// # Panics
    ///
    /// If the pointer is not empty and does not begin with a slash.
    #[track_caller]
    pub fn new(text: impl Into<String>, connection: &str) -> Self {
        Self {
            text: text.into(),
            variables: Map::new(),
            cursor: "after".to_owned(),
            connection: validate_pointer(connection),
        }
    }

    /// Sets the value of a variable.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets the name of the variable for the cursor; the default is `after`.
    pub fn cursor_variable(mut self, name: impl Into<String>) -> Self {
        self.cursor = name.into();
        self
    }

    /// Returns the body of the request for the page at a cursor.
    pub(super) fn request_body(&self, cursor: Option<String>) -> String {
        let mut variables = self.variables.clone();
        variables.insert(self.cursor.clone(), cursor.map_or(Value::Null, Value::String));
        json!({ "query": self.text, "variables": variables }).to_string()
    }

    /// Converts the response into a page.
    pub(super) fn page<T>(&self, mut response: Response) -> Result<Page<T, String>, Error>
    where
        T: serde::de::DeserializeOwned,
    {
        // A response with errors may have status 200 and partial data. Ignoring the errors would silently lose items.
        if let Some(error) = response.value_at("/errors/0") {
            let message =
                error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned);
            let code =
                error.pointer("/extensions/code").or_else(|| error.get("type")).and_then(Value::as_str);
            return Err(Error::graph_ql(&message, code, response.info()));
        }
        let pointer_to = |name: &str| format!("{}/{name}", self.connection);
        // The specification requires this flag, so its absence must not end the stream.
        let flag = pointer_to("pageInfo/hasNextPage");
        let has_more = match response.value_at(&flag) {
            Some(Value::Bool(has_more)) => *has_more,
            other => return Err(response.invalid_has_more(&flag, other.map_or("nothing", json_type))),
        };
        let next = response.cursor_at(&pointer_to("pageInfo/endCursor"))?;
        let total = response.value_at(&pointer_to("totalCount")).and_then(Value::as_u64);
        let (nodes, edges) = (pointer_to("nodes"), pointer_to("edges"));
        // If a query selects both, they contain the same items.
        let nodes = if response.value_at(&edges).is_some() && response.value_at(&nodes).is_none() {
            let edges = response.take_array(&edges)?;
            edges.into_iter().map(|mut edge| edge.get_mut("node").map_or(Value::Null, Value::take)).collect()
        } else {
            response.take_array(&nodes)?
        };
        Ok(Page::new(response.deserialize(nodes)?, next).total(total).has_more(has_more))
    }
}
