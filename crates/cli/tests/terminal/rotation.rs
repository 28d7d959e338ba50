//! Rotating a webhook's secret.

use insta::assert_snapshot;

use crate::scene::Scene;

/// T3: the new secret and the end of the overlap are told, a second rotation is refused until that has ended, and one without
/// an overlap says so.
#[tokio::test]
async fn a_secret_is_rotated_and_its_overlap_ended() {
    let scene = Scene::set().await;
    let webhook = scene.team.webhook("http://127.0.0.1:9999/", &["*"]).await.seen.id.to_string();
    let rotate =
        async |flags: &str| scene.home.run(&format!("webhooks rotate-secret {webhook} {flags}")).await;
    assert_snapshot!(rotate("").await, @r#"
    exit 0
    --- stdout
    {
      "id": "wh_xxxxxxxxxxxxxxxxxxxxxxxxxx",
      "secret": "whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "secret_overlap_until": "0000-00-00T00:00:00.000Z"
    }
    --- stderr
    The secret is shown this once: keep it where the receiver finds it.
    Until 0000-00-00T00:00:00.000Z x-cstar-signature is made with the secret before, webhook-signature with both.
    Once the receiver has the new one: cstar webhooks end-overlap wh_xxxxxxxxxxxxxxxxxxxxxxxxxx
    "#);
    assert_snapshot!(rotate("--overlap 1h").await, @r"
    exit 5
    --- stderr
    error: conflict: the last rotation's overlap is open: end it first, or rotate without one (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(scene.home.run(&format!("webhooks end-overlap {webhook}")).await, @r"
    exit 0
    --- stderr
    requests to wh_xxxxxxxxxxxxxxxxxxxxxxxxxx are signed with its new secret alone
    ");
    assert_snapshot!(rotate("--overlap 0s --json").await, @r#"
    exit 0
    --- stdout
    {"id":"wh_xxxxxxxxxxxxxxxxxxxxxxxxxx","secret":"whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","secret_overlap_until":null}
    --- stderr
    The secret is shown this once: keep it where the receiver finds it.
    "#);
    assert_snapshot!(rotate("--overlap 8d").await, @r"
    exit 5
    --- stderr
    error: invalid_field: A field has a wrong value
      /overlap_seconds  write a whole number from 0 to 604800
      (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(rotate("--overlap 10ms").await, @r"
    exit 2
    --- stderr
    error: invalid value '10ms' for '--overlap <TIME>': write whole seconds with a unit (s, m, h, d), such as 24h

    For more information, try '--help'.
    ");
}
