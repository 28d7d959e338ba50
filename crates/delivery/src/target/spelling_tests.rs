//! SEC-1, as tables: every spelling of an inner place, and what a resolver may answer.

use std::net::IpAddr;

use super::rule::Asked;
use super::{TargetError, TargetRule};

fn public() -> TargetRule {
    TargetRule { allow_http: true, ..TargetRule::default() }
}

fn private() -> TargetRule {
    TargetRule { allowed: vec!["10.0.0.0/8".parse().unwrap()], ..public() }
}

/// `found` is what a resolver answers; a literal address leads to itself.
fn vet(rule: &TargetRule, url: &str, found: &[&str]) -> Result<Vec<String>, TargetError> {
    let target = rule.check_url(url)?;
    let found: Vec<IpAddr> = match rule.asked(&target) {
        Asked::Nobody(address) => vec![address],
        Asked::Name(_) => found.iter().map(|text| text.parse().unwrap()).collect(),
    };
    let vetted = rule.vet(&target, &found)?;
    Ok(vetted.into_iter().map(|vetted| vetted.address().to_string()).collect())
}

/// SEC-1: literals in every spelling that a URL parser takes.
#[test]
fn literals_of_inner_addresses_are_refused_in_every_spelling() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433", // decimal
        "0x7f000001", // hexadecimal
        "0x7f.0x0.0x0.0x1",
        "0177.0.0.1", // octal
        "017700000001",
        "0300.0250.0.1", // 192.168.0.1
        "0",
        "127.0.0.1.",      // a dot at the end
        "１２７.０.０.１", // full-width digits
        "127。0。0。1",    // ideographic full stops
        "①②⑦.0.0.1",
        "%31%32%37.0.0.1", // percent-encoded
        "169.254.169.254",
        "0xA9FEA9FE",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]", // NAT64
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",      // 6to4
        "[2001:0:7f00:1::1]",   // Teredo
        "[::ffff:0:127.0.0.1]", // SIIT
        "[2a00:1450::5efe:127.0.0.1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ] {
        let url = format!("http://{host}/webhook");
        assert_eq!(public().check_url(&url), Err(TargetError::Blocked), "{url}");
    }
}

/// SEC-1: what surrounds the host, and names that mean something inside.
#[test]
fn urls_that_are_not_plain_are_refused() {
    for url in [
        "",
        "webhook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://user@example.com/",
        "https://user:word@example.com/",
        "https://:word@example.com/",
        "https://example.com/#part",
        "https://example.com@127.0.0.1/",
        "https://example.com:22/",
        "https://example.com:25/",
        "https://example.com:6379/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://app.localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/computeMetadata",
        "https://api.default.svc/",
        "https://kubernetes.default.svc.cluster.local./",
        "https://intranet/",
        "https://ｌｏｃａｌｈｏｓｔ/",
        "https://example.com../",
        "https://a..example.com/",
        "https://./",
        "https:///",
        "https://exa mple.com/",
    ] {
        assert_eq!(public().check_url(url), Err(TargetError::Blocked), "{url}");
    }
    let long = format!("https://example.com/{}", "a".repeat(2048));
    assert_eq!(public().check_url(&long), Err(TargetError::Blocked));
}

