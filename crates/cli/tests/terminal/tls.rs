//! Commands that speak to a server over TLS.

use cstar_testkit::{Authority, SERVER_NAME};
use insta::assert_snapshot;

use crate::scene::Scene;

/// A server whose certificate the system trusts is spoken to, streams included; any other gets no key.
#[tokio::test]
async fn the_servers_certificate_is_verified() {
    let authority = Authority::new();
    let scene = Scene::with(crate::cstar().over_tls(&authority)).await;
    let url = format!("https://{SERVER_NAME}:{}", scene.cstar.address().port());
    scene.home.call(&url, "URL");
    let profile = scene.profile("dev", scene.key.key.reveal()).replace(scene.url().as_str(), &url);
    scene.home.write(".config/cstar/profiles.toml", &profile);
    scene.home.write("trusted.pem", authority.pem());
    scene.home.write("other.pem", Authority::new().pem());
    let cstar = |line: &str, trusted: &str| {
        let command = scene.home.cstar(line).env("SSL_CERT_FILE", scene.home.path(trusted));
        command.env("SSL_CERT_DIR", "/nowhere")
    };

    let listener = cstar("listen", "trusted.pem").start();
    listener.until_said("Ready").await;
    let triggered = cstar("trigger ticket.created", "trusted.pem").run().await;
    assert_eq!(triggered.code, Some(0), "{triggered}");
    listener.until_said("--> ticket.created").await;
    assert_snapshot!(cstar("trigger ticket.created", "other.pem").run().await, @r"
    exit 4
    --- stderr
    error: cannot reach URL: invalid peer certificate: UnknownIssuer; check the address, and that the server runs
    ");
    assert_eq!(scene.team.head().await, 1);
}
