use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::error::{BoxError, Error};
use super::token::Token;

/// The error of a refresh, which all requests that waited for it share.
type SharedError = Arc<dyn std::error::Error + Send + Sync + 'static>;
type Refreshed = Result<Arc<Current>, SharedError>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The longest time before a token expires at which it is replaced.
const MAX_LEEWAY: Duration = Duration::from_secs(30);

/// A source of access tokens, set by [`Endpoint::token_source`](super::Endpoint::token_source).
///
/// The source calls its function when the first request needs a token, when the token is about to expire (a tenth of its
/// lifetime before, at most 30 seconds), and when a server has rejected the token. Clones share the token
/// and the call: however many requests and streams wait for a token, there is one call at a time.
///
/// A token is rejected by status 401, or by another status 4xx whose `WWW-Authenticate` has `error="invalid_token"`
/// (RFC 6750, section 3.1). The request is sent once more, with a new token. A second rejection is an error.
///
/// If the function returns an error, each request that waits for it fails with [`Error::Token`], and the next request
/// calls the function again. The error is retried if it is an [`http::Error`](Error) that
/// [`classify`](super::classify) retries, or a timeout or a failed connection of reqwest.
///
/// # Cancel safety
///
/// The function runs on a tokio task. If the requests that wait for it are dropped, it completes nevertheless, and the
/// next request uses its token.
///
/// # Panics
///
/// A panic of the function is caught by its task, and reported as [`Error::Token`].
///
/// # Examples
///
/// OAuth 2.0 with client credentials (RFC 6749, section 4.4):
///
/// ```
/// use std::time::Duration;
/// use withal::pages::http::{self, Token, TokenSource};
///
/// #[derive(serde::Deserialize)]
/// struct Granted {
///     access_token: String,
///     expires_in: u64,
/// }
///
/// fn client_credentials(oauth: reqwest::Client, id: String, secret: String) -> TokenSource {
///     TokenSource::new(move || {
///         let request = oauth
///             .post("https://login.example/oauth2/token")
///             .basic_auth(&id, Some(&secret))
///             .header("content-type", "application/x-www-form-urlencoded")
///             .body("grant_type=client_credentials&scope=read");
///         async move {
///             let body = request.send().await?.error_for_status()?.bytes().await?;
///             let granted: Granted = serde_json::from_slice(&body)?;
///             Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
///                 Token::new(granted.access_token).expires_in(Duration::from_secs(granted.expires_in)),
///             )
///         }
///     })
/// }
///
/// # fn items(client: http::Client, source: TokenSource) -> Result<(), http::Error> {
/// // Both streams share the token.
/// let users = client.endpoint("https://api.example/users")?.token_source(source.clone()).by_link::<String>();
/// let groups = client.endpoint("https://api.example/groups")?.token_source(source).by_link::<String>();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias("oauth", "refresh", "access_token"))]
pub struct TokenSource {
    fetch: Arc<dyn Fn() -> BoxFuture<Result<Token, BoxError>> + Send + Sync>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    current: Option<Arc<Current>>,
    /// The call that is running. Its sender is dropped when its task has ended.
    refresh: Option<watch::Receiver<Option<Refreshed>>>,
}

/// A token and the time at which it is replaced.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) token: Token,
    replace_at: Option<Instant>,
}

impl Current {
    fn new(token: Token) -> Self {
        let replace_at = token.lifetime().and_then(|lifetime| {
            // A lifetime that the clock cannot represent has no end.
            Instant::now().checked_add(lifetime.saturating_sub(MAX_LEEWAY.min(lifetime / 10)))
        });
        Self { token, replace_at }
    }

    fn is_valid(&self) -> bool {
        self.replace_at.is_none_or(|at| Instant::now() < at)
    }
}

impl TokenSource {
    /// Creates a source that calls `fetch` for each token. A `String` is a token that does not expire.
    pub fn new<F, Fut, T, E>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Token>,
        E: Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
    {
        let fetch = move || -> BoxFuture<Result<Token, BoxError>> {
            let token = fetch();
            Box::pin(async move { token.await.map(Into::into).map_err(Into::into) })
        };
        Self { fetch: Arc::new(fetch), state: Arc::default() }
    }

    /// Returns the current token, and waits for a new one if there is none or if it is about to expire.
    pub(super) async fn current(&self) -> Result<Arc<Current>, Error> {
        let refresh = {
            let mut state = self.lock();
            match &state.current {
                Some(current) if current.is_valid() => return Ok(Arc::clone(current)),
                _ => self.join_refresh(&mut state),
            }
        };
        self.wait(refresh).await
    }

    /// Returns a token other than the one that a server has rejected.
    pub(super) async fn replace(&self, rejected: &Arc<Current>) -> Result<Arc<Current>, Error> {
        let refresh = {
            let mut state = self.lock();
            match &state.current {
                // Another request was rejected, too, and has replaced it.
                Some(current) if !Arc::ptr_eq(current, rejected) && current.is_valid() => {
                    return Ok(Arc::clone(current));
                }
                _ => {
                    state.current = None;
                    self.join_refresh(&mut state)
                }
            }
        };
        self.wait(refresh).await
    }

    /// Returns the receiver of the running call, and starts one if none is running.
    fn join_refresh(&self, state: &mut State) -> watch::Receiver<Option<Refreshed>> {
        // If the sender was dropped without a result, the task has panicked or was aborted with its runtime.
        if let Some(refresh) = state.refresh.as_ref().filter(|refresh| refresh.has_changed().is_ok()) {
            return refresh.clone();
        }
        let (sender, receiver) = watch::channel(None);
        state.refresh = Some(receiver.clone());
        let source = self.clone();
        tokio::spawn(async move {
            let refreshed = (source.fetch)().await;
            // The state changes before the waiters wake, so that a request after this one finds the token.
            let refreshed = refreshed.map(|token| Arc::new(Current::new(token))).map_err(SharedError::from);
            let mut state = source.lock();
            state.current = refreshed.as_ref().ok().cloned();
            state.refresh = None;
            sender.send_replace(Some(refreshed));
        });
        receiver
    }

    async fn wait(&self, mut refresh: watch::Receiver<Option<Refreshed>>) -> Result<Arc<Current>, Error> {
        let refreshed = match refresh.wait_for(Option::is_some).await {
            Ok(refreshed) => refreshed.clone(),
            Err(_) => None,
        };
        let refreshed = refreshed.unwrap_or_else(|| {
            Err(SharedError::from(BoxError::from("the token source panicked, or its runtime was shut down")))
        });
        refreshed.map_err(|source| Error::Token { source })
    }

    /// Ignores poisoning: no user code runs while the lock is held.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the token.
impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").finish_non_exhaustive()
    }
}