#[test]
fn plain_urls_are_taken_and_normalised() {
    for (text, normal) in [
        ("https://example.com/hook?a=1", "https://example.com/hook?a=1"),
        ("https://EXAMPLE.com:443", "https://example.com/"),
        ("https://example.com./a", "https://example.com/a"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("http://example.com:8080/", "http://example.com:8080/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ] {
        assert_eq!(public().check_url(text).map(|target| target.url().to_string()), Ok(normal.into()));
    }
    let strict = TargetRule::default();
    assert!(strict.check_url("https://example.com/").is_ok());
    assert_eq!(strict.check_url("http://example.com/"), Err(TargetError::Blocked), "only when it is allowed");
}

/// SEC-1: one refused answer refuses the name.
#[test]
fn every_answer_is_judged() {
    let url = "https://example.com/";
    assert_eq!(vet(&public(), url, &["8.8.8.8"]), Ok(vec!["8.8.8.8:443".into()]));
    assert_eq!(vet(&public(), url, &["::ffff:8.8.8.8"]), Ok(vec!["8.8.8.8:443".into()]), "as it is dialled");
    for found in [
        &["127.0.0.1"][..],
        &["8.8.8.8", "10.0.0.1"],
        &["2606:4700::1111", "::1"],
        &["::ffff:10.0.0.1"],
        &["0.0.0.0"],
    ] {
        assert_eq!(vet(&public(), url, found), Err(TargetError::Blocked), "{found:?}");
    }
    assert_eq!(vet(&public(), url, &[]), Err(TargetError::Unresolved));
}

/// SEC-1: the operator's ranges open what lies in them, by literal or by name, and nothing beside.
#[test]
fn the_operator_alone_opens_ranges() {
    let ten = Ok(vec!["10.1.2.3:443".to_owned()]);
    assert_eq!(vet(&private(), "https://10.1.2.3/", &[]), ten);
    assert_eq!(vet(&private(), "https://[::ffff:10.1.2.3]/", &[]), ten, "dialled as IPv4");
    assert_eq!(vet(&private(), "https://intranet/", &["10.1.2.3"]), ten);
    assert_eq!(vet(&private(), "https://localhost/", &["127.0.0.1"]), Err(TargetError::Blocked));
    assert_eq!(
        vet(&private(), "https://intranet/", &["8.8.8.8"]),
        Err(TargetError::Blocked),
        "an inner name"
    );
    assert_eq!(vet(&private(), "https://intranet/", &["10.1.2.3", "8.8.8.8"]), Err(TargetError::Blocked));
    assert_eq!(
        vet(&private(), "https://example.com/", &["10.1.2.3", "8.8.8.8"]).map(|found| found.len()),
        Ok(2)
    );
    assert_eq!(vet(&private(), "https://192.168.0.1/", &[]), Err(TargetError::Blocked));
}

/// SEC-1: a webhook cannot call this server by its name.
#[test]
fn our_own_hosts_are_refused() {
    let rule = TargetRule { own_hosts: vec!["Events.example.com.".into(), "8.8.4.4".into()], ..public() };
    for url in ["https://events.example.com/", "https://events.example.com./", "https://8.8.4.4/"] {
        assert_eq!(vet(&rule, url, &["8.8.8.8"]), Err(TargetError::Blocked), "{url}");
    }
    assert!(vet(&rule, "https://other.example.com/", &["8.8.8.8"]).is_ok());
}

/// SEC-1: what the operator's ranges open may be this machine, so its own ports stay shut there, whatever name leads
/// there. On the public Internet everybody serves 443, whether this server does or not.
#[test]
fn our_own_ports_are_refused_in_the_operators_ranges_alone() {
    let rule =
        TargetRule { own_hosts: vec!["events.example.com".into()], own_ports: vec![443, 9090], ..private() };
    for (url, found) in [
        ("https://10.1.2.3/", "10.1.2.3"),
        ("https://[::ffff:10.1.2.3]:9090/", "10.1.2.3"),
        ("https://intranet/", "10.1.2.3"),
        ("https://example.com:9090/", "10.1.2.3"),
        ("https://events.example.com/", "10.1.2.3"),
    ] {
        assert_eq!(vet(&rule, url, &[found]), Err(TargetError::Blocked), "{url}");
    }
    for (url, found) in [
        ("https://example.com/", "8.8.8.8"),
        ("https://8.8.8.8/", "8.8.8.8"),
        ("https://example.com:9090/", "2606:4700::1111"),
        ("https://10.1.2.3:8443/", "10.1.2.3"),
        ("https://events.example.com:8443/", "10.1.2.3"),
    ] {
        assert!(vet(&rule, url, &[found]).is_ok(), "{url}");
    }
}

/// SEC-1: nobody learns from the refusal what stands behind a name.
#[test]
fn every_refusal_reads_the_same() {
    assert_eq!(TargetError::Blocked.to_string(), TargetError::Unresolved.to_string());
}

/// SEC-1: the resolver's search list completes no public name.
#[test]
fn a_public_name_is_asked_for_as_a_whole() {
    let asked = |rule: &TargetRule, url| match rule.asked(&rule.check_url(url).unwrap()) {
        Asked::Name(name) => name.into_owned(),
        Asked::Nobody(address) => address.to_string(),
    };
    assert_eq!(asked(&public(), "https://example.com/"), "example.com.");
    assert_eq!(asked(&public(), "https://8.8.8.8/"), "8.8.8.8");
    assert_eq!(asked(&private(), "https://hooks.corp/"), "hooks.corp", "the operator's own may be completed");
}

proptest::proptest! {
    /// SEC-1: whatever is taken has the form that the sender relies on, and comes back as itself.
    #[test]
    fn whatever_is_taken_is_well_formed(text in "https?://([a-z0-9.:@\\[\\]%_-]|\\PC){0,40}(/\\PC{0,20})?") {
        if let Ok(target) = public().check_url(&text) {
            let url = target.url();
            assert!(url.host().is_some() && url.port_or_known_default().is_some());
            assert!(url.username().is_empty() && url.fragment().is_none());
            let again = public().check_url(url.as_str());
            assert_eq!(again.as_ref(), Ok(&target), "{text} became {url}");
        }
    }

    /// SEC-1: however the four bytes of an inner address are written.
    #[test]
    fn any_radix_of_an_inner_address_is_refused(tail: [u8; 3], radices in proptest::array::uniform4(0u8..3)) {
        let bytes = [10, tail[0], tail[1], tail[2]];
        let written: Vec<String> = bytes.iter().zip(radices).map(|(byte, radix)| match radix {
            0 => byte.to_string(),
            1 => format!("{byte:#x}"),
            _ => format!("0{byte:o}"),
        }).collect();
        let url = format!("http://{}/", written.join("."));
        assert_eq!(public().check_url(&url), Err(TargetError::Blocked), "{url}");
    }
}
