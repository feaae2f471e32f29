//! TLS as providers speak it: the certificates that the environment names are trusted and no others, over HTTP/2 where there is it.

use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::stage::{before, call};

/// Set in the process that plays the holder: its upstream, the status that it must get, and what that must cost.
const PLAY: &str = "PROXY_TEST_CALLER";

/// 40 tokens sent, 10 received.
const ANSWER: &str = r#"{"type":"message","usage":{"input_tokens":40,"output_tokens":10}}"#;

/// Not a test but the proxy of the others, in a process with an environment of its own.
#[test]
fn caller() {
    let Ok(play) = std::env::var(PLAY) else { return };
    let words: Vec<&str> = play.split(' ').collect();
    let (proxy, _dir) = before(words[0], |_| {});
    let statuses = [(); 2].map(|()| call(&proxy.url(), 100, "Go on.").status.to_string());
    assert_eq!(statuses, [words[1], words[1]]);
    assert_eq!(proxy.totals().most_micros().to_string(), words[2]);
}

/// A server for `localhost` with a certificate of the tests' own authority; the versions of the calls that it got.
fn serve(protocols: &[&[u8]]) -> (String, Arc<Mutex<Vec<Version>>>) {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("certs/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("certs/server.key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    let mut config = config.unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let versions = Arc::<Mutex<Vec<Version>>>::default();
    let seen = versions.clone();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(accept(listener, TlsAcceptor::from(Arc::new(config)), seen));
    });
    (url, versions)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, versions: Arc<Mutex<Vec<Version>>>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(stream) = acceptor.accept(stream).await else { continue };
        let versions = versions.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            versions.lock().unwrap().push(request.version());
            let response = Response::builder().header("content-type", "application/json");
            std::future::ready(response.body(Full::new(Bytes::from(ANSWER))))
        });
        let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let stream = TokioIo::new(stream);
        if is_two {
            tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service));
        } else {
            tokio::spawn(http1::Builder::new().serve_connection(stream, service));
        }
    }
}

/// Lets a process call through a proxy, which trusts the authority in a file.
fn calls(url: &str, trusted: &str, status: &str, micros: &str) {
    let root = format!("{}/tests/proxy/certs/{trusted}", env!("CARGO_MANIFEST_DIR"));
    let mut play = Command::new(std::env::current_exe().unwrap());
    play.args(["--exact", "tls::caller", "--nocapture"]).env(PLAY, format!("{url} {status} {micros}"));
    let output = play.env("SSL_CERT_FILE", root).env_remove("SSL_CERT_DIR").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_upstream_is_trusted_by_its_certificate_and_spoken_to_in_its_version() {
    for (protocols, version) in [
        (&[&b"h2"[..], b"http/1.1"][..], Version::HTTP_2),
        (&[&b"http/1.1"[..]][..], Version::HTTP_11),
        (&[][..], Version::HTTP_11),
    ] {
        let (url, versions) = serve(protocols);
        calls(&url, "ca.pem", "200", "160");
        assert_eq!(*versions.lock().unwrap(), [version, version]);
    }
}

#[test]
fn an_upstream_that_nobody_vouches_for_gets_nothing() {
    let (url, versions) = serve(&[b"h2"]);
    calls(&url, "stranger.pem", "502", "0");
    let elsewhere = url.replace("localhost", "127.0.0.1");
    calls(&elsewhere, "ca.pem", "502", "0");
    assert!(versions.lock().unwrap().is_empty());
}
