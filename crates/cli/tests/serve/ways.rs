//! Ways from a node to the database.

use cstar_testkit::{Authority, CstarProcess, Ended, Pooler, PostgresServer, Receiver, StreamReader, Team};

use crate::{cstar, ticket};

const MASTER_KEY: &str = "3f1c5be50a5d17aa7f1f7e2a6e1f0c4ad9a6a6a1c8b9e0d7f6e5d4c3b2a19080";

fn node(store: &str) -> CstarProcess {
    cstar().variable("CSTAR_STORE", store).variable("CSTAR_MASTER_KEY", MASTER_KEY)
}

/// LOG-2, RT-1: nodes do the same through a pooler that gives each transaction another session, with a line past it for bells, and over
/// TLS, where a certificate of another authority is refused.
#[tokio::test]
async fn a_pooler_and_tls_change_nothing() {
    let authority = Authority::new();
    let Some(postgres) = PostgresServer::start_over_tls(&authority).await else { return };
    let (pooler, straight) = (Pooler::before(&postgres).await, postgres.url("postgres"));
    let trusted = tempfile::tempdir().unwrap();
    let trusts = |authority: &Authority, name: &str| {
        let path = trusted.path().join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        node(&format!("{straight}?sslmode=require")).flag("--store-ca", path)
    };
    let mut pooled = node(&pooler.url("postgres")).variable("CSTAR_DOORBELL", &straight);
    let mut private = trusts(&authority, "ours");
    let mut deceived = trusts(&Authority::new(), "another's");
    tokio::join!(pooled.start(), private.start());
    let Err(Ended(status)) = deceived.try_start().await else { panic!("it trusts a stranger") };
    assert_eq!(status.code(), Some(4), "{}", deceived.log());
    assert!(deceived.log().contains("certificate"), "{}", deceived.log());

    let team = Team::create(&pooled.http()).await;
    let in_private = Team { id: team.id, http: private.http() };
    let (to_pooled, to_private) = (Receiver::ok().await, Receiver::ok().await);
    team.webhook(&to_pooled.url("/"), &["*"]).await;
    in_private.webhook(&to_private.url("/"), &["*"]).await;
    let reader = StreamReader::open(&pooled.http(), &team.path("realtime"), None).await;
    for count in 1..=10 {
        for team in [&team, &in_private] {
            team.publish("ticket.created", &ticket(&count.to_string())).await;
        }
    }
    reader.until_events(20).await;
    assert_eq!(in_private.log().await.iter().map(|(position, _)| position.seq).max(), Some(20));
    team.until_ended("status=delivered", 40).await;
    assert_eq!((to_pooled.received().len(), to_private.received().len()), (20, 20));
    let over_tls = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'cstar'";
    assert_ne!(postgres.ask(over_tls), "0");
}
