//! Sends one request: follows redirects, checks the status, bounds the size of the body.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};
use tokio::time::timeout;

use super::body::Body;
use super::endpoint::Endpoint;
use super::error::Error;
use super::origins::Trust;
use super::request::Request;
use super::response::Response;
use super::response_info::{MAX_KEPT_BODY, ResponseInfo};
use super::retry_after::retry_after;
use super::tls;
use super::token;
use super::token_source::Current;
use super::url::{invalid_url, strip_userinfo_and_fragment};
use crate::pages::fetch::page_span::record_response;

/// The longest time to wait for the body of an error response.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// The same as reqwest's default.
const MAX_REDIRECTS: usize = 10;
/// The largest memory that is reserved for a body because of its `Content-Length`, which may be wrong.
const MAX_RESERVED: usize = 16 << 20;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Endpoint {
    /// Fetches a page.
    pub(super) async fn fetch(self: &Arc<Self>, request: Request) -> Result<Response, Error> {
        let mut request = request.check()?;
        if let Some(as_sent) = request.as_sent.take_if(|_| self.additions.are_rejected()) {
            request.url = as_sent;
        }
        let (mut from, mut url) = (self.url.clone(), self.with_own_secrets(request.url.clone()));
        let (mut is_renewed, mut is_as_sent) = (false, false);
        for hop in 0..=MAX_REDIRECTS {
            // Each hop is checked before anything is sent to it.
            let trust = self.origins.check(&from, &url, request.body.is_some(), &self.secrets)?;
            let response = self.send_authorized(&url, &request, trust, &mut is_renewed).await?;
            // Some servers reject parameters beside those of their links.
            if matches!(response.status().as_u16(), 400 | 422) {
                if let Some(as_sent) = request.as_sent.take() {
                    let as_sent = self.with_own_secrets(as_sent);
                    if as_sent != url {
                        is_as_sent = true;
                        (from, url) = (self.url.clone(), as_sent);
                        continue;
                    }
                }
            }
            match redirect_target(&url, &response)? {
                Some(target) if is_followed(response.status(), &request.method) => {
                    (from, url) = self.redirected(url, target);
                }
                target => {
                    // That it points to another origin matters more than the status.
                    if let Some(target) = target {
                        let target = self.origins.rehome(target);
                        self.origins.check(&url, &target, request.body.is_some(), &self.secrets)?;
                    }
                    // The URL of a log-in form, for example, does not have the number of the page.
                    let is_same_page =
                        hop == 0 || url.query() == self.with_own_secrets(request.url.clone()).query();
                    let result = self.read(url, response, request.is_conditional).await;
                    if is_as_sent && result.is_ok() {
                        self.additions.reject();
                    }
                    return if is_same_page { result } else { result.map_err(Error::after_redirect) };
                }
            }
        }
        Err(Error::TooManyRedirects { url: self.secrets.url(&url), limit: MAX_REDIRECTS })
    }

    /// Returns the URL that redirected and the one to request.
    fn redirected(&self, from: Url, target: Url) -> (Url, Url) {
        let home = self.with_own_secrets(target.clone());
        // A redirect from http to https on the same host, for example, does not refer to the URL that was just requested.
        if home == from { (from, target) } else { (from, home) }
    }

    /// Sends a request with a token, if there is a source of tokens, and once more if the server rejects the token.
    async fn send_authorized(
        &self,
        url: &Url,
        page: &Request,
        trust: Trust,
        is_renewed: &mut bool,
    ) -> Result<reqwest::Response, Error> {
        let Some(tokens) = self.auth.tokens.as_ref().filter(|_| trust != Trust::Untrusted) else {
            return self.send(url, page, trust, None).await;
        };
        let token = tokens.current().await?;
        let response = self.send(url, page, trust, Some(&token)).await?;
        if !token::is_rejected(response.status(), response.headers()) || *is_renewed {
            return Ok(response);
        }
        *is_renewed = true;
        drop(response);
        let token = tokens.replace(&token).await?;
        self.send(url, page, trust, Some(&token)).await
    }

    async fn send(
        &self,
        url: &Url,
        page: &Request,
        trust: Trust,
        token: Option<&Current>,
    ) -> Result<reqwest::Response, Error> {
        let mut target = url.clone();
        if trust != Trust::Untrusted {
            self.quota.wait().await;
            target = self.auth.url(target);
        }
        if let (Trust::SameOrigin, Some((user, password))) = (trust, &self.userinfo) {
            // Neither call fails for http. reqwest turns user name and password into a header, and removes them from
            // the URL.
            let _ = target.set_username(user);
            let _ = target.set_password(password.as_deref());
        }
        let mut request = self.client.request(page.method.clone(), target);
        if let Some(body) = &page.body {
            request = request.body(body.clone());
        }
        // The headers of the endpoint and `map_request` may carry credentials.
        if trust == Trust::Untrusted {
            request = request.header(ACCEPT, JSON);
        } else {
            let mut headers = self.headers.clone();
            if page.body.is_some() && !headers.contains_key(CONTENT_TYPE) {
                headers.insert(CONTENT_TYPE, JSON);
            }
            // The headers of the page replace those of the endpoint.
            headers.extend(page.headers.clone());
            if let Some(current) = token {
                self.secrets.add_token(current.token.value());
            }
            request = self.auth.authorize(request.headers(headers), token)?;
            if let Some(map_request) = &self.map_request {
                request = map_request(request);
            }
        }
        match request.send().await {
            Ok(response) => {
                if trust != Trust::Untrusted {
                    self.quota.observe(response.headers());
                }
                Ok(response)
            }
            Err(source) if tls::is_missing(url, &source) => Err(Error::NoTls { url: self.secrets.url(url) }),
            Err(source) => Err(Error::Transport { url: self.secrets.url(url), source: source.without_url() }),
        }
    }

    async fn read(
        self: &Arc<Self>,
        url: Url,
        mut response: reqwest::Response,
        is_conditional: bool,
    ) -> Result<Response, Error> {
        let status = response.status();
        record_response(Some(status.as_u16()), None);
        if is_conditional && status == StatusCode::NOT_MODIFIED {
            let headers = std::mem::take(response.headers_mut());
            return Ok(Response::new(url, status, headers, Body::new([]), Arc::clone(self)));
        }
        if !self.accepted.contains(&status) {
            let is_ready = match status {
                StatusCode::ACCEPTED => false,
                StatusCode::NO_CONTENT => retry_after(response.headers()).is_none(),
                _ => true,
            };
            if !is_ready {
                return Err(Error::NotReady { setting: None, response: self.info(&url, response).await });
            }
            // A part of a page has lost items.
            if !status.is_success() || status == StatusCode::PARTIAL_CONTENT {
                return Err(Error::status_error(self.info(&url, response).await));
            }
        }
        let headers = std::mem::take(response.headers_mut());
        let body = self.read_body(&url, &headers, response).await?;
        record_response(None, Some(body.as_received().len()));
        let response = Response::new(url, status, headers, body, Arc::clone(self));
        response.check()?;
        Ok(response)
    }

    async fn read_body(
        &self,
        url: &Url,
        headers: &HeaderMap,
        mut response: reqwest::Response,
    ) -> Result<Body, Error> {
        let (limit, status) = (self.max_body, response.status());
        let info = |body: &[u8]| ResponseInfo::new(url, status, headers.clone(), body, &self.secrets);
        let too_large = |body: &[u8]| Error::BodyTooLarge { limit, response: info(body) };
        // If the content length is already too large, the body is not read at all.
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large(&[]));
        }
        let length = response.content_length().and_then(|length| usize::try_from(length).ok());
        let incomplete = |body: &[u8], source: reqwest::Error| Error::IncompleteBody {
            response: info(body),
            source: source.without_url(),
        };
        // The first chunk is the whole body of most pages, and is not copied then.
        let first = match response.chunk().await {
            Ok(Some(first)) if first.len() > limit => return Err(too_large(&[])),
            Ok(Some(first)) => first,
            Ok(None) => return Ok(Body::new([])),
            Err(source) => return Err(incomplete(&[], source)),
        };
        let mut next = match response.chunk().await {
            Ok(None) => return Ok(Body::new(first)),
            Ok(Some(next)) => next,
            Err(source) => return Err(incomplete(&first, source)),
        };
        let mut body =
            Vec::with_capacity(length.unwrap_or(0).clamp(first.len(), first.len().max(MAX_RESERVED)));
        body.extend_from_slice(&first);
        drop(first);
        loop {
            // `body` never exceeds the limit, so the difference cannot underflow.
            if next.len() > limit - body.len() {
                return Err(too_large(&body));
            }
            body.extend_from_slice(&next);
            next = match response.chunk().await {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(Body::new(body)),
                Err(source) => return Err(incomplete(&body, source)),
            };
        }
    }

    /// Returns what an error shows of a response that is not a page, with the beginning of its body.
    async fn info(&self, url: &Url, mut response: reqwest::Response) -> Box<ResponseInfo> {
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
        ResponseInfo::new(url, status, headers, &body, &self.secrets)
    }
}

/// Returns the target of a redirect; `None` if the response is not a redirect.
fn redirect_target(url: &Url, response: &reqwest::Response) -> Result<Option<Url>, Error> {
    if !matches!(response.status().as_u16(), 301..=303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    match url.join(&location) {
        Ok(target) => Ok(Some(strip_userinfo_and_fragment(target))),
        Err(source) => Err(invalid_url(&location, source)),
    }
}

/// Returns `false` if following a redirect would turn a POST into a GET.
fn is_followed(status: StatusCode, method: &Method) -> bool {
    method == Method::GET || matches!(status.as_u16(), 307 | 308)
}
