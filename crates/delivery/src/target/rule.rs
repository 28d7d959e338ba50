//! The rule itself: a URL, then the addresses behind its name.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, SocketAddr};

use cstar_types::limits::URL_MAX_BYTES;
use ipnet::IpNet;
use url::{Host, Url};

use super::{address, name, port};
use crate::shortage;

/// The most answers of a name that are tried; all are judged.
const ADDRESSES_MAX: usize = 8;

/// Where requests may go. The default is the public Internet over `https`.
///
/// SEC-1: an allow-list, decided on the address that is dialled. Nothing leaves for an address that it refuses, whatever
/// name, redirect or answer led there.
#[derive(Debug, Clone, Default)]
pub struct TargetRule {
    /// Whether `http` is taken beside `https`.
    pub allow_http: bool,
    /// Ranges that the operator allows although they are not public.
    pub allowed: Vec<IpNet>,
    /// Our own hosts, so that a webhook cannot call this server.
    pub own_hosts: Vec<String>,
    /// The ports that this server listens on. They are refused behind [`TargetRule::allowed`], where this machine may be;
    /// on public hosts they are anybody's, 443 first of all.
    pub own_ports: Vec<u16>,
}

/// Refusals read the same to the one who registers a URL, or a network could be scanned with them.
const REFUSED: &str = "this URL cannot be a target: it must be an https URL of a public host that resolves, on port \
     443, 8443, 80 or from 1024 up without those of databases, with neither credentials nor fragment";

/// Why a URL is no target, or not known to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The rule refuses it.
    #[error("{}", REFUSED)]
    Blocked,
    /// The name has no address now.
    #[error("{}", REFUSED)]
    Unresolved,
    /// This process has run out of what it needs to ask with, by the system's number; nothing is known of the name.
    #[error("the host name could not be looked up now; try again")]
    RanOut(i32),
    /// Too many names are being looked up; nothing is known of this one.
    #[error("too many host names are being looked up; try again")]
    NoRoom,
}

impl TargetError {
    pub(super) fn resolving(error: &io::Error) -> Self {
        shortage::ran_out(error).map_or(Self::Unresolved, Self::RanOut)
    }
}

/// Who is asked where a target is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    /// Nobody: it is an address.
    Nobody(IpAddr),
    /// The resolver, by this name.
    Name(Cow<'a, str>),
}

/// A URL that the rule takes; the addresses behind its name are still to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Url);

/// An address that the rule takes, judged for this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vetted(SocketAddr);

impl Target {
    /// The URL as the WHATWG parser normalised it.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Its host, which `http` and `https` URLs have.
    pub(crate) fn host(&self) -> Host<&str> {
        self.0.host().expect("http and https URLs have a host")
    }

    fn port(&self) -> u16 {
        self.0.port_or_known_default().expect("http and https have a known port")
    }
}

impl Vetted {
    /// The address.
    #[must_use]
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

impl TargetRule {
    /// Judges what can be judged without looking a name up.
    ///
    /// # Errors
    /// [`TargetError::Blocked`].
    pub fn check_url(&self, text: &str) -> Result<Target, TargetError> {
        let mut url = Url::parse(text).map_err(|_| TargetError::Blocked)?;
        strip_final_dot(&mut url)?;
        let scheme = url.scheme() == "https" || self.allow_http && url.scheme() == "http";
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if !scheme || !bare || url.as_str().len() > URL_MAX_BYTES {
            return Err(TargetError::Blocked);
        }
        let target = Target(url);
        if !port::is_allowed(target.port()) {
            return Err(TargetError::Blocked);
        }
        if let Some(address) = target.literal() {
            self.judge(&target, address)?;
        } else if self.is_inner(&target) && self.allowed.is_empty() {
            return Err(TargetError::Blocked);
        }
        Ok(target)
    }

    /// Where the operator opened ranges, a name may stand in the hosts file or be completed by the search list. Elsewhere
    /// it is a public one, and is asked for as a whole: `example.com.` is never `example.com.corp.example`.
    pub(super) fn asked<'a>(&self, target: &'a Target) -> Asked<'a> {
        let name = match target.host() {
            Host::Ipv4(address) => return Asked::Nobody(address.into()),
            Host::Ipv6(address) => return Asked::Nobody(address.into()),
            Host::Domain(name) => name,
        };
        Asked::Name(if self.allowed.is_empty() { format!("{name}.").into() } else { name.into() })
    }

    /// Judges every address that a target's host leads to: if one is refused, the host is refused.
    ///
    /// # Errors
    /// [`TargetError::Blocked`], or [`TargetError::Unresolved`] where there is none.
    pub fn vet(&self, target: &Target, found: &[IpAddr]) -> Result<Vec<Vetted>, TargetError> {
        if found.is_empty() {
            return Err(TargetError::Unresolved);
        }
        let mut vetted = Vec::with_capacity(found.len().min(ADDRESSES_MAX));
        for &address in found {
            let judged = Vetted(SocketAddr::new(self.judge(target, address)?, target.port()));
            if vetted.len() < ADDRESSES_MAX && !vetted.contains(&judged) {
                vetted.push(judged);
            }
        }
        Ok(vetted)
    }

    /// The address as it will be dialled: what was judged and what is dialled are one value.
    fn judge(&self, target: &Target, address: IpAddr) -> Result<IpAddr, TargetError> {
        let address = address.to_canonical();
        let in_range = self.allowed.iter().any(|range| range.contains(&address));
        let by_operator = in_range && !self.own_ports.contains(&target.port());
        let allowed = by_operator || !self.is_inner(target) && address::is_public(address);
        if allowed { Ok(address) } else { Err(TargetError::Blocked) }
    }

    /// Whether the name means something inside, or ourselves.
    fn is_inner(&self, target: &Target) -> bool {
        let host = target.0.host_str().unwrap_or_default();
        let own = self.own_hosts.iter().any(|own| own.trim_end_matches('.').eq_ignore_ascii_case(host));
        own || target.literal().is_none() && name::is_inner(host)
    }
}

impl Target {
    fn literal(&self) -> Option<IpAddr> {
        match self.host() {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }
}

/// `example.com.` is `example.com`: one spelling for the rules, for SNI and for `Host`.
fn strip_final_dot(url: &mut Url) -> Result<(), TargetError> {
    let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
    let bare = name.strip_suffix('.').unwrap_or(name);
    if bare.split('.').any(str::is_empty) {
        return Err(TargetError::Blocked);
    }
    if bare.len() < name.len() {
        let bare = bare.to_owned();
        url.set_host(Some(&bare)).map_err(|_| TargetError::Blocked)?;
    }
    Ok(())
}
