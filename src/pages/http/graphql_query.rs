use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::json_array;
use super::json_pointers::{is_null, json_type, validate_pointer};
use super::json_slices::find;
use super::missing_items::is_empty_value;
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
    partial_data: bool,
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
            partial_data: false,
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

    /// Accepts pages whose response contains `errors`, if it contains the connection, too.
    ///
    /// By default, such a response is an error, [`Error::GraphQl`], because items or fields may be missing. With this
    /// setting, the errors are ignored. `null` in place of an item is an error of the item, unless its type is an `Option`.
    pub fn partial_data(mut self) -> Self {
        self.partial_data = true;
        self
    }

    /// Returns the body of the request for the page at a cursor.
    pub(super) fn request_body(&self, cursor: Option<&String>) -> Value {
        let mut variables = self.variables.clone();
        variables.insert(self.cursor.clone(), cursor.map_or(Value::Null, |cursor| self.cursor_value(cursor)));
        json!({ "query": self.text, "variables": variables })
    }

    /// Returns the value of the cursor's variable: a number if the query declares it as one, otherwise a string.
    fn cursor_value(&self, cursor: &str) -> Value {
        let number = || serde_json::from_str::<Value>(cursor).ok().filter(Value::is_number);
        let number = if is_declared_as_number(&self.text, &self.cursor) { number() } else { None };
        number.unwrap_or_else(|| cursor.into())
    }

    /// Converts the response into a page.
    pub(super) fn page<T: DeserializeOwned>(&self, response: &Response) -> Result<Page<T, String>, Error> {
        let pointers = ["pageInfo/hasNextPage", "pageInfo/endCursor", "totalCount", "nodes", "edges"];
        let [flag_at, cursor_at, total_at, nodes_at, edges_at] =
            pointers.map(|name| format!("{}/{name}", self.connection));
        let [errors, flag, cursor, total, nodes, edges] =
            response.find(["/errors", &flag_at, &cursor_at, &total_at, &nodes_at, &edges_at])?;
        // A response with errors may have status 200 and partial data. Ignoring the errors would silently lose items.
        let is_partial = self.partial_data && flag.is_some_and(|flag| !is_null(flag));
        if let Some(errors) = errors.filter(|errors| !is_empty_value(errors) && !is_partial) {
            // Some servers send a single error instead of an array.
            let elements: Vec<&RawValue> =
                serde_json::from_str(errors.get()).unwrap_or_else(|_| vec![errors]);
            if let Some(error) = elements.into_iter().find(|error| !is_null(error)) {
                return Err(Self::error(error, response));
            }
        }
        // The specification requires this flag, so its absence must not end the stream.
        let has_more = match flag.map(RawValue::get) {
            Some("true") => true,
            Some("false") => false,
            _ => return Err(response.invalid_has_more(&flag_at, flag.map_or("nothing", json_type))),
        };
        // The flag marks the last page, so that 0 is a cursor like any other.
        let next = cursor.map_or(Ok(None), |cursor| response.key(&cursor_at, cursor))?;
        let is_present = |value: Option<&RawValue>| value.is_some_and(|value| !is_null(value));
        // If a query selects both, they contain the same items.
        let mut page = Page::new(Vec::new(), next).total(response.total(total)).has_more(has_more);
        if is_present(edges) && !is_present(nodes) {
            if let Some(edges) = response.array(&edges_at, edges)? {
                let items: Vec<Edge<T>> = response.elements(edges)?;
                page.items = items.into_iter().map(|edge| edge.node).collect();
                page = page.fingerprint(edges.get());
            }
        } else if let Some(nodes) = response.array(&nodes_at, nodes)? {
            page.items = response.elements(nodes)?;
            page = page.fingerprint(nodes.get());
        }
        Ok(page)
    }

    fn error(error: &RawValue, response: &Response) -> Error {
        let pointers = ["/message", "/extensions/code", "/type"];
        let text = |value: &RawValue| json_array::value::<String>(value).ok();
        let [message, code, kind] = find(error.get().as_bytes(), pointers).unwrap_or_default();
        let message = message.and_then(text).unwrap_or_else(|| error.get().to_owned());
        // A code may be a status, as a number.
        let number = |value: &RawValue| value.get().parse::<u16>().ok().map(|number| number.to_string());
        let code = code.and_then(|code| text(code).or_else(|| number(code))).or_else(|| kind.and_then(text));
        Error::graph_ql(&message, code.as_deref(), response.info())
    }
}

/// An element of the `edges` of a connection.
#[derive(Deserialize)]
struct Edge<T> {
    node: T,
}

/// Returns `true` if a query declares a variable with a numeric type: `query($after: Int)`.
fn is_declared_as_number(query: &str, variable: &str) -> bool {
    let mut declarations = query.split('$').skip(1).filter_map(|text| {
        let kind = text.strip_prefix(variable)?.trim_start().strip_prefix(':')?.trim_start();
        kind.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()
    });
    declarations.any(|kind| matches!(kind, "Int" | "Float" | "Long" | "BigInt" | "Decimal" | "BigDecimal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_number_if_its_variable_is_declared_as_one() {
        for (text, want) in [
            ("query($after: Int) { .. }", json!(17)),
            ("query Users ( $first:Int=50, $after :\n Int! ) { .. }", json!(17)),
            ("query($after: String, $n: Int) { users(after: $after) }", json!("17")),
            ("query($afterwards: Int, $after: ID) { .. }", json!("17")),
            ("{ users(after: $after) }", json!("17")),
        ] {
            let query = GraphQlQuery::new(text, "/data/users");
            assert_eq!(query.cursor_value("17"), want, "{text}");
            assert_eq!(query.cursor_value("Y3Vy"), json!("Y3Vy"), "{text}");
        }
    }
}
