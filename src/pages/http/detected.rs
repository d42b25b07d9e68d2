use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::detect::detect;
use super::endpoint::Endpoint;
use super::error::Error;
use super::proposal::{Argument, Proposal};
use super::request::Request;
use crate::pages::cursor::{Offset, PageNumber};
use crate::pages::error::Error as PagesError;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// A stream over the items of an API whose paginator was [proposed](Proposal::stream).
///
/// The variants differ in the type of the cursor. Match on them to configure the stream, or for a checkpoint.
#[non_exhaustive]
#[must_use = "a stream does nothing unless it is polled"]
pub enum Detected<T> {
    /// The next page is identified by a text: a URL, a token or a key.
    Cursor(AsyncGetDocs<T, String, Error>),
    /// The pages are numbered.
    PageNumber(AsyncGetDocs<T, PageNumber, Error>),
    /// The items are numbered.
    Offset(AsyncGetDocs<T, Offset, Error>),
}

/// # Detection
impl Endpoint {
    /// Requests the first page, and [proposes](detect()) a paginator for it.
    ///
    /// If the endpoint sends a JSON object, the cursor or the number is sent in it, rather than in the query.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn crawl(endpoint: withal::pages::http::Endpoint) -> Result<(), Box<dyn std::error::Error>> {
    /// let proposal = endpoint.detect().await?;
    /// eprintln!("{proposal}, because of {}", proposal.reason());
    /// let mut items = proposal.stream::<serde_json::Value>(endpoint);
    /// while let Some(item) = items.try_next().await? {
    ///     println!("{item}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the request, or [`Error::NotAPage`] if no known paginator fits the response.
    pub async fn detect(&self) -> Result<Proposal, Error> {
        let endpoint = Arc::new(self.clone());
        let response = endpoint.fetch(Request::new(&endpoint)).await?;
        let proposal = detect(response.headers(), response.bytes()).ok_or_else(|| {
            response.error("it has no member or header by which a known paginator continues")
        })?;
        let is_object = self.body.as_deref().is_some_and(|body| {
            serde_json::from_slice::<&RawValue>(body).is_ok_and(|body| body.get().starts_with('{'))
        });
        Ok(if is_object { proposal.in_body() } else { proposal })
    }
}

impl Proposal {
    /// Creates the stream of this proposal: calls the methods of the endpoint that its `Display` output shows.
    ///
    /// If [`items_at`](Endpoint::items_at) was called before, its pointer is kept.
    pub fn stream<T>(&self, mut endpoint: Endpoint) -> Detected<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        for (method, argument) in &self.settings {
            endpoint = match *method {
                "items_at" if !endpoint.pointers.items.is_empty() => endpoint,
                "items_at" => endpoint.items_at(argument),
                "total_at" => endpoint.total_at(argument),
                "total_pages_at" => endpoint.total_pages_at(argument),
                "total_pages_header" => endpoint.total_pages_header(argument),
                "has_more_at" => endpoint.has_more_at(argument),
                _ => endpoint.is_last_at(argument),
            };
        }
        let text = |index: usize| match self.arguments.get(index) {
            Some(Argument::Text(text)) => text.as_str(),
            _ => "",
        };
        let number = |index: usize| match self.arguments.get(index) {
            Some(Argument::Number(number)) => *number,
            _ => 0,
        };
        match self.paginator() {
            "by_page_number" => Detected::PageNumber(endpoint.by_page_number(text(0), number(1))),
            "by_offset" => Detected::Offset(endpoint.by_offset(text(0), text(1), number(2))),
            "by_scim" => Detected::Offset(endpoint.by_scim(number(0))),
            paginator => Detected::Cursor(match paginator {
                "by_next_url_header" => endpoint.by_next_url_header(text(0)),
                "by_next_url" => endpoint.by_next_url(text(0)),
                "by_link_array" => endpoint.by_link_array(text(0)),
                "by_cursor" => endpoint.by_cursor(text(0), text(1)),
                "by_body_cursor" => endpoint.by_body_cursor(text(0), text(1)),
                "by_parameters" => endpoint.by_parameters(text(0)),
                "by_last_item" => endpoint.by_last_item(text(0), text(1)),
                "by_last_item_in_body" => endpoint.by_last_item_in_body(text(0), text(1)),
                "by_odata" => endpoint.by_odata(),
                "by_hal" => endpoint.by_hal(text(0)),
                "by_json_api" => endpoint.by_json_api(),
                "by_kubernetes" => endpoint.by_kubernetes(),
                _ => endpoint.by_link(),
            }),
        }
    }
}

impl<T: Send + 'static> Detected<T> {
    /// Returns the next item, `None` after the last.
    ///
    /// # Errors
    ///
    /// As for [`AsyncGetDocs::try_next`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped, no item is lost.
    pub fn try_next(&mut self) -> impl Future<Output = Result<Option<T>, PagesError<Error>>> + Send + Unpin {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx).map(Option::transpose))
    }
}

impl<T: Send + 'static> Stream for Detected<T> {
    type Item = Result<T, PagesError<Error>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.get_mut() {
            Self::Cursor(items) => Pin::new(items).poll_next(cx),
            Self::PageNumber(items) => Pin::new(items).poll_next(cx),
            Self::Offset(items) => Pin::new(items).poll_next(cx),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Cursor(items) => items.size_hint(),
            Self::PageNumber(items) => items.size_hint(),
            Self::Offset(items) => items.size_hint(),
        }
    }
}

impl<T: Send + 'static> FusedStream for Detected<T> {
    fn is_terminated(&self) -> bool {
        match self {
            Self::Cursor(items) => items.is_terminated(),
            Self::PageNumber(items) => items.is_terminated(),
            Self::Offset(items) => items.is_terminated(),
        }
    }
}

impl<T> Unpin for Detected<T> {}

impl<T> fmt::Debug for Detected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cursor(items) => f.debug_tuple("Cursor").field(items).finish(),
            Self::PageNumber(items) => f.debug_tuple("PageNumber").field(items).finish(),
            Self::Offset(items) => f.debug_tuple("Offset").field(items).finish(),
        }
    }
}
