//! Addresses that nobody's metrics or brokers are at, and where a cloud answers whoever asks with the node's credentials.
//! What a rollout's author names is asked by the operator, from where it runs: these it does not ask.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Names that stand for such an address, whatever they resolve to.
const NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

/// Metadata services outside of the link-local range: Alibaba Cloud, Oracle Cloud, Azure's wire server.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// First two groups of those of AWS (`fd00:ec2::254`) and of Google Cloud (`fd20:ce::254`).
const METADATA_V6: [[u16; 2]; 2] = [[0xfd00, 0x0ec2], [0xfd20, 0x00ce]];

/// Whether a host, as a name or a number in a URL or a list of brokers, is never asked.
#[must_use]
pub fn is_withheld(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    match host.parse() {
        Ok(ip) => is_withheld_ip(ip),
        Err(_) => NAMES.iter().any(|it| it.eq_ignore_ascii_case(host)),
    }
}

/// Link-local addresses, and metadata services elsewhere; also as IPv6 that stands for IPv4 (mapped, NAT64).
pub(crate) fn is_withheld_ip(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(it) => it.is_link_local() || METADATA_V4.contains(&it),
        IpAddr::V6(it) => {
            let [first, second, ..] = it.segments();
            it.is_unicast_link_local()
                || METADATA_V6.contains(&[first, second])
                || embedded(it).is_some_and(|it| is_withheld_ip(it.into()))
        }
    }
}

fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
        }
        _ => ip.to_ipv4_mapped(),
    }
}

/// A name leads to such addresses alone.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to a link-local or metadata address, which is not asked")]
struct Withheld;

/// The system's resolver, without those addresses: a name is no way around.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if is_withheld(name.as_str()) {
                return Err(Withheld.into());
            }
            // The port is the connector's.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            open(found.collect())
        })
    }
}

fn open(found: Vec<SocketAddr>) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    let any = !found.is_empty();
    let open: Vec<_> = found.into_iter().filter(|it| !is_withheld_ip(it.ip())).collect();
    if any && open.is_empty() {
        return Err(Withheld.into());
    }
    Ok(Box::new(open.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_and_metadata_hosts_are_withheld_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "169.254.1.1",
            "[fe80::1]",
            "fe80::1",
            "[::ffff:169.254.169.254]",
            "64:ff9b::a9fe:a9fe",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd20:ce::254",
            "Metadata.Google.Internal.",
            "metadata.goog",
        ] {
            assert!(is_withheld(host), "{host}");
        }
        for host in [
            "prometheus.monitoring",
            "10.0.0.1",
            "127.0.0.1",
            "::1",
            "fd12::1",
            "192.168.1.1",
            "64:ff9b::a00:1",
            "metadata",
        ] {
            assert!(!is_withheld(host), "{host}");
        }
    }

    #[test]
    fn of_what_a_name_resolves_to_only_the_rest_is_asked() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let (bad, good) = (address("169.254.169.254:0"), address("10.0.0.1:0"));
        assert_eq!(open(vec![bad, good]).expect("one is left").collect::<Vec<_>>(), [good]);
        let Err(error) = open(vec![bad]) else { panic!("nothing is left") };
        assert!(error.to_string().contains("link-local"), "{error}");
        assert_eq!(open(Vec::new()).expect("nobody").count(), 0, "the connector says so itself");
    }
}
