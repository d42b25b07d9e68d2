//! One request and its answer: redirects, status, size.

use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{Response, Url};
use tokio::time::timeout;

use super::answer::Answer;
use super::endpoint::Endpoint;
use super::error::Error;
use super::excerpt::{EXCERPT, excerpt};
use super::origins::Trust;
use super::retry_after::retry_after;
use super::url::{bad, plain};

/// How long an error waits for the body that explains it.
const EXCERPT_TIME: Duration = Duration::from_secs(1);
/// As many as reqwest follows by default.
const MAX_REDIRECTS: usize = 10;

impl Endpoint {
    /// Asks for a page; with a body, by POST.
    pub(super) async fn ask(&self, url: Url, body: Option<String>) -> Result<Answer, Error> {
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

    async fn send(&self, url: &Url, body: Option<&str>, trust: Trust) -> Result<Response, Error> {
        let mut target = url.clone();
        if let (Trust::Home, Some((user, password))) = (trust, &self.userinfo) {
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
        if trust == Trust::Any {
            request = request.header(ACCEPT, "application/json");
        } else {
            request = request.headers(self.headers.clone());
            if let Some(decorate) = &self.decorate {
                request = decorate(request);
            }
        }
        let sent = request.send().await;
        sent.map_err(|source| Error::Transport { url: url.to_string(), source: source.without_url() })
    }

    async fn read(&self, url: Url, mut response: Response) -> Result<Answer, Error> {
        if !response.status().is_success() {
            return Err(refusal(&url, response).await);
        }
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let body = self.body(&url, response).await?;
        Answer::new(url, status, headers, &body)
    }

    async fn body(&self, url: &Url, mut response: Response) -> Result<Vec<u8>, Error> {
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
fn redirect(url: &Url, response: &Response, has_body: bool) -> Result<Option<Url>, Error> {
    match (response.status().as_u16(), has_body) {
        (301..=303, false) | (307 | 308, _) => {}
        _ => return Ok(None),
    }
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    url.join(&location).map(|to| Some(plain(to))).map_err(|source| bad(&location, source))
}

/// The error of an answer that is no success.
async fn refusal(url: &Url, mut response: Response) -> Error {
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
