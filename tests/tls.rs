//! TLS with a private issuer, and without any trust.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nuon_gate_sim::Sim;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::{API, Folder, Gate, INSTALL, PASSING, serve_deploy};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/tls").join(name)
}

/// Puts TLS before a simulator, one request for each connection. It lives as long as the tests do.
pub(crate) fn encrypted(sim: &Sim) -> SocketAddr {
    encrypted_with(sim, "server.pem")
}

/// The same with another certificate.
fn encrypted_with(sim: &Sim, certificate: &str) -> SocketAddr {
    let chain = CertificateDer::pem_file_iter(fixture(certificate)).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let plain = sim.url().trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that does not trust us closes the connection during the handshake.
            let _ = relay(stream, &config, &plain);
        }
    });
    address
}

fn relay(stream: io::Result<TcpStream>, config: &Arc<ServerConfig>, plain: &str) -> io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut client = StreamOwned::new(connection, stream?);
    let mut server = TcpStream::connect(plain)?;
    server.write_all(&head(&mut client)?)?;
    let answer = head(&mut server)?;
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    server.read_exact(&mut body)?;
    client.write_all(&answer)?;
    client.write_all(&body)?;
    client.conn.send_close_notify();
    client.flush()
}

/// Reads up to the empty line that ends a head. Byte by byte, so that nothing after it is lost.
fn head(stream: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    Ok(head)
}

fn gate(url: &str) -> Gate<'static> {
    Gate::at(url, "wait").args(["--install", INSTALL, "--component", API, "--timeout", "15s"])
}

#[test]
fn an_issuer_that_is_not_trusted_is_2_with_the_way_out() {
    let sim = serve_deploy(PASSING);
    let folder = Folder::new();
    let report = format!("json={}", folder.file("result.json").display());
    for format in ["text", "json"] {
        let url = format!("https://{}", encrypted(&sim));
        let outcome = gate(&url).args(["--output", format, "--report", &report]).run().refused();
        outcome.says("certificate").says("issuer is unknown").says("--ca-file").says("NUON_GATE_CA_FILE");
    }
    let mark =
        Gate::at(&format!("https://{}", encrypted(&sim)), "mark").args(["--install", INSTALL, "--component", API]);
    mark.run().refused().says("issuer is unknown").says("--ca-file");
    assert_eq!((sim.requests().len(), folder.names()), (0, vec![]), "the token was not sent, and there is no result");
}

#[test]
fn an_issuer_that_is_named_is_trusted() {
    let sim = serve_deploy(PASSING);
    let url = format!("https://{}", encrypted(&sim));
    let outcome = gate(&url).args(["--long-poll", "off", "--ca-file"]).args([fixture("ca.pem")]).json().exits(0);
    assert_eq!(outcome.errors(), 0);
    gate(&url).env("NUON_GATE_CA_FILE", fixture("ca.pem")).run().exits(0);
}

#[test]
fn a_certificate_of_another_host_is_not_trusted() {
    let sim = serve_deploy(PASSING);
    let url = format!("https://localhost:{}", encrypted(&sim).port());
    let outcome = gate(&url).args(["--long-poll", "off", "--ca-file"]).args([fixture("ca.pem")]).run().refused();
    outcome.says("certificate").says("localhost");
}

#[test]
fn a_server_with_an_authoritys_certificate_is_advised_to_have_one_issued() {
    let sim = serve_deploy(PASSING);
    let url = format!("https://{}", encrypted_with(&sim, "self_signed.pem"));
    for more in [&[][..], &["--ca-file".into(), fixture("self_signed.pem")]] {
        gate(&url)
            .args(more)
            .run()
            .refused()
            .says("an authority's own")
            .says("issued for the server by that authority");
    }
    let outcome = Gate::wait(&sim).env("NUON_GATE_WEBHOOK_URL", url + "/webhook").run().exits(0);
    // To trust it would not help them either.
    outcome.says("webhook was not notified").says("an authority's own").says("issued for the server by that authority");
}

#[test]
fn a_port_that_speaks_no_tls_is_named_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            // What web servers answer to anything but HTTP. Everything is read before and after, so that a reset loses
            // nothing.
            let _ = client.read(&mut [0; 4096]).and_then(|_| client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
            let _ = io::copy(&mut client, &mut io::sink());
        }
    });
    gate(&url).args(["--api-outage", "1s"]).run().exits(7).says("does not speak TLS, which https needs");
}

#[test]
fn certificates_that_are_none_are_refused() {
    let folder = Folder::new();
    let garbage = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    let files = [
        folder.write("empty", ""),
        folder.write("text", "not a certificate"),
        folder.write("garbage", garbage),
        fixture("server.key"),
    ];
    for file in files {
        let outcome = gate("https://127.0.0.1:9").args(["--ca-file"]).args([&file]).run().refused();
        outcome.says("--ca-file").says("NUON_GATE_CA_FILE");
    }
}

#[test]
fn one_bad_certificate_among_good_ones_is_left_out() {
    let sim = serve_deploy(PASSING);
    let folder = Folder::new();
    let garbage = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    let good = std::fs::read_to_string(fixture("ca.pem")).unwrap();
    let file = folder.write("corp.pem", format!("{good}{garbage}{good}{}\n{good}", &good[..99]));
    let outcome = gate(&format!("https://{}", encrypted(&sim)))
        .args(["--long-poll", "off", "--ca-file"])
        .args([&file])
        .run()
        .exits(0);
    outcome.says("warning: certificate 2 in ").says("corp.pem cannot be read").says("warning: certificate 4 in ");
    let none =
        gate("https://127.0.0.1:9").args(["--ca-file".into(), folder.write("none.pem", garbage)]).run().refused();
    none.says("none.pem").says("none of the certificates in it can be read (there is 1)");
}

#[test]
fn sinks_are_trusted_by_the_same_rules() {
    let sim = serve_deploy(PASSING);
    let url = format!("https://{}/webhook", encrypted(&sim));
    let outcome = Gate::wait(&sim).env("NUON_GATE_WEBHOOK_URL", &url).run().exits(0);
    let outcome = outcome
        .says("webhook was not notified: the certificate of 127.0.0.1:")
        .says("is not trusted: its issuer is unknown");
    outcome.says("hint: ").says("--ca-file (NUON_GATE_CA_FILE)");
    let trusting = Gate::wait(&sim).env("NUON_GATE_WEBHOOK_URL", &url).env("NUON_GATE_CA_FILE", fixture("ca.pem"));
    let outcome = trusting.args(["--notify-timeout", "500ms"]).json().exits(0);
    // The relay before the simulator passes on no body, so the request fails, but it arrives.
    assert!(!outcome.stderr.contains("certificate"), "{}", outcome.stderr);
}

#[test]
fn a_server_that_speaks_no_tls_is_an_outage() {
    let sim = serve_deploy(PASSING);
    let url = sim.url().replace("http://", "https://");
    let outcome = gate(&url).args(["--api-outage", "100ms"]).json().exits(7);
    assert!(outcome.reason().contains("could not connect"), "{}", outcome.reason());
}
