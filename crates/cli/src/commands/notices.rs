//! `cstar notices`, with the platform key.

use cstar_wire::{CreateNoticeWebhook, NoticeWebhook, TestNoticeWebhook};

use super::{rows, webhooks};
use crate::args::{Global, Notices};
use crate::ask;
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{Output, harmless};

pub(crate) async fn run(global: &Global, command: Notices, output: Output) -> Result<(), CliError> {
    let client = Context::find(global)?.client()?;
    let notices = client.notices();
    match command {
        Notices::List(rows) => {
            let found = rows::collect(notices.list(), &rows, output).await?;
            output.list(&["ID", "STATUS", "TYPES", "URL"], &found, row)
        }
        Notices::Create { url, types, description } => {
            let created = notices.create(&CreateNoticeWebhook { url, types, description }).await?;
            output.note("The secret is shown this once: keep it where the receiver finds it.");
            output.thing(&created)
        }
        Notices::Test { id, notice_type } => {
            let attempt = notices.test(id, &TestNoticeWebhook { notice_type }).await?;
            webhooks::tell_attempt(&attempt, output, "it is tried again, as every notice is".to_owned())
        }
        Notices::Delete { id } => {
            let what = format!("{id} will be deleted, and what waits for it cancelled");
            ask::confirm(what, global.yes).await?;
            notices.delete(id).await?;
            output.note(&format!("deleted {id}"));
            Ok(())
        }
    }
}

fn row(webhook: &NoticeWebhook) -> Vec<String> {
    let status = webhooks::status(webhook.status);
    vec![webhook.id.to_string(), status, webhook.types.to_string(), harmless(&webhook.url)]
}
