use serde_json::{Map, Value, json};

use super::error::Error;
use super::excerpt::excerpt;
use super::json_pointers::{json_type, validate_pointer};
use super::response::Response;
use crate::pages::page::Page;

/// A GraphQL query for a Relay connection; what [`by_relay_connection`](super::Endpoint::by_relay_connection) posts.
///
/// The connection must be asked for `pageInfo { hasNextPage endCursor }`, and for `nodes` or for `edges { node }`;
/// `totalCount` is taken along if it is there.
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
/// let query = GraphQlQuery::new(text, "/data/repository/issues").variable("owner", "rust-lang").variable("name", "rust");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct GraphQlQuery {
    text: String,
    variables: Map<String, Value>,
    cursor: String,
    connection: String,
}

impl GraphQlQuery {
    /// A query, and where its answer has the connection, as a JSON pointer.
    ///
    /// # Panics
    ///
    /// If the pointer is neither empty nor begins with a slash.
    #[track_caller]
    pub fn new(text: impl Into<String>, connection: &str) -> Self {
        Self {
            text: text.into(),
            variables: Map::new(),
            cursor: "after".to_owned(),
            connection: validate_pointer(connection),
        }
    }

    /// Gives a variable its value.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Names the variable that takes the cursor; `after` by default.
    pub fn cursor_variable(mut self, name: impl Into<String>) -> Self {
        self.cursor = name.into();
        self
    }

    /// What is posted for the page at a cursor.
    pub(super) fn body(&self, cursor: Option<String>) -> String {
        let mut variables = self.variables.clone();
        variables.insert(self.cursor.clone(), cursor.map_or(Value::Null, Value::String));
        json!({ "query": self.text, "variables": variables }).to_string()
    }

    pub(super) fn page<T>(&self, mut answer: Response) -> Result<Page<T, String>, Error>
    where
        T: serde::de::DeserializeOwned,
    {
        // Errors come with status 200, and with a part of the data: what is missing would be lost.
        if let Some(error) = answer.at("/errors/0") {
            let message =
                error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned);
            return Err(Error::GraphQl { url: answer.url.to_string(), message: excerpt(&message) });
        }
        let place = |name: &str| format!("{}/{name}", self.connection);
        let more = place("pageInfo/hasNextPage");
        let Some(has_more) = answer.at(&more).and_then(Value::as_bool) else {
            return Err(answer.invalid_cursor(&more, answer.at(&more).map_or("nothing", json_type)));
        };
        let next = answer.cursor_at(&place("pageInfo/endCursor"))?;
        let total = answer.at(&place("totalCount")).and_then(Value::as_u64);
        let nodes = if answer.at(&place("edges")).is_some() && answer.at(&place("nodes")).is_none() {
            let edges = answer.take_array(&place("edges"))?;
            edges.into_iter().map(|mut edge| edge.get_mut("node").map_or(Value::Null, Value::take)).collect()
        } else {
            answer.take_array(&place("nodes"))?
        };
        Ok(Page::new(answer.parse(nodes)?, next).total(total).has_more(has_more))
    }
}
