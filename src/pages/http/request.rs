//! One request and its answer: redirects, status, size.

use std::time::{Duration, SystemTime};

use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::error::Error;
use super::excerpt::{EXCERPT, excerpt};
use super::origins::Trust;
use super::response::Response;
use super::retry_after::retry_after;
use super::url::{invalid_url, strip_userinfo_and_fragment};

/// How long an error waits for the body that explains it.
const EXCERPT_TIME: Duration = Duration::from_secs(1);
/// As many as reqwest follows by default.
const MAX_REDIRECTS: usize = 10;

impl Endpoint {
    /// Asks for a page; with a body, by POST.
    pub(super) async fn fetch(&self, url: Url, body: Option<String>) -> Result<Response, Error> {
        let (mut from, mut url) = (self.url.clone(), url);
        for _ in 0..=MAX_REDIRECTS {
            let trust = self.origins.check(&from, &url)?;
            let response = self.send(&url, body.as_deref(), trust).await?;
            match redirect(&url, &response, body.is_some())? {
                Some(to) => (from, url) = (url, to),
                None => return self.read(url, response).await,
            }
        }
        Err(Error::TooManyRedirects { url: url.into(), limit: MAX_REDIRECTS })
    }

    async fn send(&self, url: &Url, body: Option<&str>, trust: Trust) -> Result<reqwest::Response, Error> {
        let mut target = url.clone();
        if let (Trust::SameOrigin, Some((user, password))) = (trust, &self.userinfo) {
            // Neither fails for http; reqwest makes a header of them, and takes them out of the URL.
            let _ = target.set_username(user);
            let _ = target.set_password(password.as_deref());
        }
        let mut request = match body {
            None => self.client.get(target),
            Some(body) => {
                self.client.post(target).header(CONTENT_TYPE, "application/json").body(body.to_owned())
            }
        };
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
        let body = self.body(&url, response).await?;
        Response::new(url, status, headers, &body)
    }

    async fn body(&self, url: &Url, mut response: reqwest::Response) -> Result<Vec<u8>, Error> {
        let limit = self.max_body;
        let too_large = || Error::BodyTooLarge { url: url.to_string(), limit };
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
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

/// Where a redirect leads; `None` if it is none, or one that a body cannot follow.
fn redirect(url: &Url, response: &reqwest::Response, has_body: bool) -> Result<Option<Url>, Error> {
    match (response.status().as_u16(), has_body) {
        (301..=303, false) | (307 | 308, _) => {}
        _ => return Ok(None),
    }
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    url.join(&location)
        .map(|to| Some(strip_userinfo_and_fragment(to)))
        .map_err(|source| invalid_url(&location, source))
}

/// The error of an answer that is no success.
async fn status_error(url: &Url, mut response: reqwest::Response) -> Error {
    let status = response.status();
    let retry_after = retry_after(response.headers(), SystemTime::now());
    let mut body = Vec::new();
    let read = async {
        // What goes wrong here is nothing beside the status.
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() >= 4 * EXCERPT {
                break;
            }
        }
    };
    // The status is known: it does not wait for a body that does not come.
    let _elapsed = timeout(EXCERPT_TIME, read).await;
    Error::Status {
        url: url.to_string(),
        status,
        retry_after,
        body: excerpt(&String::from_utf8_lossy(&body)),
    }
}
