//! Sends one request: follows redirects, checks the status, bounds the size of the body.

use std::time::{Duration, SystemTime};

use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::error::Error;
use super::excerpt::{MAX_EXCERPT, excerpt};
use super::origins::Trust;
use super::response::Response;
use super::retry_after::retry_after;
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
            let trust = self.origins.check(&from, &url)?;
            let response = self.send(&url, body.as_deref(), trust).await?;
            match redirect_target(&url, &response, body.is_some())? {
                Some(target) => (from, url) = (url, target),
                None => return self.read(url, response).await,
            }
        }
        Err(Error::TooManyRedirects { url: url.into(), limit: MAX_REDIRECTS })
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
        sent.map_err(|source| Error::Transport { url: url.to_string(), source: source.without_url() })
    }

    async fn read(&self, url: Url, mut response: reqwest::Response) -> Result<Response, Error> {
        if !response.status().is_success() {
            return Err(status_error(&url, response).await);
        }
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let body = self.read_body(&url, response).await?;
        Response::new(url, status, headers, &body)
    }

    async fn read_body(&self, url: &Url, mut response: reqwest::Response) -> Result<Vec<u8>, Error> {
        let limit = self.max_body;
        let too_large = || Error::BodyTooLarge { url: url.to_string(), limit };
        // If the content length is already too large, the body is not read at all.
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                // `body` never exceeds the limit, so the difference cannot underflow.
                Ok(Some(chunk)) if chunk.len() > limit - body.len() => return Err(too_large()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body),
                Err(source) => {
                    return Err(Error::IncompleteBody { url: url.to_string(), source: source.without_url() });
                }
            }
        }
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

/// Returns the error for a response with a status other than 2xx, with the beginning of its body.
async fn status_error(url: &Url, mut response: reqwest::Response) -> Error {
    let status = response.status();
    let retry_after = retry_after(response.headers(), SystemTime::now());
    let mut body = Vec::new();
    let read = async {
        // An error while the body is read is ignored: the status matters more.
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            // A character has at most four bytes.
            if body.len() >= 4 * MAX_EXCERPT {
                break;
            }
        }
    };
    // Without a timeout, a server that stalls within the body would delay the error forever.
    let _elapsed = timeout(ERROR_BODY_TIMEOUT, read).await;
    Error::Status {
        url: url.to_string(),
        status,
        retry_after,
        body: excerpt(&String::from_utf8_lossy(&body)),
    }
}
