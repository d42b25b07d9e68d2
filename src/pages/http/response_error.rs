//! The errors about a response: their texts from the response are bounded and masked.

use super::error::{BoxError, Error};
use super::response_info::ResponseInfo;

impl Error {
    pub(super) fn status_error(response: Box<ResponseInfo>) -> Self {
        Self::Status { status: response.status(), retry_after: response.retry_after(), response }
    }

    pub(super) fn not_a_page(message: &str, response: Box<ResponseInfo>) -> Self {
        Self::NotAPage { setting: None, message: response.show(message), response }
    }

    /// Creates the error of a report by a well-known name, which may mean something else.
    pub(super) fn reported(message: &str, response: Box<ResponseInfo>) -> Self {
        Self::NotAPage { setting: Some("ignore_reports"), message: response.show(message), response }
    }

    pub(super) fn reader(source: BoxError, response: Box<ResponseInfo>) -> Self {
        Self::Reader { response, source }
    }

    pub(super) fn invalid_json(source: serde_json::Error, response: Box<ResponseInfo>) -> Self {
        Self::InvalidJson { source: response.show_json_error(source), response }
    }

    pub(super) fn invalid_item(index: usize, source: serde_json::Error, response: Box<ResponseInfo>) -> Self {
        Self::InvalidItem { index, source: response.show_json_error(source), response }
    }

    pub(super) fn items_not_array(pointer: &str, found: &'static str, response: Box<ResponseInfo>) -> Self {
        Self::ItemsNotArray { pointer: response.show(pointer), found, response }
    }

    pub(super) fn invalid_cursor(location: &str, found: &'static str, response: Box<ResponseInfo>) -> Self {
        Self::InvalidCursor { location: response.show(location), found, response }
    }

    pub(super) fn invalid_has_more(pointer: &str, found: &'static str, response: Box<ResponseInfo>) -> Self {
        Self::InvalidHasMore { pointer: response.show(pointer), found, response }
    }

    pub(super) fn invalid_link(value: &str, response: Box<ResponseInfo>) -> Self {
        Self::InvalidLink { value: response.show(value), response }
    }

    pub(super) fn graph_ql(message: &str, code: Option<&str>, response: Box<ResponseInfo>) -> Self {
        let code = code.map(|code| response.show(code));
        Self::GraphQl { message: response.show(message), code, response }
    }
}
