//! Who a request comes from, where proxies stand in between.
//!
//! Anybody can write `Forwarded` and `X-Forwarded-For`. So they are read from the right, where the nearest proxy has
//! written whom it heard, and only while those who wrote are trusted: what stands further left was said by strangers and
//! is not even looked at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of the connection. Whoever serves a connection puts it into each of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Where a request comes from: the peer, or whom trusted proxies name. The [edge](crate::edge) puts it into each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The proxies that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// What a proxy says of whom it heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hop {
    Address(IpAddr),
    /// It does not know, does not tell, or wrote something else.
    Unknown,
}

impl TrustedProxies {
    /// Proxies in these ranges.
    #[must_use]
    pub fn new(ranges: Vec<IpNet>) -> Self {
        Self(ranges)
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }

    /// The client of a request: the nearest address that is not a trusted proxy's. Where a trusted proxy does not say whom
    /// it heard, it is the last one known.
    ///
    /// A proxy writes one of the two headers and passes the other on as it came. Where both are there, nobody knows which
    /// one it wrote: they are believed if they agree, and else neither is.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let peer = peer.to_canonical();
        if !self.trust(peer) {
            return ClientAddress(peer);
        }
        let by = |name: &HeaderName, read: fn(&str) -> Hop| {
            headers.contains_key(name).then(|| self.follow(peer, hops(headers, name).map(read)))
        };
        let clients = (by(&FORWARDED, forwarded_hop), by(&X_FORWARDED_FOR, x_forwarded_hop));
        ClientAddress(match clients {
            (Some(one), Some(other)) if one != other => peer,
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => peer,
        })
    }

    /// Goes from the peer towards the client for as long as those who say where are trusted.
    fn follow(&self, peer: IpAddr, mut hops: impl Iterator<Item = Hop>) -> IpAddr {
        let mut last = peer;
        while self.trust(last)
            && let Some(Hop::Address(next)) = hops.next()
        {
            last = next;
        }
        last
    }
}

/// The elements of a header that is a list, the last one first. A comma within quotes cuts, too: what a stranger has begun to
/// quote must not swallow what a proxy wrote behind it, and an element that was cut is not well formed.
fn hops<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().rev();
    let elements = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    elements
        .map(|element| str::from_utf8(element).unwrap_or("?").trim())
        .filter(|element| !element.is_empty())
}

/// An element of `X-Forwarded-For`: an address, often with a port.
fn x_forwarded_hop(element: &str) -> Hop {
    node(element).map_or(Hop::Unknown, Hop::Address)
}

/// An element of `Forwarded` (RFC 7239): `for=192.0.2.60;proto=https`.
fn forwarded_hop(element: &str) -> Hop {
    let mut found = None;
    for pair in element.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else { return Hop::Unknown };
        let Some(value) = unquoted(value) else { return Hop::Unknown };
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return Hop::Unknown;
        }
    }
    found.and_then(node).map_or(Hop::Unknown, Hop::Address)
}

/// A token, or what stands between quotes; nothing that is written with escapes is an address.
fn unquoted(value: &str) -> Option<&str> {
    let inner = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.contains(['"', '\\']))
}

/// An address, in brackets if it is IPv6 and has a port; a port behind it may be hidden as `_name` (RFC 7239, 6.3).
fn node(text: &str) -> Option<IpAddr> {
    if let Ok(bare) = text.parse::<IpAddr>() {
        return Some(bare.to_canonical());
    }
    let (address, port): (IpAddr, &str) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (address.parse::<Ipv6Addr>().ok()?.into(), port)
        }
        None => {
            let (address, port) = text.split_at(text.find(':')?);
            (address.parse::<Ipv4Addr>().ok()?.into(), port)
        }
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok() || is_hidden(port));
    is_port.then(|| address.to_canonical())
}

