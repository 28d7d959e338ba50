//! The target rule: no URL that it takes leads to an address or a port outside of the public Internet (SEC-1).
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cstar_delivery::TargetRule;
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

/// `address/prefix`, as DELIVERY's own list has them; written here once more, apart from the product.
const INNER_V4: [(&str, u32); 19] = [
    ("0.0.0.0", 8),
    ("10.0.0.0", 8),
    ("100.64.0.0", 10),
    ("127.0.0.0", 8),
    ("169.254.0.0", 16),
    ("172.16.0.0", 12),
    ("192.0.0.0", 24),
    ("192.0.2.0", 24),
    ("192.31.196.0", 24),
    ("192.52.193.0", 24),
    ("192.88.99.0", 24),
    ("192.168.0.0", 16),
    ("192.175.48.0", 24),
    ("198.18.0.0", 15),
    ("198.51.100.0", 24),
    ("203.0.113.0", 24),
    ("224.0.0.0", 4),
    ("240.0.0.0", 4),
    ("168.63.129.16", 32),
];
const INNER_V6: [(&str, u32); 5] =
    [("2001::", 23), ("2001:db8::", 32), ("2002::", 16), ("3fff::", 20), ("::ffff:0:0", 96)];

fn in_v4(address: Ipv4Addr, net: &str, prefix: u32) -> bool {
    let net: Ipv4Addr = net.parse().expect("an address");
    address.to_bits() >> (32 - prefix) == net.to_bits() >> (32 - prefix)
}

fn in_v6(address: Ipv6Addr, net: &str, prefix: u32) -> bool {
    let net: Ipv6Addr = net.parse().expect("an address");
    address.to_bits() >> (128 - prefix) == net.to_bits() >> (128 - prefix)
}

fn is_inner(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => INNER_V4.iter().any(|(net, prefix)| in_v4(address, net, *prefix)),
        IpAddr::V6(address) => {
            !in_v6(address, "2000::", 3) || INNER_V6.iter().any(|(net, prefix)| in_v6(address, net, *prefix))
        }
    }
}

fuzz_target!(|input: (&str, Vec<u128>)| {
    let (text, found) = input;
    let rule = TargetRule::default();
    let Ok(target) = rule.check_url(text) else { return };
    let url = target.url();
    assert_eq!(url.scheme(), "https");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    assert!(matches!(url.port_or_known_default(), Some(80 | 443 | 8443 | 1024..)));
    match url.host().expect("a host") {
        Host::Ipv4(address) => assert!(!is_inner(address.into()), "{url}"),
        // What is dialled is an address in its one form: a mapped one is the IPv4 one in it.
        Host::Ipv6(address) => assert!(!is_inner(IpAddr::from(address).to_canonical()), "{url}"),
        Host::Domain(name) => {
            assert!(name.contains('.') && !name.ends_with('.'), "{url}");
            for inner in ["localhost", "local", "internal", "svc"] {
                assert_ne!(name.rsplit('.').next(), Some(inner), "{url}");
            }
        }
    }
    assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(url), "one spelling");
    assert!(rule.check_url(url.as_str()).is_ok(), "its own spelling is taken");

    let addresses: Vec<IpAddr> = found
        .iter()
        .map(|bits| match u32::try_from(*bits) {
            Ok(bits) => Ipv4Addr::from_bits(bits).into(),
            Err(_) => Ipv6Addr::from_bits(*bits).into(),
        })
        .collect();
    if let Ok(vetted) = rule.vet(&target, &addresses) {
        assert!(
            addresses.iter().all(|address| !is_inner(address.to_canonical())),
            "one inner answer refuses all"
        );
        assert!(!vetted.is_empty() && vetted.iter().all(|vetted| !is_inner(vetted.address().ip())));
    }
});
