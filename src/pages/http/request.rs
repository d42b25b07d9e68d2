//! Sends one request: follows redirects, checks the status, bounds the size of the body.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION};
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::error::Error;
use super::origins::Trust;
use super::response::Response;
use super::response_info::{MAX_KEPT_BODY, ResponseInfo};
use super::url::{invalid_url, strip_userinfo_and_fragment};

/// The longest time to wait for the body of an error response.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// The same as reqwest's default.
const MAX_REDIRECTS: usize = 10;

impl Endpoint {
    /// Fetches a page, by POST if there is a body, otherwise by GET.
    pub(super) async fn fetch(&self, url: Url, body: Option<String>) -> Result<Response, Error> {
        let (mut from, mut url) = (self.url.clone(), url);
        for _ in 0..=MAX_REDIRECTS {
            // Each hop is checked before anything is sent to it.
            let trust = self.origins.check(&from, &url, &self.secrets)?;
            let response = self.send(&url, body.as_deref(), trust).await?;
            match redirect_target(&url, &response, body.is_some())? {
                Some(target) => (from, url) = (url, target),
                None => return self.read(url, response).await,
            }
        }
        Err(Error::TooManyRedirects { url: self.secrets.url(&url), limit: MAX_REDIRECTS })
    }

    async fn send(&self, url: &Url, body: Option<&str>, trust: Trust) -> Result<reqwest::Response, Error> {
        let mut target = url.clone();
        if let (Trust::SameOrigin, Some((user, password))) = (trust, &self.userinfo) {
            // Neither call fails for http. reqwest turns user name and password into a header, and removes them from
            // the URL.
            let _ = target.set_username(user);
            let _ = target.set_password(password.as_deref());
        }
        let mut request = match body {
            None => self.client.get(target),
            Some(body) => {
                self.client.post(target).header(CONTENT_TYPE, "application/json").body(body.to_owned())
            }
        };
        // The headers of the endpoint and `map_request` may carry credentials.
        if trust == Trust::Untrusted {
            request = request.header(ACCEPT, "application/json");
        } else {
            request = request.headers(self.headers.clone());
            if let Some(map_request) = &self.map_request {
                request = map_request(request);
            }
        }
        let sent = request.send().await;
        sent.map_err(|source| Error::Transport { url: self.secrets.url(url), source: source.without_url() })
    }

    async fn read(&self, url: Url, mut response: reqwest::Response) -> Result<Response, Error> {
        if !response.status().is_success() {
            return Err(self.status_error(&url, response).await);
        }
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let body = self.read_body(&url, &headers, response).await?;
        Response::new(url, status, headers, &body, Arc::clone(&self.secrets))
    }

    async fn read_body(
        &self,
        url: &Url,
        headers: &HeaderMap,
        mut response: reqwest::Response,
    ) -> Result<Vec<u8>, Error> {
        let (limit, status) = (self.max_body, response.status());
        let info = |body: &[u8]| ResponseInfo::new(url, status, headers.clone(), body, &self.secrets);
        let too_large = |body: &[u8]| Error::BodyTooLarge { limit, response: info(body) };
        // If the content length is already too large, the body is not read at all.
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large(&[]));
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                // `body` never exceeds the limit, so the difference cannot underflow.
                Ok(Some(chunk)) if chunk.len() > limit - body.len() => return Err(too_large(&body)),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body),
                Err(source) => {
                    return Err(Error::IncompleteBody {
                        response: info(&body),
                        source: source.without_url(),
                    });
                }
            }
        }
    }

    /// Returns the error for a response with a status other than 2xx, with the beginning of its body.
    async fn status_error(&self, url: &Url, mut response: reqwest::Response) -> Error {
        let status = response.status();
        let mut body = Vec::new();
        let read = async {
            // An error while the body is read is ignored: the status matters more.
            while let Ok(Some(chunk)) = response.chunk().await {
                body.extend_from_slice(&chunk);
                if body.len() >= MAX_KEPT_BODY {
                    break;
                }
            }
        };
        // Without a timeout, a server that stalls within the body would delay the error forever.
        let _elapsed = timeout(ERROR_BODY_TIMEOUT, read).await;
        let headers = std::mem::take(response.headers_mut());
        Error::status_error(ResponseInfo::new(url, status, headers, &body, &self.secrets))
    }
}

/// Returns the target of a redirect; `None` if the response is not a redirect, or if following it would turn a POST
/// into a GET.
fn redirect_target(url: &Url, response: &reqwest::Response, has_body: bool) -> Result<Option<Url>, Error> {
    match (response.status().as_u16(), has_body) {
        (301..=303, false) | (307 | 308, _) => {}
        _ => return Ok(None),
    }
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    match url.join(&location) {
        Ok(target) => Ok(Some(strip_userinfo_and_fragment(target))),
        Err(source) => Err(invalid_url(&location, source)),
    }
}
