//! The methods of [`Endpoint`] that keep secrets out of errors and cursors.

use std::sync::Arc;

use super::endpoint::Endpoint;

/// # Secrets in URLs
impl Endpoint {
    /// Treats the values of a query parameter as secrets: errors contain `***` instead of them.
    ///
    /// Names are compared without regard to case, `-`, `_` and `.`. These names are always secret:
    ///
    /// - `app_id`, `app_token`, `assertion`, `auth`, `auth_key`, `authorization`, `bearer`, `bearer_token`,
    ///   `client_assertion`, `code`, `code_verifier`, `cookie`, `credentials`, `crumb`, `csrf`, `hmac`, `id_token`,
    ///   `jsessionid`, `jwt`, `key`, `oauth_token`, `otp`, `pass`, `passcode`, `pat`, `phpsessid`, `pin`, `private_key`,
    ///   `pwd`, `saml_response`, `sas`, `sessid`, `session`, `session_id`, `sig`, `sign`, `ticket`, `token`,
    ///   `user_token`, `xsrf`
    /// - names that end in `access_key`, `access_key_id`, `access_token`, `account_key`, `api_key`, `api_token`,
    ///   `app_key`, `appsecret_proof`, `auth_code`, `auth_token`, `bot_token`, `consumer_key`, `cookie`, `credential`,
    ///   `csrf_token`, `developer_key`, `function_key`, `functions_key`, `master_key`, `passphrase`, `passwd`,
    ///   `password`, `plex_token`, `private_token`, `refresh_token`, `sas_token`, `secret`, `secret_key`,
    ///   `security_token`, `session_key`, `session_token`, `shared_key`, `signature`, `signing_key`, `subscription_key`
    ///   or `xsrf_token`, such as `X-Amz-Signature`
    ///
    /// The secrets in the endpoint's URL are added to each request on its origin whose link lacks them, and no cursor
    /// contains them. A server may add other secrets to its links.
    ///
    /// The `Display` and `Debug` texts of a [`pages::Error`](crate::pages::Error), an [`Event`](crate::pages::Event)
    /// and a [`Checkpoint`](crate::pages::Checkpoint) mask the secrets in their cursors. A cursor does not know its
    /// endpoint, so in these texts, a name that is declared for one endpoint is masked in all streams of the program.
    /// The cursor itself, which a *serialized* checkpoint contains, keeps the values that the next request needs;
    /// [`strip_secrets`](Self::strip_secrets) removes them.
    ///
    /// `code`, `key` and `pin` count only in a query: in JSON, they usually have another meaning.
    #[doc(alias("mask", "redact"))]
    pub fn secret_parameter(mut self, name: &str) -> Self {
        Arc::make_mut(&mut self.secrets).add_name(name);
        self
    }

    /// Removes the [secrets](Self::secret_parameter) from links, so that no cursor and no checkpoint contains one.
    ///
    /// A link to another origin keeps its secrets, since they are not added to requests there.
    ///
    /// By default, a secret in a link is part of its cursor, unless the endpoint's URL contains it, too. A link such as
    /// the signed URL of a storage service cannot be requested without its secrets. If the secrets of the links are those
    /// of the endpoint, which are added to each request, they are not needed in the links.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn items(client: withal::pages::http::Client, token: &str) -> Result<(), withal::pages::http::Error> {
    /// // {"data": [..], "paging": {"next": "https://graph.example/me/posts?access_token=NEW&after=a"}}
    /// let url = format!("https://graph.example/me/posts?access_token={token}");
    /// let posts = client.endpoint(&url)?.strip_secrets().items_at("/data").by_next_url::<String>("/paging/next");
    /// # Ok(())
    /// # }
    /// ```
    pub fn strip_secrets(mut self) -> Self {
        self.strip_secrets = true;
        self
    }
}
