//! The addresses that the engine may connect to.
//!
//! A granted origin is a *name*, and the owner of its zone decides the address. So the check is on
//! the resolved addresses, at the moment of connecting, and the connection goes to a checked
//! address: the resolver returns no other, so a name that changes its answer between check and use
//! gains nothing. Pure.
//!
//! Three classes: *public* (always), *private* (loopback, RFC 1918, carrier-grade NAT, unique
//! local, link-local: only when the operator allows the private network for the connection),
//! *never* (cloud metadata services, multicast, unspecified, reserved, documentation, deprecated
//! tunnels). Metadata services stay refused even on the private network: they return the machine's
//! own credentials, and no ATS runs there. Clear-text `http` goes to private addresses only, so no
//! credential crosses the Internet in clear.
//!
//! An IPv4 address inside an IPv6 one (mapped, compatible, translated, NAT64 with the well-known
//! prefix) is classified as the IPv4 address.
//!
//! # Known bypasses
//! - A public address that routes inward: a hairpin NAT, a public load balancer of the operator's
//!   own, a VPN with public ranges.
//! - NAT64 with a network-specific prefix out of public space, and ISATAP addresses below a public
//!   prefix: indistinguishable from others.
//! - A public server that forwards. Redirects are not followed, but a server can forward on its own
//!   side.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses.
    Public,
    /// Public and private ones: the operator allows the private network.
    Anywhere,
    /// Private ones alone: clear text.
    Private,
}

/// The class of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Public,
    Private(&'static str),
    Never(&'static str),
}

/// Why an address is out of reach; `None` when it may be connected to.
pub fn refusal(address: IpAddr, reach: Reach) -> Option<&'static str> {
    match (classify(address), reach) {
        (Class::Never(why), _) | (Class::Private(why), Reach::Public) => Some(why),
        (Class::Public, Reach::Private) => {
            Some("a public address, and clear text stays on the private network")
        }
        (Class::Public | Class::Private(_), _) => None,
    }
}

fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

/// Cloud metadata and credential services, by provider.
const METADATA_V4: &[Ipv4Addr] = &[
    // AWS, Azure, Google, DigitalOcean, OpenStack; ECS tasks; EKS pods; Alibaba; Oracle; Azure's
    // wire server, which is a public address.
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// AWS metadata, EKS pods, Google.
const METADATA_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

fn classify_v4(address: Ipv4Addr) -> Class {
    if METADATA_V4.contains(&address) {
        return Class::Never("a cloud metadata service");
    }
    match address.octets() {
        [0, ..] => Class::Never("an unspecified address"),
        [127, ..] => Class::Private("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Class::Private("a private address"),
        [100, 64..=127, ..] => Class::Private("a carrier-grade NAT address"),
        [169, 254, ..] => Class::Private("a link-local address"),
        [198, 18 | 19, ..] => Class::Private("a benchmark address"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Class::Never("a documentation address")
        }
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => Class::Never("a reserved address"),
        [224..=239, ..] => Class::Never("a multicast address"),
        _ => Class::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> Class {
    if METADATA_V6.contains(&address) {
        return Class::Never("a cloud metadata service");
    }
    if address == Ipv6Addr::LOCALHOST {
        return Class::Private("a loopback address");
    }
    if address == Ipv6Addr::UNSPECIFIED {
        return Class::Never("an unspecified address");
    }
    match address.segments() {
        // ::a.b.c.d, ::ffff:a.b.c.d, ::ffff:0:a.b.c.d, 64:ff9b::a.b.c.d
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => classify_v4(embedded(high, low)),
        [0xfc00..=0xfdff, ..] => Class::Private("a unique local address"),
        [0xfe80..=0xfebf, ..] => Class::Private("a link-local address"),
        [0xff00..=0xffff, ..] => Class::Never("a multicast address"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Never("a documentation address"),
        // Teredo (2001::/32) and the other protocol assignments of 2001::/23; 6to4.
        [0x2001, 0..=0x1ff, ..] | [0x2002, ..] => Class::Never("a tunnel or protocol address"),
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Never("a reserved address"),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(address: &str) -> [bool; 3] {
        let address: IpAddr = address.parse().unwrap();
        [Reach::Public, Reach::Anywhere, Reach::Private]
            .map(|reach| refusal(address, reach).is_none())
    }

    #[test]
    fn public_addresses_are_reached_but_not_in_clear_text() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "169.253.1.1",
            "192.167.1.1",
            "198.17.1.1",
            "198.20.0.1",
            "223.255.255.254",
            "2606:4700::1111",
            "2a00::1",
            "64:ff9b::101:101",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(verdicts(address), [true, true, false], "{address}");
        }
    }

    #[test]
    fn private_addresses_need_the_operators_leave() {
        for address in [
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.1.1",
            "198.18.0.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "::10.0.0.1",
            "::ffff:0:10.0.0.1",
        ] {
            assert_eq!(verdicts(address), [false, true, true], "{address}");
        }
    }

    #[test]
    fn metadata_multicast_reserved_and_tunnel_addresses_are_never_reached() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "fd20:ce::254",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.9",
            "192.0.0.1",
            "192.88.99.1",
            "::",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "2001::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "100::1",
            "fec0::1",
            "5f00::1",
            "64:ff9b:1::a00:1",
        ] {
            assert_eq!(verdicts(address), [false, false, false], "{address}");
        }
    }
}
