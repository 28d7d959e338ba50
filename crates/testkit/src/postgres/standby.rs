//! Two servers, one of which stands by.

use std::net::SocketAddr;

use rustix::process::Signal;

use super::{PASSWORD, PostgresServer, USER, hand_over, place};
use crate::machine::{free_address, send};
use crate::wait::until;

/// A primary and its synchronous standby: what is committed is on both.
#[derive(Debug)]
pub struct Pair {
    primary: PostgresServer,
    standby: PostgresServer,
}

impl Pair {
    /// Both; `None` where the tests of servers are left out.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    #[must_use]
    pub async fn start() -> Option<Self> {
        let primary = PostgresServer::start().await?;
        let standby = primary.follower(free_address()).await;
        Some(Self { primary, standby })
    }

    /// The server that takes writes.
    #[must_use]
    pub const fn primary(&self) -> &PostgresServer {
        &self.primary
    }

    /// The same, to be stopped.
    pub const fn primary_mut(&mut self) -> &mut PostgresServer {
        &mut self.primary
    }

    /// The server that does not.
    #[must_use]
    pub const fn standby(&self) -> &PostgresServer {
        &self.standby
    }

    /// Where a database of them is, whichever of them is the primary.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (one, other) = (self.primary.address, self.standby.address);
        format!("postgres://{USER}:{PASSWORD}@{one},{other}/{database}?target_session_attrs=read-write")
    }

    /// The primary is lost with all that it has, some of which the standby does not have yet, and the standby takes its place; it has
    /// none of its own yet.
    ///
    /// # Panics
    /// Where nobody commits meanwhile, or commits do not wait for the standby.
    pub async fn lose_primary(&mut self) {
        let receiver =
            self.standby.ask("SELECT pid FROM pg_stat_wal_receiver").parse().expect("a process id");
        send(receiver, Signal::STOP);
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        until("a commit that waits for the standby", async || {
            (self.primary.ask(waiting) != "0").then_some(())
        })
        .await;
        self.primary.stop();
        self.standby.waits_for("");
        assert_eq!(self.standby.ask("SELECT pg_promote(wait => false)"), "t");
        // What had come by then and was not read goes with it.
        until("the end of what it receives", async || {
            (self.standby.ask("SELECT status FROM pg_stat_wal_receiver") == "stopping").then_some(())
        })
        .await;
        send(receiver, Signal::CONT);
        until("the promotion", async || {
            (self.standby.ask("SELECT pg_is_in_recovery()") == "f").then_some(())
        })
        .await;
        std::mem::swap(&mut self.primary, &mut self.standby);
    }

    /// The standby is promoted, and the primary goes on, which nobody has stopped: it is [`Pair::standby`] from now on, and takes
    /// writes as well.
    ///
    /// # Panics
    /// When it is not promoted.
    pub fn promote(&mut self) {
        self.primary.waits_for("");
        self.standby.waits_for("");
        assert_eq!(self.standby.ask("SELECT pg_promote()"), "t");
        std::mem::swap(&mut self.primary, &mut self.standby);
    }

    /// The primary stands still, with all its connections open (SIGSTOP), and the standby is promoted in its place.
    ///
    /// # Panics
    /// When it is not promoted.
    pub fn leave_primary_hanging(&mut self) {
        self.primary.stand_still();
        self.standby.waits_for("");
        assert_eq!(self.standby.ask("SELECT pg_promote()"), "t");
        std::mem::swap(&mut self.primary, &mut self.standby);
    }

    /// A new standby, at the address of the server that was lost, or that hangs.
    pub async fn replace_standby(&mut self) {
        self.standby.stop();
        self.standby = self.primary.follower(self.standby.address).await;
    }
}

impl PostgresServer {
    /// A server that follows this one; from now on this one commits nothing that the other has not.
    async fn follower(&self, address: SocketAddr) -> Self {
        let dir = place();
        hand_over(dir.path());
        let mut copy = self.programs.command("pg_basebackup");
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--no-manifest"]);
        copy.args(["--dbname", &self.url("postgres")]).arg("--pgdata").arg(dir.path().join("data"));
        let copied = copy.output().expect("pg_basebackup runs");
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        let standby =
            Self::start_from(dir, self.programs.clone(), &["wal_retrieve_retry_interval=100ms"], address)
                .await;
        self.waits_for("*");
        until("a synchronous standby", async || {
            (self.ask("SELECT sync_state FROM pg_stat_replication") == "sync").then_some(())
        })
        .await;
        standby
    }

    /// Which standbys a commit waits for.
    fn waits_for(&self, names: &str) {
        let _ = self.ask(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        let _ = self.ask("SELECT pg_reload_conf()");
    }
}
