//! Which addresses may be dialled (SEC-1): what the public Internet routes to strangers, and nothing else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// IPv4 that is not the public Internet's, and the one public address behind which a cloud keeps its metadata.
const REFUSED_V4: [Ipv4Net; 19] = [
    v4([0, 0, 0, 0], 8),        // this network
    v4([10, 0, 0, 0], 8),       // private
    v4([100, 64, 0, 0], 10),    // carriers' translation
    v4([127, 0, 0, 0], 8),      // loopback
    v4([169, 254, 0, 0], 16),   // link-local, where clouds keep metadata
    v4([172, 16, 0, 0], 12),    // private
    v4([192, 0, 0, 0], 24),     // protocol assignments
    v4([192, 0, 2, 0], 24),     // documentation
    v4([192, 31, 196, 0], 24),  // AS112
    v4([192, 52, 193, 0], 24),  // automatic multicast tunnels
    v4([192, 88, 99, 0], 24),   // 6to4 relays
    v4([192, 168, 0, 0], 16),   // private
    v4([192, 175, 48, 0], 24),  // AS112
    v4([198, 18, 0, 0], 15),    // benchmarks
    v4([198, 51, 100, 0], 24),  // documentation
    v4([203, 0, 113, 0], 24),   // documentation
    v4([224, 0, 0, 0], 4),      // multicast
    v4([240, 0, 0, 0], 4),      // reserved, and broadcast
    v4([168, 63, 129, 16], 32), // Azure's host agent
];

/// The only IPv6 that is given out for the public Internet. Unique local, link-local, NAT64, SIIT and mapped addresses
/// lie outside of it.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// What lies inside [`GLOBAL_V6`] and still leads elsewhere.
const REFUSED_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0], 23),     // Teredo, ORCHID and other protocol assignments
    v6([0x2001, 0xdb8, 0], 32), // documentation
    v6([0x2002, 0, 0], 16),     // 6to4: an IPv4 address inside
    v6([0x3fff, 0, 0], 20),     // documentation
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c]: [u16; 3], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Whether the public Internet has this address. A mapped one (`::ffff:0:0/96`) is judged as the IPv4 that it leads to.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !REFUSED_V4.iter().any(|range| range.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address)
                && !REFUSED_V6.iter().any(|range| range.contains(&address))
                && !is_isatap(address)
        }
    }
}

/// ISATAP tunnels to the IPv4 address in the last 32 bits, whatever the prefix: `…:0:5efe:a.b.c.d`, its universal and
/// group bits aside.
fn is_isatap(address: Ipv6Addr) -> bool {
    let [.., first, second, _, _] = address.segments();
    first & 0xfcff == 0 && second == 0x5efe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        !is_public(text.parse().unwrap())
    }

    /// SEC-1: the first and the last address of each refused range, and its neighbours outside.
    #[test]
    fn ranges_end_where_they_end() {
        for (inside, outside) in [
            (["0.0.0.0", "0.255.255.255"], ["1.0.0.0", "1.0.0.1"]),
            (["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
            (["100.64.0.0", "100.127.255.255"], ["100.63.255.255", "100.128.0.0"]),
            (["127.0.0.0", "127.255.255.255"], ["126.255.255.255", "128.0.0.0"]),
            (["169.254.0.0", "169.254.255.255"], ["169.253.255.255", "169.255.0.0"]),
            (["172.16.0.0", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]),
            (["192.0.0.0", "192.0.0.255"], ["191.255.255.255", "192.0.1.0"]),
            (["192.0.2.0", "192.0.2.255"], ["192.0.1.255", "192.0.3.0"]),
            (["192.31.196.0", "192.31.196.255"], ["192.31.195.255", "192.31.197.0"]),
            (["192.52.193.0", "192.52.193.255"], ["192.52.192.255", "192.52.194.0"]),
            (["192.88.99.0", "192.88.99.255"], ["192.88.98.255", "192.88.100.0"]),
            (["192.168.0.0", "192.168.255.255"], ["192.167.255.255", "192.169.0.0"]),
            (["192.175.48.0", "192.175.48.255"], ["192.175.47.255", "192.175.49.0"]),
            (["198.18.0.0", "198.19.255.255"], ["198.17.255.255", "198.20.0.0"]),
            (["198.51.100.0", "198.51.100.255"], ["198.51.99.255", "198.51.101.0"]),
            (["203.0.113.0", "203.0.113.255"], ["203.0.112.255", "203.0.114.0"]),
            (["224.0.0.0", "255.255.255.255"], ["223.255.255.255", "8.8.8.8"]),
            (["168.63.129.16", "168.63.129.16"], ["168.63.129.15", "168.63.129.17"]),
            (["::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], ["2000::", "2606:4700::1111"]),
            (["4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], ["3ffe::1", "2a00::1"]),
            (["2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"], ["2000:ffff::", "2001:200::"]),
            (["2001:db8::", "2001:db8:ffff:ffff::"], ["2001:db7::", "2001:db9::"]),
            (["2002::", "2002:ffff:ffff::"], ["2001:ffff::", "2003::"]),
            (["3fff::", "3fff:fff:ffff::"], ["3ffe:ffff::", "3fff:1000::"]),
        ] {
            inside.iter().for_each(|text| assert!(refused(text), "{text} must be refused"));
            outside.iter().for_each(|text| assert!(!refused(text), "{text} must be allowed"));
        }
    }

    /// SEC-1: every way in which an IPv6 address carries an IPv4 one.
    #[test]
    fn ipv4_inside_ipv6_is_judged_or_refused() {
        for text in [
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:a9fe:a9fe",
            "::ffff:0:127.0.0.1",       // SIIT
            "64:ff9b::7f00:1",          // NAT64
            "64:ff9b:1::8.8.8.8",       // NAT64, local use
            "2002:7f00:1::",            // 6to4
            "2001:0:5ef5:79fb::1",      // Teredo
            "2a00:1450::5efe:10.0.0.1", // ISATAP
            "2a00:1450::200:5efe:a00:1",
            "2a00:1450::300:5efe:a00:1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
        ] {
            assert!(refused(text), "{text}");
        }
        assert!(!refused("::ffff:8.8.8.8"), "mapped, and public as IPv4");
        assert!(!refused("2a00:1450:4001::200e"));
    }
}
