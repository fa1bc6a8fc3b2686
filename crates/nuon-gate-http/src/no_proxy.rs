//! `NO_PROXY`: the hosts that are reached without a proxy, in every form that Go programs accept.

use std::net::IpAddr;

/// The entries of `NO_PROXY`. Malformed ones are ignored, as other programs do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NoProxy(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// `*`
    All,
    /// `10.0.0.0/8`: the network's bits, and how many of them count.
    Network(IpAddr, u8),
    /// `192.0.2.7`, `[2001:db8::7]:443`.
    Address(IpAddr, Option<u16>),
    /// `example.com`, `.example.com`, `example.com:443`.
    Domain {
        /// Without a dot at either end, in lower case.
        name: String,
        /// Whether the name itself matches, besides its subdomains.
        itself: bool,
        port: Option<u16>,
    },
}

impl NoProxy {
    /// Reads entries that commas or blanks separate.
    pub(crate) fn new(text: &str) -> Self {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        Self(entries.filter_map(|entry| Entry::new(&entry.to_ascii_lowercase())).collect())
    }

    /// Returns whether a host, without brackets, is reached without a proxy at this port.
    pub(crate) fn matches(&self, host: &str, port: u16) -> bool {
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        self.0.iter().any(|entry| entry.matches(&name, address, port))
    }
}

impl Entry {
    fn new(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((address, bits)) = text.split_once('/') {
            return network(address, bits);
        }
        let (host, port) = split_port(text)?;
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical(), port));
        }
        let host = host.trim_end_matches('.');
        let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
        let name = below.unwrap_or(host).to_owned();
        (!name.is_empty()).then(|| Self::Domain { name, itself: below.is_none(), port })
    }

    fn matches(&self, name: &str, address: Option<IpAddr>, port: u16) -> bool {
        let at = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match (self, address) {
            (Self::All, _) => true,
            (Self::Network(network, bits), Some(address)) => is_in(address, *network, *bits),
            (Self::Address(wanted, wanted_port), Some(address)) => *wanted == address && at(wanted_port),
            (Self::Domain { name: wanted, itself, port: wanted_port }, None) => {
                let rest = name.strip_suffix(wanted.as_str());
                at(wanted_port) && rest.is_some_and(|rest| rest.ends_with('.') || *itself && rest.is_empty())
            }
            _ => false,
        }
    }
}

fn network(address: &str, bits: &str) -> Option<Entry> {
    let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
    let most = if address.is_ipv4() { 32 } else { 128 };
    (bits <= most).then_some(Entry::Network(address, bits))
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (address, network) {
        // A prefix of zero bits matches everything; shifting by the full width would overflow.
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros() >= bits,
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros() >= bits,
        _ => false,
    }
}

/// Splits `host:port`. An IPv6 address has a port only after brackets. `None` if the port is invalid: no connection
/// has it.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let whole = || Some((text, None));
    match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => whole(),
        Some((host, port)) if !port.ends_with(']') => Some((host, Some(port.parse().ok()?))),
        _ => whole(),
    }
}

#[cfg(test)]
mod tests;
