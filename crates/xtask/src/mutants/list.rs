//! What is broken on purpose, and the test that must see it.

/// One change to the product that breaks a rule.
#[derive(Debug)]
pub(super) struct Mutant {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// The invariant that it breaks.
    pub(super) breaks: &'static str,
    pub(super) file: &'static str,
    /// Stands in the file once.
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    /// The target and the name of the test that must fail.
    pub(super) test: (&'static str, &'static str),
}

pub(super) const MUTANTS: [Mutant; 16] = [
    Mutant {
        name: "ack-before-sync",
        breaks: "LOG-1",
        file: "crates/store/src/sqlite/connection.rs",
        from: r#"conn.pragma_update(None, "synchronous", "FULL")?; // LOG-1"#,
        to: r#"conn.pragma_update(None, "synchronous", "NORMAL")?; // LOG-1"#,
        test: ("serve", "log_1_a_power_cut_loses_nothing_that_was_acknowledged"),
    },
    Mutant {
        name: "no-poison",
        breaks: "LOG-1",
        file: "crates/store/src/sqlite/fault.rs",
        from: "            _ => Remedy::Poison,",
        to: "            _ => Remedy::DoEachAlone,",
        test: ("serve", "log_1_what_a_failed_sync_left_unwritten_is_not_trusted"),
    },
    Mutant {
        name: "remembers-what-was-rolled-back",
        breaks: "LOG-2",
        file: "crates/store/src/sqlite/commit.rs",
        from: "            memory.forget();",
        to: "            if false { memory.forget() }",
        test: ("serve", "writes_that_find_no_room_poison_nothing"),
    },
    Mutant {
        name: "serves-damage",
        breaks: "LOG-3",
        file: "crates/store/src/sqlite/event_rows.rs",
        from: "if self.checksum_over(body) == self.checksum {",
        to: "if self.checksum_over(body) == self.checksum || !body.is_empty() {",
        test: ("serve", "log_3_damage_in_the_database_is_never_served"),
    },
    Mutant {
        name: "serves-damage-of-a-shared-log",
        breaks: "LOG-3",
        file: "crates/store/src/postgres/event_rows.rs",
        from: "if read.checksum(crc32fast::hash(body)) == row.get::<_, i64>(first + 7) {",
        to: "if read.checksum(crc32fast::hash(body)) != 0 {",
        test: ("postgres_damage", "log_3_a_changed_row_of_the_log_is_never_served"),
    },
    Mutant {
        name: "no-answer-is-a-commit",
        breaks: "LOG-1",
        file: "crates/store/src/postgres/pool.rs",
        from: "            Err(_) => Err(Fault::Unknown),",
        to: "            Err(_) => Ok(()),",
        test: ("postgres_nodes", "nodes_share_a_store"),
    },
    Mutant {
        name: "no-fence",
        breaks: "DLV-3",
        file: "crates/store/src/postgres/record.rs",
        from: "u.node IS NOT NULL AND abs(u.node) <> $5",
        to: "u.node IS NOT NULL AND abs(u.node) <> $5 AND FALSE",
        test: ("postgres_nodes", "nodes_share_a_store"),
    },
    Mutant {
        name: "two-transactions",
        breaks: "DLV-1",
        file: "crates/store/src/sqlite/append.rs",
        from: "        rows::insert(tx.conn, &rows)?;\n        let due",
        to: "        rows::insert(tx.conn, &rows)?;\n        tx.conn.execute_batch(\"COMMIT; BEGIN IMMEDIATE\")?;\n        let due",
        test: ("serve", "log_1_a_kill_under_load_loses_nothing"),
    },
    Mutant {
        name: "ends-at-the-first-failure",
        breaks: "DLV-2",
        file: "crates/store/src/sqlite/record.rs",
        from: "(DeliveryStatus::Retrying, Some(at.as_millis()))",
        to: "{ let _ = at; (DeliveryStatus::Delivered, None) }",
        test: ("serve", "anything_else_is_retried_and_then_failed"),
    },
    Mutant {
        name: "forgets-what-was-in-flight",
        breaks: "DLV-3",
        file: "crates/delivery/src/engine/dispatch/mod.rs",
        from: "        dispatch.survey(Duration::ZERO);\n",
        to: "        dispatch.survey(Duration::from_secs(3600));\n",
        test: ("serve", "log_1_a_kill_under_load_loses_nothing"),
    },
    Mutant {
        name: "failing-lanes-take-all",
        breaks: "DLV-4",
        file: "crates/delivery/src/lanes/slots.rs",
        from: "self.suspect < half && self.taken() < self.limit",
        to: "self.taken() < self.limit * CEILING",
        test: ("serve", "dlv_4_endpoints_that_hang_do_not_hold_up_one_that_is_well"),
    },
    Mutant {
        name: "cursor-off-by-one",
        breaks: "RT-1",
        file: "crates/realtime/src/cursor.rs",
        from: "None => Start::resumed(cursor),",
        to: "None => Start::resumed(Position::new(cursor.epoch, (cursor.seq + 1).min(ends.head))),",
        test: ("serve", "restless_readers_miss_and_repeat_nothing"),
    },
    Mutant {
        name: "gap-untold",
        breaks: "RT-2",
        file: "crates/realtime/src/cursor.rs",
        from: "Some(gap) => Start::after_gap(gap),",
        to: "Some(gap) => Start::resumed(gap.to),",
        test: ("simulation", "nothing_is_lost_or_repeated_untold"),
    },
    Mutant {
        name: "name-not-judged-when-it-is-dialled",
        breaks: "SEC-1",
        file: "crates/delivery/src/target/rule.rs",
        from: "Vetted(SocketAddr::new(self.judge(target, address)?, target.port()))",
        to: "Vetted(SocketAddr::new(address, target.port()))",
        test: ("delivery", "a_name_that_changes_its_mind_leads_nowhere"),
    },
    Mutant {
        name: "key-opens-every-team",
        breaks: "SEC-2",
        file: "crates/api/src/auth/guard.rs",
        from: "(Caller::Key(key), Some(team)) if key.team == team => Ok(team),",
        to: "(Caller::Key(_), Some(team)) => Ok(team),",
        test: ("serve", "what_belongs_to_another_team_is_closed"),
    },
    Mutant {
        name: "secrets-in-the-clear",
        breaks: "SEC-3",
        file: "crates/store/src/stored/vault.rs",
        from: "        rand::rng().fill_bytes(&mut nonce);\n",
        to: "        rand::rng().fill_bytes(&mut nonce);\n        tracing::warn!(clear = %String::from_utf8_lossy(clear), \"sealed\");\n",
        test: ("serve", "nothing_secret_is_logged_or_kept_in_the_clear"),
    },
];