fn is_hidden(name: &str) -> bool {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.strip_prefix('_').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(sane))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn proxies() -> TrustedProxies {
        TrustedProxies::new(["10.0.0.0/8", "fd00::/8"].map(|range| range.parse().unwrap()).to_vec())
    }

    /// Who asks, with these lines of headers, over a connection from `peer`.
    fn client(peer: &str, lines: &[(&str, &[u8])]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        proxies().client(peer.parse().unwrap(), &headers).0.to_string()
    }

    const PROXY: &str = "10.0.0.1";

    #[test]
    fn a_stranger_is_never_believed() {
        for lines in [
            [("x-forwarded-for", &b"198.51.100.7"[..])],
            [("forwarded", b"for=198.51.100.7")],
            [("x-forwarded-for", b"10.0.0.9")],
        ] {
            assert_eq!(client("203.0.113.5", &lines), "203.0.113.5");
        }
        let nobody = TrustedProxies::default();
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("198.51.100.7"));
        let own = "127.0.0.1".parse().unwrap();
        assert_eq!(nobody.client(own, &headers), ClientAddress(own));
    }

    /// From the right, over trusted proxies, to the first who is none; what stands left of it is a stranger's word.
    #[test]
    fn the_nearest_who_is_no_proxy_is_the_client() {
        for (value, expected) in [
            ("198.51.100.7", "198.51.100.7"),
            ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
            ("198.51.100.7, 10.0.0.2, 10.9.9.9", "198.51.100.7"),
            ("1.1.1.1,198.51.100.7,fd00::2", "198.51.100.7"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("198.51.100.7:50123", "198.51.100.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("198.51.100.7,, ,", "198.51.100.7"),
            (" 198.51.100.7\t", "198.51.100.7"),
        ] {
            assert_eq!(client(PROXY, &[("x-forwarded-for", value.as_bytes())]), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_address_says_nothing() {
        for value in [
            "",
            "unknown",
            "_hidden",
            "198.51.100",
            "198.51.100.07",
            "198.51.100.7:",
            "198.51.100.7:99999",
            "198.51.100.7:80:80",
            "198.51.100.7 10.0.0.1",
            "[198.51.100.7]",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]443",
            "fe80::1%eth0",
            "\"198.51.100.7\"",
            "for=198.51.100.7",
            "localhost",
            "0x7f.1",
            "198.51.100.7, unknown",
            "198.51.100.7, <script>",
        ] {
            assert_eq!(client(PROXY, &[("x-forwarded-for", value.as_bytes())]), PROXY, "{value}");
        }
        assert_eq!(client(PROXY, &[("x-forwarded-for", b"198.51.100.7, \xff")]), PROXY);
        assert_eq!(client(PROXY, &[("x-forwarded-for", b"\xff, 198.51.100.7")]), "198.51.100.7");
        assert_eq!(client(PROXY, &[]), PROXY);
        // A proxy further off that is trusted and does not tell is the last one known.
        assert_eq!(client(PROXY, &[("x-forwarded-for", b"unknown, 10.0.0.2")]), "10.0.0.2");
    }

    #[test]
    fn forwarded_is_read_as_its_rfc_says() {
        for (value, expected) in [
            ("for=198.51.100.7", "198.51.100.7"),
            ("For=\"198.51.100.7\";Proto=https;by=10.0.0.1", "198.51.100.7"),
            ("proto=http;for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=\"198.51.100.7:_port\"", "198.51.100.7"),
            ("for=1.1.1.1, for=198.51.100.7;host=\"a.example\", for=10.0.0.2", "198.51.100.7"),
            ("for=unknown", PROXY),
            ("for=\"_gazonk\"", PROXY),
            ("for=_SEVKISEK", PROXY),
            ("by=198.51.100.7", PROXY),
            ("198.51.100.7", PROXY),
            ("for=198.51.100.7;for=1.1.1.1", PROXY),
            ("for=\"198.51.100.7", PROXY),
            ("for=198.51.100.7\"", PROXY),
            ("for=\"198.51.100.\\7\"", PROXY),
            ("for=198.51.100.7;;", "198.51.100.7"),
        ] {
            assert_eq!(client(PROXY, &[("forwarded", value.as_bytes())]), expected, "{value}");
        }
    }

    /// Whatever a stranger wrote in front, or has a proxy quote: it neither becomes the client nor hides it.
    #[test]
    fn quotes_of_strangers_swallow_nothing_and_give_nothing() {
        for (value, expected) in [
            ("for=\", for=198.51.100.7", "198.51.100.7"),
            ("for=6.6.6.6;by=\", for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=198.51.100.7;host=\"a,for=6.6.6.6\"", PROXY),
            ("for=198.51.100.7;host=\"a,for=6.6.6.6;b=c\"", PROXY),
            ("for=198.51.100.7;host=\"a,for=6.6.6.6,b\"", PROXY),
            ("for=198.51.100.7;host=\"a,for=6.6.6.6;b=\\\"c\\\"\"", PROXY),
        ] {
            assert_eq!(client(PROXY, &[("forwarded", value.as_bytes())]), expected, "{value}");
        }
    }

    #[test]
    fn many_lines_are_one_list() {
        let (far, near): (&[u8], &[u8]) = (b"1.1.1.1, 198.51.100.7", b"10.0.0.2");
        assert_eq!(client(PROXY, &[("x-forwarded-for", far), ("x-forwarded-for", near)]), "198.51.100.7");
        assert_eq!(client(PROXY, &[("x-forwarded-for", near), ("x-forwarded-for", far)]), "198.51.100.7");
        let many: Vec<(&str, &[u8])> = vec![("x-forwarded-for", b"10.0.0.2"); 1000];
        assert_eq!(client(PROXY, &many), "10.0.0.2");
    }

    /// The header that the proxy does not write comes from the client as it is.
    #[test]
    fn headers_that_contradict_each_other_say_nothing() {
        let real: (&str, &[u8]) = ("x-forwarded-for", b"198.51.100.7");
        assert_eq!(client(PROXY, &[real, ("forwarded", b"for=6.6.6.6")]), PROXY);
        assert_eq!(client(PROXY, &[real, ("forwarded", b"nonsense")]), PROXY);
        assert_eq!(client(PROXY, &[real, ("forwarded", b"for=198.51.100.7")]), "198.51.100.7");
    }

    /// A listener for both families sees IPv4 peers as mapped addresses.
    #[test]
    fn a_mapped_peer_is_its_ipv4_address() {
        assert_eq!(client("::ffff:10.0.0.1", &[("x-forwarded-for", b"198.51.100.7")]), "198.51.100.7");
        assert_eq!(client("::ffff:203.0.113.5", &[]), "203.0.113.5");
    }

    proptest! {
        /// A stranger in front of a proxy that appends: whatever he writes, the proxy's word decides.
        #[test]
        fn what_a_proxy_appends_decides(written in "[ -~]{0,60}") {
            let appended = format!("{written}, 198.51.100.7");
            prop_assert_eq!(client(PROXY, &[("x-forwarded-for", appended.as_bytes())]), "198.51.100.7");
            let appended = format!("{written}, for=198.51.100.7");
            prop_assert_eq!(client(PROXY, &[("forwarded", appended.as_bytes())]), "198.51.100.7");
        }
    }
}
