//! The one place that calls are sent to: a base URL that was configured, and a client that goes nowhere else.

use std::fmt;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::error::ProxyError;
use super::payload::Payload;

/// A host that does not answer within this time is not there.
const CONNECT: Duration = Duration::from_secs(30);

/// A base URL: scheme, host, and what every path begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Scheme and authority, such as `https://api.anthropic.com`.
    origin: String,
    /// Without a slash at its end.
    prefix: String,
}

impl Upstream {
    /// Reads a base URL such as `https://api.openai.com/v1`. It has neither a user, nor a query, nor a fragment.
    pub fn parse(url: &str) -> Result<Self, ProxyError> {
        let fault = |said| ProxyError::Upstream { url: url.to_owned(), said };
        let uri: Uri = url.parse().map_err(|_| fault("it is no URL"))?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme));
        let scheme = scheme.ok_or_else(|| fault("it begins with neither https:// nor http://"))?;
        let authority = uri.authority().ok_or_else(|| fault("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(fault("it has a user in it"));
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(fault("it has more behind its path"));
        }
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Where a path that was found harmless leads.
    pub(super) fn uri(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        let Self { origin, prefix } = self;
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{origin}{prefix}{path}{query}").parse().ok()
    }

    fn is_plain(&self) -> bool {
        self.origin.starts_with("http://")
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.prefix)
    }
}

/// What sends requests.
pub(super) enum Sender {
    Plain(Client<HttpConnector, Payload>),
    Tls(Client<HttpsConnector<HttpConnector>, Payload>),
}

impl Sender {
    /// Reads the system's certificates if it will need them.
    pub(super) fn to(upstream: &Upstream) -> Result<Self, ProxyError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new());
        if upstream.is_plain() {
            return Ok(Self::Plain(client.build(tcp)));
        }
        let tls = HttpsConnectorBuilder::new().with_native_roots().map_err(ProxyError::Certificates)?;
        Ok(Self::Tls(client.build(tls.https_only().enable_all_versions().wrap_connector(tcp))))
    }

    pub(super) async fn send(&self, request: Request<Payload>) -> Result<Response<Incoming>, Error> {
        match self {
            Self::Plain(client) => client.request(request).await,
            Self::Tls(client) => client.request(request).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Upstream;

    #[test]
    fn a_base_url_is_a_scheme_a_host_and_a_path() {
        let uri = |base: &str| {
            let upstream = Upstream::parse(base).expect("it is a base URL");
            upstream.uri("/messages", Some("beta=true")).expect("it is a URL").to_string()
        };
        assert_eq!(uri("https://api.anthropic.com"), "https://api.anthropic.com/messages?beta=true");
        assert_eq!(uri("https://openrouter.ai/api/v1/"), "https://openrouter.ai/api/v1/messages?beta=true");
        assert_eq!(uri("http://127.0.0.1:4000/v1"), "http://127.0.0.1:4000/v1/messages?beta=true");
        for bad in
            ["", "api.openai.com", "/v1", "ftp://a/", "https://me:pw@a/", "https://a/?b", "https://a/#b"]
        {
            assert!(Upstream::parse(bad).is_err(), "{bad}");
        }
    }
}
