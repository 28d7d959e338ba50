//! Descriptors: each connection is one, and a process may open only so many.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open beside the connections to webhooks: the store's files, listeners, and a first few hundred clients.
const OTHERS: u64 = 512;

/// Streams and webhooks each hold a descriptor; the usual soft limit of 1,024 is far below what the hard one allows.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::warn!(%error, "the limit of open descriptors could not be raised");
    }
}

/// Says so when webhooks alone could use them up: then deliveries wait, and clients are not let in.
pub(crate) fn warn_if_few(webhooks: usize) {
    if let Some((limit, needed)) = too_few(webhooks, getrlimit(Resource::Nofile).current) {
        tracing::warn!(
            limit,
            needed,
            "this process may open fewer descriptors than --max-in-flight asks for: raise its limit (`ulimit -n`, \
             `LimitNOFILE=`), or lower --max-in-flight"
        );
    }
}

/// How many there may be and how many are needed, if that is more; no limit is enough.
fn too_few(webhooks: usize, limit: Option<u64>) -> Option<(u64, u64)> {
    let needed = u64::try_from(webhooks).unwrap_or(u64::MAX).saturating_add(OTHERS);
    limit.filter(|limit| *limit < needed).map(|limit| (limit, needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_leave_room_for_others() {
        assert_eq!(too_few(1536, Some(1024)), Some((1024, 2048)));
        assert_eq!(too_few(1536, Some(2047)), Some((2047, 2048)));
        assert_eq!(too_few(1536, Some(2048)), None);
        assert_eq!(too_few(usize::MAX, None), None);
    }
}
